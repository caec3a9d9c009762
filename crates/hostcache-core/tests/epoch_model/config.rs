//! What is explored: a short program for each process, and the rules left out.

use crate::explore::{Model, Violation};
use crate::step;

pub(crate) const PROCESSES: usize = 3;
/// One slot each.
pub(crate) const BUCKETS: usize = 2;
/// Stamps have two bits.
const STAMPS: u8 = 4;
/// How far two living stamps may lie apart.
pub(crate) const HALF: u8 = STAMPS / 2;

/// One operation of a program.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Op {
    Set(u8),
    Get(u8),
    Clear,
}

/// Rules broken on purpose. Each of them must make the search fail somewhere.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mutations {
    /// A clear that enters the other half of the stamps unlinks nothing before.
    pub(crate) no_walk: bool,
    /// It walks once.
    pub(crate) one_walk: bool,
    /// It does not bump the control words.
    pub(crate) no_bump: bool,
    /// It does not look at the epoch behind an item.
    pub(crate) walk_ignores_epoch: bool,
    /// A writer does not look at the epoch again before it changes a slot.
    pub(crate) writer_ignores_epoch: bool,
    /// A placed word keeps its stamp when its writer begins anew.
    pub(crate) no_restamp: bool,
}

/// One exploration.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) programs: Vec<Vec<Op>>,
    epoch: u8,
    pub(crate) mutations: Mutations,
}

/// An item, as its slot leads to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Item {
    /// Its process and that one's operation.
    pub(crate) number: (u8, u8),
    pub(crate) key: u8,
    pub(crate) stamp: u8,
    /// Ghost: the epoch of which the stamp is the low bits.
    pub(crate) epoch: u8,
    pub(crate) is_committed: bool,
}

/// The shared access that a process makes next.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Pc {
    Epoch,
    // A writer or reader.
    Control,
    Scan,
    Withdraw,
    Place,
    EpochAgain,
    Replace,
    Commit,
    // Who clears.
    WalkSlot,
    WalkEpoch,
    WalkUnlink,
    BumpLoad,
    Bump,
    WalkOn,
    Advance,
}

/// What one process keeps in private.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Process {
    pub(crate) op: u8,
    pub(crate) pc: Pc,
    pub(crate) epoch: u8,
    pub(crate) control: u8,
    /// Bucket or step of the scan.
    pub(crate) at: u8,
    pub(crate) found: Option<Item>,
    /// Bucket of an empty slot.
    pub(crate) empty: Option<u8>,
    /// Bucket of its own tentative word, and the stamp in that.
    pub(crate) placed: Option<(u8, Item)>,
    pub(crate) walk: u8,
    /// Ghost of a get: at some moment since it began the key was not there.
    pub(crate) absent: bool,
}

impl Process {
    pub(crate) const NEW: Self = Self {
        op: 0,
        pc: Pc::Epoch,
        epoch: 0,
        control: 0,
        at: 0,
        found: None,
        empty: None,
        placed: None,
        walk: 0,
        absent: false,
    };
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct State {
    pub(crate) epoch: u8,
    pub(crate) controls: [u8; BUCKETS],
    pub(crate) slots: [Option<Item>; BUCKETS],
    pub(crate) processes: [Process; PROCESSES],
}

/// The low bits of an epoch.
pub(crate) fn stamp(epoch: u8) -> u8 {
    epoch % STAMPS
}

/// Whether a stamp is one that a clear has ended, as seen from an epoch.
pub(crate) fn is_cleared(item: u8, epoch: u8) -> bool {
    stamp(item.wrapping_sub(epoch)) >= HALF
}

impl State {
    /// Whether a get that began now would have to find the key.
    fn is_present(&self, key: u8) -> bool {
        let lives = |item: &Item| item.is_committed && item.epoch >= self.epoch;
        self.slots.iter().flatten().any(|item| item.key == key && lives(item))
    }
}

impl Config {
    /// Everything begins in epoch 0.
    pub(crate) fn new(programs: &[&[Op]]) -> Self {
        let programs = programs.iter().map(|p| p.to_vec()).collect();
        Self { programs, epoch: 0, mutations: Mutations::default() }
    }

    /// The epoch in which it begins.
    pub(crate) fn at(mut self, epoch: u8) -> Self {
        self.epoch = epoch;
        self
    }

    pub(crate) fn but(&self, change: impl FnOnce(&mut Mutations)) -> Self {
        let mut without = self.clone();
        change(&mut without.mutations);
        without
    }

    pub(crate) fn op(&self, process: usize, op: u8) -> Option<Op> {
        self.programs[process].get(usize::from(op)).copied()
    }
}

impl Model for Config {
    type State = State;
    type Move = u8;

    fn initial(&self) -> State {
        State {
            epoch: self.epoch,
            controls: [0; BUCKETS],
            slots: [None; BUCKETS],
            processes: [Process::NEW; PROCESSES],
        }
    }

    fn moves(&self, state: &State, out: &mut Vec<u8>) {
        let goes_on = |&p: &usize| self.op(p, state.processes[p].op).is_some();
        out.extend((0..self.programs.len()).filter(goes_on).map(|p| p as u8));
    }

    fn apply(&self, state: &State, by: u8) -> Result<State, Violation> {
        let mut next = *state;
        let p = usize::from(by);
        if let Some(op) = self.op(p, state.processes[p].op) {
            step::step(self, &mut next, p, op)?;
        }
        for item in next.slots.iter().flatten() {
            let ended = item.epoch < next.epoch;
            if item.is_committed && ended && !is_cleared(item.stamp, next.epoch) {
                return Err("an item that a clear ended would be taken for a living one");
            }
        }
        for p in 0..self.programs.len() {
            let process = next.processes[p];
            if let Some(Op::Get(key)) = self.op(p, process.op) {
                // Before its first step a get has not begun.
                let began = process.pc != Pc::Epoch;
                next.processes[p].absent = began && (process.absent || !next.is_present(key));
            }
        }
        Ok(next)
    }

    fn describe(&self, state: &State, by: u8) -> String {
        let process = state.processes[usize::from(by)];
        let op = self.op(usize::from(by), process.op);
        let items = state.slots.map(|slot| slot.map(|i| (i.key, i.epoch, i.is_committed)));
        let (epoch, controls) = (state.epoch, state.controls);
        format!("P{by} {op:?} {:?}: epoch {epoch} {controls:?} {items:?}", process.pc)
    }
}
