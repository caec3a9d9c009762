//! One phase: workers on one store, a CPU each, all at once; and rounds of them, alone and together.

use std::error::Error;
use std::sync::atomic::Ordering;

use crate::overlap::{self, Kept, Mark, Timeline};
use crate::processes::{self, mark};
use crate::shared::SharedWords;
use crate::side_by_side::operations_per_batch;
use crate::store::Store;
use crate::{Distribution, Operation};

/// Batches of a worker in one phase: about 12 ms of work, several scheduler's slices.
const BATCHES: usize = 200;

/// What workers do in a phase.
#[derive(Debug, Clone, Copy)]
pub struct Task {
    /// The operation.
    pub operation: Operation,
    /// In which order keys are asked for.
    pub order: Distribution,
    /// Of the first worker's order; the second has the next.
    pub seed: u64,
}

/// The page through which workers start together and report: how many have arrived, then for each worker its
/// operations per batch and its marks.
struct Page(SharedWords);

const REPORT_WORDS: usize = 1 + 2 * (BATCHES + 1);

impl Page {
    fn new(workers: usize) -> std::io::Result<Self> {
        Ok(Self(SharedWords::new(1 + workers * REPORT_WORDS)?))
    }

    fn start_together(&self, workers: usize) {
        processes::start_together(&self.0.words()[0], workers as u64);
    }

    fn report(&self, worker: usize, timeline: &Timeline) {
        let words = &self.0.words()[1 + worker * REPORT_WORDS..][..REPORT_WORDS];
        let marks = timeline.marks.iter().flat_map(|mark| [mark.wall, mark.cpu]);
        let values = std::iter::once(timeline.operations).chain(marks);
        // Relaxed: the parent reads after it has seen this worker end.
        words.iter().zip(values).for_each(|(word, value)| word.store(value, Ordering::Relaxed));
    }

    fn timelines(&self, workers: usize) -> Vec<Timeline> {
        let values: Vec<u64> =
            self.0.words()[1..].iter().map(|word| word.load(Ordering::Relaxed)).collect();
        let marks = |report: &[u64]| {
            let (pairs, _) = report.as_chunks();
            pairs.iter().map(|&[wall, cpu]| Mark { wall, cpu }).collect()
        };
        let timeline =
            |report: &[u64]| Timeline { operations: report[0], marks: marks(&report[1..]) };
        values.chunks_exact(REPORT_WORDS).take(workers).map(timeline).collect()
    }
}

/// Runs `work(worker, store)` on each of `cpus`, in processes or threads as the store has it.
pub fn run(
    store: &dyn Store,
    cpus: &[usize],
    work: impl Fn(usize, &dyn Store) + Sync,
) -> std::io::Result<()> {
    match store.for_threads() {
        Some(store) => processes::run_threads(cpus, |worker| work(worker, store)),
        None => processes::run_pinned(cpus, |worker| work(worker, store)),
    }
}

/// What each worker took for the task; `None` where none of its batches counts.
pub fn phase(
    store: &dyn Store,
    task: Task,
    cpus: &[usize],
) -> Result<Vec<Option<Kept>>, Box<dyn Error>> {
    let page = Page::new(cpus.len())?;
    run(store, cpus, |worker, store| {
        let seed = task.seed.wrapping_add(worker as u64);
        let mut session = store.attach(task.order, seed).unwrap_or_else(|error| panic!("{error}"));
        session.check_all();
        let operations = operations_per_batch(|n| session.run(task.operation, n));
        let mut marks = Vec::with_capacity(BATCHES + 1);
        page.start_together(cpus.len());
        marks.push(mark());
        for _ in 0..BATCHES {
            session.run(task.operation, operations);
            marks.push(mark());
        }
        page.report(worker, &Timeline { marks, operations });
    })?;
    Ok(overlap::kept(&page.timelines(cpus.len())))
}

/// What one subject did in one round.
#[derive(Debug, Clone, Copy)]
pub struct Round {
    /// Nanoseconds per operation of a worker alone, the mean over the CPUs.
    pub alone: f64,
    /// The same of each of two workers at once.
    pub together: f64,
    /// Mean over the CPUs of together / alone on that CPU.
    pub slowdown: f64,
    /// Share of the batches that certainly overlapped, of the worker with fewer of them.
    pub kept: f64,
}

/// Alone on either CPU, then on both at once. `None` if in one of the phases nothing was kept on one of the CPUs.
pub fn round(
    store: &dyn Store,
    task: Task,
    cpus: [usize; 2],
) -> Result<Option<Round>, Box<dyn Error>> {
    let first = phase(store, task, &cpus[..1])?;
    let next = Task { seed: task.seed.wrapping_add(1), ..task };
    let second = phase(store, next, &cpus[1..])?;
    let together = phase(store, task, &cpus)?;
    store.attach(task.order, task.seed)?.check_all();
    let [Some(a), Some(b), Some(with_b), Some(with_a)] =
        [first[0], second[0], together[0], together[1]]
    else {
        return Ok(None);
    };
    Ok(Some(Round {
        alone: (a.nanos + b.nanos) / 2.0,
        together: (with_b.nanos + with_a.nanos) / 2.0,
        slowdown: (with_b.nanos / a.nanos + with_a.nanos / b.nanos) / 2.0,
        kept: with_b.share.min(with_a.share),
    }))
}
