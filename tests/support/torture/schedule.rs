//! Where a pair is switched: before accesses that the one makes to what the other uses, and before any.

use std::collections::HashMap;
use std::ops::Range;

use super::stops::{Met, Place};
use crate::random::Random;

/// An access to the region, of one run of one process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Access {
    /// The instruction, and how often it was met before.
    pub(super) met: Met,
    /// Words of the region, from one to behind another.
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) writes: bool,
}

/// All accesses of a run, in order.
pub(super) type Trace = Vec<Access>;

/// Until when one of both runs.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cut {
    End,
    At(Place),
    /// It stays where it stands.
    Stay,
}

/// A runs to a place, B to one, A to another and is killed there or stands; a third works; B ends; A ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    pub(super) cuts: [Cut; 3],
    pub(super) kills: bool,
    pub(super) third: bool,
}

/// What is known of a pair: its accesses, and those that meet the other's.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) traces: [Trace; 2],
    meets: [Vec<usize>; 2],
    /// Of those, the ones to the table.
    table: [Vec<usize>; 2],
}

impl Course {
    /// From two traces, and the words of the table.
    pub(super) fn new(traces: [Trace; 2], table: Range<usize>) -> Self {
        let meets = [meeting(&traces[0], &traces[1]), meeting(&traces[1], &traces[0])];
        let table = [0, 1].map(|who| {
            let is_there = |at: &usize| table.contains(&traces[who][*at].from);
            meets[who].iter().copied().filter(is_there).collect()
        });
        Self { traces, meets, table }
    }

    /// The accesses of one of both to the table, from one on, and its end.
    pub(super) fn in_table(&self, who: usize, from: usize) -> impl Iterator<Item = usize> + '_ {
        let later = self.table[who].iter().filter(move |&&at| at >= from).copied();
        later.chain([usize::MAX])
    }

    /// The number of an access of one of both, from one on: mostly before or behind one that meets the other's.
    pub(super) fn draw(&self, who: usize, from: usize, random: &mut Random) -> usize {
        let accesses = self.traces[who].len();
        let meets = &self.meets[who];
        let later = &meets[meets.partition_point(|at| at + 1 < from)..];
        if later.is_empty() || random.percent(20) {
            return from + random.below((accesses.saturating_sub(from)).max(1) as u64) as usize;
        }
        (random.pick(later) + random.below(2) as usize).max(from)
    }

    /// The place before an access, for a process that stands before another one, or is at its beginning.
    pub(super) fn place(&self, who: usize, stands: Option<usize>, access: usize) -> Cut {
        let trace = &self.traces[who];
        let Some(Access { met, .. }) = trace.get(access) else { return Cut::End };
        let past = stands.map_or(&[][..], |stands| &trace[..=stands.min(trace.len() - 1)]);
        let before = past.iter().rfind(|past| past.met.at == met.at);
        let number = met.number - before.map_or(0, |before| before.met.number + 1);
        Cut::At(Met { number, ..*met }.place())
    }
}

/// Which accesses are to words that the other accesses too, one of both writing.
fn meeting(mine: &Trace, others: &Trace) -> Vec<usize> {
    let mut used: HashMap<usize, bool> = HashMap::new();
    for access in others {
        for word in access.from..access.to {
            *used.entry(word).or_default() |= access.writes;
        }
    }
    let meets = |access: &Access| {
        let mut words = (access.from..access.to).filter_map(|word| used.get(&word));
        words.any(|written| *written || access.writes)
    };
    (0..mine.len()).filter(|at| meets(&mine[*at])).collect()
}
