//! The memory of a region that a traced child shares, and a desk beside it: what the child is told and answers.
//!
//! While anybody copies an image, every child on that arena stands still.

use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use hostcache_core::layout::{Header, Shape};
use hostcache_core::word::LaneId;
use hostcache_core::{Host, Memory, Region};

use super::shape::{LANES, WORDS};

/// Words behind the region.
const DESK_WORDS: usize = 512;

/// Positions on the desk.
pub(super) mod desk {
    /// What to do, see [`super::super::act::Act`].
    pub(crate) const ACT: usize = 0;
    /// Words of an act.
    pub(crate) const ACT_WORDS: usize = 7;
    /// The clock.
    pub(crate) const NOW: usize = 10;
    /// One bit for each lane whose owner is dead.
    pub(crate) const DEAD: usize = 11;
    /// One word for each lane: 1 + the lane whose process holds its byte for a recovery.
    pub(crate) const CLAIMED: usize = 16;

    /// What came of an act: how many of its parts are done, and one word for each.
    pub(crate) const fn answers(is_second: bool) -> usize {
        if is_second { 64 } else { 32 }
    }
}

/// A region's bytes.
pub(super) type Image = Box<[u64]>;

/// A shared mapping.
#[derive(Debug)]
pub(super) struct Arena {
    base: NonNull<u64>,
}

// SAFETY: the mapping is plain memory, reached by atomics, or by copies while no child runs.
unsafe impl Send for Arena {}

impl Arena {
    const BYTES: usize = (WORDS + DESK_WORDS) * 8;

    pub(super) fn new() -> Self {
        let (access, kind) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        // SAFETY: a fresh mapping at no given address touches nothing that is there.
        let base = unsafe { libc::mmap(std::ptr::null_mut(), Self::BYTES, access, kind, -1, 0) };
        assert_ne!(base, libc::MAP_FAILED, "mapping: {}", io::Error::last_os_error());
        Self { base: NonNull::new(base.cast()).unwrap_or_else(|| unreachable!()) }
    }

    /// Address of the region's first byte.
    pub(super) fn start(&self) -> u64 {
        self.base.as_ptr() as u64
    }

    fn memory(&self) -> Memory {
        // SAFETY: the mapping outlives the region (both live in one bench), and is accessed by atomics, or by copies
        // while nobody else runs.
        unsafe { Memory::from_raw(self.base, WORDS) }
    }

    /// Makes an empty region.
    pub(super) fn format(&self, shape: Shape) -> Region {
        self.load(&vec![0; WORDS]);
        let header = Header::plain(shape);
        Region::format(self.memory(), &header).unwrap_or_else(|e| panic!("{e:?}"))
    }

    /// The region whose image was loaded.
    pub(super) fn region(&self) -> Region {
        Region::attach(self.memory()).unwrap_or_else(|e| panic!("{e:?}")).0
    }

    pub(super) fn word(&self, at: usize) -> &AtomicU64 {
        assert!(at < Self::BYTES / 8);
        // SAFETY: in bounds and aligned; the mapping lives as long as `self`.
        unsafe { AtomicU64::from_ptr(self.base.as_ptr().add(at)) }
    }

    pub(super) fn desk(&self, at: usize) -> &AtomicU64 {
        self.word(WORDS + at)
    }

    /// Takes over the bytes of another region.
    pub(super) fn load(&self, image: &[u64]) {
        assert_eq!(image.len(), WORDS);
        // SAFETY: both are that long, and no child runs.
        unsafe { self.base.as_ptr().copy_from_nonoverlapping(image.as_ptr(), WORDS) };
    }

    pub(super) fn image(&self) -> Image {
        let mut image = vec![0; WORDS];
        // SAFETY: as above.
        unsafe { self.base.as_ptr().copy_to_nonoverlapping(image.as_mut_ptr(), WORDS) };
        image.into()
    }

    /// Takes over another arena's region and the state of its clock and its dead.
    pub(super) fn copy(&self, other: &Arena) {
        // SAFETY: two mappings of one length; no child runs on either.
        unsafe { self.base.as_ptr().copy_from_nonoverlapping(other.base.as_ptr(), WORDS) };
        for at in (desk::NOW..desk::CLAIMED).chain(desk::CLAIMED..desk::CLAIMED + LANES) {
            self.desk(at).store(other.desk(at).load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    /// Says who is dead; the kernel drops what they had locked.
    pub(super) fn bury(&self, dead: u64) {
        self.desk(desk::DEAD).store(dead, Ordering::SeqCst);
        for lane in 0..LANES {
            let claimed = self.desk(desk::CLAIMED + lane);
            let by = claimed.load(Ordering::SeqCst);
            if by > 0 && dead & (1 << (by - 1)) != 0 {
                claimed.store(0, Ordering::SeqCst);
            }
        }
    }

    pub(super) fn host(&self, me: LaneId) -> DeskHost<'_> {
        DeskHost { arena: self, me }
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and nothing refers to it any more.
        unsafe { libc::munmap(self.base.as_ptr().cast(), Self::BYTES) };
    }
}

/// The clock and the dead as the desk tells them, instead of the kernel.
pub(super) struct DeskHost<'a> {
    arena: &'a Arena,
    me: LaneId,
}

impl Host for DeskHost<'_> {
    fn now_ms(&self) -> u64 {
        self.arena.desk(desk::NOW).load(Ordering::SeqCst)
    }

    fn claim_lane(&self, lane: LaneId) -> bool {
        let claimed = self.arena.desk(desk::CLAIMED + usize::from(lane));
        let mine = u64::from(self.me) + 1;
        let dead = self.arena.desk(desk::DEAD).load(Ordering::SeqCst);
        dead & (1 << lane) != 0
            && claimed.compare_exchange(0, mine, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    fn release_lane(&self, lane: LaneId) {
        self.arena.desk(desk::CLAIMED + usize::from(lane)).store(0, Ordering::SeqCst);
    }
}
