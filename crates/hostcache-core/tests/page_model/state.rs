//! One state of the model: the shared words, what each process holds in private, and the ghosts.

/// "No such thing" in every byte that names a location or a process.
pub(crate) const NONE: u8 = 0xff;
/// Pages of the arena.
pub(crate) const PAGES: usize = 2;
/// Places of a page where a header may be.
pub(crate) const CELLS: usize = 2;
/// Locations.
pub(crate) const PLACES: usize = PAGES * CELLS;
/// Most processes.
pub(crate) const PROCESSES: usize = 3;

/// Class of two chunks a page.
pub(crate) const SMALL: u8 = 0;
/// Class of one chunk a page: its second cell is payload.
pub(crate) const LARGE: u8 = 1;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Kind {
    Free,
    Owned,
    Slab,
    Drain,
    RunHead,
    RunTail,
}

/// A page word. Versions do not wrap here, as 41 bits do not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct PageWord {
    pub(crate) kind: Kind,
    pub(crate) class: u8,
    pub(crate) owner: u8,
    pub(crate) version: u8,
}

impl PageWord {
    pub(crate) const FREE: Self = Self { kind: Kind::Free, class: 0, owner: NONE, version: 0 };

    pub(crate) fn chunks(self) -> usize {
        if self.class == SMALL { CELLS } else { 1 }
    }

    /// Whether a header is in this cell, as the word says.
    pub(crate) fn has_header(self, cell: usize) -> bool {
        match self.kind {
            Kind::Slab | Kind::Drain => cell < self.chunks(),
            Kind::RunHead => cell == 0,
            _ => false,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Page {
    pub(crate) word: PageWord,
    /// Head: length; tail: distance.
    pub(crate) run: u8,
    /// Above every generation that a header here ever had.
    pub(crate) base: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Block {
    Free,
    Claimed,
    Published,
}

/// A header word. Generations do not wrap here, as 48 bits do not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Header {
    pub(crate) block: Block,
    pub(crate) owner: u8,
    pub(crate) generation: u8,
}

impl Header {
    pub(crate) fn free(generation: u8) -> Self {
        Self { block: Block::Free, owner: NONE, generation }
    }

    pub(crate) fn claimed(owner: u8, generation: u8) -> Self {
        Self { block: Block::Claimed, owner, generation }
    }

    pub(crate) fn published(owner: u8, generation: u8) -> Self {
        Self { block: Block::Published, owner, generation }
    }

    pub(crate) fn is_claimed_by(self, lane: u8) -> bool {
        self.block == Block::Claimed && self.owner == lane
    }
}

/// What names a block in the table. The generation is a ghost: the word has its low bits only.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Slot {
    pub(crate) short: u8,
    pub(crate) generation: u8,
}

/// The shared record of one participant.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Lane {
    /// A new block, and one unlinked.
    pub(crate) entries: [u8; 2],
    pub(crate) new: u8,
    pub(crate) old: u8,
    pub(crate) old_header: Header,
    /// Who holds the byte of this lane in order to recover it.
    pub(crate) recoverer: u8,
}

impl Lane {
    pub(crate) const IDLE: Self = Self {
        entries: [NONE; 2],
        new: NONE,
        old: NONE,
        old_header: Header { block: Block::Free, owner: NONE, generation: 0 },
        recoverer: NONE,
    };
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Life {
    Running,
    /// Killed; its record still names what it held.
    Dead,
    /// Killed and recovered.
    Gone,
}

/// One operation of a program.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Op {
    /// Claims the chunk in this page and cell if it is free and of this class, fills, seals and links it.
    Put(u8, u8, u8),
    /// Meets the block in this page and cell, unlinks and frees it.
    Evict(u8, u8),
    /// Empties this page and cuts it for this class.
    Recut(u8, u8),
    /// Empties both pages and makes a run of them, filled, sealed and linked.
    PutRun,
    /// Unlinks the run and gives its pages away.
    EvictRun,
}

/// The shared access that a process makes next.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Pc {
    Idle,
    // Claim, fill, seal, link.
    PutPage,
    PutHeader,
    PutReload,
    PutName,
    PutClaim,
    PutScan,
    PutFill,
    PutSeal,
    PutNameNew,
    PutLink,
    PutClearNew,
    PutVacate,
    GiveBack,
    // Meet and free.
    EvictPage,
    EvictHeader,
    EvictReload,
    EvictFree,
    EvictVacate,
    // Unlink what was met.
    UnlinkSlot,
    UnlinkName,
    UnlinkHeader,
    UnlinkReslot,
    UnlinkSwap,
    UnlinkRetire,
    UnlinkEntry,
    UnlinkClear,
    // Empty a page.
    EmptyLoad,
    EmptyTake,
    EmptyDrain,
    EmptyChunk,
    EmptyClaim,
    EmptyUnlinked,
    EmptyVacate,
    EmptyBase,
    EmptyOwn,
    BackLoad,
    BackFree,
    BackPage,
    // End a run.
    RunPage,
    RunHeader,
    RunReload,
    RunUnlinked,
    RunVacate,
    FreeTail,
    FreeTailRun,
    FreeTailChange,
    FreeBase,
    FreeHead,
    // Cut.
    CutScan,
    CutStore,
    CutPage,
    // Make a run.
    WindowLook,
    WindowEmptied,
    WindowRelease,
    WindowScan,
    WindowName,
    WindowTailRun,
    WindowTail,
    WindowHeadRun,
    WindowHeader,
    WindowHead,
    // Recover.
    RecoverOld,
    RecoverEntry,
    NamedPage,
    NamedHeader,
    NamedReload,
    NamedSlot,
    NamedTake,
    NamedDone,
    RecoverPage,
    RecoverTail,
    RecoverEnd,
}

