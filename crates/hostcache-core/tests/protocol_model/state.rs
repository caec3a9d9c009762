//! One state of the model: the shared words, what each process holds in private, and the ghosts.
//!
//! Everything is a byte, so a state is small, plain and cheap to fingerprint. Generations of headers
//! and versions of control words are never reduced: they are the 48-bit numbers that do not wrap.
//! Only a slot word keeps a short generation, of one or two bits, so that it comes round at once.

/// "No such thing" in every byte that names a slot, a block or a process.
pub(crate) const NONE: u8 = 0xff;
/// Most processes, slots and blocks a program may use.
pub(crate) const PROCESSES: usize = 3;
pub(crate) const SLOTS: usize = 3;
pub(crate) const BLOCKS: usize = 4;

/// An incarnation of a block: its location and its full generation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Name {
    pub(crate) location: u8,
    pub(crate) generation: u8,
}

impl Name {
    pub(crate) const NONE: Name = Name { location: NONE, generation: 0 };

    pub(crate) fn new(location: u8, generation: u8) -> Name {
        Name { location, generation }
    }

    pub(crate) fn is_none(self) -> bool {
        self.location == NONE
    }
}

/// A slot word: `present 1 | tentative 1 | short generation 2 | location 2`; 0 is an empty slot.
/// Both keys share a tag, the hard case, so the tag is left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Word(pub(crate) u8);

impl Word {
    pub(crate) const EMPTY: Word = Word(0);

    pub(crate) fn tentative(location: u8, short: u8) -> Word {
        Word(0xc0 | short << 2 | location)
    }

    pub(crate) fn committed(location: u8, short: u8) -> Word {
        Word(0x80 | short << 2 | location)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn is_tentative(self) -> bool {
        self.0 & 0x40 != 0
    }

    /// The same word after the second half of an insertion.
    pub(crate) fn finished(self) -> Word {
        Word(self.0 & !0x40)
    }

    pub(crate) fn location(self) -> u8 {
        self.0 & 3
    }

    pub(crate) fn short(self) -> u8 {
        self.0 >> 2 & 3
    }
}

/// The control word of the one primary bucket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Control {
    pub(crate) version: u8,
    /// The slot of the committed insertion that is not finished yet.
    pub(crate) pending: u8,
}

impl Control {
    /// What a process keeps in place of a control word that it no longer needs.
    pub(crate) const FORGOTTEN: Control = Control { version: 0, pending: NONE };
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum BlockState {
    Free,
    Claimed,
    Published,
}

/// The header word of a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    pub(crate) state: BlockState,
    pub(crate) owner: u8,
    pub(crate) generation: u8,
}

impl Header {
    pub(crate) fn free(generation: u8) -> Header {
        Header { state: BlockState::Free, owner: NONE, generation }
    }

    pub(crate) fn claimed(owner: u8, generation: u8) -> Header {
        Header { state: BlockState::Claimed, owner, generation }
    }

    pub(crate) fn published(owner: u8, generation: u8) -> Header {
        Header { state: BlockState::Published, owner, generation }
    }

    /// Claimed by `owner`, whatever the generation.
    pub(crate) fn is_claimed_by(self, owner: u8) -> bool {
        self.state == BlockState::Claimed && self.owner == owner
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Block {
    pub(crate) header: Header,
    pub(crate) key: u8,
    /// Which `set` of which program wrote this: see `Config::value_of`.
    pub(crate) value: u8,
}

/// A slot, with two ghosts: the full generation that its word stands for, and whether the owner of
/// that word has committed it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Slot {
    pub(crate) word: Word,
    pub(crate) generation: u8,
    pub(crate) committed: bool,
}

impl Slot {
    pub(crate) const EMPTY: Slot = Slot { word: Word::EMPTY, generation: 0, committed: false };
}

/// The shared record of one participant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Lane {
    /// Entry that names the location of the new block, from before it is claimed until it is linked.
    pub(crate) work: u8,
    /// Entry that names the block in the magazine; perhaps stale.
    pub(crate) kept: u8,
    /// Intent: the location in the own word that it places and may still have to finish.
    pub(crate) new: u8,
    /// Intent: the block whose slot word it expects. With `unlinking`, the generation is in its
    /// header word; else it only means to finish that block's insertion.
    pub(crate) old: Name,
    /// The owner in that header word.
    pub(crate) old_owner: u8,
    pub(crate) unlinking: bool,
    /// The process that holds the lock byte of this lane in order to recover it.
    pub(crate) recoverer: u8,
}

