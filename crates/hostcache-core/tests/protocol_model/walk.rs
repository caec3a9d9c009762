//! From a block to its slot: how drains and the evictor's hand meet items.
//!
//! Header, key, header again: then the key is the one that was sealed in this generation, and its
//! set of slots is where the block is linked, if it is. What was sealed and given back unlinked must
//! not be sealed again in the same generation (SEALED-ONCE): the walker would unlink the second one
//! and retire the first.

use crate::config::Op;
use crate::state::{BlockState, Header, Pc};
use crate::step::{Step, Stepper};

impl Stepper<'_> {
    pub(crate) fn walk_header(&mut self) -> Step {
        let Some(Op::Walk(location)) = self.op() else {
            return Err("only a walker walks");
        };
        let Header { state, owner, generation } = self.state.block(location).header;
        if state != BlockState::Published {
            self.finish();
            return Ok(());
        }
        let word = self.config.committed(crate::state::Name::new(location, generation));
        let me = self.me();
        me.word = word;
        me.generation = generation;
        me.owner = owner;
        self.go(Pc::WalkKey);
        Ok(())
    }

    pub(crate) fn walk_key(&mut self) -> Step {
        let location = self.me().word.location();
        let key = self.state.block(location).key;
        self.me().value = key;
        self.go(Pc::WalkReload);
        Ok(())
    }

    pub(crate) fn walk_reload(&mut self) -> Step {
        let me = *self.me();
        let block = *self.state.block(me.word.location());
        if block.header.generation != me.generation {
            self.finish();
            return Ok(());
        }
        if block.header.state == BlockState::Published && block.key != me.value {
            return Err("a walker takes one item's key for another's");
        }
        self.me().value = crate::state::NONE;
        self.go(Pc::WalkSlot);
        Ok(())
    }

    /// Looks for the slot that names the block in this generation.
    pub(crate) fn walk_slot(&mut self) -> Step {
        let me = *self.me();
        let word = self.state.slots[usize::from(me.cursor)].word;
        let names = !word.is_empty()
            && word.location() == me.word.location()
            && word.short() == me.word.short();
        if names && !word.is_tentative() {
            self.me().found = true;
            self.go(Pc::NameOld);
        } else if !names && me.cursor + 1 < self.config.slots {
            self.me().cursor += 1;
        } else {
            // In no slot, or not finished: theirs.
            self.finish();
        }
        Ok(())
    }
}
