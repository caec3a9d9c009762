//! Which batches of two processes really ran at the same time.
//!
//! On a busy machine two processes often take turns, and then look as if they did not disturb each other. So
//! every worker notes the clock at the end of each batch, and a batch counts only if
//!
//! * it was not *interrupted*: it took at most [`INTERRUPTED`] times this worker's median batch, and
//! * every other worker was at work during all of it, in batches that were not interrupted either.

use crate::figures::median;

/// A batch that takes this many times the median was off its CPU: a scheduler's slice is fifty batches long,
/// contention changes all batches together.
const INTERRUPTED: f64 = 3.0;

/// The batches of one worker: each begins when the one before ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// Start of the first batch, then the end of each, in nanoseconds of the shared clock.
    pub marks: Vec<u64>,
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

impl Timeline {
    /// Batches as `(start, end, interrupted)`.
    fn batches(&self) -> Vec<(u64, u64, bool)> {
        let spans = || self.marks.windows(2).map(|marks| (marks[0], marks[1]));
        let typical = median(spans().map(|(start, end)| (end - start) as f64).collect());
        let limit = typical.unwrap_or(0.0) * INTERRUPTED;
        spans().map(|(start, end)| (start, end, (end - start) as f64 > limit)).collect()
    }

    /// Whether this worker was at work from `start` to `end` without interruption.
    fn covers(&self, start: u64, end: u64, batches: &[(u64, u64, bool)]) -> bool {
        let (Some(&first), Some(&last)) = (self.marks.first(), self.marks.last()) else {
            return false;
        };
        let meets = |batch: &&(u64, u64, bool)| batch.0 < end && start < batch.1;
        first <= start && end <= last && !batches.iter().filter(meets).any(|batch| batch.2)
    }
}

/// What counts of each worker's batches; `None` where none do.
#[must_use]
pub fn kept(timelines: &[Timeline]) -> Vec<Option<Kept>> {
    let batches: Vec<_> = timelines.iter().map(Timeline::batches).collect();
    let kept_of = |own: usize| {
        let overlapped = |&&(start, end, interrupted): &&(u64, u64, bool)| {
            let beside = |other: usize| timelines[other].covers(start, end, &batches[other]);
            !interrupted && (0..timelines.len()).filter(|&other| other != own).all(beside)
        };
        let counted: Vec<f64> = (batches[own].iter().filter(overlapped))
            .map(|&(start, end, _)| (end - start) as f64 / timelines[own].operations as f64)
            .collect();
        let share = counted.len() as f64 / batches[own].len() as f64;
        Some(Kept { nanos: median(counted)?, share })
    };
    (0..timelines.len()).map(kept_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(marks: &[u64]) -> Timeline {
        Timeline { marks: marks.to_vec(), operations: 10 }
    }

    #[test]
    fn a_worker_alone_keeps_all_but_its_interrupted_batches() {
        let kept = kept(&[timeline(&[0, 100, 200, 900, 1000])]);
        assert_eq!(kept, [Some(Kept { nanos: 10.0, share: 0.75 })]);
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
