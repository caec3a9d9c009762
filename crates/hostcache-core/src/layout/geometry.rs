//! The private copy of a region's sizes and positions.

use super::{ClassTable, lane::record};
use crate::word::{BlockWord, MAX_LANES, SlotWord};

/// The numbers that determine a geometry; they stand in the region's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Bytes of the region.
    pub capacity: u64,
    /// Participant slots.
    pub lanes: u32,
    /// Buckets of the index.
    pub buckets: u64,
    /// Words of a page.
    pub page_words: u64,
    /// Bits of the slots' generations: 16, fewer only in tests.
    pub generation_bits: u32,
    /// Bits of the items' epoch stamps: 32, fewer only in tests.
    pub epoch_bits: u32,
    /// Seed of the hash.
    pub seed: u64,
}

/// What a shape may not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeometryError(pub String);

impl std::fmt::Display for GeometryError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for GeometryError {}

impl Shape {
    /// The smallest capacity: 1 MiB.
    pub const MIN_CAPACITY: u64 = 1 << 20;
    /// The largest capacity: what locations of 34 bits reach, 128 GiB.
    pub const MAX_CAPACITY: u64 = SlotWord::LOCATIONS * 8;
    /// Mean bytes of key and value that the index is sized for, unless told otherwise.
    pub const DEFAULT_ITEM_SIZE: u32 = 128;

    /// The shape of a new region.
    ///
    /// # Errors
    ///
    /// A number out of its range, with the range.
    pub fn new(
        capacity: u64,
        lanes: Option<u32>,
        item_size: Option<u32>,
        seed: u64,
    ) -> Result<Self, GeometryError> {
        let (low, high) = (Self::MIN_CAPACITY, Self::MAX_CAPACITY);
        if !(low..=high).contains(&capacity) {
            return Err(GeometryError(format!(
                "a capacity of {capacity} bytes is not allowed: use {low} (1 MiB) to {high} (128 GiB)"
            )));
        }
        // A lane costs 1 KiB and two to four lines: under half a percent from 64 MiB on.
        let lanes = lanes.unwrap_or((capacity >> 18).clamp(32, 1024) as u32);
        if lanes == 0 || lanes > MAX_LANES || u64::from(lanes) * 1024 > capacity / 8 {
            return Err(GeometryError(format!(
                "{lanes} participant slots are not allowed: use 1 to {}",
                (capacity / 8 / 1024).min(u64::from(MAX_LANES))
            )));
        }
        let item_size = item_size.unwrap_or(Self::DEFAULT_ITEM_SIZE);
        if item_size == 0 {
            return Err(GeometryError("an expected item size of 0 bytes is not allowed".into()));
        }
        // The slots are filled to 85 %, an item takes its bytes and a header of 32.
        let chunk = u64::from(item_size) + 32;
        let slots = capacity / chunk * 92 / 85;
        let buckets = (slots / SLOTS as u64).clamp(8, capacity / 64 / 3);
        // Two thousand pages or more: enough to share among the classes. What one page holds bounds the work of emptying it.
        let page_bytes = (1u64 << (capacity / 2048).ilog2()).clamp(8 << 10, 2 << 20);
        Ok(Self {
            capacity,
            lanes,
            buckets,
            page_words: page_bytes / 8,
            generation_bits: SlotWord::GENERATION_BITS,
            epoch_bits: 32,
            seed,
        })
    }
}

