//! Loads from the table: the control word, then each slot, its block's header and key.
//!
//! The verdict on a slot is reached in this order: slot, header, slot again, key (and value), header
//! again. If both pairs are equal, the slot named exactly this incarnation at the second slot load,
//! because that lies between two equal header loads; and what is read behind it was sealed by then
//! and not written since. "Another key" needs this as much as "this key" does. A writer that found
//! its key leaves out the last load: it makes it after naming the block.

use crate::config::{Op, Recheck};
use crate::state::{BlockState, Control, Header, NONE, Name, Pc, Word};
use crate::step::{Step, Stepper};

impl Stepper<'_> {
    pub(crate) fn load_control(&mut self) -> Step {
        let control = self.state.control;
        self.me().control = control;
        if control.pending == NONE {
            return self.look_from(0);
        }
        self.go(Pc::HelpSlot);
        Ok(())
    }

    fn wanted(&self) -> Option<u8> {
        match self.op() {
            Some(Op::Set(key) | Op::Delete(key) | Op::Get(key)) => Some(key),
            _ => None,
        }
    }

    fn is_reader(&self) -> bool {
        matches!(self.op(), Some(Op::Get(_)))
    }

    /// Goes to the slot `from` or, that being its own tentative word, the one after.
    fn look_from(&mut self, from: u8) -> Step {
        let from = if from == self.me().placed { from + 1 } else { from };
        let me = self.me();
        me.cursor = from;
        me.word = Word::EMPTY;
        me.generation = 0;
        me.owner = NONE;
        me.found = false;
        me.value = NONE;
        me.witnessed = false;
        if from < self.config.slots {
            self.go(Pc::LoadSlot);
            Ok(())
        } else {
            self.decide()
        }
    }

    fn look_on(&mut self) -> Step {
        let next = self.me().cursor + 1;
        self.look_from(next)
    }

    fn look_again(&mut self) -> Step {
        let same = self.me().cursor;
        self.look_from(same)
    }

    pub(crate) fn load_slot(&mut self) -> Step {
        let at = self.me().cursor;
        let word = self.state.slots[usize::from(at)].word;
        self.me().word = word;
        if word.is_empty() {
            if self.me().empty == NONE && matches!(self.op(), Some(Op::Set(_))) {
                self.me().empty = at;
            }
            return self.look_on();
        } else if word.is_tentative() && !self.is_reader() {
            let commits =
                self.config.mutations.helper_commits && matches!(self.op(), Some(Op::Set(_)));
            if commits {
                self.go(Pc::CommitForeign);
            } else {
                return self.look_on();
            }
        } else {
            self.go(Pc::LoadHeader);
        }
        Ok(())
    }

    pub(crate) fn load_header(&mut self) -> Step {
        let word = self.me().word;
        let Header { state, owner, generation } = self.state.block(word.location()).header;
        if self.config.short(generation) != word.short() {
            // The block went round. With the slot as it was and the header unchanged at a third look this would
            // be damage; all else is read anew.
            if self.config.mutations.mismatch_passed_over && self.wanted().is_some() {
                self.go(Pc::ReloadMismatched);
                return Ok(());
            }
            return self.look_again();
        }
        self.me().generation = generation;
        // Not sealed yet, a round later than the slot was loaded: then nobody's, and no header to expect.
        self.me().owner = if state == BlockState::Published { owner } else { NONE };
        if word.is_tentative() {
            self.go(Pc::LoadVisibility);
        } else {
            self.second_look();
        }
        Ok(())
    }

    /// A mutation only: "another key" is concluded although the header is not of the slot's generation.
    pub(crate) fn reload_mismatched(&mut self) -> Step {
        if self.reloads_same_slot() { self.look_on() } else { self.look_again() }
    }

    fn second_look(&mut self) {
        let mutations = self.config.mutations;
        let early = mutations.read_before_second_look
            || mutations.named_before_seen_linked && !self.is_reader();
        let early = early && self.wanted().is_some();
        self.go(if early { Pc::LoadKey } else { Pc::ReloadSlot });
    }

    /// VISIBLE, for a reader.
    pub(crate) fn load_visibility(&mut self) -> Step {
        let at = usize::from(self.me().cursor);
        if usize::from(self.state.control.pending) == at {
            let slot = self.state.slots[at];
            let me = self.me();
            me.witnessed = slot.word == me.word && slot.generation == me.generation;
            self.second_look();
        } else if self.config.mutations.invisible_unchecked {
            return self.look_on();
        } else {
            self.go(Pc::ReloadInvisible);
        }
        Ok(())
    }

    /// Not pending may mean: already finished. Then the slot word has changed.
    pub(crate) fn reload_invisible(&mut self) -> Step {
        if self.reloads_same_slot() { self.look_on() } else { self.look_again() }
    }

    fn reloads_same_slot(&mut self) -> bool {
        let me = *self.me();
        self.state.slots[usize::from(me.cursor)].word == me.word
    }

    pub(crate) fn reload_slot(&mut self) -> Step {
        if !self.reloads_same_slot() {
            return self.look_again();
        }
        let at = usize::from(self.me().cursor);
        let slot = self.state.slots[at];
        if self.is_reader() {
            let visible = self.state.is_visible(at);
            let me = self.me();
            me.witnessed |= visible && slot.generation == me.generation;
        }
        match (self.wanted(), self.config.mutations.read_before_second_look) {
            (None, _) => {
                self.me().found = true;
                self.found_by_writer();
            }
            (Some(_), false) => self.go(Pc::LoadKey),
            (Some(_), true) => return self.judge(),
        }
        Ok(())
    }

    pub(crate) fn load_key(&mut self) -> Step {
        let location = self.me().word.location();
        let key = self.state.block(location).key;
        self.me().found = self.wanted() == Some(key);
        if self.config.mutations.read_before_second_look {
            self.go(Pc::ReloadSlot);
            return Ok(());
        }
        self.judge()
    }

    fn judge(&mut self) -> Step {
        if !self.me().found {
            self.me().witnessed = false;
            if self.config.mutations.mismatch_unchecked {
                return self.look_on();
            }
            self.go(Pc::ReloadHeader);
        } else if self.is_reader() {
            self.go(Pc::CopyValue);
        } else {
            self.found_by_writer();
        }
        Ok(())
    }

    fn found_by_writer(&mut self) {
        if self.me().placed != NONE {
            self.me().forget_scan();
            self.go(Pc::Withdraw);
        } else if matches!(self.config.mutations.recheck, Recheck::Header | Recheck::Generation) {
            self.take_aim();
        } else {
            self.go(Pc::ReloadHeader);
        }
    }

    /// The item under the cursor is the one to replace or to remove.
    fn take_aim(&mut self) {
        let me = self.me();
        me.control = Control::FORGOTTEN;
        me.empty = NONE;
        me.victim = NONE;
        me.victim_name = Name::NONE;
        me.victim_owner = NONE;
        self.go(Pc::NameOld);
    }

    pub(crate) fn copy_value(&mut self) -> Step {
        let location = self.me().word.location();
        self.me().value = self.state.block(location).value;
        self.go(Pc::ReloadHeader);
        Ok(())
    }

    pub(crate) fn reload_header(&mut self) -> Step {
        let location = self.me().word.location();
        if self.state.block(location).header.generation != self.me().generation {
            return self.look_again();
        }
        if !self.me().found {
            let me = self.me();
            if me.victim == NONE {
                me.victim = me.cursor;
                me.victim_name = Name::new(location, me.generation);
                me.victim_owner = me.owner;
            }
            if !matches!(self.op(), Some(Op::Set(_))) || self.me().placed != NONE {
                self.me().victim = NONE;
                self.me().victim_name = Name::NONE;
                self.me().victim_owner = NONE;
            }
            return self.look_on();
        }
        if !self.is_reader() {
            self.take_aim();
            return Ok(());
        }
        // P3 and P2 for the reader that accepts.
        let value = self.me().value;
        if value == NONE || self.config.key_of(value) != self.wanted() {
            return Err("a reader accepts a torn or a wrong key's item");
        }
        if !self.me().witnessed {
            return Err("a reader accepts an item that was not visible when it looked");
        }
        self.finish();
        Ok(())
    }

    /// Every slot has been looked at and the key was in none.
    fn decide(&mut self) -> Step {
        self.me().cursor = 0;
        match self.op() {
            Some(Op::Set(_)) => self.decide_insertion(),
            Some(Op::Delete(_) | Op::Get(_)) => return self.report_absent(),
            Some(Op::Evict(_) | Op::Walk(_)) | None => self.finish(),
        }
        Ok(())
    }

    fn decide_insertion(&mut self) {
        let me = self.me();
        let (empty, victim, name) = (me.empty, me.victim, me.victim_name);
        let owner = std::mem::replace(&mut me.victim_owner, NONE);
        me.empty = NONE;
        me.victim = NONE;
        me.victim_name = Name::NONE;
        if me.placed != NONE {
            self.go(Pc::Commit);
        } else if empty != NONE {
            me.cursor = empty;
            self.go(Pc::NameNew);
        } else if victim != NONE {
            me.cursor = victim;
            self.me().word = self.config.committed(name);
            self.me().generation = name.generation;
            self.me().owner = owner;
            self.go(Pc::NameNew);
        } else {
            // Nothing but other processes' tentative words: no slot.
            self.me().forget_scan();
            self.me().phase = Pc::ClearIntent;
            self.go(Pc::Abandon);
        }
    }

    /// A miss needs nothing more, nor does a delete's "absent": an item never moves between slots,
    /// so the key was absent at some moment of the scan. Here that is checked.
    fn report_absent(&mut self) -> Step {
        if !self.me().absent {
            return Err("a get or delete misses a key that was visible all the time");
        }
        self.finish();
        Ok(())
    }
}
