//! Finishing a committed insertion: anybody may, only what is committed (rules H and R).

use super::Position;
use crate::fault::{Fault, planted};
use crate::ordering as ord;
use crate::region::Region;
use crate::session::Session;
use crate::sync::Ordering;
use crate::word::{ControlWord, SlotWord};

impl<H> Session<'_, H> {
    /// Loads a primary bucket's control word with nothing pending, finishing what is.
    #[inline]
    pub(crate) fn settled_control(&mut self, primary: u64) -> Option<ControlWord> {
        let control =
            ControlWord::from_bits(self.region.control(primary).load(ord::control_load()));
        if control.pending().is_none() {
            return Some(control);
        }
        if !planted(Fault::PendingNotHelped) {
            self.help(primary, control);
        }
        None
    }

    /// Whether no control word is pending on a committed word's slot (rule R); if one is, settles it, and the
    /// caller looks again.
    pub(crate) fn settle_slot(&mut self, position: Position, word: SlotWord) -> bool {
        let region = self.region;
        let primary = position.primary(&region.geometry, word);
        let control = ControlWord::from_bits(region.control(primary).load(ord::control_load()));
        let pending_here = position.is_pending(&region.geometry, primary, control);
        // The slot is looked at behind the control word: committed there means that the pending insertion is
        // finished. Without this look, what is pending might be a successor that is not.
        if pending_here && region.slot(position).load(ord::slot_recheck()) == word.bits() {
            region.clear_pending(primary, control);
        }
        !pending_here
    }

    /// Finishes a committed insertion of somebody else. Uses the lane's second name.
    #[cold]
    pub(crate) fn help(&mut self, primary: u64, control: ControlWord) {
        let Some(pending) = control.pending() else { return };
        let region = self.region;
        let position = Position::pending(&region.geometry, primary, pending, control.tag());
        let word = SlotWord::from_bits(region.slot(position).load(ord::slot_load()));
        if word.is_tentative() {
            self.name_old(word);
            // RULE H: the slot was read between two equal control words, so the word is the committed one;
            // and it was re-read behind the name, so it cannot recur meanwhile.
            let same = region.slot(position).load(ord::slot_recheck()) == word.bits()
                && (planted(Fault::HelperCommits)
                    || region.control(primary).load(ord::control_load()) == control.bits());
            if same {
                region.finish_slot(position, word);
            }
            self.clear_old();
            if !same {
                return;
            }
        }
        region.clear_pending(primary, control);
    }
}

impl Region {
    /// Tentative → committed; the caller has named the word, or owns its block and has named that.
    #[inline]
    pub(crate) fn finish_slot(&self, position: Position, word: SlotWord) {
        // A failure means: somebody finished it first.
        let _ = self.slot(position).compare_exchange(
            word.bits(),
            word.committed().bits(),
            ord::slot_publish(),
            Ordering::Relaxed,
        );
    }

    /// Pending → none; 48 bits of version make this safe for anybody, whenever the slot is committed.
    #[inline]
    pub(crate) fn clear_pending(&self, primary: u64, control: ControlWord) {
        let _ = self.control(primary).compare_exchange(
            control.bits(),
            control.finished().bits(),
            ord::control_commit(),
            Ordering::Relaxed,
        );
    }
}
