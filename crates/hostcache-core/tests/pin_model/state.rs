//! What is explored, and a state of it.

/// One operation of a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Op {
    /// Pins the key's item, reads it twice, lets go.
    Hold,
    /// Sets the key.
    Replace,
    /// Deletes it.
    Delete,
}

/// Rules broken on purpose. Each of them must make the search fail somewhere.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mutations {
    /// The record is stored after the pin bit was set.
    pub(crate) record_after_bit: bool,
    /// Behind the record the header is not looked at again, where it had the bit already.
    pub(crate) no_recheck: bool,
    /// Who unlinked a pinned block takes it without a scan.
    pub(crate) no_scan: bool,
    /// The scan comes before the block is an ORPHAN.
    pub(crate) scan_before_orphan: bool,
    /// Who lets go does not look whether the block was waiting for it.
    pub(crate) no_look_after_release: bool,
    /// A record that came to hold nothing is cleared without a look.
    pub(crate) failed_hold_just_clears: bool,
    /// A record is cleared at once, not marked first.
    pub(crate) cleared_before_look: bool,
    /// Recovery clears a record before it looks.
    pub(crate) recovery_clears_first: bool,
    /// Recovery takes an unreferenced block whether it is pinned or not.
    pub(crate) recovery_ignores_pins: bool,
    /// A record that was marked still counts as held.
    pub(crate) marked_counts: bool,
}

pub(crate) const PROCESSES: usize = 3;
pub(crate) const BLOCKS: usize = 3;
pub(crate) const NONE: u8 = u8::MAX;

/// A program for each process, over a key that has an item in block 0 at first.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) name: &'static str,
    pub(crate) programs: Vec<Vec<Op>>,
    pub(crate) kills: u8,
    /// Whether the first item was pinned before.
    pub(crate) pinned_before: bool,
    pub(crate) mutations: Mutations,
}

impl Config {
    pub(crate) fn new(name: &'static str, programs: &[&[Op]]) -> Self {
        let programs = programs.iter().map(|program| program.to_vec()).collect();
        let mutations = Mutations::default();
        Self { name, programs, kills: 0, pinned_before: false, mutations }
    }

    pub(crate) fn kills(mut self, kills: u8) -> Self {
        self.kills = kills;
        self
    }

    pub(crate) fn pinned_before(mut self) -> Self {
        self.pinned_before = true;
        self
    }

    pub(crate) fn but(mut self, mutate: impl FnOnce(&mut Mutations)) -> Self {
        mutate(&mut self.mutations);
        self
    }

    pub(crate) fn op(&self, process: usize, at: u8) -> Option<Op> {
        self.programs.get(process)?.get(usize::from(at)).copied()
    }

    pub(crate) fn initial(&self) -> State {
        let mut state = State {
            slot: Name { location: 0, generation: 1 },
            blocks: [Block::FREE; BLOCKS],
            lanes: [Lane::EMPTY; PROCESSES],
            processes: [Process::NEW; PROCESSES],
            kills: self.kills,
        };
        let header = Header { life: Life::Published(NONE), pin: self.pinned_before, generation: 1 };
        state.blocks[0] = Block { header, value: value_of(0, 1) };
        state
    }
}

/// The one value that is ever written into an incarnation.
pub(crate) fn value_of(location: u8, generation: u8) -> u8 {
    location << 4 | generation
}

/// An incarnation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Name {
    pub(crate) location: u8,
    pub(crate) generation: u8,
}

impl Name {
    pub(crate) const NONE: Self = Self { location: NONE, generation: 0 };