/// Sizes and positions, in words. Never read from the region after attach.
#[derive(Debug, Clone)]
pub struct Geometry {
    /// What it was computed from.
    pub shape: Shape,
    /// Slab classes.
    pub classes: ClassTable,
    /// Pages of the arena.
    pub pages: u64,
    /// Words of one hint bitmap over pages.
    pub hint_words: u64,
    /// Words of one page's hint bitmap over chunks.
    pub chunk_hint_words: u64,
    /// First word of the lanes' records.
    pub lanes_at: u64,
    /// First word of the buckets.
    pub buckets_at: u64,
    /// First word of the due times, each of two for two buckets.
    pub due_at: u64,
    /// First word of the state of the classes, and of that of all runs behind it.
    pub classes_at: u64,
    /// First word of the lanes' counts of hits by class.
    pub class_hits_at: u64,
    /// Words of one lane's counts, four to a word: lines of its own.
    pub class_hit_words: u64,
    /// First word of the hint bitmaps over pages.
    pub hints_at: u64,
    /// First word of the page table.
    pub pages_at: u64,
    /// First word of the hint bitmaps over chunks: for each page of those that are free, and behind them of newcomers.
    pub chunk_hints_at: u64,
    /// First word of the arena.
    pub arena_at: u64,
    /// One past the last word of the arena.
    pub arena_end: u64,
    page_shift: u32,
    magazine_bytes: u64,
    value_len_of_any_key: u64,
    /// Words from the start of the arena to the last place for an item's head.
    last_head: u64,
    generation_mask: u64,
    epoch_mask: u64,
}

/// The most words of a page: with more the classes were too many for a page word.
const MAX_PAGE_WORDS: u64 = 1 << 21;
/// Words of the region's header.
pub(crate) const HEADER_WORDS: u64 = if cfg!(loom) { 4 } else { 512 };
/// Hint bitmaps over a page's chunks: of the free, and of newcomers, of which models have none.
const CHUNK_BITMAPS: u64 = if cfg!(loom) { 1 } else { 2 };
/// Words of a class's state.
pub(crate) const CLASS_WORDS: u64 = if cfg!(loom) { 1 } else { 12 };
/// Words of a page table entry.
pub(crate) const PAGE_ENTRY_WORDS: u64 = 4;
/// Words of a bucket, a line: its slots, a word of use marks (models have none), and the control word.
pub(crate) const BUCKET_WORDS: u64 = if cfg!(loom) { 3 } else { 8 };
/// Buckets that share a due time; two of those share a word.
pub(crate) const DUE_BUCKETS: u64 = 2;
/// Slots of a bucket.
pub(crate) const SLOTS: usize = if cfg!(loom) { 2 } else { 6 };
/// Words to which a section is aligned: a line.
const LINE: u64 = if cfg!(loom) { 1 } else { 8 };
/// Words to which the arena is aligned: a page of the system.
const ARENA_ALIGNMENT: u64 = if cfg!(loom) { 1 } else { 512 };

/// SplitMix64's finalizer (Steele, Lea and Flood, OOPSLA 2014): spreads every bit over all.
pub(crate) const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

