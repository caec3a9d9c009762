//! Creating, opening and destroying.

use std::fs::File;
use std::time::{Duration, Instant};

use hostcache_core::layout::{Header, Shape};
use hostcache_os::{OsError, PendingFile};

use crate::attachment::Attachment;
use crate::place::Place;
use crate::renew::renew;
use crate::segment::{self, Record};
use crate::{Cache, CacheBuilder, OpenError};

/// How long a lost race may hide the winner's region.
const RACE: Duration = Duration::from_secs(1);

impl CacheBuilder {
    /// Where a region is made.
    fn place(&self) -> Result<Place, OpenError> {
        match self.group {
            None => Place::new(&self.name, self.directory.as_deref()),
            Some(gid) => Place::of_group(&self.name, self.directory.as_deref(), gid),
        }
    }

    /// Where an existing region is.
    fn find(&self) -> Result<Place, OpenError> {
        match (&self.directory, self.group) {
            (None, None) => Place::find(&self.name),
            _ => self.place(),
        }
    }

    /// Creates a region; an existing one is an error.
    ///
    /// The region appears whole or not at all: it is made without a name, its memory reserved, and then linked
    /// into place.
    ///
    /// # Errors
    ///
    /// [`OpenError::Exists`], [`OpenError::NoSpace`], a setting out of its range, or what the system answers.
    pub fn create(self) -> Result<Cache, OpenError> {
        let place = self.place()?;
        let attachment = self.create_at(&place)?;
        Cache::assemble(place, attachment, &self)
    }

    /// Opens an existing region.
    ///
    /// A name is looked for in the directory that was set, or that of the group that was set, or `$HOSTCACHE_DIR`, and nowhere
    /// else. Without any of these the caller's own directory, `/dev/shm/hostcache-<uid>`, comes first; then those of its
    /// groups, `/dev/shm/hostcache-group-<gid>`, the effective group's first and the others by number. So another
    /// member of any of the caller's groups may have made it: name the directory where that matters.
    ///
    /// # Errors
    ///
    /// [`OpenError::Missing`], or why the file can't be trusted or understood.
    pub fn open(self) -> Result<Cache, OpenError> {
        let place = self.find()?;
        let attachment = self.open_at(&place)?;
        Cache::assemble(place, attachment, &self)
    }

