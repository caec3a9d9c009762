//! One process's mapping of one region, with the byte locks that prove it alive.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};

use hostcache_core::fault::{Fault, planted};
use hostcache_core::layout::{Geometry, Header, HeaderError, Identity, LAYOUT_VERSION};
use hostcache_core::word::LaneId;
use hostcache_core::{Host, Lane, Memory, PinLane, Region};
use hostcache_os::{ByteLocks, FileIdentity, Mapping, OsError, TruncationGuard};

use crate::OpenError;
use crate::berths::{Berths, Full, Mooring};
use crate::builder::Care;
use crate::clock::Clock;
use crate::pages::{collapse, map_for_huge_pages};
use crate::place::Place;
use crate::reservation::Reservations;
use crate::segment::Record;

/// The byte of the daemon's office, behind all lanes'.
const OFFICE: u64 = 1 << 13;

/// A mapped region. In a forked child it is worth nothing: the child attaches anew.
#[derive(Debug)]
pub(crate) struct Attachment {
    pub(crate) region: Region,
    pub(crate) header: Header,
    pub(crate) file: File,
    pub(crate) path: PathBuf,
    locks: ByteLocks,
    writable: bool,
    pub(crate) berths: Berths,
    pub(crate) reservations: Reservations,
    /// By which its deadlines count.
    pub(crate) clock: Clock,
    /// What the file was at first.
    pub(crate) identity: FileIdentity,
    /// Set once this process has gone over to another region.
    left: AtomicBool,
    /// Set once it was said that the region which has the name can't be used.
    complained: AtomicBool,
    pub(crate) care: Care,
    /// Before the mapping that it guards.
    guard: Option<TruncationGuard>,
    /// Last: the region's memory goes after everything that reads it.
    mapping: Mapping,
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.berths.close(|lane| self.leave_pin_lane(lane));
        if let Some(lane) = self.reservations.take_idle() {
            self.leave_lane(lane);
        }
    }
}

impl Attachment {
    /// Maps an open region file and validates its header.
    pub(crate) fn map(place: &Place, file: File, writable: bool) -> Result<Self, OpenError> {
        if let Some(record) = Record::read(&file) {
            return Self::map_segment(place, file, &record, writable);
        }
        let (header, geometry) = read_header(place, &file)?;
        let huge = header.huge_pages.then(|| map_for_huge_pages(place, &file, writable));
        let mapping = match huge.flatten() {
            Some(mapping) => mapping,
            None => map_file(place, &file, writable)?,
        };
        let region =
            Region::of_shape(memory(&mapping), geometry).map_err(|e| place.header_error(e))?;
        Self::assemble(place, file, mapping, region, header, writable)
    }

    /// Writes an empty region into a file that nobody else sees yet.
    pub(crate) fn format(place: &Place, file: &File, header: &Header) -> Result<(), OpenError> {
        let mapping = map_file(place, file, true)?;
        Self::format_mapping(place, &mapping, header)?;
        if header.huge_pages {
            collapse(place, file);
        }
        Ok(())
    }

    /// Writes an empty region into a mapping that nobody else has yet.
    pub(crate) fn format_mapping(
        place: &Place,
        mapping: &Mapping,
        header: &Header,
    ) -> Result<(), OpenError> {
        Region::format(memory(mapping), header).map_err(|e| place.header_error(e))?;
        Ok(())
    }

    /// Validates the header in a mapping whose byte locks are the file's.
    #[cfg(feature = "shared_memory")]
    pub(crate) fn over(
        place: &Place,
        file: File,
        mapping: Mapping,
        writable: bool,
    ) -> Result<Self, OpenError> {
        let (region, header) =
            Region::attach(memory(&mapping)).map_err(|e| place.header_error(e))?;
        Self::assemble(place, file, mapping, region, header, writable)
    }

    fn assemble(
        place: &Place,
        file: File,
        mapping: Mapping,
        region: Region,
        header: Header,
        writable: bool,
    ) -> Result<Self, OpenError> {
        let path = place.path();
        let locks = ByteLocks::open(&file, &path, writable).map_err(|e| place.os_error(e))?;
        let identity = hostcache_os::file_identity(&file).map_err(|e| place.os_error(e))?;
        let (berths, reservations, clock) = Default::default();
        Ok(Self {
            region,
            header,
            file,
            path,
            locks,
            writable,
            berths,
            reservations,
            clock,
            identity,
            left: AtomicBool::new(false),
            complained: AtomicBool::new(false),
            care: Care::default(),
            guard: None,
            mapping,
        })
    }

