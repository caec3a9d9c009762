//! What is explored: the geometry, a short program for each process, and the rules left out.

use crate::state::{
    BLOCKS, Block, Control, Header, Lane, NONE, Name, PROCESSES, Process, SLOTS, Slot, State, Word,
};

/// The keys. All have the same tag and the same buckets.
pub(crate) const K: u8 = 0;
pub(crate) const M: u8 = 1;
pub(crate) const X: u8 = 2;

/// One operation of a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Op {
    Set(u8),
    Delete(u8),
    Get(u8),
    /// Unlinks the first committed item at this slot or after it.
    Evict(u8),
    /// Meets a block by its header and unlinks what it finds there, as drains and the evictor's hand do.
    Walk(u8),
}

/// What an unlinker loads again after it has named a block in its intent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Recheck {
    /// The block's header: it is still the one that was examined.
    Header,
    /// Of the block's header only the generation: it may have been loaded before the block was sealed in it.
    Generation,
    /// The slot only: its word, with the short generation.
    SlotOnly,
    Nothing,
}

/// Rules broken on purpose. Each of them must make the search fail somewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mutations {
    /// A committed word is removed while its control word is still pending on it.
    pub(crate) no_rule_r: bool,
    /// A helper does not load the control word again.
    pub(crate) no_rule_h: bool,
    /// Whoever sees a foreign tentative word commits it.
    pub(crate) helper_commits: bool,
    /// A withdrawn placement is placed again with the same generation.
    pub(crate) same_generation_on_retry: bool,
    /// After naming an expected word: what is loaded again.
    pub(crate) recheck: Recheck,
    /// A helper does not name the word that it expects.
    pub(crate) helper_names_nothing: bool,
    /// The short generation wraps without a look at the intents.
    pub(crate) no_wrap_scan: bool,
    /// The scan looks at what lanes expect, not at the new blocks they may still have to finish.
    pub(crate) scan_ignores_new_blocks: bool,
    /// Recovery takes a sealed block without a look at the table.
    pub(crate) no_reference_check: bool,
    /// Recovery withdraws a tentative word without a look at the control word.
    pub(crate) recovery_ignores_pending: bool,
    /// Recovery does not name the word that it is about to withdraw.
    pub(crate) recovery_names_nothing: bool,
    /// Who unlinked a block takes it with a store, as if nobody else could have taken it.
    pub(crate) unlinker_never_loses: bool,
    /// A block is sealed when its insertion is finished, not before it is linked.
    pub(crate) seal_after_link: bool,
    /// A block is named as one to unlink before its slot was loaded again after its header.
    pub(crate) named_before_seen_linked: bool,
    /// Lengths and key are read between the header and the second look at the slot.
    pub(crate) read_before_second_look: bool,
    /// "Another key" is concluded without a second look at the header.
    pub(crate) mismatch_unchecked: bool,
    /// "Another key" is concluded from a header that is not of the slot's generation.
    pub(crate) mismatch_passed_over: bool,
    /// A block that was sealed and not linked is given back in the same generation.
    pub(crate) sealed_twice: bool,
    /// A tentative word is skipped on one load of the control word, without loading the slot again.
    pub(crate) invisible_unchecked: bool,
    /// The words of a name are stored over those of the last name, which is not dropped first.
    pub(crate) mixed_names: bool,
    /// A helper names what it is about to finish as if it were about to unlink it.
    pub(crate) helper_names_to_unlink: bool,
}

impl Mutations {
    pub(crate) const NONE: Mutations = Mutations {
        no_rule_r: false,
        no_rule_h: false,
        helper_commits: false,
        same_generation_on_retry: false,
        recheck: Recheck::Header,
        helper_names_nothing: false,
        no_wrap_scan: false,
        scan_ignores_new_blocks: false,
        no_reference_check: false,
        recovery_ignores_pending: false,
        recovery_names_nothing: false,
        unlinker_never_loses: false,
        seal_after_link: false,
        named_before_seen_linked: false,
        read_before_second_look: false,
        mismatch_unchecked: false,
        mismatch_passed_over: false,
        sealed_twice: false,
        invisible_unchecked: false,
        mixed_names: false,
        helper_names_to_unlink: false,
    };
}

/// An item that is in the table from the start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    pub(crate) slot: u8,
    pub(crate) key: u8,
    pub(crate) block: Name,
}

/// One exploration.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) name: &'static str,
    pub(crate) programs: Vec<Vec<Op>>,
    pub(crate) slots: u8,
    /// Generation at which each block starts; their number is the number of blocks.
    pub(crate) generations: Vec<u8>,
    pub(crate) items: Vec<Item>,
    /// Bits of a short generation: 1 or 2.
    pub(crate) short_bits: u8,
    /// How many processes may be killed, and which.
    pub(crate) kills: u8,
    pub(crate) mortal: Vec<u8>,
    /// Whether processes keep one block in private instead of giving each back.
    pub(crate) magazines: bool,
    /// Whether the name of a block to unlink is stored word by word, the header word first.
    pub(crate) names_in_words: bool,
    /// Whether a recovered lane is attached again, by a process that goes on with the program.
    pub(crate) reattach: bool,
    pub(crate) mutations: Mutations,
}

