//! Looking a key up: at most two lines, no store, no atomic read-modify-write.

use super::tags::tags_equal;
use super::{Bucket, Position, Probe};
use crate::fault::{Fault, planted};
use crate::fuel::{Exhausted, Fuel};
use crate::layout::{BUCKET_WORDS, HeadWords, ItemHead};
use crate::memory::Bytes;
use crate::ops::Value;
use crate::ordering as ord;
use crate::region::{Host, Region};
use crate::sync::AtomicU64;
use crate::word::{BlockWord, ControlWord, SlotWord};

/// A key's item, as it was when the slot was looked at for the second time, if [`Found::is_whole`] says so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<'a> {
    pub(crate) position: Position,
    pub(crate) word: SlotWord,
    pub(crate) header: BlockWord,
    /// The block, from its header on.
    words: &'a [AtomicU64; ItemHead::WORDS],
    /// Loaded, but not validated, as all that follows from it.
    pub(crate) head: HeadWords,
    pub(crate) value: Bytes<'a>,
}

impl Found<'_> {
    #[inline(always)]
    pub(crate) fn location(&self) -> u64 {
        self.word.location()
    }

    #[inline(always)]
    pub(crate) fn header_word<'a>(&'a self, region: &'a Region) -> &'a AtomicU64 {
        if cfg!(loom) {
            // An access by itself, so that the thread may die before it.
            return region.header(self.location());
        }
        &self.words[0]
    }

    /// Everything that stands before the key. Counts only if [`Found::is_whole`] says so *afterwards*.
    #[inline(always)]
    pub(crate) fn item_head(&self) -> ItemHead {
        ItemHead::complete(self.head, self.words)
    }

    /// Whether its deadline, if it has one, is yet to come. The clock is read only for an item that has one. Counts as
    /// [`Found::item_head`] does.
    #[inline(always)]
    pub(crate) fn is_alive<H: Host>(&self, host: &H) -> bool {
        !self.head.has_deadline() || outlives(self.head, self.words, host.now_ms())
    }

    /// The item, to copy from. What is copied counts as [`Found::item_head`] does.
    #[inline(always)]
    pub(crate) fn value(&self) -> Value<'_> {
        Value::new(self.words, self.head, self.value)
    }

    /// Whether everything loaded from the block since its header was loaded is of that incarnation. The state may have
    /// moved on; the generation may not.
    #[inline(always)]
    pub(crate) fn is_whole(&self) -> bool {
        planted(Fault::CopyNotValidated) || is_still(&self.words[0], self.header)
    }
}

/// Words of a bucket: the remainder by it needs no check of bounds.
const LINE_WORDS: usize = BUCKET_WORDS as usize;

impl Region {
    /// What a published block holds, if a whole item could be there. Counts if [`Found::is_whole`] says so afterwards.
    #[inline]
    pub(crate) fn found_at(
        &self,
        position: Position,
        word: SlotWord,
        header: BlockWord,
    ) -> Option<Found<'_>> {
        let location = word.location();
        let words = self.head_words(location)?;
        let head = HeadWords::load(words);
        let sizes = head.sizes();
        let value = self.item_bytes(location + sizes.value_offset(), head.value_len())?;
        Some(Found { position, word, header, words, head, value })
    }

    /// The key in a block, copied into a vector; false if no item can be there. Counts if [`Region::still`] says so
    /// afterwards.
    pub(crate) fn copy_key(&self, location: u64, out: &mut Vec<u8>) -> bool {
        let Some(words) = self.head_words(location) else { return false };
        let head = HeadWords::load(words);
        let key = self.item_bytes(location + head.key_offset(), head.key_len());
        key.map(|key| key.copy_to_vec(out)).is_some()
    }
}

/// What a lookup ends with.
#[derive(Debug)]
pub(crate) enum Lookup<'a> {
    Found(Found<'a>),
    Absent,
}

/// Why a slot's word is not a key's item, as far as it was looked at.
enum Difference {
    /// No block can be where it points.
    NoBlock,
    /// The slot has changed.
    Slot,
    /// Generation or key are others, in a block with this header.
    Item(BlockWord),
}

/// What a look at one slot ends with.
enum Inspection<'a> {
    Match(Found<'a>),
    Other,
    Changed,
}

