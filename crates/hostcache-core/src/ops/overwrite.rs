//! The common `set`: a new value for a key that is there, in a block that is at hand.
//!
//! The same steps as [`Session::apply`]'s, each once and in a straight line. Whatever else is met ends it before anything
//! has happened, and the long way begins.

use super::store::Draft;
use crate::ordering as ord;
use crate::participant::Counter;
use crate::region::Host;
use crate::session::Session;
use crate::slab::Owned;
use crate::table::{Lookup, Probe, Removal};

impl<H: Host> Session<'_, H> {
    /// Stores a draft over a live item; its token. `None`: nothing has happened.
    #[inline(always)]
    pub(super) fn overwrite(&mut self, key: &[u8], draft: &Draft<'_>) -> Option<u64> {
        let region = self.region;
        let epoch = region.epoch();
        let stamp = region.geometry.stamp(epoch);
        let probe = Probe::new(&region.geometry, key);
        let Lookup::Found(found) = region.glance(&probe, key)? else { return None };
        // All live items are of this epoch, but those that a clear is overtaking.
        let is_plain =
            !found.word.is_tentative() && found.head.stamp() == stamp && found.is_alive(self.host);
        if !is_plain {
            return None;
        }
        // What was read is of the incarnation that was found if the header is still the same behind this: it is looked at
        // before the exchange.
        ord::reader_fence();
        let owned = self.block_at_hand(draft.sizes(key).words())?;
        let sealed = self.fill(&owned, key, draft, stamp);
        let Owned { location, generation, entry, .. } = owned;
        let next = found.word.replaced_by(region.geometry.short_generation(generation), location);
        // EPOCH: looked at after the slot was loaded.
        if region.epoch() != epoch || !self.swap_word(&found, next, Removal::Replaced) {
            self.take_back(owned, sealed);
            return None;
        }
        if let Some(deadline) = draft.deadline {
            region.note_deadline(found.position.bucket(), deadline);
        }
        self.linked_over(&found, Removal::Replaced, entry, &sealed);
        self.tally(Counter::CmdSet, 1);
        Some(sealed.token)
    }
}
