//! The lower bound: the least that a table in shared memory has to do.
//!
//! Slots of two cache lines in an anonymous shared mapping, found by linear probing, each guarded by a
//! sequence lock and copied out by the reader. There is no eviction, expiry, allocator, statistics or
//! repair: a writer killed inside a slot blocks it for ever, and values are short. Whatever a cache takes
//! longer than this is the price of what it does beyond it.
//!
//! A slot is 16 words: the [`Control`] word, two of the key, thirteen of the value. Its key is written once,
//! when the slot is taken, and stays until the slot is taken out.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use super::Subject;
use crate::Key;
use crate::shared::SharedWords;

const SLOT_WORDS: usize = 16;
const VALUE_AT: usize = 3;
const VALUE_WORDS: usize = SLOT_WORDS - VALUE_AT;
type Slot = [AtomicU64; SLOT_WORDS];

/// Guard of a slot: `sequence (47 bits) | busy (1) | length of the value (16)`; 0 is an empty slot.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Control(u64);

impl Control {
    const EMPTY: Self = Self(0);
    const BUSY: u64 = 1 << 16;
    const SEQUENCE_SHIFT: u32 = 17;

    fn is_busy(self) -> bool {
        self.0 & Self::BUSY != 0
    }

    fn value_len(self) -> usize {
        usize::from(self.0 as u16)
    }

    fn busy(self) -> Self {
        Self(self.0 | Self::BUSY)
    }

    /// Not busy, the next sequence, never [`Self::EMPTY`].
    fn written(self, len: usize) -> Self {
        Self(((self.0 >> Self::SEQUENCE_SHIFT) + 1) << Self::SEQUENCE_SHIFT | len as u64)
    }
}

/// A table of fixed slots, shared with the processes that are forked after it is made.
pub struct Floor {
    shared: SharedWords,
    /// Number of slots less one; they are a power of two.
    mask: usize,
}

impl Floor {
    /// Longest value that a slot holds, in bytes.
    pub const MAX_VALUE_LEN: usize = VALUE_WORDS * 8;

    /// A table that `keys` items fill to at most a quarter: a search seldom goes beyond its first slot.
    pub fn new(keys: u32) -> io::Result<Self> {
        let slots = (keys as usize * 4).next_power_of_two();
        Ok(Self { shared: SharedWords::new(slots * SLOT_WORDS)?, mask: slots - 1 })
    }

    #[inline]
    fn slots(&self) -> &[Slot] {
        self.shared.words().as_chunks().0
    }

    /// Where the search for a key begins: both halves of a product, folded.
    #[inline]
    fn start(&self, key: [u64; 2]) -> usize {
        let product =
            u128::from(key[0] ^ 0x9e37_79b9_7f4a_7c15) * u128::from(key[1] ^ 0xe703_7ed1_a0b4_28db);
        (product as u64 ^ (product >> 64) as u64) as usize & self.mask
    }

    /// The slot of `key` with the control word it had, or the empty slot where the search ended.
    #[inline]
    fn find(&self, key: [u64; 2]) -> (&Slot, Control) {
        let slots = self.slots();
        let mut at = self.start(key);
        loop {
            let slot = &slots[at];
            // Acquire: pairs with the Release in `write`, so the key of a written slot is visible.
            let control = Control(slot[0].load(Ordering::Acquire));
            if control == Control::EMPTY {
                return (slot, control);
            }
            if control.is_busy() {
                // The key may be in the making.
                std::hint::spin_loop();
            } else if slot[1].load(Ordering::Relaxed) == key[0]
                && slot[2].load(Ordering::Relaxed) == key[1]
            {
                return (slot, control);
            } else {
                at = (at + 1) & self.mask;
            }
        }
    }

    /// Writes a slot that stands at `control`; false if another writer was there first.
    #[inline]
    fn write(slot: &Slot, control: Control, key: [u64; 2], value: &[u8]) -> bool {
        // Acquire: pairs with the Release store below of the writer before.
        let claim = (control.0, control.busy().0);
        if slot[0].compare_exchange(claim.0, claim.1, Ordering::Acquire, Ordering::Relaxed).is_err()
        {
            return false;
        }
        // Release: a reader that sees a word of this write sees the busy bit behind its Acquire fence.
        fence(Ordering::Release);
        if control == Control::EMPTY {
            slot[1].store(key[0], Ordering::Relaxed);
            slot[2].store(key[1], Ordering::Relaxed);
        }
        let (words, rest) = value.as_chunks();
        for (to, &from) in slot[VALUE_AT..].iter().zip(words) {
            to.store(u64::from_le_bytes(from), Ordering::Relaxed);
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            slot[VALUE_AT + words.len()].store(u64::from_le_bytes(last), Ordering::Relaxed);
        }
        // Release: pairs with the Acquire loads in `find` and above.
        slot[0].store(control.written(value.len()).0, Ordering::Release);
        true
    }

