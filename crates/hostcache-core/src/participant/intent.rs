//! Intents: the words that a lane is about to expect in a slot (invariant HAZARD).
//!
//! Hazard pointers (Michael, IEEE TPDS 2004) on slot words. A name is stored, a full barrier passed, the slot
//! re-read; a block's short generation begins anew only after a scan that finds no name for its location.

use crate::fault::{Fault, planted};
use crate::layout::record;
use crate::ordering as ord;
use crate::region::Region;
use crate::session::Session;
use crate::sync::Ordering;
use crate::word::{BlockWord, LaneId, SlotWord};

impl<H> Session<'_, H> {
    /// Names the lane's own new word, before it is placed: its compare-exchanges that finish or withdraw it
    /// expect it even after somebody else has unlinked it.
    #[inline(always)]
    pub(crate) fn name_new(&self, word: SlotWord) {
        self.record_word(record::NEW).swap(word.bits(), ord::hazard_publish());
        ord::hazard_fence();
    }

    #[inline(always)]
    pub(crate) fn clear_new(&self) {
        self.record_word(record::NEW).store(0, ord::hazard_clear());
    }

    /// Names a word that the lane is about to expect in a slot and not to unlink; the caller re-reads the slot next.
    /// Its block is nobody's to recover, so no header stands beside it.
    #[inline(always)]
    pub(crate) fn name_old(&self, word: SlotWord) {
        self.name_victim(word, BlockWord::free(0));
    }

    /// The same for a word that it is about to unlink: the header, stored first, lets its recovery take the block.
    #[inline(always)]
    pub(crate) fn name_victim(&self, word: SlotWord, header: BlockWord) {
        self.record_word(record::OLD_HEADER).store(header.bits(), ord::record_store());
        if planted(Fault::NameWithoutBarrier) {
            return self.record_word(record::OLD).store(word.bits(), Ordering::Relaxed);
        }
        self.record_word(record::OLD).swap(word.bits(), ord::hazard_publish());
        ord::hazard_fence();
    }

    #[inline(always)]
    pub(crate) fn clear_old(&self) {
        self.record_word(record::OLD).store(0, ord::hazard_clear());
    }
}

impl Region {
    /// Whether any other lane names a word whose location lies in a range. False after a scan means: whoever names one
    /// from now on re-reads its slot after this, and finds what is there now.
    pub(crate) fn is_named(&self, from: u64, to: u64, except: LaneId) -> bool {
        ord::hazard_scan_fence();
        (0..self.geometry.shape.lanes as LaneId).filter(|&lane| lane != except).any(|lane| {
            [record::NEW, record::OLD].into_iter().any(|at| {
                let word = SlotWord::from_bits(self.lane_word(lane, at).load(ord::hazard_load()));
                !word.is_empty() && (from..to).contains(&word.location())
            })
        })
    }

    /// What a dead lane was about to unlink.
    pub(crate) fn victim_of(&self, lane: LaneId) -> Option<(SlotWord, BlockWord)> {
        let word = self.lane_word(lane, record::OLD).load(ord::record_load());
        let header = self.lane_word(lane, record::OLD_HEADER).load(Ordering::Relaxed);
        (word != 0).then_some((SlotWord::from_bits(word), BlockWord::from_bits(header)))
    }
}
