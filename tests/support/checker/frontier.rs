//! Every situation that the events so far allow.

use std::collections::HashSet;

use super::Mode;
use super::specification::{ABSENT, State, is_observation, step, step_undisturbed};
use crate::history::Event;

/// Situations that are followed at most, before the checker gives up.
const MOST_SITUATIONS: usize = 1 << 18;

/// From this many on, membership is asked of a hash set instead of a scan.
const MANY: usize = 24;

/// More operations or situations at once than the checker can follow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Overflow;

/// One situation: which of the running operations (by place) have taken effect, and what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Situation {
    done: u64,
    state: State,
}

/// Distinct situations.
#[derive(Debug, Default)]
struct Situations {
    list: Vec<Situation>,
    /// The same as `list` once there are [`MANY`].
    set: HashSet<Situation>,
}

impl Situations {
    fn clear(&mut self) {
        self.list.clear();
        self.set.clear();
    }

    /// Adds a situation; false if it is in already.
    fn insert(&mut self, situation: Situation) -> bool {
        let new = match self.list.len() {
            0..MANY => !self.list.contains(&situation),
            MANY => {
                self.set.extend(&self.list);
                self.set.insert(situation)
            }
            _ => self.set.insert(situation),
        };
        if new {
            self.list.push(situation);
        }
        new
    }
}

/// All situations at one moment of a history, and the operations that run.
#[derive(Debug)]
pub(super) struct Frontier {
    mode: Mode,
    now: Situations,
    next: Situations,
    /// Situations on the way to one in which the operation that closes has taken effect.
    visited: Situations,
    /// The running operations, each with its index in the history, at the places set in `running`.
    events: [Option<(usize, Event)>; 64],
    running: u64,
    /// Those that need not take effect.
    optional: u64,
    /// Those that change nothing.
    observations: u64,
    earliest_end: u64,
}

impl Frontier {
    /// Nothing is stored, nothing runs.
    pub(super) fn new(mode: Mode) -> Self {
        let mut now = Situations::default();
        now.insert(Situation { done: 0, state: ABSENT });
        Self {
            mode,
            now,
            next: Situations::default(),
            visited: Situations::default(),
            events: [None; 64],
            running: 0,
            optional: 0,
            observations: 0,
            earliest_end: u64::MAX,
        }
    }

    /// Whether no situation is left: the history can't be explained.
    pub(super) fn is_empty(&self) -> bool {
        self.now.list.is_empty()
    }

    /// When the first of the running operations returns; `u64::MAX` if none ever does.
    pub(super) fn earliest_end(&self) -> u64 {
        self.earliest_end
    }

    /// The operation with this index in the history begins.
    pub(super) fn begin(&mut self, index: usize, event: Event) -> Result<(), Overflow> {
        let place = self.running.trailing_ones();
        if place == u64::BITS {
            return Err(Overflow);
        }
        let bit = 1 << place;
        self.events[place as usize] = Some((index, event));
        self.running |= bit;
        self.earliest_end = self.earliest_end.min(event.end);
        if event.outcome.is_open() {
            self.optional |= bit;
        } else if is_observation(&event) {
            self.observations |= bit;
            for situation in &mut self.now.list {
                if step_undisturbed(situation.state, &event).is_some() {
                    situation.done |= bit;
                }
            }
        }
        Ok(())
    }

    /// The first of the running operations returns; its index in the history is given back, with an
    /// error if the situations became too many.
    pub(super) fn close_earliest(&mut self) -> Result<usize, (usize, Overflow)> {
        let (place, index) = self.take_earliest();
        let bit = 1 << place;
        self.settle(bit).map_err(|overflow| (index, overflow))?;
        self.running &= !bit;
        self.optional &= !bit;
        self.observations &= !bit;
        self.events[place] = None;
        // Without the bit some situations may be the same.
        self.next.clear();
        for &Situation { done, state } in &self.now.list {
            self.next.insert(Situation { done: done & !bit, state });
        }
        std::mem::swap(&mut self.now, &mut self.next);
        Ok(index)
    }

    /// Keeps the situations in which operation `bit` has taken effect, and adds those that are reached
    /// by letting it, and any running ones before it, take effect now: its last chance. Situations in
    /// which it has not stay only if it need not.
    fn settle(&mut self, bit: u64) -> Result<(), Overflow> {
        self.next.clear();
        self.visited.clear();
        let mut open: Vec<Situation> = Vec::new();
        for &situation in &self.now.list {
            if situation.done & bit == 0 {
                open.push(situation);
            }
            if (situation.done | self.optional) & bit != 0 {
                self.next.insert(situation);
            }
        }
        while let Some(situation) = open.pop() {
            for place in places(self.running & !situation.done) {
                let Some((_, event)) = &self.events[place] else { continue };
                let Some(state) = step(self.mode, situation.state, event) else { continue };
                let reached = self.observe(Situation { done: situation.done | 1 << place, state });
                if reached.done & bit != 0 {
                    self.next.insert(reached);
                } else if self.visited.insert(reached) {
                    open.push(reached);
                }
            }
            if self.next.list.len() + self.visited.list.len() > MOST_SITUATIONS {
                return Err(Overflow);
            }
        }
        std::mem::swap(&mut self.now, &mut self.next);
        Ok(())
    }

    /// Lets every observation that fits take effect: later it would explain no more.
    fn observe(&self, mut situation: Situation) -> Situation {
        for place in places(self.observations & !situation.done) {
            let Some((_, event)) = &self.events[place] else { continue };
            if step_undisturbed(situation.state, event).is_some() {
                situation.done |= 1 << place;
            }
        }
        situation
    }

    /// Place and index of the operation that returns first; `earliest_end` becomes the second's.
    fn take_earliest(&mut self) -> (usize, usize) {
        let (mut first, mut second) = (u64::MAX, u64::MAX);
        let mut found = (0, 0);
        for place in places(self.running) {
            let Some((index, event)) = &self.events[place] else { continue };
            if event.end < first {
                second = first;
                first = event.end;
                found = (place, *index);
            } else {
                second = second.min(event.end);
            }
        }
        self.earliest_end = second;
        found
    }
}

/// The places of the bits that are set.
fn places(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = bits.trailing_zeros();
        bits &= bits.wrapping_sub(1);
        (place < u64::BITS).then_some(place as usize)
    })
}
