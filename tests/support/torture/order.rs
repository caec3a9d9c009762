//! Whether operations that ran at once are explained by one order of them.

use std::collections::HashSet;

use super::act::{Act, Op, answer};
use super::content::{Item, View};
use super::spec::{self, Outcome};

/// An operation as it ran.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ran {
    pub(super) act: Act,
    /// `None`: it was killed, and happened or not.
    pub(super) answer: Option<u64>,
    /// When it began and ended, in turns.
    pub(super) begun: u32,
    pub(super) ended: u32,
    /// What the same process did before it.
    pub(super) follows: Option<usize>,
}

/// What was there before and after, and how many evictions there were in between.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) before: &'a View,
    pub(super) after: &'a View,
    pub(super) evictions: u64,
}

/// Operations that a process did one after the other, as far as they began, with the answers that it got.
pub(super) fn append(ran: &mut Vec<Ran>, act: &Act, answers: &[u64], begun: u32, ended: u32) {
    let mut follows = None;
    for (at, act) in act.parts().into_iter().enumerate().take(answers.len() + 1) {
        ran.push(Ran { act, answer: answers.get(at).copied(), begun, ended, follows });
        follows = Some(ran.len() - 1);
    }
}

/// Whether some order of the operations, with evictions in between, gives the answers and what is seen afterwards.
pub(super) fn explained(ran: &[Ran], seen: Seen<'_>) -> Result<(), String> {
    let mut keys: Vec<usize> = ran.iter().filter(|ran| is_on_key(ran.act.op)).map(key).collect();
    keys.sort_unstable();
    keys.dedup();
    let clears = ran.iter().any(|ran| ran.act.op == Op::Clear);
    let has_cleared = ran.iter().any(|ran| ran.act.op == Op::Clear && ran.answer.is_some());
    let mut spared = seen.evictions;
    let mut cleared = [0, 0];
    for (at, (was, is)) in seen.before.iter().zip(seen.after).enumerate() {
        if keys.contains(&at) {
            continue;
        }
        if was.is_some() {
            cleared[usize::from(is.is_none())] += 1;
        }
        if was == is && !(has_cleared && was.is_some()) || clears && is.is_none() {
            continue;
        }
        if is.is_some() || spared == 0 {
            return Err(format!("key {at}, which nobody used, was {was:?} and is {is:?}"));
        }
        spared -= 1;
    }
    // Evictions aside, a clear ends all of them or none.
    let partly = clears && cleared[0] > 0 && cleared[1] > seen.evictions;
    let items: Vec<_> = keys.iter().map(|key| seen.before[*key]).collect();
    let mut search = Search { ran, keys: &keys, seen, tried: HashSet::new() };
    if !partly && search.from(&items, 0, spared) {
        return Ok(());
    }
    let shown: Vec<_> = keys.iter().map(|key| (key, seen.before[*key], seen.after[*key])).collect();
    Err(format!(
        "no order explains {ran:?}; (key, before, after): {shown:?}; {} evictions; others kept and gone: {cleared:?}",
        seen.evictions
    ))
}

fn key(ran: &Ran) -> usize {
    ran.act.key
}

fn is_on_key(op: Op) -> bool {
    !matches!(op, Op::Clear | Op::Sweep | Op::EvictAhead | Op::Drain | Op::Recover)
}

struct Search<'a> {
    ran: &'a [Ran],
    keys: &'a [usize],
    seen: Seen<'a>,
    /// Where it leads nowhere from.
    tried: HashSet<(Vec<Option<Item>>, u32, u64)>,
}

impl Search<'_> {
    /// Whether the end is reached from here, where some operations (bits) are done.
    fn from(&mut self, items: &[Option<Item>], done: u32, evictions: u64) -> bool {
        if !self.tried.insert((items.to_vec(), done, evictions)) {
            return false;
        }
        if done.count_ones() as usize == self.ran.len() {
            let is_end =
                |(key, item): (&usize, &Option<Item>)| spec::alike(self.seen.after[*key], *item);
            if self.keys.iter().zip(items).all(is_end) {
                return true;
            }
        }
        for at in (0..items.len()).filter(|at| evictions > 0 && items[*at].is_some()) {
            let mut less = items.to_vec();
            less[at] = None;
            if self.from(&less, done, evictions - 1) {
                return true;
            }
        }
        (0..self.ran.len()).filter(|at| done & (1u32 << at) == 0).any(|at| {
            let next = &self.ran[at];
            if next.follows.is_some_and(|before| done & (1 << before) == 0) {
                return false;
            }
            let earlier = |other: &Ran| other.ended < next.begun;
            let must_wait = |(index, other)| done & (1u32 << index) == 0 && earlier(other);
            if self.ran.iter().enumerate().any(must_wait) {
                return false;
            }
            let done = done | (1u32 << at);
            if next.answer.is_none() && self.from(items, done, evictions) {
                return true;
            }
            self.effect(next, items).is_some_and(|items| self.from(&items, done, evictions))
        })
    }

    /// What is there behind an operation, if its answer is right.
    fn effect(&self, ran: &Ran, items: &[Option<Item>]) -> Option<Vec<Option<Item>>> {
        let said = |right: u64| ran.answer.is_none_or(|answer| answer == right);
        if ran.act.op == Op::Clear {
            return said(answer::DONE).then(|| vec![None; items.len()]);
        }
        if !is_on_key(ran.act.op) {
            return said(answer::DONE).then(|| items.to_vec());
        }
        let at = self.keys.binary_search(&ran.act.key).ok()?;
        let token = self.seen.before[ran.act.key].map_or(7, |item| item.token);
        let Some(outcome) = spec::outcome(&ran.act, items[at], token) else {
            // A counter that is none.
            return said(answer::NO_ROOM).then(|| items.to_vec());
        };
        let Outcome { item, answer, .. } = outcome;
        let mut items = items.to_vec();
        items[at] = item;
        said(answer).then_some(items)
    }
}
