//! Which batches of two processes really ran at the same time.
//!
//! On a busy machine two processes often take turns, and then look as if they did not disturb each other. So
//! every worker notes the clock and its own CPU time at the end of each batch, and a batch counts only if
//!
//! * it was not *interrupted*: the worker was on its CPU during all of it, and
//! * every other worker was at work during all of it, in batches that were not interrupted either.
//!
//! How long a batch took says little about interruption: where workers mostly take turns, the few batches
//! that do overlap are the slow ones, and dropping what is slow would drop the contention that is looked for.

use crate::figures::median;

/// Least share of its time that an uninterrupted batch has its CPU: a switch to another thread and back takes
/// longer than the rest of a batch.
const ON_CPU: f64 = 0.95;
/// A batch that takes this many times the worker's shortest was off its CPU although CPU time went on: the host
/// of a virtual machine took the CPU away, for milliseconds. Contention does not come near it.
const STOLEN: u64 = 20;

/// One moment in a worker's life, in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mark {
    /// On the clock that all processes share.
    pub wall: u64,
    /// CPU time that the worker has had.
    pub cpu: u64,
}

/// The batches of one worker: each begins when the one before ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// Start of the first batch, then the end of each.
    pub marks: Vec<Mark>,
    /// Operations per batch.
    pub operations: u64,
}

/// What is left of a timeline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kept {
    /// Median of the batches that count, in nanoseconds per operation.
    pub nanos: f64,
    /// Share of the batches that count, 0 to 1.
    pub share: f64,
}

struct Batch {
    start: u64,
    end: u64,
    interrupted: bool,
}

impl Timeline {
    fn batches(&self) -> Vec<Batch> {
        let pairs = || self.marks.windows(2).map(|pair| (pair[0], pair[1]));
        let shortest = pairs().map(|(from, to)| to.wall - from.wall).min().unwrap_or(0);
        let batch = |(from, to): (Mark, Mark)| {
            let (wall, cpu) = (to.wall - from.wall, to.cpu - from.cpu);
            let off_cpu = (cpu as f64) < wall as f64 * ON_CPU;
            let interrupted = off_cpu || wall > shortest * STOLEN;
            Batch { start: from.wall, end: to.wall, interrupted }
        };
        pairs().map(batch).collect()
    }
}

/// Whether a worker with these batches was at work from the start to the end of `batch` without interruption.
fn covered(batch: &Batch, by: &[Batch]) -> bool {
    let (Some(first), Some(last)) = (by.first(), by.last()) else { return false };
    let meets = |other: &&Batch| other.start < batch.end && batch.start < other.end;
    first.start <= batch.start
        && batch.end <= last.end
        && !by.iter().filter(meets).any(|other| other.interrupted)
}

/// What counts of each worker's batches; `None` where none do.
#[must_use]
pub fn kept(timelines: &[Timeline]) -> Vec<Option<Kept>> {
    let batches: Vec<_> = timelines.iter().map(Timeline::batches).collect();
    let kept_of = |own: usize| {
        let others = || batches.iter().enumerate().filter(|&(other, _)| other != own);
        let counts =
            |batch: &&Batch| !batch.interrupted && others().all(|(_, by)| covered(batch, by));
        let per_operation =
            |batch: &Batch| (batch.end - batch.start) as f64 / timelines[own].operations as f64;
        let counted: Vec<f64> = batches[own].iter().filter(counts).map(per_operation).collect();
        let share = counted.len() as f64 / batches[own].len() as f64;
        Some(Kept { nanos: median(counted)?, share })
    };
    (0..timelines.len()).map(kept_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Batches that end at `walls`; those that take 500 or more had their CPU for 100 only.
    fn timeline(walls: &[u64]) -> Timeline {
        let mut marks = vec![Mark { wall: walls[0], cpu: 0 }];
        for pair in walls.windows(2) {
            let wall = pair[1] - pair[0];
            let cpu = marks[marks.len() - 1].cpu + if wall >= 500 { 100 } else { wall };
            marks.push(Mark { wall: pair[1], cpu });
        }
        Timeline { marks, operations: 10 }
    }

    #[test]
    fn a_worker_alone_keeps_all_but_its_interrupted_batches() {
        let kept = kept(&[timeline(&[0, 100, 200, 900, 1000])]);
        assert_eq!(kept, [Some(Kept { nanos: 10.0, share: 0.75 })]);
    }

    #[test]
    fn slow_batches_count_as_long_as_the_worker_had_its_cpu() {
        // The workers meet only at the end, and are four times slower there.
        let early = timeline(&[0, 100, 200, 300, 400, 800]);
        let late = timeline(&[400, 800]);
        let slow = Kept { nanos: 40.0, share: 0.2 };
        assert_eq!(kept(&[early, late]), [Some(slow), Some(Kept { share: 1.0, ..slow })]);
    }

    #[test]
    fn a_stolen_batch_does_not_count_although_cpu_time_went_on() {
        let marks = [0, 100, 200, 5000].map(|at| Mark { wall: at, cpu: at }).to_vec();
        let kept = kept(&[Timeline { marks, operations: 10 }]);
        assert_eq!(kept[0].map(|kept| kept.nanos), Some(10.0));
    }

    #[test]
    fn batches_beyond_the_other_workers_first_and_last_do_not_count() {
        let kept = kept(&[timeline(&[0, 100, 200, 300, 400]), timeline(&[90, 190, 290, 390])]);
        assert_eq!(kept[0], Some(Kept { nanos: 10.0, share: 0.5 }));
        assert_eq!(kept[1], Some(Kept { nanos: 10.0, share: 1.0 }));
    }

    #[test]
    fn batches_beside_an_interrupted_one_do_not_count() {
        let steady: Vec<u64> = (0..=10).map(|mark| mark * 100).collect();
        let interrupted = [0, 100, 200, 700, 800, 900, 1000];
        let kept = kept(&[timeline(&steady), timeline(&interrupted)]);
        assert_eq!(kept[0].map(|kept| kept.share), Some(0.5));
    }

    #[test]
    fn workers_that_took_turns_keep_nothing() {
        assert_eq!(kept(&[timeline(&[0, 100, 200]), timeline(&[200, 300, 400])]), [None, None]);
    }
}
