//! The loop.

use std::time::Instant;

use hostcache::{Cache, MaintenanceBudget, MaintenanceReport, OpenError, Stats, WriteError};

use crate::control::{Control, Reload};
use crate::journal::Journal;
use crate::office::{self, Office};
use crate::pace::Pace;
use crate::region_watch::RegionWatch;
use crate::{Config, DaemonError, End, Notices, StopFlag, Summary};

/// Bytes of a bucket without its use marks.
const BUCKET_BYTES: u64 = 64;

/// A daemon with everything that it may be given: [`run`] is the short form.
///
/// ```no_run
/// use hostcache_daemon::{Config, Daemon, Notices, Reload, ReloadFlag, StopFlag};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cache = hostcache::Cache::open("catalog")?;
/// let hangup = ReloadFlag::on_signal()?;
/// Daemon::new(Config::default())
///     .notices(Notices::from_environment())
///     .reload(Reload::new(hangup, || Ok(Config::default())))
///     .run(&cache, &StopFlag::on_signals()?)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Daemon<'a> {
    config: Config,
    reload: Option<Reload<'a>>,
    notices: Notices,
}

impl<'a> Daemon<'a> {
    /// With these settings, which nothing changes, and telling nobody.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { config, reload: None, notices: Notices::none() }
    }

    /// Settings may be read anew; those that can't be used are logged, and the old ones stay.
    #[must_use]
    pub fn reload(mut self, reload: Reload<'a>) -> Self {
        self.reload = Some(reload);
        self
    }

    /// Tells a service manager that it is up, alive and about to end.
    #[must_use]
    pub fn notices(mut self, notices: Notices) -> Self {
        self.notices = notices;
        self
    }

    /// Maintains the region until `stop` is raised, the region is destroyed, or, with
    /// [`once`](Config::once), one pass is done.
    ///
    /// Stands by for as long as another daemon leads. Runs in the calling thread, starts no other, and
    /// installs no signal handler.
    ///
    /// # Errors
    ///
    /// Settings out of their range, a region that can't be written, or what the system answers.
    pub fn run(self, cache: &Cache, stop: &StopFlag) -> Result<Summary, DaemonError> {
        let Self { mut config, reload, notices } = self;
        config.validate()?;
        let start = Instant::now();
        // One pass ends before other settings could matter.
        let reload = reload.filter(|_| !config.once);
        let mut control = Control::new(stop.clone(), reload, notices);
        let mut journal = Journal::new(cache.name(), config.log_every);
        let mut summary = Summary::new();
        let end = if config.once {
            one_pass(cache, &config, &mut control, &mut journal, &mut summary)
        } else {
            serve(cache, &mut config, &mut control, &mut journal, &mut summary)
        };
        control.notices.stopping();
        summary.end = end?;
        summary.elapsed = start.elapsed();
        journal.ended(&summary);
        Ok(summary)
    }
}

/// [`Daemon::run`] with settings that nothing changes, telling nobody.
///
/// # Errors
///
/// As [`Daemon::run`].
pub fn run(cache: &Cache, config: &Config, stop: &StopFlag) -> Result<Summary, DaemonError> {
    Daemon::new(config.clone()).run(cache, stop)
}

/// Leads for as long as it is allowed to.
fn serve(
    cache: &Cache,
    config: &mut Config,
    control: &mut Control<'_>,
    journal: &mut Journal,
    summary: &mut Summary,
) -> Result<End, DaemonError> {
    let mut watch = RegionWatch::new(cache.path(), Instant::now());
    let _leadership = match office::take(cache, config, control, journal, &mut watch)? {
        Office::Held(leadership) => leadership,
        Office::Never(end) => return Ok(end),
    };
    summary.led = true;
    let mut steps = Steps::on(cache);
    let mut pace = Pace::new(config, most_buckets(cache));
    while !control.is_stopped() {
        let now = Instant::now();
        let pause = match steps.next(&pace.budget(now), journal)? {
            Some(report) => {
                summary.add(&report);
                journal.step(&report, now);
                pace.after(&report)
            }
            None => config.idle_pause,
        };
        control.sleep(pause);
        if let Some(settings) = control.new_settings() {
            journal.settings(config, settings);
            pace.follow(config);
            control.notices.ready(&office::leading(cache));
        }
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
    control: &mut Control<'_>,
    journal: &mut Journal,
    summary: &mut Summary,
) -> Result<End, DaemonError> {
    let buckets = most_buckets(cache);
    let mut steps = Steps::on(cache);
    let mut budget = MaintenanceBudget::default();
    budget.buckets = config.buckets_per_step;
    budget.evictions = config.evictions_per_step;
    budget.recover = true;
    while !control.is_stopped() {
        let Some(report) = steps.next(&budget, journal)? else {
            control.sleep(config.idle_pause);
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

/// Steps of maintenance, one after the other.
struct Steps<'a> {
    cache: &'a Cache,
    /// The figures before the first one.
    before: Option<Stats>,
}

impl<'a> Steps<'a> {
    fn on(cache: &'a Cache) -> Self {
        Self { cache, before: Some(cache.stats()) }
    }

    /// One step; `None` if it can't be taken now but may be later.
    fn next(
        &mut self,
        budget: &MaintenanceBudget,
        journal: &mut Journal,
    ) -> Result<Option<MaintenanceReport>, DaemonError> {
        match self.cache.maintain(budget) {
            Ok(mut report) => {
                if let Some(before) = self.before.take() {
                    self.with_attaching(&before, &mut report);
                }
                Ok(Some(report))
            }
            // Living processes come and go: a full registry is no reason to give up.
            Err(WriteError::Attach(error))
                if matches!(*error, OpenError::TooManyParticipants { .. }) =>
            {
                journal.trouble(error.to_string());
                Ok(None)
            }
            Err(source) => {
                Err(DaemonError::Maintain { region: self.cache.name().to_owned(), source })
            }
        }
    }

    /// The first step attaches, and whoever attaches to a dead participant's slot recovers it: no report of a step has that.
    fn with_attaching(&self, before: &Stats, report: &mut MaintenanceReport) {
        let now = self.cache.stats();
        let participants = now.recovered_participants.saturating_sub(before.recovered_participants);
        let blocks = now.recovered_blocks.saturating_sub(before.recovered_blocks);
        report.recovered_participants = report.recovered_participants.max(participants);
        report.recovered_blocks = report.recovered_blocks.max(blocks);
    }
}
