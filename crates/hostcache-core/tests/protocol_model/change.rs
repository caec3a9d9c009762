//! Changes of the table: replace, place, commit, finish, withdraw, unlink; and helping.

use crate::config::{Op, Recheck};
use crate::state::{Control, Header, Lane, NONE, Name, Pc, Slot, Word};
use crate::step::{Step, Stepper};

impl Stepper<'_> {
    /// HAZARD: the intent names the own word before it is placed. The compare-exchange that finishes
    /// it may come after others have finished, unlinked and retired it.
    pub(crate) fn name_new(&mut self) -> Step {
        let location = self.me().block.location;
        self.lane().new = location;
        let empty = self.me().word.is_empty();
        self.go(if empty { Pc::Place } else { Pc::NameOld });
        Ok(())
    }

    fn old_name(&mut self) -> Name {
        Name::new(self.me().word.location(), self.me().generation)
    }

    /// HAZARD: the intent names the block whose slot word is about to be expected.
    pub(crate) fn name_old(&mut self) -> Step {
        let name = self.old_name();
        if !self.config.names_in_words {
            self.lane().old = name;
            self.lane().old_owner = self.me().owner;
            self.lane().unlinking = true;
            self.named();
            return Ok(());
        }
        if self.config.mutations.mixed_names {
            return self.name_old_header();
        }
        self.lane().old = Name::NONE;
        self.lane().unlinking = false;
        self.go(Pc::NameOldHeader);
        Ok(())
    }

    pub(crate) fn name_old_header(&mut self) -> Step {
        let name = self.old_name();
        self.lane().old.generation = name.generation;
        self.lane().old_owner = self.me().owner;
        self.go(Pc::NameOldWord);
        Ok(())
    }

    pub(crate) fn name_old_word(&mut self) -> Step {
        let name = self.old_name();
        self.lane().old.location = name.location;
        self.lane().unlinking = true;
        self.named();
        Ok(())
    }

    fn named(&mut self) {
        if self.config.mutations.recheck == Recheck::Nothing {
            self.aim_is_safe();
        } else {
            self.go(Pc::Recheck);
        }
    }

    /// The header that was examined is still the block's, in every bit: it lies behind a look at the slot, so it is
    /// the one that the slot names, and the one to retire. And from now on it cannot come round unnoticed.
    pub(crate) fn recheck(&mut self) -> Step {
        let me = *self.me();
        let same = match self.config.mutations.recheck {
            Recheck::SlotOnly => self.state.slots[usize::from(me.cursor)].word == me.word,
            Recheck::Header | Recheck::Nothing => {
                self.state.block(me.word.location()).header
                    == Header::published(me.owner, me.generation)
            }
            Recheck::Generation => {
                self.state.block(me.word.location()).header.generation == me.generation
            }
        };
        if same {
            self.aim_is_safe();
        } else {
            self.restart();
        }
        Ok(())
    }

    fn aim_is_safe(&mut self) {
        let replaces = matches!(self.op(), Some(Op::Set(_))) && self.me().found;
        if replaces || self.config.mutations.no_rule_r {
            self.go(Pc::Swap);
        } else {
            self.go(Pc::RuleR);
        }
    }

    /// RULE R: nothing may be removed under a control word that is pending on it.
    pub(crate) fn rule_r(&mut self) -> Step {
        let control = self.state.control;
        if control.pending == self.me().cursor {
            self.me().forget_scan();
            self.me().control = control;
            self.go(Pc::HelpSlot);
        } else {
            self.go(Pc::Swap);
        }
        Ok(())
    }

    /// Replaces or unlinks the item aimed at, or places the own tentative word over it.
    pub(crate) fn swap(&mut self) -> Step {
        let me = *self.me();
        let at = usize::from(me.cursor);
        if self.state.slots[at].word != me.word {
            self.restart();
            return Ok(());
        }
        if self.state.slots[at].generation != me.generation {
            return Err("an expected slot word came round with another meaning");
        }
        let generation = me.block.generation;
        self.state.slots[at] = match (self.op(), me.found) {
            (Some(Op::Set(_)), true) => {
                Slot { word: self.config.committed(me.block), generation, committed: true }
            }
            (Some(Op::Set(_)), false) => {
                self.me().placed = me.cursor;
                Slot { word: self.config.tentative(me.block), generation, committed: false }
            }
            _ => Slot::EMPTY,
        };
        let control = me.control;
        self.me().forget_scan();
        self.me().control = control;
        self.go(Pc::Retire);
        Ok(())
    }

    /// The own tentative word into an empty slot. Empty may recur: nothing is committed by this.
    pub(crate) fn place(&mut self) -> Step {
        let me = *self.me();
        let word = self.config.tentative(me.block);
        let slot = &mut self.state.slots[usize::from(me.cursor)];
        if slot.word.is_empty() {
            *slot = Slot { word, generation: me.block.generation, committed: false };
            self.me().placed = me.cursor;
            self.me().cursor = 0;
            self.go(Pc::Commit);
        } else {
            self.restart();
        }
        Ok(())
    }

    /// ONE-INSTANCE: the linearization point of an insertion.
    pub(crate) fn commit(&mut self) -> Step {
        let me = *self.me();
        if self.state.control != me.control {
            self.restart();
            return Ok(());
        }
        let slot = &mut self.state.slots[usize::from(me.placed)];
        if slot.word != self.config.tentative(me.block) || slot.generation != me.block.generation {
            return Err("an owner commits a slot that does not hold its tentative word");
        }
        slot.committed = true;
        let version = me.control.version + 1;
        self.state.control = Control { version, pending: me.placed };
        self.me().control = self.state.control;
        self.go(Pc::FinishSlot);
        Ok(())
    }

    /// A mutation only: commits another process's word.
    pub(crate) fn commit_foreign(&mut self) -> Step {
        let me = *self.me();
        let slot = &mut self.state.slots[usize::from(me.cursor)];
        if self.state.control == me.control && slot.word == me.word {
            slot.committed = true;
            self.state.control = Control { version: me.control.version + 1, pending: me.cursor };
        }
        self.restart();
        Ok(())
    }

    /// Turns the tentative `word` in slot `at` into a committed one.
    fn finish_word(&mut self, at: u8, word: Word) -> Step {
        let slot = &mut self.state.slots[usize::from(at)];
        if slot.word == word {
            if !slot.committed {
                return Err("a word is finished that its owner has not committed");
            }
            slot.word = word.finished();
        }
        Ok(())
    }

    fn finish_pending(&mut self) {
        let expected = self.me().control;
        if self.state.control == expected {
            self.state.control.pending = NONE;
        }
    }

    pub(crate) fn finish_slot(&mut self) -> Step {
        let me = *self.me();
        self.finish_word(me.placed, self.config.tentative(me.block))?;
        self.go(Pc::FinishControl);
        Ok(())
    }

    pub(crate) fn finish_control(&mut self) -> Step {
        self.finish_pending();
        let me = self.me();
        me.placed = NONE;
        me.forget_scan();
        self.inserted_or_replaced();
        Ok(())
    }

    fn inserted_or_replaced(&mut self) {
        let late = self.config.mutations.seal_after_link && !self.me().block.is_none();
        self.go(if late { Pc::Seal } else { Pc::ClearIntent });
    }

    /// Takes the own uncommitted word out of its slot: the key has turned up elsewhere.
    pub(crate) fn withdraw(&mut self) -> Step {
        let me = *self.me();
        let slot = &mut self.state.slots[usize::from(me.placed)];
        if slot.word != self.config.tentative(me.block) {
            return Err("a tentative word was changed by somebody else");
        }
        *slot = Slot::EMPTY;
        self.me().placed = NONE;
        if self.config.mutations.same_generation_on_retry {
            self.restart();
        } else {
            self.go(Pc::Renew);
        }
        Ok(())
    }

    /// The block just unlinked: claimed by whoever wins, which need not be the unlinker.
    pub(crate) fn retire(&mut self) -> Step {
        let Lane { old: Name { location, generation }, old_owner, .. } = *self.lane();
        let claimed = Header::claimed(self.p as u8, generation + 1);
        let won = self.state.block(location).header == Header::published(old_owner, generation);
        if won || self.config.mutations.unlinker_never_loses {
            self.state.block_mut(location).header = claimed;
            let keeps = self.config.magazines && !self.me().stocked;
            self.go(if keeps { Pc::Keep } else { Pc::GiveBack });
        } else {
            self.retired();
        }
        Ok(())
    }

    pub(crate) fn give_back(&mut self) -> Step {
        let Name { location, generation } = self.lane().old;
        let block = self.state.block_mut(location);
        if block.header != Header::claimed(self.p as u8, generation + 1) {
            return Err("a process gives back a block that is not its own");
        }
        block.header = Header::free(generation + 1);
        self.retired();
        Ok(())
    }

    pub(crate) fn keep(&mut self) -> Step {
        let location = self.lane().old.location;
        self.lane().kept = location;
        self.me().stocked = true;
        self.retired();
        Ok(())
    }

    fn retired(&mut self) {
        if self.me().placed == NONE {
            self.inserted_or_replaced();
        } else {
            self.go(Pc::Commit);
        }
    }

    pub(crate) fn clear_intent(&mut self) -> Step {
        let lane = self.lane();
        lane.work = NONE;
        lane.new = NONE;
        lane.old = Name::NONE;
        lane.old_owner = NONE;
        lane.unlinking = false;
        self.next_op();
        Ok(())
    }

    /// Helping: the committed insertion that the loaded control word is pending on.
    pub(crate) fn help_slot(&mut self) -> Step {
        let at = usize::from(self.me().control.pending);
        let word = self.state.slots[at].word;
        if !word.is_tentative() {
            self.go(Pc::HelpClear);
            return Ok(());
        }
        self.me().word = word;
        let mutations = self.config.mutations;
        self.go(match (mutations.helper_names_nothing, mutations.no_rule_h) {
            (false, _) => Pc::HelpName,
            (true, false) => Pc::HelpControl,
            (true, true) => Pc::HelpFinish,
        });
        Ok(())
    }

    pub(crate) fn help_name(&mut self) -> Step {
        let location = self.me().word.location();
        let Header { generation, owner, .. } = self.state.block(location).header;
        let as_victim = self.config.mutations.helper_names_to_unlink;
        let lane = self.lane();
        lane.old = Name::new(location, if as_victim { generation } else { 0 });
        lane.old_owner = if as_victim { owner } else { NONE };
        lane.unlinking = as_victim;
        let unchecked = self.config.mutations.no_rule_h;
        self.go(if unchecked { Pc::HelpFinish } else { Pc::HelpControl });
        Ok(())
    }

    /// RULE H.
    pub(crate) fn help_control(&mut self) -> Step {
        let expected = self.me().control;
        if self.state.control == expected {
            self.go(Pc::HelpFinish);
        } else {
            self.restart();
        }
        Ok(())
    }

    pub(crate) fn help_finish(&mut self) -> Step {
        let (at, word) = (self.me().control.pending, self.me().word);
        self.finish_word(at, word)?;
        self.me().word = Word::EMPTY;
        self.go(Pc::HelpClear);
        Ok(())
    }

    pub(crate) fn help_clear(&mut self) -> Step {
        self.finish_pending();
        self.restart();
        Ok(())
    }
}