    /// Does what was asked for with the mapping.
    pub(crate) fn take_care(&mut self, place: &Place, care: Care) -> Result<(), OpenError> {
        self.care = care;
        if care.exclude_from_dumps {
            self.mapping.dont_dump().map_err(|e| place.os_error(e))?;
        }
        if care.survive_truncation {
            let guard = TruncationGuard::new(&self.mapping).map_err(|e| place.os_error(e))?;
            self.guard = Some(guard);
        }
        Ok(())
    }

    /// An error if the file was cut off and zeros stand in its place, see [`CacheBuilder::survive_truncation`].
    ///
    /// [`CacheBuilder::survive_truncation`]: crate::CacheBuilder::survive_truncation
    fn check_not_lost(&self, place: &Place) -> Result<(), OpenError> {
        if self.guard.as_ref().is_none_or(|guard| !guard.is_lost()) {
            return Ok(());
        }
        let detail =
            "its file was truncated while it was mapped, and all of it is lost to this handle: \
                      destroy it, and open or create it anew"
                .into();
        Err(OpenError::Corrupt { region: place.name(), path: place.path(), detail })
    }

    pub(crate) fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// Whether this process has gone over to another region.
    pub(crate) fn is_left(&self) -> bool {
        self.left.load(Ordering::Relaxed)
    }

