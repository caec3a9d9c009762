//! Recovery of a dead participant: a bounded list of names, each step a compare-exchange.
//!
//! The recoverer holds the dead lane's lock byte. It can be killed at every step; the byte is free
//! then, and whoever takes it starts again with the same names. It holds no block itself: what it
//! takes goes from the dead one's hands straight to FREE.

use crate::config::Config;
use crate::state::{Header, Lane, Life, NONE, Name, Pc, Process, Slot};
use crate::step::{Step, Stepper};

impl Stepper<'_> {
    fn patient(&mut self) -> usize {
        usize::from(self.me().patient)
    }

    /// On to the next name in the dead one's record.
    fn next_name(&mut self) {
        let phase = self.me().phase;
        let me = self.me();
        me.forget_scan();
        me.phase = Pc::Idle;
        me.block = Name::NONE;
        self.go(match phase {
            Pc::RecoverOld => Pc::RecoverWork,
            Pc::RecoverWork => Pc::RecoverKept,
            _ => Pc::RecoverEnd,
        });
    }

    /// Loads a name and the header there: may anything of this be the dead one's?
    pub(crate) fn recover_name(&mut self) -> Step {
        let patient = self.patient();
        let lane = self.state.lanes[patient];
        let phase = self.me().pc;
        self.me().phase = phase;
        let location = match phase {
            Pc::RecoverOld => lane.old.location,
            Pc::RecoverWork => lane.work,
            _ => lane.kept,
        };
        if location == NONE {
            self.next_name();
            return Ok(());
        }
        let header = self.state.block(location).header;
        self.me().block = Name::new(location, header.generation);
        self.me().owner = header.owner;
        // TAKE (c): what it was about to unlink.
        let victim = phase == Pc::RecoverOld
            && lane.unlinking
            && header == Header::published(lane.old_owner, lane.old.generation);
        // TAKE (b): what it sealed.
        let own = header == Header::published(patient as u8, header.generation);
        self.me().found = own && !victim;
        if header.is_claimed_by(patient as u8) {
            self.go(Pc::RecoverFree);
        } else if !victim && !own {
            self.next_name();
        } else if self.config.mutations.no_reference_check {
            self.go(Pc::RecoverTake);
        } else {
            self.go(Pc::RecoverSlots);
        }
        Ok(())
    }

    /// TAKE needs that no slot references the block. A single look at each slot is enough, for an
    /// incarnation that is in no slot now will never be in one.
    pub(crate) fn recover_slots(&mut self) -> Step {
        let me = *self.me();
        let word = self.state.slots[usize::from(me.cursor)].word;
        let references = !word.is_empty()
            && word.location() == me.block.location
            && word.short() == self.config.short(me.block.generation);
        if references && word.is_tentative() && me.found {
            self.me().word = word;
            self.go(match self.config.mutations.recovery_ignores_pending {
                true => Pc::RecoverWithdraw,
                false => Pc::RecoverPending,
            });
        } else if references {
            self.next_name();
        } else if me.cursor + 1 < self.config.slots {
            self.me().cursor += 1;
        } else {
            self.me().cursor = 0;
            self.go(Pc::RecoverTake);
        }
        Ok(())
    }

    /// The dead one's tentative word. With the control word pending on it, it is committed: whoever
    /// comes next finishes it.
    pub(crate) fn recover_pending(&mut self) -> Step {
        if self.state.control.pending == self.me().cursor {
            self.next_name();
        } else if self.config.mutations.recovery_names_nothing {
            self.go(Pc::RecoverWithdraw);
        } else {
            self.go(Pc::RecoverNameWord);
        }
        Ok(())
    }

    /// HAZARD: the word to withdraw is named, in the dead lane's record, which is the recoverer's now.
    /// The dead one itself names it only if it was about to insert; after a replacement the block may
    /// have been unlinked and reused by others since its header was loaded.
    pub(crate) fn recover_name_word(&mut self) -> Step {
        let patient = self.patient();
        self.state.lanes[patient].new = self.me().block.location;
        self.go(Pc::RecoverRecheck);
        Ok(())
    }

    pub(crate) fn recover_recheck(&mut self) -> Step {
        let Name { location, generation } = self.me().block;
        let same = Header::published(self.me().patient, generation);
        if self.state.block(location).header == same {
            self.go(Pc::RecoverWithdraw);
        } else {
            self.next_name();
        }
        Ok(())
    }

    /// The recoverer withdraws in the owner's place. Is the word another one by now, then it was
    /// committed and has been finished.
    pub(crate) fn recover_withdraw(&mut self) -> Step {
        let me = *self.me();
        let slot = &mut self.state.slots[usize::from(me.cursor)];
        if slot.word != me.word {
            self.next_name();
            return Ok(());
        }
        if slot.generation != me.block.generation {
            return Err("recovery withdraws another word than the dead one's");
        }
        *slot = Slot::EMPTY;
        self.me().forget_scan();
        self.me().owner = me.owner;
        self.go(Pc::RecoverTake);
        Ok(())
    }

    /// TAKE. It may lose to the unlinker or to another recovery; then it is theirs.
    pub(crate) fn recover_take(&mut self) -> Step {
        let Process { block: Name { location, generation }, owner, .. } = *self.me();
        let block = self.state.block_mut(location);
        if block.header == Header::published(owner, generation) {
            block.header = Header::free(generation + 1);
        }
        self.next_name();
        Ok(())
    }

    pub(crate) fn recover_free(&mut self) -> Step {
        let patient = self.me().patient;
        let Name { location, generation } = self.me().block;
        let block = self.state.block_mut(location);
        if block.header == Header::claimed(patient, generation) {
            block.header = Header::free(generation);
        }
        self.next_name();
        Ok(())
    }

    /// The record is cleared, the incarnation is bumped and the byte is free: one step, since a
    /// record cleared in part only names less of what has been seen to already.
    pub(crate) fn recover_end(&mut self) -> Step {
        let patient = self.patient();
        self.state.lanes[patient] = Lane::IDLE;
        let op = self.state.processes[patient].op;
        let value = Config::value_of(patient, op);
        let is_visible = |slot: usize| {
            self.state.is_visible(slot)
                && self.state.block(self.state.slots[slot].word.location()).value == value
        };
        // Strict linearizability: what is not visible by now never will be.
        if !(0..self.state.slots.len()).any(is_visible) {
            self.state.ended |= 1 << value;
        }
        let attached_again = self.config.reattach && self.config.op(patient, op).is_some();
        self.state.processes[patient] = if attached_again {
            Process { op: op + 1, ..Process::NEW }
        } else {
            Process { life: Life::Gone, op, ..Process::NEW }
        };
        let me = self.me();
        me.patient = NONE;
        me.phase = Pc::Idle;
        me.forget_scan();
        me.pc = Pc::Idle;
        Ok(())
    }
}
