//! What an operation costs at most beside others who stand still or are dead: in accesses to the region, never in time.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use hostcache_core::layout::Geometry;

use super::act::{Act, Op};
use super::schedule::Trace;

/// Words of a bucket: slots, and the control word behind them.
const BUCKET_WORDS: usize = 8;

/// The cost of one act.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// Accesses to the region, but for those to the bytes of items.
    accesses: u64,
    /// How often an operation began anew: the same instruction loaded the same control word once more.
    retries: u64,
}

impl Cost {
    pub(super) fn of(act: &Act, trace: &Trace, geometry: &Geometry) -> Self {
        let table = geometry.buckets_at as usize..geometry.classes_at as usize;
        let outside = trace.iter().filter(|access| access.from < geometry.arena_at as usize);
        let mut loads = HashMap::<(u64, usize), u64>::new();
        for access in trace.iter().filter(|access| !access.writes && table.contains(&access.from)) {
            if (access.from - table.start) % BUCKET_WORDS == BUCKET_WORDS - 1 {
                *loads.entry((access.met.at, access.from)).or_default() += 1;
            }
        }
        let parts = act.parts().len() as u64;
        let loads = loads.into_values().max().unwrap_or(0);
        Self { accesses: outside.count() as u64, retries: loads.saturating_sub(parts) }
    }

    fn max(self, other: Self) -> Self {
        Self {
            accesses: self.accesses.max(other.accesses),
            retries: self.retries.max(other.retries),
        }
    }
}

/// Retries of an operation on one key beside processes that stand still or are dead, whatever they were doing: one for
/// each step of theirs that it may have to finish, and some to spare.
const RETRIES: u64 = 4;
/// Accesses of a lookup, and of any other operation on one key, which may have to evict.
const LOOKUP: u64 = 64;
const ONE_KEY: u64 = 1_000;
/// Of an operation on all of a region of 1 MiB.
const ALL: u64 = 10_000;
/// Accesses behind which a process is not followed any further.
pub(super) const RUNAWAY: usize = 50_000;

/// Whether an operation kept its bound.
pub(super) fn bounded(act: &Act, cost: Cost) -> Result<(), String> {
    let Cost { accesses, retries } = cost;
    let (most, most_retries) = match act.op {
        Op::Clear | Op::Sweep | Op::EvictAhead | Op::Drain | Op::Recover | Op::Iterate => {
            (ALL, u64::MAX)
        }
        Op::Get | Op::GetInto => (LOOKUP, RETRIES),
        _ => (ONE_KEY, RETRIES),
    };
    if accesses > most || retries > most_retries {
        return Err(format!(
            "{act:?} took {accesses} accesses and {retries} retries beside one that does nothing: \
             more than {most} or {most_retries}"
        ));
    }
    Ok(())
}

/// The most that each operation cost: alone, and beside somebody who stands or is dead.
#[derive(Debug, Clone, Default)]
pub struct Costs(BTreeMap<Op, [Cost; 3]>);

impl Costs {
    /// `beside`: 0 nobody, 1 somebody who stands, 2 somebody dead.
    pub(super) fn note(&mut self, op: Op, beside: usize, cost: Cost) {
        let most = &mut self.0.entry(op).or_default()[beside];
        *most = most.max(cost);
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (op, costs) in &other.0 {
            (0..3).for_each(|beside| self.note(*op, beside, costs[beside]));
        }
    }
}

impl fmt::Display for Costs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "most accesses (retries)  behind others   beside stopped   beside dead")?;
        for (op, costs) in &self.0 {
            write!(f, "{:<24}", op.name())?;
            for Cost { accesses, retries } in costs {
                write!(f, "{accesses:>10} ({retries})  ")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