    /// Whether it was not yet said that the region which has the name can't be used.
    pub(crate) fn complains(&self) -> bool {
        !self.complained.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn leave(&self) {
        self.left.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_writable(&self) -> bool {
        self.writable
    }

    /// The file once more, by its descriptor, if that is still open and the file's.
    pub(crate) fn own_file(&self) -> Result<File, OsError> {
        hostcache_os::duplicate(&self.file, self.identity)
    }

    pub(crate) fn geometry(&self) -> &Geometry {
        self.region.geometry()
    }

    /// Takes a lane: the first whose owner is dead or that nobody has.
    pub(crate) fn take_lane(&self, place: &Place) -> Result<Lane, OpenError> {
        self.check_not_lost(place)?;
        let slots = self.geometry().shape.lanes;
        let identity = Identity { pid: hostcache_os::pid(), command: hostcache_os::command_name() };
        for lane in 0..slots as LaneId {
            if self.locks.try_lock(lane.into()).map_err(|e| place.os_error(e))? {
                return Ok(Lane::attach(&self.region, lane, &identity));
            }
        }
        Err(OpenError::TooManyParticipants { region: place.name(), slots })
    }

    /// Gives a lane back. In a forked child it is the parent's, and only forgotten.
    pub(crate) fn leave_lane(&self, lane: Lane) {
        if !self.locks.is_intact() {
            return;
        }
        let byte = lane.id();
        lane.detach(&self.region, self);
        // A failure means that the descriptor is gone, and the lock with it.
        let _ = self.locks.unlock(byte.into());
    }

    /// Takes a record for a pin.
    pub(crate) fn take_mooring(&self, place: &Place) -> Result<Mooring, Full<OpenError>> {
        self.berths.take(&self.region, || Ok(self.take_lane(place)?.into_pins(&self.region)))
    }

    /// Gives it back; the record is clear.
    pub(crate) fn leave_mooring(&self, mooring: Mooring) {
        self.berths.leave(&self.region, mooring, |lane| self.leave_pin_lane(lane));
    }

    fn leave_pin_lane(&self, lane: PinLane) {
        if self.locks.is_intact() {
            lane.detach(&self.region);
            // A failure means that the descriptor is gone, and the lock with it.
            let _ = self.locks.unlock(lane.id().into());
        }
    }

    /// A lane for a reservation.
    pub(crate) fn reserving_lane(&self, place: &Place) -> Result<Lane, OpenError> {
        match self.reservations.take_idle() {
            Some(lane) if lane.ticket().is_current(&self.region) => Ok(lane),
            _ => self.take_lane(place),
        }
    }

    /// Where a word of the region lies in this process.
    pub(crate) fn address(&self, word: u64) -> *mut u8 {
        let offset = (word * 8).min(self.mapping.len() as u64) as usize;
        // SAFETY: the offset is at most the mapping's length.
        unsafe { self.mapping.as_ptr().as_ptr().add(offset) }
    }

    /// Whether an attached lane's owner is dead, for people to read.
    pub(crate) fn looks_dead(&self, lane: LaneId) -> bool {
        !self.locks.holds(lane.into()) && !self.locks.held_by_other(lane.into()).unwrap_or(true)
    }

    pub(crate) fn take_office(&self) -> Result<bool, OsError> {
        self.locks.try_lock(OFFICE)
    }

    /// Whether anybody holds the office, for people to read.
    pub(crate) fn office_is_taken(&self) -> Result<bool, OsError> {
        Ok(self.locks.holds(OFFICE) || self.locks.held_by_other(OFFICE)?)
    }

    pub(crate) fn leave_office(&self) {
        // A failure means that the descriptor is gone, and the lock with it.
        let _ = self.locks.unlock(OFFICE);
    }

    /// In a forked child: closes the inherited descriptors, so that the parent's death can be seen.
    pub(crate) fn forget_in_child(&self) {
        self.locks.forget_in_child();
    }
}

impl Host for Attachment {
    #[inline]
    fn now_ms(&self) -> u64 {
        self.clock.coarse_ms()
    }

    fn claim_lane(&self, lane: LaneId) -> bool {
        if planted(Fault::RecoversOnQuery) {
            return self.looks_dead(lane);
        }
        self.locks.try_lock(lane.into()).unwrap_or(false)
            || (planted(Fault::ThreadsShareRecovery) && self.locks.holds(lane.into()))
    }

    fn release_lane(&self, lane: LaneId) {
        // A failure means that the descriptor is gone, and the lock with it.
        let _ = self.locks.unlock(lane.into());
    }
}

/// Reads the header without mapping the file, which somebody may be cutting off: to touch what is gone would be a SIGBUS.
pub(crate) fn read_header(place: &Place, file: &File) -> Result<(Header, Geometry), OpenError> {
    let len = hostcache_os::file_len(file).map_err(|e| place.os_error(e))?;
    let mut bytes = [0; Header::BYTES];
    match file.read_exact_at(&mut bytes, 0) {
        // A file that is shorter than that has no header, and its length says so.
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
            return Err(place.os_error(OsError::new("read", &place.path(), error)));
        }
        _ => {}
    }
    Header::parse(&bytes, len).map_err(|e| place.header_error(e))
}

fn map_file(place: &Place, file: &File, writable: bool) -> Result<Mapping, OpenError> {
    let path: &Path = &place.path();
    let len = hostcache_os::file_len(file).map_err(|e| place.os_error(e))?;
    if len < 4096 {
        let detail = format!("it has {len} bytes");
        return Err(OpenError::NotARegion { region: place.name(), path: path.into(), detail });
    }
    Mapping::map(file, len as usize, writable).map_err(|e| place.os_error(e))
}

fn memory(mapping: &Mapping) -> Memory {
    let base: NonNull<u8> = mapping.as_ptr();
    // SAFETY: a mapping is page-aligned and stays mapped until it is dropped; whoever calls this keeps
    // it as long as the region (an `Attachment` drops it last). No reference is ever formed over it. A
    // read-only mapping is only given to operations that write nothing, see `Attachment::is_writable`.
    unsafe { Memory::from_raw(base.cast(), mapping.len() / 8) }
}

impl Place {
    pub(crate) fn header_error(&self, error: HeaderError) -> OpenError {
        let (region, path) = (self.name(), self.path());
        match error {
            HeaderError::NotARegion(detail) => OpenError::NotARegion { region, path, detail },
            HeaderError::Version(found) => {
                OpenError::Incompatible { region, path, found, supported: LAYOUT_VERSION }
            }
            HeaderError::Corrupt(detail) => OpenError::Corrupt { region, path, detail },
        }
    }
}

#[cfg(test)]
mod tests {
    use hostcache_core::Host;

    use crate::Cache;

    /// Of two recoverers that both see a dead owner one must find the lane taken, be they of one process or of two. (Locks
    /// of two handles are as foreign to each other as those of two processes.)
    #[test]
    fn a_lane_is_claimed_by_one_at_a_time() {
        const LANE: u16 = 17;
        let scratch = tempfile::tempdir().expect("a directory");
        let builder = || Cache::builder("test").directory(scratch.path());
        let caches = [builder().capacity(1 << 20).create(), builder().open()];
        let [one, other] = caches.map(|cache| cache.expect("a region"));
        let [one, other] = [one, other].map(|c| c.shared.attachment().expect("attached"));
        for _ in 0..2 {
            assert!(one.claim_lane(LANE), "nobody has it");
            assert!(!one.claim_lane(LANE), "a thread of this process has it");
            assert!(!other.claim_lane(LANE), "a thread of another process has it");
            one.release_lane(LANE);
            assert!(other.claim_lane(LANE), "it was released");
            assert!(!one.claim_lane(LANE), "a thread of another process has it");
            other.release_lane(LANE);
        }
    }
}