    /// Opens a region, or creates it where it is missing. An existing one keeps its capacity.
    ///
    /// Unless a group is set, directories of groups are not looked in.
    ///
    /// # Errors
    ///
    /// As [`CacheBuilder::open`] and [`CacheBuilder::create`]; a missing region without a capacity is
    /// [`OpenError::Missing`].
    pub fn open_or_create(self) -> Result<Cache, OpenError> {
        let place = self.place()?;
        let started = Instant::now();
        let attachment = loop {
            match self.open_at(&place) {
                Err(OpenError::Missing { .. }) if self.capacity.is_some() => {}
                other => break other?,
            }
            match self.create_at(&place) {
                // Somebody else was faster, or is: its memory may be what is missing here.
                Err(OpenError::Exists { .. } | OpenError::NoSpace { .. })
                    if started.elapsed() < RACE && place.path().exists() => {}
                other => break other?,
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        Cache::assemble(place, attachment, &self)
    }

    /// Opens an existing region without write access (`O_RDONLY`, `PROT_READ`): it can be read, at full speed, and
    /// nothing is written, not even that it was read.
    ///
    /// # Errors
    ///
    /// As [`CacheBuilder::open`].
    pub fn open_read_only(self) -> Result<Cache, OpenError> {
        let place = self.find()?;
        let attachment = attach_read_only(&place)?;
        if attachment.is_of_another_boot() {
            return Err(OpenError::Refused {
                region: place.name(),
                path: place.path(),
                detail: "it was made before the last reboot, and its deadlines mean nothing any \
                         more: open it for writing once, which empties it"
                    .into(),
            });
        }
        Cache::assemble(place, attachment, &self)
    }

    fn create_at(&self, place: &Place) -> Result<Attachment, OpenError> {
        if let Some(gid) = place.group()
            && !hostcache_os::may_give_to_group(gid)
        {
            let detail = format!(
                "the caller is not in group {gid}, so it can't make a region for it: run as a member, or \
                 name another group"
            );
            return Err(OpenError::InvalidSetting { region: place.name(), detail });
        }
        let header = self.header(self.shape(place)?);
        match self.named_segment {
            #[cfg(feature = "shared_memory")]
            true => self.make_segment(place, &header)?,
            _ => drop(make(place, &header, self.access())?),
        }
        self.open_at(place)
    }

    /// The shape that the settings ask for, all of them checked.
    pub(crate) fn shape(&self, place: &Place) -> Result<Shape, OpenError> {
        let Some(capacity) = self.capacity else {
            let detail = "a new region needs a capacity: .capacity(bytes)".into();
            return Err(OpenError::InvalidSetting { region: place.name(), detail });
        };
        let invalid = |detail| OpenError::InvalidSetting { region: place.name(), detail };
        let seed = hostcache_os::random_bytes::<8>().map_err(|e| place.os_error(e))?;
        // Whole pages of the system: the kernel gives no fewer.
        let capacity = if capacity >= 4096 { capacity & !4095 } else { capacity };
        let seed = u64::from_le_bytes(seed);
        let shape = Shape::new(capacity, self.participants, self.expected_item_size, seed)
            .map_err(|e| invalid(e.to_string()))?;
        let shape = match self.small_counters {
            true => Shape { generation_bits: 2, epoch_bits: 2, ..shape },
            false => shape,
        };
        if self.mode & 0o7 != 0 || self.mode & 0o600 != 0o600 || self.mode & !0o777 != 0 {
            return Err(invalid(format!(
                "mode {:o} is not allowed: the owner must, and others may not have access (0600, 0660)",
                self.mode
            )));
        }
        Ok(shape)
    }

    pub(crate) fn header(&self, shape: Shape) -> Header {
        Header {
            shape,
            created_unix_secs: hostcache_os::unix_ms() / 1000,
            boot_id: hostcache_os::boot_id(),
            default_ttl_ms: self.default_ttl.map_or(0, crate::lifetime::millis),
            max_ttl_ms: self.max_ttl.map_or(0, crate::lifetime::millis),
            huge_pages: self.huge_pages,
        }
    }

    fn access(&self) -> Access {
        let mode = match (self.group, self.mode) {
            (Some(_), 0o600) => 0o660,
            (_, mode) => mode,
        };
        Access { mode, group: self.group }
    }

    fn open_at(&self, place: &Place) -> Result<Attachment, OpenError> {
        let attachment = attach(place)?;
        let attachment = match attachment.is_of_another_boot() {
            true => renew(place, &attachment)?,
            false => attachment,
        };
        let actual = attachment.geometry().shape.capacity;
        if let Some(wanted) = self.capacity
            && wanted & !4095 != actual
        {
            if self.exact {
                return Err(OpenError::CapacityDiffers { region: place.name(), wanted, actual });
            }
            log::info!(
                "region {:?} has a capacity of {actual} bytes; the {wanted} asked for are ignored",
                place.name_ref()
            );
        }
        Ok(attachment)
    }
}

/// Who may open a new region's file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Access {
    /// Permission bits.
    pub(crate) mode: u32,
    /// The group that the file belongs to, if it is not to be the creator's or the directory's.
    pub(crate) group: Option<u32>,
}

impl Access {
    /// As an existing file has it.
    pub(crate) fn of(file: &File) -> Result<Self, OsError> {
        let (mode, group) = hostcache_os::mode_and_group(file)?;
        Ok(Self { mode, group: Some(group) })
    }
}

/// Makes a region's file, whole or not at all.
pub(crate) fn make(place: &Place, header: &Header, access: Access) -> Result<File, OpenError> {
    place.ensure_directory()?;
    if place.path().symlink_metadata().is_ok() {
        return Err(OpenError::Exists { region: place.name(), path: place.path() });
    }
    let pending = prepare(place, header, access)?;
    pending.publish(place.file_name()).map_err(|e| place.file_error(e))
}

/// An empty region that has no name yet.
pub(crate) fn prepare(
    place: &Place,
    header: &Header,
    access: Access,
) -> Result<PendingFile, OpenError> {
    let pending = PendingFile::create(place.directory(), header.shape.capacity, access.mode)
        .map_err(|e| place.file_error(e))?;
    if let Some(gid) = access.group {
        pending.give_to_group(gid).map_err(|e| place.file_error(e))?;
    }
    Attachment::format(place, pending.file(), header)?;
    Ok(pending)
}

/// Opens and maps for writing.
pub(crate) fn attach(place: &Place) -> Result<Attachment, OpenError> {
    Attachment::map(place, place.open_file(true)?, true)
}

/// Opens and maps for reading.
pub(crate) fn attach_read_only(place: &Place) -> Result<Attachment, OpenError> {
    Attachment::map(place, place.open_file(false)?, false)
}

impl Cache {
    /// Removes a region's name. Who is attached goes on with the region until another one has its name, and goes over to
    /// that within a second; its memory comes back when the last handle that was opened on it is gone. The name is looked for as [`CacheBuilder::open`] does.
    ///
    /// # Errors
    ///
    /// [`OpenError::Missing`], or what the system answers.
    pub fn destroy(name: impl AsRef<str>) -> Result<(), OpenError> {
        let place = Place::find(name.as_ref())?;
        // Opening it first keeps `destroy` from removing what is no file of ours.
        let file = place.open_file(false)?;
        if let Some(record) = Record::read(&file) {
            segment::remove(&place, &record)?;
        }
        hostcache_os::unlink(&place.path()).map_err(|e| place.file_error(e))
    }
}
