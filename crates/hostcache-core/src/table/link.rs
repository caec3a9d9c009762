//! Insertion of an absent key: place, commit, finish (`docs/protocol.md` §2).

use super::mark::SETTLED;
use super::probe::SLOTS;
use super::{Position, Probe, Removal};
use crate::ordering as ord;
use crate::region::{Host, Region};
use crate::session::{Failure, Session};
use crate::slab::Owned;
use crate::sync::Ordering;
use crate::word::{ControlWord, SlotWord};

/// The lane's own tentative word, in its slot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed {
    pub(crate) position: Position,
    /// Position in the key's set: what the control word will say.
    at: u8,
    pub(crate) word: SlotWord,
}

impl<H: Host> Session<'_, H> {
    /// Puts a tentative word into an empty slot, or over a victim. `Ok(None)`: the set changed
    /// under this.
    ///
    /// # Errors
    ///
    /// No room: both buckets are full of other lanes' tentative words.
    pub(crate) fn place(
        &mut self,
        probe: &Probe,
        owned: &Owned,
    ) -> Result<Option<Placed>, Failure> {
        let region = self.region;
        let generation = region.geometry.short_generation(owned.generation);
        let word_for =
            |at: usize| SlotWord::tentative(probe.tag, generation, at >= SLOTS, owned.location);
        let words = region.words_of(probe);
        if let Some(at) = vacancy(&words) {
            let position = probe.position(at);
            let word = word_for(at);
            self.name_new(word);
            // An empty slot may come and go under this: the placed word counts for nothing until it is committed.
            let placed = region.slot(position).compare_exchange(
                SlotWord::EMPTY.bits(),
                word.bits(),
                ord::slot_publish(),
                Ordering::Relaxed,
            );
            return Ok(placed.ok().map(|_| Placed { position, at: at as u8, word }));
        }
        let Some(victim) = self.pick_victim(probe) else {
            let full = words.iter().all(|word| word.is_tentative());
            return if full { Err(Failure::NoRoom) } else { Ok(None) };
        };
        let Some(at) = (0..2 * SLOTS).find(|&at| probe.position(at) == victim.position) else {
            return Ok(None);
        };
        let word = word_for(at);
        self.name_new(word);
        let removal = self.end_of(&victim).unwrap_or(Removal::Evicted);
        let Some(evicted) = self.exchange(&victim, word, removal) else { return Ok(None) };
        if let Some(evicted) = evicted {
            self.put_back(evicted);
        }
        Ok(Some(Placed { position: victim.position, at: at as u8, word }))
    }

    /// The linearization point of an insertion, by its owner only: nobody with this primary committed since
    /// `control` was loaded, before the scan that did not find the key.
    pub(crate) fn commit(&mut self, probe: &Probe, control: ControlWord, placed: &Placed) -> bool {
        let committed = control.commit(placed.at, probe.tag);
        let won = self
            .region
            .control(probe.primary)
            .compare_exchange(
                control.bits(),
                committed.bits(),
                ord::control_commit(),
                Ordering::Relaxed,
            )
            .is_ok();
        if won {
            let region = self.region;
            if region.was_evicted(probe.primary, probe.tag) {
                region.set_mark(placed.position, SETTLED);
            } else {
                region.set_mark(placed.position, 0);
                region.hint_newcomer(placed.word.location());
            }
            self.region.finish_slot(placed.position, placed.word);
            self.region.clear_pending(probe.primary, committed);
            self.clear_new();
        }
        won
    }

    /// Takes an uncommitted word back. The block needs a new generation before it is placed again.
    pub(crate) fn withdraw(&mut self, placed: Placed) {
        let _ = self.region.slot(placed.position).compare_exchange(
            placed.word.bits(),
            SlotWord::EMPTY.bits(),
            ord::slot_publish(),
            Ordering::Relaxed,
        );
        self.clear_new();
    }
}

impl Region {
    /// What is in a key's slots.
    fn words_of(&self, probe: &Probe) -> [SlotWord; 2 * SLOTS] {
        core::array::from_fn(|at| {
            SlotWord::from_bits(self.slot(probe.position(at)).load(Ordering::Relaxed))
        })
    }
}

/// Empty slots that a bucket keeps for those whose only hope it is: below as many, keys go to the emptier of their two.
///
/// Lookups look into the primary bucket first, so most keys should be there: 88 % at half load, and still next to none finds
/// both buckets full (simulated for six slots under steady replacement; 1.7 % at 70 % load, against 1.2 % by the emptier alone).
const SPARE: usize = 2;

/// Where a key goes: into its primary bucket while that has slots to spare, else into the emptier.
fn vacancy(words: &[SlotWord; 2 * SLOTS]) -> Option<usize> {
    let empty = |range: core::ops::Range<usize>| {
        range.filter(|&at| words[at].is_empty()).fold((0, None), |(n, _), at| (n + 1, Some(at)))
    };
    let (primary, first) = empty(0..SLOTS);
    let (alternate, second) = empty(SLOTS..2 * SLOTS);
    if primary < SPARE && alternate > primary { second } else { first.or(second) }
}