impl Region {
    /// Finds a key if the first slot with its tag is the one: as nearly always. `None`: look with [`Region::find`].
    #[inline(always)]
    pub(crate) fn glance<'a>(&'a self, probe: &Probe, key: &[u8]) -> Option<Lookup<'a>> {
        let seen = self.glance_at(probe, key, |_| true)?;
        Some(seen.map_or(Lookup::Absent, |(found, _)| Lookup::Found(found)))
    }

    /// [`Region::glance`] at an item whose head is admitted, together with the line of its bucket; inner `None`: the key is absent.
    /// An item that is not admitted is one that [`Region::find`] must look at.
    ///
    /// Without a loop, so that the compiler prepares nothing for a second round.
    #[inline(always)]
    pub(crate) fn glance_at<'a>(
        &'a self,
        probe: &Probe,
        key: &[u8],
        is_admitted: impl FnOnce(HeadWords) -> bool,
    ) -> Option<Option<(Found<'a>, &'a Bucket)>> {
        let mut bucket = probe.primary;
        let mut line = self.bucket(bucket);
        let index = match tags_equal(line, probe.tag).next() {
            Some(index) => index,
            None => {
                bucket = probe.alternate();
                line = self.bucket(bucket);
                let Some(index) = tags_equal(line, probe.tag).next() else { return Some(None) };
                index
            }
        };
        let position = Position::new(bucket, index);
        let slot = &line[usize::from(index) % LINE_WORDS];
        let word = SlotWord::from_bits(slot.load(ord::slot_load()));
        // A slot that has changed since is judged by the key: the tag was only a hint.
        if word.is_tentative() {
            return None;
        }
        let found = self.compare(position, slot, word, key, is_admitted).ok()?;
        Some(Some((found, line)))
    }

    /// Finds a key. A tentative word that is not pending is nobody's yet.
    #[inline(never)]
    pub(crate) fn find<'a>(
        &'a self,
        probe: &Probe,
        key: &[u8],
        fuel: &mut Fuel,
    ) -> Result<Lookup<'a>, Exhausted> {
        'scan: loop {
            fuel.burn()?;
            for bucket in [probe.primary, probe.alternate()] {
                let mut matches = tags_equal(self.bucket(bucket), probe.tag);
                while let Some(index) = matches.next() {
                    let position = Position::new(bucket, index);
                    // Behind the look at the tag: a tag that has come may be missed, but none that was there all along.
                    let slot = self.slot(position);
                    let word = SlotWord::from_bits(slot.load(ord::slot_load()));
                    if word.tag() != probe.tag {
                        continue 'scan;
                    }
                    match self.inspect(position, slot, word, key) {
                        Inspection::Match(found) => return Ok(Lookup::Found(found)),
                        Inspection::Other => {}
                        Inspection::Changed => continue 'scan,
                    }
                }
            }
            return Ok(Lookup::Absent);
        }
    }

    /// Whether the slot's word is this key's item.
    #[inline(always)]
    fn inspect<'a>(
        &'a self,
        position: Position,
        slot: &AtomicU64,
        word: SlotWord,
        key: &[u8],
    ) -> Inspection<'a> {
        if word.is_tentative() && !self.is_pending(position, word) {
            if planted(Fault::TentativeAwaited) {
                return Inspection::Changed;
            }
            return self.unchanged(position, word);
        }
        match self.compare(position, slot, word, key, |_| true) {
            Ok(found) => Inspection::Match(found),
            Err(Difference::NoBlock) => self.unchanged(position, word),
            Err(Difference::Slot) => Inspection::Changed,
            Err(Difference::Item(header)) => self.other_if_still(word.location(), header),
        }
    }

    /// Compares a key with the item that a slot's word names. What is not admitted counts as another.
    #[inline(always)]
    fn compare<'a>(
        &'a self,
        position: Position,
        slot: &AtomicU64,
        word: SlotWord,
        key: &[u8],
        is_admitted: impl FnOnce(HeadWords) -> bool,
    ) -> Result<Found<'a>, Difference> {
        let location = word.location();
        let words = self.head_words(location).ok_or(Difference::NoBlock)?;
        let header = BlockWord::from_bits(words[0].load(ord::header_load()));
        // The second look lies behind the header and before everything that is read of the item: if the header's
        // generation is still the same at the end, the slot named exactly this incarnation here.
        let again = !planted(Fault::SecondLookMissing);
        if again && slot.load(ord::slot_load()) != word.bits() {
            return Err(Difference::Slot);
        }
        // Between two equal headers another generation is damage; else the block went round, and with it perhaps the key.
        let other = Difference::Item(header);
        if self.geometry.short_generation_of(header) != word.generation() {
            return Err(other);
        }
        let head = HeadWords::load(words);
        if head.key_len() != key.len() || !is_admitted(head) {
            return Err(other);
        }
        let at = location + head.key_offset();
        match self.item_body(at, key.len(), head.value_len()) {
            Some((its, value)) if its.equal(key) => {
                Ok(Found { position, word, header, words, head, value })
            }
            _ => Err(other),
        }
    }

    /// Not this key's, if what was looked at was whole.
    #[cold]
    fn other_if_still(&self, location: u64, header: BlockWord) -> Inspection<'_> {
        if self.still(location, header) { Inspection::Other } else { Inspection::Changed }
    }

    /// What does not count is passed over if the slot still says so; else everything must be read anew.
    #[cold]
    fn unchanged(&self, position: Position, word: SlotWord) -> Inspection<'_> {
        if self.slot(position).load(ord::slot_load()) == word.bits() {
            Inspection::Other
        } else {
            Inspection::Changed
        }
    }

    /// Whether a tentative word counts.
    #[cold]
    pub(crate) fn is_pending(&self, position: Position, word: SlotWord) -> bool {
        let primary = position.primary(&self.geometry, word);
        let control = ControlWord::from_bits(self.control(primary).load(ord::control_load()));
        position.is_pending(&self.geometry, primary, control)
    }

    /// [`Found::is_whole`] of a block that nothing was found in yet.
    #[inline(always)]
    pub(crate) fn still(&self, location: u64, header: BlockWord) -> bool {
        is_still(self.header(location), header)
    }
}

/// Takes nothing by reference that a lookup would otherwise keep in registers.
#[inline(never)]
fn outlives(head: HeadWords, words: &[AtomicU64; ItemHead::WORDS], now: u64) -> bool {
    ItemHead::complete(head, words).deadline.is_none_or(|deadline| deadline > now)
}

#[inline(always)]
fn is_still(word: &AtomicU64, header: BlockWord) -> bool {
    ord::reader_fence();
    let now = BlockWord::from_bits(word.load(ord::header_recheck()));
    if planted(Fault::ShortGenerationCompared) {
        return (now.generation() ^ header.generation()) & 3 == 0;
    }
    now.generation() == header.generation()
}
