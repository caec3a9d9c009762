//! A block for a new item: named, claimed, past the wrap of its short generation, written, sealed.
//!
//! HAZARD, the second half: a slot word that somebody still expects must not come up again with
//! another meaning. Short generations return, so between two rounds of them stands a scan of all
//! intents. Generations grow by one and only when a block leaves PUBLISHED, so no block can get
//! from one round into the next without being sealed at a short generation of 0: there it is made.

use crate::config::{Config, Op};
use crate::state::{BlockState, Header, NONE, Name, Pc, Slot};
use crate::step::{Step, Stepper};

impl Stepper<'_> {
    /// An entry names the block: the own magazine's, or the first free one at or after the cursor.
    /// The walk there is over hints and costs no step; the claim decides.
    pub(crate) fn allocate(&mut self) -> Step {
        let from = self.me().cursor;
        let stocked = self.me().stocked;
        let chosen = if stocked {
            Some(self.lane().kept)
        } else {
            (from..self.config.blocks() as u8)
                .find(|&b| self.state.block(b).header.state == BlockState::Free)
        };
        let Some(location) = chosen else {
            // No room. The real cache evicts inline; here the operation ends without effect.
            self.finish();
            return Ok(());
        };
        let generation = self.state.block(location).header.generation;
        self.lane().work = location;
        let me = self.me();
        me.block = Name::new(location, generation);
        me.cursor = 0;
        me.stocked = false;
        if stocked {
            self.claimed();
        } else {
            self.go(Pc::Claim);
        }
        Ok(())
    }

    pub(crate) fn claim(&mut self) -> Step {
        let Name { location, generation } = self.me().block;
        let me = self.p as u8;
        let header = &mut self.state.block_mut(location).header;
        if *header == Header::free(generation) {
            *header = Header::claimed(me, generation);
            self.claimed();
        } else {
            self.me().block = Name::NONE;
            self.me().cursor = location;
            self.go(Pc::Allocate);
        }
        Ok(())
    }

    /// The own block has a generation in which it was never linked.
    fn claimed(&mut self) {
        let generation = self.me().block.generation;
        let scan = !self.config.mutations.no_wrap_scan && self.config.wraps_at(generation);
        self.me().cursor = 0;
        self.go(if scan { Pc::ScanIntents } else { Pc::WriteKey });
    }

    /// Loads one word of one intent: does another lane name this block?
    pub(crate) fn scan_intents(&mut self) -> Step {
        let cursor = usize::from(self.me().cursor);
        let other = |step: usize| (self.p + 1 + step / 2) % self.config.processes();
        let location = self.state.processes[self.p].block.location;
        let intent = &self.state.lanes[other(cursor)];
        let named = match cursor % 2 {
            0 => !self.config.mutations.scan_ignores_new_blocks && intent.new == location,
            _ => intent.old.location == location,
        };
        let done = other(cursor + 1) == self.p;
        if named {
            // Set aside: it lies free, in a generation that comes here again.
            self.me().phase = Pc::Allocate;
            self.go(Pc::GiveBackNew);
        } else if done {
            self.me().cursor = 0;
            self.go(Pc::WriteKey);
        } else {
            self.me().cursor += 1;
        }
        Ok(())
    }

    /// A store to a block is by its owner, and nobody can be reading it as an item.
    fn must_own_new(&mut self) -> Step {
        let Name { location, generation } = self.me().block;
        if self.state.block(location).header != Header::claimed(self.p as u8, generation) {
            return Err("a process writes to a block that is not its own");
        }
        let linked = |s: &Slot| !s.word.is_empty() && s.word.location() == location;
        if self.state.slots.iter().any(linked) {
            return Err("a process writes to a linked block");
        }
        Ok(())
    }

    pub(crate) fn write_key(&mut self) -> Step {
        self.must_own_new()?;
        let Some(Op::Set(key)) = self.op() else {
            return Err("only a set writes");
        };
        let location = self.me().block.location;
        self.state.block_mut(location).key = key;
        if self.config.has_readers() {
            self.state.block_mut(location).value = NONE;
            self.go(Pc::WriteValue);
            Ok(())
        } else {
            self.write_value()
        }
    }

    pub(crate) fn write_value(&mut self) -> Step {
        self.must_own_new()?;
        let value = Config::value_of(self.p, self.me().op);
        let location = self.me().block.location;
        self.state.block_mut(location).value = value;
        if self.config.mutations.seal_after_link {
            self.restart();
        } else {
            self.go(Pc::Seal);
        }
        Ok(())
    }

    /// SEALED-BEFORE-LINKED.
    pub(crate) fn seal(&mut self) -> Step {
        let late = self.config.mutations.seal_after_link;
        if !late {
            self.must_own_new()?;
        }
        let Name { location, generation } = self.me().block;
        self.state.block_mut(location).header = Header::published(self.p as u8, generation);
        if late {
            self.go(Pc::ClearIntent);
        } else {
            self.restart();
        }
        Ok(())
    }

    /// LINKED-ONCE: the own, withdrawn block gets a new generation. A store: in no slot, it is in
    /// nobody else's reach.
    pub(crate) fn renew(&mut self) -> Step {
        self.reopen(1)?;
        self.claimed();
        Ok(())
    }

    /// SEALED-ONCE: there was no slot for the own block, and it leaves PUBLISHED with a new generation.
    pub(crate) fn abandon(&mut self) -> Step {
        self.reopen(u8::from(!self.config.mutations.sealed_twice))?;
        self.go(Pc::GiveBackNew);
        Ok(())
    }

    fn reopen(&mut self, later: u8) -> Step {
        let Name { location, generation } = self.me().block;
        let me = self.p as u8;
        let header = &mut self.state.block_mut(location).header;
        if *header != Header::published(me, generation) && !self.config.mutations.seal_after_link {
            return Err("a block was taken that its owner may still place");
        }
        *header = Header::claimed(me, generation + later);
        self.me().block.generation += later;
        Ok(())
    }

    /// Gives the own, unlinked block back: set aside at the wrap, or there was no slot for it.
    pub(crate) fn give_back_new(&mut self) -> Step {
        self.must_own_new()?;
        let Name { location, generation } = self.me().block;
        self.state.block_mut(location).header = Header::free(generation);
        self.me().block = Name::NONE;
        self.me().cursor = 0;
        if std::mem::replace(&mut self.me().phase, Pc::Idle) == Pc::Allocate {
            self.me().cursor = location + 1;
            self.go(Pc::Allocate);
        } else {
            self.finish();
        }
        Ok(())
    }
}
