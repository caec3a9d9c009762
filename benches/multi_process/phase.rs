//! One phase: workers on one subject, a CPU each, all at once.

use std::error::Error;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hostcache_benches::overlap::{self, Kept, Mark, Timeline};
use hostcache_benches::processes::{self, mark};
use hostcache_benches::settings::SubjectKind;
use hostcache_benches::shared::SharedWords;
use hostcache_benches::side_by_side::operations_per_batch;
use hostcache_benches::subject::{Floor, Region};
use hostcache_benches::{Operation, Session, Subject, Workload};

/// Batches of a worker in one phase: about 12 ms of work, several scheduler's slices.
const BATCHES: usize = 200;
const WORKLOAD: Workload = Workload::HOT;

/// Memory that workers share: one subject, filled.
pub(crate) enum Shared {
    Hostcache(Region),
    Floor(Floor),
}

impl Shared {
    pub(crate) fn create(kind: SubjectKind, seed: u64) -> Result<Self, Box<dyn Error>> {
        let shared = if kind == SubjectKind::Floor {
            Self::Floor(Floor::new(WORKLOAD.keys)?)
        } else {
            Self::Hostcache(Region::create("multi", &WORKLOAD)?)
        };
        shared.with_session(seed, &mut |session| session.fill())?;
        Ok(shared)
    }

    /// Attaches to the subject for as long as `work` runs. The parent never stays attached: it forks.
    pub(crate) fn with_session(
        &self,
        seed: u64,
        work: &mut dyn FnMut(&mut dyn Work),
    ) -> Result<(), String> {
        match self {
            Self::Hostcache(region) => {
                let subject = region.open().map_err(|error| error.to_string())?;
                work(&mut Session::new(subject, WORKLOAD, seed));
            }
            Self::Floor(floor) => work(&mut Session::new(floor, WORKLOAD, seed)),
        }
        Ok(())
    }
}

/// [`Session`] of any subject; called once per batch.
pub(crate) trait Work {
    fn fill(&mut self);
    fn check_all(&mut self);
    fn run(&mut self, operation: Operation, operations: u64) -> Duration;
}

impl<S: Subject> Work for Session<S> {
    fn fill(&mut self) {
        Session::fill(self);
    }
    fn check_all(&mut self) {
        Session::check_all(self);
    }
    fn run(&mut self, operation: Operation, operations: u64) -> Duration {
        Session::run(self, operation, operations)
    }
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
        // Relaxed: the parent reads after it has seen this process end.
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

/// What each worker took for `operation`; `None` where none of its batches counts.
pub(crate) fn phase(
    shared: &Shared,
    operation: Operation,
    cpus: &[usize],
    seed: u64,
) -> Result<Vec<Option<Kept>>, Box<dyn Error>> {
    let page = Page::new(cpus.len())?;
    processes::run_pinned(cpus, |worker| {
        let seed = seed.wrapping_add(worker as u64);
        let attached = shared.with_session(seed, &mut |session| {
            session.check_all();
            let operations = operations_per_batch(|n| session.run(operation, n));
            let mut marks = Vec::with_capacity(BATCHES + 1);
            page.start_together(cpus.len());
            marks.push(mark());
            for _ in 0..BATCHES {
                session.run(operation, operations);
                marks.push(mark());
            }
            page.report(worker, &Timeline { marks, operations });
        });
        attached.unwrap_or_else(|error| panic!("{error}"));
    })?;
    Ok(overlap::kept(&page.timelines(cpus.len())))
}