impl Lane {
    pub(crate) const IDLE: Lane = Lane {
        work: NONE,
        kept: NONE,
        new: NONE,
        old: Name::NONE,
        old_owner: NONE,
        unlinking: false,
        recoverer: NONE,
    };

    /// Whether an entry or the intent names this location.
    pub(crate) fn names(&self, location: u8) -> bool {
        [self.work, self.kept, self.old.location].contains(&location)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Life {
    Running,
    /// Killed; its record still names what it held.
    Dead,
    /// Killed and recovered.
    Gone,
}

/// The shared access that a process makes next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Pc {
    /// Between two operations.
    Idle,
    // A block for a new item.
    Allocate,
    Claim,
    ScanIntents,
    WriteKey,
    WriteValue,
    Seal,
    // Look at the table.
    LoadControl,
    LoadSlot,
    LoadHeader,
    ReloadMismatched,
    LoadVisibility,
    ReloadInvisible,
    ReloadSlot,
    LoadKey,
    CopyValue,
    ReloadHeader,
    // Look at a block, then for its slot.
    WalkHeader,
    WalkKey,
    WalkReload,
    WalkSlot,
    // Change the table.
    NameNew,
    NameOld,
    NameOldHeader,
    NameOldWord,
    Recheck,
    RuleR,
    Swap,
    Place,
    Commit,
    CommitForeign,
    FinishSlot,
    FinishControl,
    Withdraw,
    Renew,
    Abandon,
    // What was unlinked.
    Retire,
    GiveBack,
    GiveBackNew,
    Keep,
    ClearIntent,
    // Finish somebody's committed insertion.
    HelpSlot,
    HelpName,
    HelpControl,
    HelpFinish,
    HelpClear,
    // Recover a dead participant.
    RecoverOld,
    RecoverWork,
    RecoverKept,
    RecoverSlots,
    RecoverPending,
    RecoverNameWord,
    RecoverRecheck,
    RecoverWithdraw,
    RecoverTake,
    RecoverFree,
    RecoverEnd,
}

/// What one process keeps in private, which a kill destroys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Process {
    pub(crate) life: Life,
    pub(crate) pc: Pc,
    /// Index of the current operation in its program.
    pub(crate) op: u8,
    /// The control word loaded before the scan, or the one it helps with.
    pub(crate) control: Control,
    /// The slot, lane field or block that is looked at.
    pub(crate) cursor: u8,
    /// The word found there, and the full generation and the owner that its block's header had.
    pub(crate) word: Word,
    pub(crate) generation: u8,
    pub(crate) owner: u8,
    /// The key found there is the one looked for.
    pub(crate) found: bool,
    /// First empty slot of the scan.
    pub(crate) empty: u8,
    /// First slot with another key's committed item, and the incarnation there.
    pub(crate) victim: u8,
    pub(crate) victim_name: Name,
    pub(crate) victim_owner: u8,
    /// Its own new block, and the slot where that stands as a tentative word.
    pub(crate) block: Name,
    pub(crate) placed: u8,
    /// Its magazine's entry is a block.
    pub(crate) stocked: bool,
    /// The participant it is recovering, and which of that one's names is being seen to.
    pub(crate) patient: u8,
    pub(crate) phase: Pc,
    /// Copied value.
    pub(crate) value: u8,
    /// Ghost of `get` and `delete`: at some moment since it began the key was not visible.
    pub(crate) absent: bool,
    /// Ghost of `get`: at the moment that the protocol calls its linearization point, the item it
    /// is about to accept was visible.
    pub(crate) witnessed: bool,
}

