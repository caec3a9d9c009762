//! One mapping's view of a region: its words and the private copy of its geometry.

use crate::fault::{Fault, planted};
use crate::layout::{Geometry, Header, HeaderError, ItemHead, live};
use crate::memory::{Bytes, Memory};
use crate::ordering as ord;
use crate::sync::AtomicU64;
use crate::table::Bucket;
use crate::word::{BlockWord, LaneId};

/// A region as this process sees it.
///
/// IN-BOUNDS: the geometry describes exactly this memory. Both constructors check it, and neither field ever changes.
#[derive(Debug, Clone)]
pub struct Region {
    pub(crate) memory: Memory,
    pub(crate) geometry: Geometry,
}

/// What a process brings to the region: its clock, and proof of death.
pub trait Host {
    /// Milliseconds since boot, on a clock that all processes of the host share and nobody sets.
    fn now_ms(&self) -> u64;

    /// Takes a lane's byte lock, and a mark that keeps this process's other threads off. True is proof that its
    /// owner is dead or has left, until [`Host::release_lane`]; false proves nothing.
    fn claim_lane(&self, lane: LaneId) -> bool;

    /// Drops what [`Host::claim_lane`] took.
    fn release_lane(&self, lane: LaneId);
}

impl Region {
    /// Writes an empty region into zeroed memory that nobody else sees yet.
    ///
    /// # Errors
    ///
    /// A shape that no region can have.
    pub fn format(memory: Memory, header: &Header) -> Result<Self, HeaderError> {
        let region = Self::of_shape(memory, Geometry::new(header.shape)?)?;
        region.start_pages();
        if !cfg!(loom) {
            header.write(&region.memory);
        }
        Ok(region)
    }

    /// A region whose header was validated already.
    ///
    /// # Errors
    ///
    /// The memory is not as long as the shape.
    pub fn of_shape(memory: Memory, geometry: Geometry) -> Result<Self, HeaderError> {
        if !cfg!(loom) && geometry.words() != memory.words() {
            let words = memory.words();
            return Err(HeaderError::Corrupt(format!("{words} words are not the shape's")));
        }
        Ok(Self { memory, geometry })
    }

    /// Validates the header of a mapped region.
    ///
    /// # Errors
    ///
    /// As [`Header::read`].
    pub fn attach(memory: Memory) -> Result<(Self, Header), HeaderError> {
        let (header, geometry) = Header::read(&memory)?;
        Ok((Self { memory, geometry }, header))
    }

    /// The region's words.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Sizes and positions.
    #[must_use]
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    #[inline(always)]
    pub(crate) fn word(&self, index: u64) -> &AtomicU64 {
        self.memory.word(index)
    }

    /// The header word of a block.
    #[inline(always)]
    pub(crate) fn header(&self, location: u64) -> &AtomicU64 {
        self.memory.word(location)
    }

    #[inline(always)]
    pub(crate) fn load_header(&self, location: u64) -> BlockWord {
        BlockWord::from_bits(self.header(location).load(ord::header_load()))
    }

    /// The words before an item's key, if a location lies so that a block could be there.
    #[inline(always)]
    pub(crate) fn head_words(&self, location: u64) -> Option<&[AtomicU64; ItemHead::WORDS]> {
        if !self.geometry.has_room_for_head(location) {
            return None;
        }
        // SAFETY: the words lie in the arena, and so in the memory (IN-BOUNDS).
        Some(unsafe { self.memory.array_unchecked(location) })
    }

    /// So many bytes of the arena from a word on; `None` if they go beyond its end.
    #[inline(always)]
    pub(crate) fn item_bytes(&self, at: u64, len: usize) -> Option<Bytes<'_>> {
        let room = self.geometry.arena_end.checked_sub(at)?;
        if len as u64 > room * 8 && !planted(Fault::ValueLenTrusted) {
            return None;
        }
        // SAFETY: the bytes end before the arena does, and so in the memory (IN-BOUNDS).
        Some(unsafe { self.memory.bytes_unchecked(at, len) })
    }

    /// Key and value of an item whose key begins at a word; `None` if they go beyond the end of the arena.
    #[inline(always)]
    pub(crate) fn item_body(
        &self,
        at: u64,
        key_len: usize,
        value_len: usize,
    ) -> Option<(Bytes<'_>, Bytes<'_>)> {
        let body = self.item_bytes(at, ((key_len + 7) & !7) + value_len)?;
        Some(body.split(key_len))
    }

    /// A bucket's line.
    ///
    /// # Panics
    ///
    /// On a bucket that there is not.
    #[inline(always)]
    pub(crate) fn bucket(&self, bucket: u64) -> &Bucket {
        assert!(bucket < self.geometry.shape.buckets, "no such bucket");
        // SAFETY: the index has so many buckets, and lies in the memory (IN-BOUNDS).
        unsafe { self.memory.array_unchecked(self.bucket_at(bucket)) }
    }

    /// A word of a lane's record.
    #[inline(always)]
    pub(crate) fn lane_word(&self, lane: LaneId, at: u64) -> &AtomicU64 {
        self.memory.word(self.geometry.lane_at(lane) + at)
    }

    /// How many clears there were.
    #[inline]
    pub(crate) fn epoch(&self) -> u64 {
        self.memory.word(live::EPOCH).load(ord::epoch_load())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::fixture::Fixture;

    #[test]
    fn the_bytes_of_an_item_end_where_the_arena_does() {
        let Fixture { region, .. } = &Fixture::new();
        let end = region.geometry.arena_end;
        for (words, bytes) in [(0, 1), (1, 9), (3, 25), (3, usize::MAX)] {
            assert!(region.item_bytes(end - words, bytes).is_none(), "{bytes} bytes");
        }
        assert_eq!(region.item_bytes(end - 3, 24).map(|bytes| bytes.len()), Some(24));
        assert!(region.item_bytes(end + 1, 0).is_none());
    }
}