    /// Copies the value out; false if a writer was at the slot in the meantime.
    #[inline]
    fn read(slot: &Slot, control: Control, buf: &mut Vec<u8>) -> bool {
        let len = control.value_len().min(Self::MAX_VALUE_LEN);
        buf.clear();
        buf.reserve(Self::MAX_VALUE_LEN);
        // All words of the slot, whatever the length: the number is known to the compiler.
        let room = buf.spare_capacity_mut().as_chunks_mut::<8>().0;
        let Some(room) = room.first_chunk_mut::<VALUE_WORDS>() else { return false };
        for (to, from) in room.iter_mut().zip(&slot[VALUE_AT..]) {
            to.write_copy_of_slice(&from.load(Ordering::Relaxed).to_le_bytes());
        }
        // Acquire: pairs with the Release fence in `write`; a word of a later write shows the control word
        // that it began with.
        fence(Ordering::Acquire);
        if slot[0].load(Ordering::Relaxed) != control.0 {
            return false;
        }
        // SAFETY: the loop wrote MAX_VALUE_LEN bytes of the spare capacity of an empty Vec, and `len` is at most
        // that.
        unsafe { buf.set_len(len) };
        true
    }
}

impl Subject for Floor {
    #[inline]
    fn get_into(&self, key: &Key, buf: &mut Vec<u8>) -> bool {
        loop {
            let (slot, control) = self.find(key.words());
            if control == Control::EMPTY {
                return false;
            }
            if Self::read(slot, control, buf) {
                return true;
            }
        }
    }

    #[inline]
    fn set(&self, key: &Key, value: &[u8]) {
        assert!(value.len() <= Self::MAX_VALUE_LEN, "the floor holds short values only");
        loop {
            let (slot, control) = self.find(key.words());
            if Self::write(slot, control, key.words(), value) {
                return;
            }
        }
    }

    fn take_out(&self, key: &Key) -> bool {
        let (slot, control) = self.find(key.words());
        slot[0].store(Control::EMPTY.0, Ordering::Release);
        control != Control::EMPTY
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::random::Random;
    use crate::value;

    #[test]
    fn the_floor_answers_as_a_map_does() {
        let floor = Floor::new(200).expect("mapping");
        let mut model = HashMap::new();
        let (mut random, mut bytes, mut buf) = (Random::new(1), Vec::new(), Vec::new());
        for version in 0..5000u16 {
            let index = random.below(200);
            if random.below(2) == 0 {
                let len = random.below(Floor::MAX_VALUE_LEN as u32 + 1) as usize;
                value::fill(&mut bytes, index, version, len);
                floor.set(&Key::present(index), &bytes);
                model.insert(index, bytes.clone());
            }
            let hit = floor.get_into(&Key::present(index), &mut buf);
            assert_eq!(hit.then_some(&buf), model.get(&index), "seed 1, step {version}");
            assert!(!floor.get_into(&Key::absent(index), &mut buf));
        }
    }

    #[test]
    fn items_taken_out_newest_first_are_gone_and_the_others_stay() {
        let floor = Floor::new(100).expect("mapping");
        let mut buf = Vec::new();
        (0..100).for_each(|index| floor.set(&Key::present(index), b"12345678"));
        for index in (0..100).rev() {
            assert!(floor.take_out(&Key::present(index)));
            assert!(!floor.get_into(&Key::present(index), &mut buf));
            assert!((0..index).all(|older| floor.get_into(&Key::present(older), &mut buf)));
        }
    }

    #[test]
    fn readers_see_whole_values_while_others_write() {
        let floor = Floor::new(4).expect("mapping");
        let write = |seed: u64| {
            let (mut random, mut bytes) = (Random::new(seed), Vec::new());
            for version in 0..20_000 {
                let index = random.below(4);
                value::fill(&mut bytes, index, version, 100);
                floor.set(&Key::present(index), &bytes);
            }
        };
        write(0);
        std::thread::scope(|scope| {
            scope.spawn(|| write(1));
            scope.spawn(|| write(2));
            let mut buf = Vec::new();
            for step in 0..20_000 {
                let index = step % 4;
                assert!(floor.get_into(&Key::present(index), &mut buf));
                assert!(value::correct(&buf, index, 100), "index {index}: {buf:?}");
            }
        });
    }
}
