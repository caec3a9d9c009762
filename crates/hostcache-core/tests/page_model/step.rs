//! One step of one process: one access to shared memory, with all that is private before the next.

use crate::config::Config;
use crate::explore::Violation;
use crate::state::{
    Block, CELLS, Header, Kind, Lane, Life, NONE, Op, PAGES, PageWord, Pc, Process, State,
};

pub(crate) type Step = Result<(), Violation>;

/// A process about to make a step.
pub(crate) struct Stepper<'a> {
    pub(crate) config: &'a Config,
    pub(crate) state: &'a mut State,
    pub(crate) p: usize,
}

/// Lets process `p` make its next access.
pub(crate) fn step(config: &Config, state: &mut State, p: usize) -> Step {
    let mut stepper = Stepper { config, state, p };
    if stepper.me().pc == Pc::Idle {
        stepper.begin();
    }
    stepper.access()
}

/// Ends process `p`: its private state is gone, its locks are dropped, its record stays.
pub(crate) fn kill(state: &mut State, p: usize) {
    let op = state.processes[p].op;
    state.processes[p] = Process { life: Life::Dead, op, ..Process::NEW };
    for lane in &mut state.lanes {
        if usize::from(lane.recoverer) == p {
            lane.recoverer = NONE;
        }
    }
    state.kills -= 1;
}

/// `p` takes the free byte of the dead `patient`.
pub(crate) fn begin_recovery(state: &mut State, p: usize, patient: u8) {
    state.lanes[usize::from(patient)].recoverer = p as u8;
    let me = &mut state.processes[p];
    me.patient = patient;
    me.pc = Pc::RecoverOld;
}

impl Stepper<'_> {
    pub(crate) fn me(&mut self) -> &mut Process {
        &mut self.state.processes[self.p]
    }

    pub(crate) fn lane(&mut self) -> &mut Lane {
        &mut self.state.lanes[self.p]
    }

    pub(crate) fn go(&mut self, pc: Pc) -> Step {
        self.me().pc = pc;
        Ok(())
    }

    /// In whose name it acts: its own, or that of the dead lane that it recovers.
    pub(crate) fn who(&mut self) -> u8 {
        let patient = self.me().patient;
        if patient == NONE { self.p as u8 } else { patient }
    }

    fn begin(&mut self) {
        let op = self.config.programs[self.p][usize::from(self.me().op)];
        let me = self.me();
        let (page, cell, pc) = match op {
            Op::Put(page, cell, _) => (page, cell, Pc::PutPage),
            Op::Evict(page, cell) => (page, cell, Pc::EvictPage),
            Op::Recut(page, _) => {
                me.emptied = Pc::CutScan;
                (page, 0, Pc::EmptyLoad)
            }
            Op::PutRun => (0, 0, Pc::WindowLook),
            Op::EvictRun => (0, 0, Pc::RunPage),
        };
        me.page = page;
        me.cell = cell;
        me.pc = pc;
    }

    /// The operation is over.
    pub(crate) fn finish(&mut self) -> Step {
        let op = self.me().op;
        *self.me() = Process { op: op + 1, ..Process::NEW };
        Ok(())
    }

    pub(crate) fn op(&self) -> Op {
        self.config.programs[self.p][usize::from(self.state.processes[self.p].op)]
    }

    pub(crate) fn page_word(&self, page: u8) -> PageWord {
        self.state.pages[usize::from(page)].word
    }

    /// CAS of a page word; `Some`: the new one.
    pub(crate) fn change_page(
        &mut self,
        page: u8,
        from: PageWord,
        kind: Kind,
        class: u8,
    ) -> Option<PageWord> {
        let owner = self.who();
        let version = from.version + u8::from(!self.config.mutations.no_page_versions);
        let word = &mut self.state.pages[usize::from(page)].word;
        if *word != from {
            return None;
        }
        *word = PageWord { kind, class, owner, version };
        Some(*word)
    }

    /// CAS of a header word.
    pub(crate) fn change_header(&mut self, place: usize, from: Header, to: Header) -> bool {
        let cell = &mut self.state.cells[place];
        let is_same = *cell == Some(from);
        if is_same {
            *cell = Some(to);
        }
        is_same
    }

    /// Whether a lane names a location in a range; one step for each lane.
    pub(crate) fn names(&self, lane: usize, places: core::ops::Range<usize>) -> bool {
        let lane = &self.state.lanes[lane];
        [lane.new, lane.old].iter().any(|&at| at != NONE && places.contains(&usize::from(at)))
    }

    /// Looks at the next other lane; true when all have been looked at, with the verdict in `is_named`.
    pub(crate) fn scan_names(&mut self, places: core::ops::Range<usize>) -> bool {
        let at = usize::from(self.me().scan);
        if at != self.p && self.names(at, places) {
            self.me().is_named = true;
        }
        self.me().scan += 1;
        if usize::from(self.me().scan) < self.config.processes() {
            return false;
        }
        self.me().scan = 0;
        true
    }

    /// A plain store to a block is by its owner only, in a page that is still cut for it.
    pub(crate) fn must_own(&mut self, place: usize) -> Step {
        let me = self.p as u8;
        let word = self.page_word((place / CELLS) as u8);
        let owns = self.state.cells[place].is_some_and(|header| header.is_claimed_by(me));
        if !owns || !word.has_header(place % CELLS) {
            return Err("a process writes to a block that is not its own");
        }
        if self.state.slots[place].is_some() {
            return Err("a process writes to a linked block");
        }
        Ok(())
    }

    fn access(&mut self) -> Step {
        use Pc::*;
        match self.me().pc {
            // An operation that has begun is not idle.
            Idle => Ok(()),
            PutPage | PutHeader | PutReload | PutName | PutClaim | PutScan | PutFill | PutSeal
            | PutNameNew | PutLink | PutClearNew | PutVacate | GiveBack => self.put(),
            EvictPage | EvictHeader | EvictReload | EvictFree | EvictVacate => self.evict(),
            UnlinkSlot | UnlinkName | UnlinkHeader | UnlinkReslot | UnlinkSwap | UnlinkRetire
            | UnlinkEntry | UnlinkClear => self.unlink(),
            EmptyLoad | EmptyTake | EmptyDrain | EmptyChunk | EmptyClaim | EmptyUnlinked
            | EmptyVacate | EmptyBase | EmptyOwn | BackLoad | BackFree | BackPage => self.empty(),
            CutScan | CutStore | CutPage => self.cut(),
            RunPage | RunHeader | RunReload | RunUnlinked | RunVacate | FreeTail | FreeTailRun
            | FreeTailChange | FreeBase | FreeHead => self.end_run(),
            WindowLook | WindowEmptied | WindowRelease | WindowScan | WindowName
            | WindowTailRun | WindowTail | WindowHeadRun | WindowHeader | WindowHead => {
                self.window()
            }
            RecoverOld | RecoverEntry | NamedPage | NamedHeader | NamedReload | NamedSlot
            | NamedTake | NamedDone | RecoverPage | RecoverTail | RecoverEnd => self.recover(),
        }
    }

    /// The number of pages, as a page number.
    pub(crate) fn pages() -> u8 {
        PAGES as u8
    }

    /// Whether a loaded header is in this state.
    pub(crate) fn met(&mut self, block: Block) -> bool {
        self.me().header.is_some_and(|header| header.block == block)
    }
}