    pub(crate) fn is_none(self) -> bool {
        self.location == NONE
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Life {
    Free,
    Claimed(u8),
    Published(u8),
    Orphan,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Header {
    pub(crate) life: Life,
    pub(crate) pin: bool,
    pub(crate) generation: u8,
}

impl Header {
    pub(crate) fn free(generation: u8) -> Self {
        Self { life: Life::Free, pin: false, generation }
    }

    pub(crate) fn claimed(by: u8, generation: u8) -> Self {
        Self { life: Life::Claimed(by), pin: false, generation }
    }

    pub(crate) fn orphan(generation: u8) -> Self {
        Self { life: Life::Orphan, pin: true, generation }
    }

    pub(crate) fn is_published(self) -> bool {
        matches!(self.life, Life::Published(_))
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Block {
    pub(crate) header: Header,
    /// `NONE` while it is written.
    pub(crate) value: u8,
}

impl Block {
    const FREE: Self =
        Self { header: Header { life: Life::Free, pin: false, generation: 1 }, value: NONE };
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Record {
    None,
    Held(u8),
    Released(u8),
}

impl Record {
    pub(crate) fn location(self) -> u8 {
        match self {
            Record::None => NONE,
            Record::Held(location) | Record::Released(location) => location,
        }
    }
}

/// What a process says of itself in shared memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Lane {
    pub(crate) record: Record,
    /// The block that it works on.
    pub(crate) entry: u8,
    /// The incarnation that it is about to unlink.
    pub(crate) old: Name,
    pub(crate) recoverer: u8,
}

impl Lane {
    pub(crate) const EMPTY: Self =
        Self { record: Record::None, entry: NONE, old: Name::NONE, recoverer: NONE };
}

/// The next access.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Pc {
    Idle,
    Dead,
    // Hold.
    LoadSlot,
    LoadHeader,
    SecondLook,
    StoreRecord,
    Confirm,
    SetPin,
    Read,
    ReadAgain,
    MarkReleased,
    Look,
    ClearRecord,
    // Replace and delete.
    NameEntry,
    Claim,
    Fill,
    Seal,
    FindSlot,
    NameOld,
    CheckNamed,
    Swap,
    Retire,
    Orphan,
    GiveBack,
    ClearIntent,
    // Wherever an ORPHAN may be adopted.
    Scan,
    Adopt,
    // Recovery.
    TakeOld,
    TakeEntry,
    TakeReferenced,
    TakePublished,
    TakeOrphaned,
    DropNames,
    ReleaseRecord,
    EndRecovery,
}

/// What a process knows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Process {
    pub(crate) pc: Pc,
    pub(crate) op: u8,
    /// Where it goes from a scan that found nobody.
    pub(crate) next: Pc,
    /// Where it goes from one that did, and after an adoption.
    pub(crate) after: Pc,
    /// Whether the last scan found somebody.
    pub(crate) held: bool,
    /// Whether its record came to hold nothing.
    pub(crate) failed: bool,
    pub(crate) found: Name,
    /// Whether the header had the pin bit when it was loaded.
    pub(crate) was_pinned: bool,
    pub(crate) new: Name,
    /// The ORPHAN, or what is about to be one.
    pub(crate) orphan: Name,
    pub(crate) cursor: u8,
    pub(crate) patient: u8,
    /// Ghost: what it holds.
    pub(crate) holds: Name,
}

impl Process {
    pub(crate) const NEW: Self = Self {
        pc: Pc::Idle,
        op: 0,
        next: Pc::Idle,
        after: Pc::Idle,
        held: false,
        failed: false,
        found: Name::NONE,
        was_pinned: false,
        new: Name::NONE,
        orphan: Name::NONE,
        cursor: 0,
        patient: NONE,
        holds: Name::NONE,
    };
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct State {
    pub(crate) slot: Name,
    pub(crate) blocks: [Block; BLOCKS],
    pub(crate) lanes: [Lane; PROCESSES],
    pub(crate) processes: [Process; PROCESSES],
    pub(crate) kills: u8,
}

impl State {
    pub(crate) fn header(&self, location: u8) -> Header {
        self.blocks[usize::from(location)].header
    }

    /// A compare-exchange of a whole header.
    pub(crate) fn change_header(&mut self, location: u8, from: Header, to: Header) -> bool {
        let header = &mut self.blocks[usize::from(location)].header;
        let same = *header == from;
        if same {
            *header = to;
        }
        same
    }
}