impl Geometry {
    /// Computes and validates.
    ///
    /// # Errors
    ///
    /// A shape that no region can have.
    pub fn new(shape: Shape) -> Result<Self, GeometryError> {
        let bad = |what: &str, value: u64| Err(GeometryError(format!("{what} is {value}")));
        let words = shape.capacity / 8;
        if !shape.capacity.is_multiple_of(8) || shape.capacity > Shape::MAX_CAPACITY {
            return bad("capacity", shape.capacity);
        }
        if shape.lanes == 0 || shape.lanes > MAX_LANES {
            return bad("the number of participant slots", shape.lanes.into());
        }
        if shape.buckets == 0 || shape.buckets > words / BUCKET_WORDS {
            return bad("the number of buckets", shape.buckets);
        }
        if !(16..=MAX_PAGE_WORDS).contains(&shape.page_words) || !shape.page_words.is_power_of_two()
        {
            return bad("the page size in words", shape.page_words);
        }
        if !(if cfg!(loom) { 1 } else { 2 }..=16).contains(&shape.generation_bits) {
            return bad("the number of generation bits", shape.generation_bits.into());
        }
        if !(2..=32).contains(&shape.epoch_bits) {
            return bad("the number of epoch bits", shape.epoch_bits.into());
        }
        let classes = ClassTable::new(shape.page_words);
        let count = classes.len() as u64;
        let chunk_hint_words = shape.page_words.div_ceil(8 * 64);
        let line = |at: u64| at.next_multiple_of(LINE);

        let lanes_at = line(HEADER_WORDS);
        let buckets_at = line(lanes_at + u64::from(shape.lanes) * record::WORDS);
        let due_at = line(buckets_at + shape.buckets * BUCKET_WORDS);
        let due_words = if cfg!(loom) { 0 } else { shape.buckets.div_ceil(2 * DUE_BUCKETS) };
        let classes_at = line(due_at + due_words);
        let class_hits_at = line(classes_at + (count + 1) * CLASS_WORDS);
        let class_hit_words = if cfg!(loom) { 0 } else { line((count + 1).div_ceil(4)) };
        let hints_at = class_hits_at + u64::from(shape.lanes) * class_hit_words;
        let mut pages = words.saturating_sub(hints_at) / shape.page_words;
        // The tables that describe pages take space from them: step down until all fits.
        loop {
            if pages == 0 {
                return Err(GeometryError("no page fits beside the index".into()));
            }
            let hint_words = line(pages.div_ceil(64));
            // Two bitmaps a class (members, partly free), one of free pages, and one of pages of runs.
            let pages_at = line(hints_at + (2 * count + 2) * hint_words);
            let chunk_hints_at = line(pages_at + pages * PAGE_ENTRY_WORDS);
            let arena_at = (chunk_hints_at + CHUNK_BITMAPS * pages * chunk_hint_words)
                .next_multiple_of(ARENA_ALIGNMENT);
            let arena_end = arena_at + pages * shape.page_words;
            if arena_end > words {
                pages -= 1;
                continue;
            }
            let mut geometry = Self {
                page_shift: shape.page_words.trailing_zeros(),
                magazine_bytes: match cfg!(loom) {
                    true => 64,
                    false => shape.capacity / 64 / u64::from(shape.lanes),
                },
                value_len_of_any_key: 0,
                last_head: arena_end - arena_at - super::ItemHead::WORDS as u64,
                generation_mask: (1 << shape.generation_bits) - 1,
                epoch_mask: (1 << shape.epoch_bits) - 1,
                shape,
                classes,
                pages,
                hint_words,
                chunk_hint_words,
                lanes_at,
                buckets_at,
                due_at,
                classes_at,
                class_hits_at,
                class_hit_words,
                hints_at,
                pages_at,
                chunk_hints_at,
                arena_at,
                arena_end,
            };
            geometry.value_len_of_any_key = geometry.max_value_len(super::MAX_KEY_LEN);
            return Ok(geometry);
        }
    }

    /// Words of the whole region.
    #[must_use]
    pub fn words(&self) -> u64 {
        self.shape.capacity / 8
    }

    /// The low bits of a generation that a slot holds.
    #[inline]
    #[must_use]
    pub fn short_generation(&self, generation: u64) -> u64 {
        generation & self.generation_mask
    }

    /// The same of a header word.
    #[inline(always)]
    #[must_use]
    pub fn short_generation_of(&self, header: BlockWord) -> u64 {
        // The generation is the lowest field, and the mask is narrower than it.
        header.bits() & self.generation_mask
    }

    /// The low bits of an epoch that an item holds.
    #[inline]
    #[must_use]
    pub fn stamp(&self, epoch: u64) -> u64 {
        epoch & self.epoch_mask
    }

    /// Half the stamp space: how far two live stamps may lie apart.
    #[inline]
    #[must_use]
    pub fn half_stamps(&self) -> u64 {
        (self.epoch_mask >> 1) + 1
    }

    /// Largest number of bytes of key and value together with the item's header.
    #[must_use]
    pub fn max_item_bytes(&self) -> u64 {
        (self.shape.capacity / 2 + super::MAX_KEY_LEN as u64 + 64).min(self.arena_bytes())
    }

    /// Largest value with a key of this length.
    #[must_use]
    pub fn max_value_len(&self, key_len: usize) -> u64 {
        let head = super::ItemSizes::new(key_len, 0, true).words() * 8;
        (self.shape.capacity / 2)
            .min(self.max_item_bytes().saturating_sub(head))
            .min(u64::from(u32::MAX))
    }

