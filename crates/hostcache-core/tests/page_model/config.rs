//! What is explored: the pages as they are at first, a short program for each process, and the rules left out.

use crate::check;
use crate::explore::{Model, Violation};
use crate::state::{
    CELLS, Header, Kind, LARGE, Lane, Life, NONE, Op, PAGES, PLACES, PROCESSES, Page, PageWord, Pc,
    Process, Slot, State,
};
use crate::step;

/// Rules broken on purpose. Each of them must make the search fail somewhere.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mutations {
    /// A walker does not load the page word again behind the header.
    pub(crate) walker_trusts_headers: bool,
    /// Changes of a page take no version.
    pub(crate) no_page_versions: bool,
    /// A page's base stays as it is when the page is emptied.
    pub(crate) cut_ignores_base: bool,
    /// A cut starts at the base, whoever names what is there.
    pub(crate) cut_ignores_names: bool,
    /// An entry names a block after its claim.
    pub(crate) named_after_claim: bool,
    /// A drain takes a block that is sealed and not linked.
    pub(crate) drain_takes_sealed: bool,
    /// A page that is being drained looks like any other.
    pub(crate) drains_unmarked: bool,
    /// Recovery passes a header over whose page changes under the look at it.
    pub(crate) recovery_looks_once: bool,
    /// A run's head is given away before its tails.
    pub(crate) head_freed_first: bool,
    /// Recovery sees to blocks only.
    pub(crate) recovery_leaves_pages: bool,
}

/// A page as it is at first.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start {
    Free,
    /// Cut for a class.
    Cut(u8),
    /// Cut for a class, with an item linked in its first chunk.
    Used(u8),
    /// With the other page a run, linked.
    Run,
}

/// One exploration.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) programs: Vec<Vec<Op>>,
    pub(crate) start: [Start; PAGES],
    /// Where all generations start.
    pub(crate) base: u8,
    pub(crate) short_bits: u8,
    pub(crate) kills: u8,
    pub(crate) mortal: Vec<u8>,
    pub(crate) mutations: Mutations,
}

/// A step of one process, a death, or the begin of a recovery.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Move {
    Step(u8),
    Kill(u8),
    /// The first process begins to recover the second.
    Recover(u8, u8),
}

impl Config {
    /// One-bit generations that start at 1, nobody dies.
    pub(crate) fn new(start: [Start; PAGES], programs: &[&[Op]]) -> Self {
        Self {
            programs: programs.iter().map(|p| p.to_vec()).collect(),
            start,
            base: 1,
            short_bits: 1,
            kills: 0,
            mortal: Vec::new(),
            mutations: Mutations::default(),
        }
    }

    pub(crate) fn kills(mut self, kills: u8, mortal: &[u8]) -> Self {
        self.kills = kills;
        self.mortal = mortal.to_vec();
        self
    }

    pub(crate) fn base(mut self, base: u8) -> Self {
        self.base = base;
        self
    }

    pub(crate) fn but(&self, change: impl FnOnce(&mut Mutations)) -> Self {
        let mut without = self.clone();
        change(&mut without.mutations);
        without
    }

    pub(crate) fn processes(&self) -> usize {
        self.programs.len()
    }

    pub(crate) fn short(&self, generation: u8) -> u8 {
        generation & ((1 << self.short_bits) - 1)
    }

    fn is_finished(&self, process: &Process, p: usize) -> bool {
        process.pc == Pc::Idle && usize::from(process.op) == self.programs[p].len()
    }
}

impl Model for Config {
    type State = State;
    type Move = Move;

    fn initial(&self) -> State {
        let base = self.base;
        let mut state = State {
            pages: [Page { word: PageWord::FREE, run: 0, base }; PAGES],
            // Whatever is there before the first cut.
            cells: [None; PLACES],
            slots: [None; PLACES],
            lanes: [Lane::IDLE; PROCESSES],
            processes: [Process::NEW; PROCESSES],
            kills: self.kills,
            past: [0; PLACES],
        };
        for (page, &start) in self.start.iter().enumerate() {
            let first = page * CELLS;
            let link = |state: &mut State| {
                state.cells[first] = Some(Header::published(NONE, base));
                state.slots[first] = Some(Slot { short: self.short(base), generation: base });
                state.past[first] = base + 1;
            };
            let word = |kind, class| PageWord { kind, class, owner: NONE, version: 0 };
            match start {
                Start::Free => {}
                Start::Cut(class) | Start::Used(class) => {
                    state.pages[page].word = word(Kind::Slab, class);
                    let chunks = if class == LARGE { 1 } else { CELLS };
                    state.cells[first..first + chunks].fill(Some(Header::free(base)));
                    if matches!(start, Start::Used(_)) {
                        link(&mut state);
                    }
                }
                Start::Run if page == 0 => {
                    state.pages[0] = Page { word: word(Kind::RunHead, 0), run: 2, base };
                    link(&mut state);
                }
                Start::Run => {
                    state.pages[page] = Page { word: word(Kind::RunTail, 0), run: 1, base };
                }
            }
        }
        state
    }

    fn moves(&self, state: &State, out: &mut Vec<Move>) {
        for p in 0..self.processes() {
            let process = &state.processes[p];
            if process.life != Life::Running {
                continue;
            }
            let finished = self.is_finished(process, p);
            if !finished {
                out.push(Move::Step(p as u8));
                if state.kills > 0 && self.mortal.contains(&(p as u8)) {
                    out.push(Move::Kill(p as u8));
                }
            }
            for patient in 0..self.processes() {
                let is_dead = state.processes[patient].life == Life::Dead;
                if process.pc == Pc::Idle && is_dead && state.lanes[patient].recoverer == NONE {
                    out.push(Move::Recover(p as u8, patient as u8));
                }
            }
        }
    }

    fn apply(&self, state: &State, by: Move) -> Result<State, Violation> {
        let mut next = *state;
        match by {
            Move::Step(p) => step::step(self, &mut next, usize::from(p))?,
            Move::Kill(p) => step::kill(&mut next, usize::from(p)),
            Move::Recover(p, patient) => step::begin_recovery(&mut next, usize::from(p), patient),
        }
        check::linked_blocks(&next)?;
        let quiet = (0..self.processes()).all(|p| match next.processes[p].life {
            Life::Running => self.is_finished(&next.processes[p], p),
            Life::Dead => false,
            Life::Gone => true,
        });
        if quiet {
            check::all_is_accounted_for(&next)?;
        }
        Ok(next)
    }

    fn describe(&self, state: &State, by: Move) -> String {
        let pages = state.pages.map(|page| (page.word.kind, page.word.class, page.base));
        let (cells, slots) = (check::short_of(state), state.slots.map(|s| s.map(|s| s.generation)));
        match by {
            Move::Step(p) => {
                let process = &state.processes[usize::from(p)];
                let op = self.programs[usize::from(p)].get(usize::from(process.op));
                format!("P{p} {op:?} {:?}: {pages:?} {cells} {slots:?}", process.pc)
            }
            _ => format!("{by:?}: {pages:?} {cells} {slots:?}"),
        }
    }
}