/// What one process keeps in private, which a kill destroys.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Process {
    pub(crate) life: Life,
    pub(crate) pc: Pc,
    pub(crate) op: u8,
    /// Page and cell that are looked at.
    pub(crate) page: u8,
    pub(crate) cell: u8,
    /// The page word and the header that were loaded; `None` is data.
    pub(crate) cut: PageWord,
    pub(crate) header: Option<Header>,
    /// Where emptying a page, unlinking and freeing a run go on.
    pub(crate) emptied: Pc,
    pub(crate) unlinked: Pc,
    pub(crate) freed: Pc,
    /// Whether the last of these succeeded.
    pub(crate) done: bool,
    /// Page words of pages that it owns.
    pub(crate) owned: [Option<PageWord>; PAGES],
    pub(crate) highest: u8,
    /// Lane or page that a scan has come to.
    pub(crate) scan: u8,
    pub(crate) is_named: bool,
    /// Its own new block.
    pub(crate) block: u8,
    pub(crate) generation: u8,
    /// The dead lane that it recovers, and in whose name it acts then.
    pub(crate) patient: u8,
    pub(crate) phase: u8,
}

impl Process {
    pub(crate) const NEW: Self = Self {
        life: Life::Running,
        pc: Pc::Idle,
        op: 0,
        page: 0,
        cell: 0,
        cut: PageWord::FREE,
        header: None,
        emptied: Pc::Idle,
        unlinked: Pc::Idle,
        freed: Pc::Idle,
        done: false,
        owned: [None; PAGES],
        highest: 0,
        scan: 0,
        is_named: false,
        block: NONE,
        generation: 0,
        patient: NONE,
        phase: 0,
    };

    pub(crate) fn place(&self) -> usize {
        usize::from(self.page) * CELLS + usize::from(self.cell)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct State {
    pub(crate) pages: [Page; PAGES],
    /// What stands where a header may be; `None` is data.
    pub(crate) cells: [Option<Header>; PLACES],
    /// Every block has a slot of its own.
    pub(crate) slots: [Option<Slot>; PLACES],
    pub(crate) lanes: [Lane; PROCESSES],
    pub(crate) processes: [Process; PROCESSES],
    pub(crate) kills: u8,
    /// Ghost: one more than the highest generation that was ever linked at a place.
    pub(crate) past: [u8; PLACES],
}