impl Config {
    /// Two slots, three blocks, two-bit generations, nobody dies.
    pub(crate) fn new(name: &'static str, programs: &[&[Op]]) -> Config {
        Config {
            name,
            programs: programs.iter().map(|p| p.to_vec()).collect(),
            slots: 2,
            generations: vec![0; 3],
            items: Vec::new(),
            short_bits: 2,
            kills: 0,
            mortal: (0..programs.len() as u8).collect(),
            magazines: false,
            reattach: false,
            names_in_words: false,
            mutations: Mutations::NONE,
        }
    }

    pub(crate) fn slots(mut self, slots: u8) -> Config {
        self.slots = slots;
        self
    }

    pub(crate) fn generations(mut self, generations: &[u8]) -> Config {
        self.generations = generations.to_vec();
        self
    }

    pub(crate) fn item(mut self, slot: u8, key: u8, location: u8, generation: u8) -> Config {
        self.items.push(Item { slot, key, block: Name::new(location, generation) });
        self
    }

    pub(crate) fn short_bits(mut self, bits: u8) -> Config {
        self.short_bits = bits;
        self
    }

    /// Allows `kills` of the processes `mortal` to be killed.
    pub(crate) fn kills(mut self, kills: u8, mortal: &[u8]) -> Config {
        self.kills = kills;
        self.mortal = mortal.to_vec();
        self
    }

    pub(crate) fn magazines(mut self) -> Config {
        self.magazines = true;
        self
    }

    pub(crate) fn names_in_words(mut self) -> Config {
        self.names_in_words = true;
        self
    }

    pub(crate) fn reattach(mut self) -> Config {
        self.reattach = true;
        self
    }

    pub(crate) fn but(mut self, change: impl FnOnce(&mut Mutations)) -> Config {
        change(&mut self.mutations);
        self
    }

    pub(crate) fn processes(&self) -> usize {
        self.programs.len()
    }

    pub(crate) fn blocks(&self) -> usize {
        self.generations.len()
    }

    pub(crate) fn short(&self, generation: u8) -> u8 {
        generation & ((1 << self.short_bits) - 1)
    }

    /// Whether a block of this generation may be linked only after a scan of the intents.
    pub(crate) fn wraps_at(&self, generation: u8) -> bool {
        self.short(generation) == 0
    }

    pub(crate) fn tentative(&self, block: Name) -> Word {
        Word::tentative(block.location, self.short(block.generation))
    }

    pub(crate) fn committed(&self, block: Name) -> Word {
        Word::committed(block.location, self.short(block.generation))
    }

    pub(crate) fn op(&self, process: usize, op: u8) -> Option<Op> {
        self.programs[process].get(usize::from(op)).copied()
    }

    /// The value that operation `op` of `process` sets.
    pub(crate) fn value_of(process: usize, op: u8) -> u8 {
        process as u8 * 8 + op
    }

    /// The key that `value` was written for.
    pub(crate) fn key_of(&self, value: u8) -> Option<u8> {
        let (process, op) = (usize::from(value / 8), value % 8);
        if process == PROCESSES {
            return self.items.get(usize::from(op)).map(|item| item.key);
        }
        match self.programs.get(process)?.get(usize::from(op))? {
            Op::Set(key) => Some(*key),
            _ => None,
        }
    }

    /// Without readers nobody looks at values, and their store needs no step of its own.
    pub(crate) fn has_readers(&self) -> bool {
        self.programs.iter().flatten().any(|op| matches!(op, Op::Get(_)))
    }

    pub(crate) fn initial(&self) -> State {
        let none = Block { header: Header::free(0), key: NONE, value: NONE };
        let mut state = State {
            control: Control { version: 0, pending: NONE },
            slots: [Slot::EMPTY; SLOTS],
            blocks: [none; BLOCKS],
            lanes: [Lane::IDLE; PROCESSES],
            processes: [Process::NEW; PROCESSES],
            kills: self.kills,
            ended: 0,
        };
        for (block, &generation) in state.blocks.iter_mut().zip(&self.generations) {
            block.header = Header::free(generation);
        }
        for (index, item) in self.items.iter().enumerate() {
            let generation = item.block.generation;
            *state.block_mut(item.block.location) = Block {
                // Its writer's lane number; that process is long gone and the lane in new hands.
                header: Header::published(0, generation),
                key: item.key,
                value: Config::value_of(PROCESSES, index as u8),
            };
            state.slots[usize::from(item.slot)] =
                Slot { word: self.committed(item.block), generation, committed: true };
        }
        state
    }
}