impl Process {
    pub(crate) const NEW: Process = Process {
        life: Life::Running,
        pc: Pc::Idle,
        op: 0,
        control: Control::FORGOTTEN,
        cursor: 0,
        word: Word::EMPTY,
        generation: 0,
        owner: NONE,
        found: false,
        empty: NONE,
        victim: NONE,
        victim_name: Name::NONE,
        victim_owner: NONE,
        block: Name::NONE,
        placed: NONE,
        stocked: false,
        patient: NONE,
        phase: Pc::Idle,
        value: NONE,
        absent: false,
        witnessed: false,
    };

    /// Forgets what the last look at the table found; equal states then compare equal.
    pub(crate) fn forget_scan(&mut self) {
        self.control = Control::FORGOTTEN;
        self.cursor = 0;
        self.word = Word::EMPTY;
        self.generation = 0;
        self.owner = NONE;
        self.found = false;
        self.empty = NONE;
        self.victim = NONE;
        self.victim_name = Name::NONE;
        self.victim_owner = NONE;
        self.value = NONE;
        self.witnessed = false;
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct State {
    pub(crate) control: Control,
    pub(crate) slots: [Slot; SLOTS],
    pub(crate) blocks: [Block; BLOCKS],
    pub(crate) lanes: [Lane; PROCESSES],
    pub(crate) processes: [Process; PROCESSES],
    /// Kills that may still happen.
    pub(crate) kills: u8,
    /// Ghost: values whose time is over, or that must never have one.
    pub(crate) ended: u32,
}

impl State {
    /// Whether a reader that looked now would take the word in `slot` for an item.
    pub(crate) fn is_visible(&self, slot: usize) -> bool {
        let word = self.slots[slot].word;
        !word.is_empty() && (!word.is_tentative() || usize::from(self.control.pending) == slot)
    }

    pub(crate) fn block(&self, location: u8) -> &Block {
        &self.blocks[usize::from(location)]
    }

    pub(crate) fn block_mut(&mut self, location: u8) -> &mut Block {
        &mut self.blocks[usize::from(location)]
    }

    /// All of the state, as words to be hashed.
    pub(crate) fn words(&self) -> [u64; 16] {
        let mut words = [0; 16];
        let b = |flag: bool| u8::from(flag);
        let s = &self.slots;
        words[0] = u64::from_le_bytes([
            self.control.version,
            self.control.pending,
            s[0].word.0,
            s[0].generation << 1 | b(s[0].committed),
            s[1].word.0,
            s[1].generation << 1 | b(s[1].committed),
            s[2].word.0,
            s[2].generation << 1 | b(s[2].committed),
        ]);
        words[1] = u64::from(self.ended) | u64::from(self.kills) << 32;
        for (i, pair) in self.blocks.chunks_exact(2).enumerate() {
            let half = |k: &Block| {
                let h = k.header;
                [h.state as u8 | (h.owner & 3) << 2 | (k.key & 3) << 4, h.generation, k.value, 0]
            };
            let (x, y) = (half(&pair[0]), half(&pair[1]));
            words[2 + i] = u64::from_le_bytes([x[0], x[1], x[2], x[3], y[0], y[1], y[2], y[3]]);
        }
        for (i, (lane, p)) in self.lanes.iter().zip(&self.processes).enumerate() {
            words[4 + i] = u64::from_le_bytes([
                (lane.new & 15) | (lane.work & 15) << 4,
                lane.old.location,
                lane.old.generation,
                lane.kept,
                lane.recoverer,
                lane.old_owner,
                b(lane.unlinking)
                    | b(p.found) << 1
                    | b(p.stocked) << 2
                    | b(p.absent) << 3
                    | b(p.witnessed) << 4
                    | (p.owner & 3) << 5,
                p.life as u8 | (p.victim_owner & 3) << 4,
            ]);
            words[7 + 2 * i] = u64::from_le_bytes([
                p.pc as u8,
                p.op,
                p.control.version,
                p.control.pending,
                p.cursor,
                p.word.0,
                p.generation,
                p.value,
            ]);
            words[8 + 2 * i] = u64::from_le_bytes([
                (p.empty & 15) | p.victim << 4,
                p.victim_name.location,
                p.victim_name.generation,
                p.block.location,
                p.block.generation,
                p.placed,
                p.patient,
                p.phase as u8,
            ]);
        }
        words
    }
}
