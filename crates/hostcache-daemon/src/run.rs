//! The loop.

use std::time::Instant;

use hostcache::{Cache, MaintenanceBudget, MaintenanceReport, OpenError, WriteError};

use crate::journal::Journal;
use crate::office::{self, Office};
use crate::pace::Pace;
use crate::region_watch::RegionWatch;
use crate::{Config, DaemonError, End, StopFlag, Summary};

/// Bytes of a bucket without its use marks.
const BUCKET_BYTES: u64 = 64;

/// Maintains the region until `stop` is raised, the region is destroyed, or, with
/// [`once`](Config::once), one pass is done.
///
/// Stands by for as long as another daemon leads. Runs in the calling thread, starts no other, and
/// installs no signal handler.
pub fn run(cache: &Cache, config: &Config, stop: &StopFlag) -> Result<Summary, DaemonError> {
    config.validate()?;
    let start = Instant::now();
    let mut journal = Journal::new(cache.name(), config.log_every);
    let mut summary = Summary::new();
    summary.end = if config.once {
        one_pass(cache, config, stop, &mut journal, &mut summary)?
    } else {
        serve(cache, config, stop, &mut journal, &mut summary)?
    };
    summary.elapsed = start.elapsed();
    journal.ended(&summary);
    Ok(summary)
}

/// Leads for as long as it is allowed to.
fn serve(
    cache: &Cache,
    config: &Config,
    stop: &StopFlag,
    journal: &mut Journal,
    summary: &mut Summary,
) -> Result<End, DaemonError> {
    let mut watch = RegionWatch::new(cache.path(), Instant::now());
    let _leadership = match office::take(cache, config, stop, journal, &mut watch)? {
        Office::Held(leadership) => leadership,
        Office::Never(end) => return Ok(end),
    };
    summary.led = true;
    let mut pace = Pace::new(config, most_buckets(cache));
    while !stop.is_raised() {
        let now = Instant::now();
        let pause = match step(cache, &pace.budget(now), journal)? {
            Some(report) => {
                summary.add(&report);
                journal.step(&report, now);
                pace.after(&report)
            }
            None => config.idle_pause,
        };
        stop.sleep(pause);
        if watch.is_gone(Instant::now()) {
            journal.region_gone();
            return Ok(End::RegionGone);
        }
    }
    Ok(End::Stopped)
}

/// Sweeps over as many buckets as there are, without pauses and without the office. The sweep goes on from
/// where the last one stopped, so coming round to the start of the index proves nothing.
fn one_pass(
    cache: &Cache,
    config: &Config,
    stop: &StopFlag,
    journal: &mut Journal,
    summary: &mut Summary,
) -> Result<End, DaemonError> {
    let buckets = most_buckets(cache);
    let mut budget = MaintenanceBudget::default();
    budget.buckets = config.buckets_per_step;
    budget.evictions = config.evictions_per_step;
    budget.recover = true;
    while !stop.is_raised() {
        let Some(report) = step(cache, &budget, journal)? else {
            stop.sleep(config.idle_pause);
            continue;
        };
        summary.add(&report);
        journal.step(&report, Instant::now());
        // Again while there is more to recover than one step's share.
        budget.recover = report.recovered_participants + report.recovered_blocks > 0;
        if summary.buckets >= buckets && !budget.recover {
            return Ok(End::PassDone);
        }
    }
    Ok(End::Stopped)
}

/// Not less than the buckets of the index, and not much more: the figure includes the use marks.
fn most_buckets(cache: &Cache) -> u64 {
    cache.info().index_bytes / BUCKET_BYTES
}

/// One step; `None` if it can't be taken now but may be later.
fn step(
    cache: &Cache,
    budget: &MaintenanceBudget,
    journal: &mut Journal,
) -> Result<Option<MaintenanceReport>, DaemonError> {
    match cache.maintain(budget) {
        Ok(report) => Ok(Some(report)),
        // Living processes come and go: a full registry is no reason to give up.
        Err(WriteError::Attach(error))
            if matches!(*error, OpenError::TooManyParticipants { .. }) =>
        {
            journal.trouble(error.to_string());
            Ok(None)
        }
        Err(source) => Err(DaemonError::Maintain { region: cache.name().to_owned(), source }),
    }
}
