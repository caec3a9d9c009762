//! The common `set`: a new value for a key that is there, in a block that is at hand.
//!
//! The same steps as [`Session::apply`]'s, each once and in a straight line. Whatever else is met ends it before anything
//! has happened, and the long way begins.

use super::store::Draft;
use crate::fault::{Fault, planted};
use crate::layout::HeadWords;
use crate::ordering as ord;
use crate::participant::{Counter, Held};
use crate::region::Host;
use crate::session::Session;
use crate::slab::{Kind, Owned};
use crate::table::{Probe, Removal};

impl<H: Host> Session<'_, H> {
    /// Stores a draft over a live item; its token. `None`: nothing has happened.
    #[inline(always)]
    pub(super) fn overwrite(&mut self, key: &[u8], draft: &Draft<'_>) -> Option<u64> {
        let region = self.region;
        let epoch = region.epoch();
        let stamp = region.geometry.stamp(epoch);
        let probe = Probe::new(&region.geometry, key);
        // All live items are of this epoch, but those that a clear is overtaking.
        let is_of_epoch = |head: HeadWords| head.stamp() == stamp;
        let (found, line) = region.glance_at(&probe, key, is_of_epoch)??;
        if !found.is_alive(self.host) {
            return None;
        }
        // What was read is of the incarnation that was found if the header is still the same behind this: it is looked at
        // before the exchange.
        ord::reader_fence();
        let lent = self.block_at_hand(draft.words(key))?;
        let Held { location, generation, class, entry } = lent;
        let sealed = self.fill(&lent.into(), key, draft, stamp);
        let next = found.word.replaced_by(region.geometry.short_generation(generation), location);
        // EPOCH: looked at after the slot was loaded.
        if region.epoch() != epoch || !self.swap_word_in(line, &found, next, Removal::Replaced) {
            self.take_back(class, location, generation, entry);
            return None;
        }
        // The new block is everybody's, and its entry is free for the old one.
        let leak = planted(Fault::ReplacedNotRetired);
        let old = if leak { None } else { self.retire(&found, Some(entry)) };
        self.clear_old();
        match old {
            Some(old)
                if old.kind == Kind::Chunk(class as usize) && !planted(Fault::KeptAndFreed) =>
            {
                let Owned { location, generation, entry, .. } = old;
                self.lane.magazine.give_for_lent(Held { location, generation, class, entry });
            }
            other => self.settle_lent(class, entry, other),
        }
        self.count_removal(&found, Removal::Replaced);
        self.count_addition(&sealed);
        if let Some(deadline) = draft.deadline {
            region.note_deadline(found.position.bucket(), deadline);
        }
        self.tally(Counter::CmdSet, 1);
        Some(sealed.token)
    }
}
