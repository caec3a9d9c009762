//! How long single gets take beside a second worker: histograms with percentiles (HDR).

use std::error::Error;
use std::sync::atomic::Ordering;

use hdrhistogram::Histogram;

use crate::Distribution;
use crate::phase;
use crate::processes;
use crate::shared::SharedWords;
use crate::store::Store;

/// Two significant digits: a figure is within 1 % of the truth.
const DIGITS: u8 = 2;
/// Nothing takes longer, in nanoseconds.
const LONGEST: u64 = 60_000_000_000;
/// More buckets than a histogram of these digits and this range can have filled.
const BUCKETS: usize = 8192;
/// Of each worker: how many buckets, then value and count of each.
const REPORT_WORDS: usize = 1 + 2 * BUCKETS;

/// An empty histogram of nanoseconds.
///
/// # Errors
/// None with these bounds; they are the library's to judge.
pub fn histogram() -> Result<Histogram<u64>, Box<dyn Error>> {
    Ok(Histogram::new_with_bounds(1, LONGEST, DIGITS)?)
}

/// Latencies of the gets of 95 get : 5 set, in nanoseconds, of a worker on each of `cpus` at once, `operations` each.
pub fn of_gets(
    store: &dyn Store,
    order: Distribution,
    seed: u64,
    cpus: &[usize],
    operations: u64,
) -> Result<Histogram<u64>, Box<dyn Error>> {
    let page = SharedWords::new(1 + cpus.len() * REPORT_WORDS)?;
    phase::run(store, cpus, |worker, store| {
        let work = || -> Result<(), Box<dyn Error>> {
            let mut session = store.attach(order, seed.wrapping_add(worker as u64))?;
            session.check_all();
            let mut seen = histogram()?;
            session.time_each_get(operations / 10, &mut |nanos| seen.saturating_record(nanos));
            seen.reset();
            processes::start_together(&page.words()[0], cpus.len() as u64);
            session.time_each_get(operations, &mut |nanos| seen.saturating_record(nanos));
            let pairs: Vec<u64> = seen
                .iter_recorded()
                .flat_map(|step| [step.value_iterated_to(), step.count_at_value()])
                .collect();
            let report = &page.words()[1 + worker * REPORT_WORDS..][..REPORT_WORDS];
            assert!(pairs.len() < report.len(), "the page has room for every bucket");
            // Relaxed: the parent reads after it has seen this worker end.
            report[0].store(pairs.len() as u64 / 2, Ordering::Relaxed);
            let values = report[1..].iter().zip(pairs);
            values.for_each(|(word, value)| word.store(value, Ordering::Relaxed));
            Ok(())
        };
        work().unwrap_or_else(|error| panic!("{error}"));
    })?;
    let mut all = histogram()?;
    for report in page.words()[1..].chunks_exact(REPORT_WORDS) {
        let words: Vec<u64> = report.iter().map(|word| word.load(Ordering::Relaxed)).collect();
        let (pairs, _) = words[1..].as_chunks();
        for &[value, count] in pairs.iter().take(words[0] as usize) {
            all.saturating_record_n(value, count);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::InProcess;
    use crate::subject::DashMapSubject;
    use crate::{Workload, processes::allowed_cpus};

    #[test]
    fn every_get_of_every_worker_is_in_the_histogram() {
        let store = InProcess(DashMapSubject::new(1000), Workload::HOT);
        let order = Distribution::Uniform;
        store.attach(order, 1).expect("a map").fill();
        let cpu = allowed_cpus().expect("affinity")[0];
        let seen = of_gets(&store, order, 1, &[cpu, cpu], 2000).expect("a histogram");
        assert_eq!(seen.len(), 2 * 2000 * 95 / 100);
        assert!(seen.value_at_quantile(0.5) <= seen.max());
    }
}
