//! Random histories, right by construction, and small damages to them.
//!
//! A simulated cache serves processes that take turns by chance. Each operation begins, is carried
//! out at one instant, and returns, with steps of others in between; some are cut short by a kill.
//! The instants are an order that explains the history, so a checker that flags it is wrong.

use super::Mode;
use super::exhaustive::carry_out;
use crate::chain;
use crate::history::{Call, Event, Outcome};
use crate::random::Random;
use crate::value::{self, Id};

/// What a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Values that are only replaced.
    Plain,
    /// A counter.
    Counter,
    /// A value that grows at both ends.
    Chain,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 3] = [Kind::Plain, Kind::Counter, Kind::Chain];
}

/// What is simulated.
#[derive(Debug, Clone, Copy)]
pub struct Simulation {
    /// The writer whose number is in all ids.
    pub writer: u16,
    /// Operations in all.
    pub operations: usize,
    /// Processes that work at once.
    pub processes: usize,
    /// Whether items vanish.
    pub mode: Mode,
    /// What the key holds.
    pub kind: Kind,
    /// One operation in so many is cut short by a kill; 0 for none.
    pub killed_one_in: u64,
}

/// An operation on its way.
#[derive(Debug, Clone, Copy)]
struct Running {
    event: Event,
    carried_out: bool,
    killed: bool,
}

impl Simulation {
    /// One history of this kind, ordered by start.
    #[must_use]
    pub fn run(&self, random: &mut Random) -> Vec<Event> {
        let mut events: Vec<Event> = Vec::new();
        let mut running: Vec<Option<Running>> = vec![None; self.processes];
        let mut state: Option<Id> = None;
        let mut written: Vec<Id> = Vec::new();
        let mut begun = 0;
        let mut time = 1;
        while events.len() < self.operations {
            // Sometimes two things happen at the same tick of the clock.
            time += random.below(4);
            if self.mode == Mode::MayEnd && random.one_in(20) {
                state = None;
            }
            let process = random.pick_mut(&mut running);
            match process {
                None if begun < self.operations => {
                    begun += 1;
                    let call = self.call(random, &mut written);
                    let event = Event { start: time, end: 0, call, outcome: Outcome::Pending };
                    let killed = self.killed_one_in > 0 && random.one_in(self.killed_one_in);
                    *process = Some(Running { event, carried_out: false, killed });
                }
                Some(one) if !(one.carried_out || one.killed && random.one_in(3)) => {
                    let (after, outcome) = carry_out(one.event.call, state);
                    state = after;
                    if let (Some(id), Outcome::Value(_)) = (after, outcome) {
                        written.push(id);
                    }
                    one.event.outcome = outcome;
                    one.carried_out = true;
                }
                Some(one) => {
                    one.event.end = time;
                    if one.killed {
                        one.event.outcome = Outcome::Pending;
                    }
                    events.push(one.event);
                    *process = None;
                }
                None => {}
            }
        }
        events.sort_by_key(|event| event.start);
        events
    }

    fn call(&self, random: &mut Random, written: &mut Vec<Id>) -> Call {
        let sequence = written.len() as u32 + 1;
        let id = value::id(self.writer, sequence);
        let new = match self.kind {
            Kind::Plain => id,
            Kind::Counter => value::counter_start(id),
            Kind::Chain => chain::name(id),
        };
        let recent = written.len().saturating_sub(4);
        let call = match random.below(if self.kind == Kind::Plain { 12 } else { 16 }) {
            0..3 => Call::Get,
            3 => Call::Set { new },
            4 => Call::Add { new },
            5 => Call::Delete,
            6..8 if recent < written.len() => {
                Call::Swap { expected: *random.pick(&written[recent..]), new }
            }
            8 if random.one_in(4) => Call::Clear,
            9 | 10 => Call::Take,
            11 => Call::Touch,
            12.. if self.kind == Kind::Counter => Call::Increment { by: random.between(1, 3) },
            12.. => Call::Extend { new: id, at_front: random.one_in(3) },
            _ => Call::Set { new },
        };
        written.push(new);
        call
    }
}

/// Damages one event of a history at random. What comes out may or may not be explainable.
pub fn damage(events: &mut Vec<Event>, random: &mut Random) {
    let ids: Vec<Id> = events
        .iter()
        .filter_map(|event| match (event.call, event.outcome) {
            (_, Outcome::Value(id)) => Some(id),
            (Call::Set { new } | Call::Add { new } | Call::Swap { new, .. }, _) => Some(new),
            _ => None,
        })
        .collect();
    let count = events.len();
    let other = random.below(count as u64) as usize;
    let other = (events[other].start, events[other].end);
    let at = random.below(count as u64) as usize;
    let event = &mut events[at];
    match random.below(8) {
        0 => (event.start, event.end) = other,
        1 => event.end = event.start,
        2 if count > 1 => {
            events.remove(at);
        }
        _ => event.outcome = other_outcome(event.call, &ids, random),
    }
    events.sort_by_key(|event| event.start);
}

/// Some outcome that the call could have had.
fn other_outcome(call: Call, ids: &[Id], random: &mut Random) -> Outcome {
    let choices: &[Outcome] = match call {
        Call::Extend { .. } => {
            return match random.below(4) {
                0 => Outcome::Absent,
                records => Outcome::Value(records),
            };
        }
        Call::Get | Call::Increment { .. } | Call::Take | Call::Touch => match ids {
            [] => &[Outcome::Absent],
            _ if random.one_in(3) => &[Outcome::Absent],
            _ => {
                let addend = if let Call::Increment { by } = call { by } else { 0 };
                return Outcome::Value(random.pick(ids) + addend);
            }
        },
        Call::Set { .. } | Call::Clear => &[Outcome::Done, Outcome::Failed],
        Call::Add { .. } => &[Outcome::Done, Outcome::Present],
        Call::Delete => &[Outcome::Done, Outcome::Absent],
        Call::Swap { .. } => &[Outcome::Done, Outcome::Absent, Outcome::Present],
    };
    *random.pick(choices)
}
