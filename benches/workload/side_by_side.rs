//! Subjects that take turns, so that what the machine does in the meantime meets all of them alike.
//!
//! One after the other for seconds each, subjects would be compared under different loads. Here a round gives
//! each of them a turn of some batches of about [`BATCH`]; the median of a turn's batches is its figure, and
//! ratios are formed within a round. The order rotates from round to round.

use std::time::Duration;

use crate::figures::median;

/// What a batch should take: shorter than the time between two interruptions of a busy machine (a
/// scheduler's slice is some milliseconds), long enough that reading the clock does not show.
pub const BATCH: Duration = Duration::from_micros(60);
/// Batches of a turn that count.
const BATCHES: usize = 8;
/// Batches of a turn before those. They bring the subject's memory back into the caches: even at 100 ns an
/// operation, each of 1,000 hot keys is met a dozen times.
const WARM_UP: usize = 20;

/// A subject at work on one operation: does so many of them and returns how long they took.
pub type Lane = Box<dyn FnMut(u64) -> Duration>;

/// How many operations take about [`BATCH`].
pub fn operations_per_batch(mut run: impl FnMut(u64) -> Duration) -> u64 {
    const TRIAL: u64 = 256;
    let times = (0..9).map(|_| run(TRIAL).as_nanos() as f64 / TRIAL as f64).collect();
    // A clock that stands still through a trial means: faster than it can tell.
    let nanos = median(times).unwrap_or(0.0).max(0.5);
    (BATCH.as_nanos() as f64 / nanos).ceil() as u64
}

/// Nanoseconds per operation of each lane in each round: `figures[lane][round]`.
pub fn measure<L: FnMut(u64) -> Duration>(lanes: &mut [L], rounds: usize) -> Vec<Vec<f64>> {
    let operations: Vec<u64> = lanes.iter_mut().map(operations_per_batch).collect();
    let mut figures = vec![Vec::with_capacity(rounds); lanes.len()];
    for round in 0..rounds {
        for turn in 0..lanes.len() {
            let lane = (turn + round) % lanes.len();
            let n = operations[lane];
            let mut batch = || lanes[lane](n).as_nanos() as f64 / n as f64;
            let times = (0..WARM_UP + BATCHES).map(|_| batch()).skip(WARM_UP).collect();
            figures[lane].push(median(times).unwrap_or(f64::NAN));
        }
    }
    figures
}

/// The figures of `own` divided by those of `other`, round by round.
#[must_use]
pub fn ratios(own: &[f64], other: &[f64]) -> Vec<f64> {
    own.iter().zip(other).map(|(own, other)| own / other).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lane_is_measured_in_every_round() {
        let lane = |nanos: u64| -> Lane { Box::new(move |n| Duration::from_nanos(n * nanos)) };
        let figures = measure(&mut [lane(10), lane(25)], 3);
        assert_eq!(figures, [[10.0; 3], [25.0; 3]]);
        assert_eq!(ratios(&figures[1], &figures[0]), [2.5; 3]);
    }
}