    /// Whether a value of this length can be stored under every key.
    #[inline(always)]
    #[must_use]
    pub fn holds_any_key_with(&self, value_len: usize) -> bool {
        value_len as u64 <= self.value_len_of_any_key
    }

    /// Bytes of the arena.
    #[must_use]
    pub fn arena_bytes(&self) -> u64 {
        self.pages * self.shape.page_words * 8
    }

    /// First word of a page.
    #[inline]
    #[must_use]
    pub fn page_start(&self, page: u64) -> u64 {
        self.arena_at + (page << self.page_shift)
    }

    /// The page that a location lies in, if it lies in the arena.
    #[inline]
    #[must_use]
    pub fn page_of(&self, location: u64) -> Option<u64> {
        if location < self.arena_at || location >= self.arena_end {
            return None;
        }
        Some((location - self.arena_at) >> self.page_shift)
    }

    /// Whether an item's head at a location would lie in the arena.
    #[inline(always)]
    #[must_use]
    pub fn has_room_for_head(&self, location: u64) -> bool {
        // One comparison: below the arena the difference wraps.
        location.wrapping_sub(self.arena_at) <= self.last_head
    }

    /// First word of a lane's record.
    #[inline]
    #[must_use]
    pub fn lane_at(&self, lane: u16) -> u64 {
        self.lanes_at + u64::from(lane) * record::WORDS
    }

    /// Bytes of blocks that one lane's magazine may hold: all together a 64th of the capacity.
    #[must_use]
    #[inline]
    pub fn magazine_bytes(&self) -> u64 {
        self.magazine_bytes
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn sections_follow_each_other_and_fill_the_region() {
        for shift in [20, 21, 24, 26, 28, 30, 33, 37] {
            for item in [1, 40, 128, 4096, 1 << 20] {
                let shape = Shape::new(1 << shift, None, Some(item), 1).expect("in range");
                let g = Geometry::new(shape).expect("valid");
                let positions = [
                    HEADER_WORDS,
                    g.lanes_at,
                    g.buckets_at,
                    g.due_at,
                    g.classes_at,
                    g.class_hits_at,
                    g.hints_at,
                    g.pages_at,
                    g.chunk_hints_at,
                    g.arena_at,
                    g.arena_end,
                    g.words() + 1,
                ];
                assert!(positions.windows(2).all(|w| w[0] <= w[1]), "{positions:?}");
                assert!(g.words() - g.arena_end < 2 * g.shape.page_words);
                assert!(g.pages >= 64, "{} pages of 2^{shift}", g.pages);
                assert!(g.max_value_len(250) >= g.shape.capacity / 64);
            }
        }
    }

    #[test]
    fn half_of_the_capacity_is_the_limit_of_a_value() {
        for shift in [20, 28] {
            let g = Geometry::new(Shape::new(1 << shift, None, None, 1).expect("in range"));
            let g = g.expect("valid");
            assert_eq!(g.max_value_len(1), 1 << (shift - 1));
        }
    }

    #[test]
    fn shapes_out_of_range_are_refused_with_the_range() {
        let small = Shape::new(1000, None, None, 1).expect_err("too small").to_string();
        assert!(small.contains("1000") && small.contains("1 MiB"), "{small}");
        assert!(Shape::new(1 << 20, Some(0), None, 1).is_err());
        assert!(Shape::new(1 << 20, Some(8193), None, 1).is_err());
        assert!(Shape::new(1 << 20, None, Some(0), 1).is_err());
        let good = Shape::new(1 << 20, None, None, 1).expect("in range");
        for bad in [
            Shape { buckets: 0, ..good },
            Shape { buckets: u64::MAX, ..good },
            Shape { page_words: 0, ..good },
            Shape { page_words: u64::MAX, ..good },
            Shape { generation_bits: 17, ..good },
            Shape { epoch_bits: 0, ..good },
            Shape { lanes: 0, ..good },
            Shape { capacity: u64::MAX, ..good },
        ] {
            assert!(Geometry::new(bad).is_err(), "{bad:?}");
        }
    }
}
