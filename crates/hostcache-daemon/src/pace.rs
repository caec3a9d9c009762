//! How much the next step may do, and how long to pause before it.
//!
//! Three rules:
//!
//! 1. **The sweep is paced by time, not by steps.** A step's share of the index is the part of
//!    `sweep_every` that has passed since the last step, and never more than an eighth of `buckets_per_step` per
//!    `idle_pause`. So frequent short steps (writers press) sweep no faster than rare long ones.
//! 2. **A rich sweep hurries.** Where a step found many dead items (a mass expiry, a clear), the next one
//!    may look through all of `buckets_per_step`: the memory is wanted back soon.
//! 3. **The pause follows the work.** Something done: a short one. Nothing done: a long one. The shortest where more has expired than
//!    one step reclaims.
//! 4. **Stores find a free block.** The pause is the time in which a fifth of the reserve goes, by what went in the last one. It is the
//!    shortest where all was gone, or the eviction allowance was used up.
//!
//! Recovery has its own clock: it is due whenever waiting for the next step could make it late.

use std::time::{Duration, Instant};

use hostcache::{MaintenanceBudget, MaintenanceReport};

use crate::Config;

/// A step always looks through this many buckets, so that rounding stops no sweep.
const MIN_BUCKETS: u32 = 64;

/// A sweep is rich when it finds a dead item in at least one of so many buckets. At six slots a bucket
/// that is about 2 % of the items: below it, hurrying costs more core time than the memory is worth.
const RICH_ONE_IN: u64 = 8;

/// How much of the reserve should be gone when the next step comes, in percent: what is left is for bursts, and for a step that
/// comes late.
const AIM: u32 = 20;

/// The state from which budgets and pauses are worked out.
#[derive(Debug)]
pub(crate) struct Pace {
    config: Config,
    /// Buckets of the index; a hint is good enough.
    index_buckets: u64,
    last_step: Option<Instant>,
    last_recovery: Option<Instant>,
    rich: bool,
    recover_again: bool,
    /// How long the reserve lasts.
    lasts: Duration,
}

impl Pace {
    pub(crate) fn new(config: &Config, index_buckets: u64) -> Self {
        Self {
            config: config.clone(),
            index_buckets,
            last_step: None,
            last_recovery: None,
            rich: false,
            recover_again: false,
            lasts: config.idle_pause,
        }
    }

    /// Goes on with other settings.
    pub(crate) fn follow(&mut self, config: &Config) {
        self.config = config.clone();
        // How long the reserve lasts is found out anew, within other bounds.
        self.lasts = config.idle_pause;
    }

    /// What the step that starts now may do.
    pub(crate) fn budget(&mut self, now: Instant) -> MaintenanceBudget {
        let since = |last: Option<Instant>| last.map(|at| now.saturating_duration_since(at));
        let recover = self.recover_again
            || since(self.last_recovery)
                .is_none_or(|passed| passed + self.config.idle_pause > self.config.recover_every);
        if recover {
            self.last_recovery = Some(now);
        }
        let passed = since(self.last_step).unwrap_or(self.config.idle_pause);
        self.last_step = Some(now);

        let mut budget = MaintenanceBudget::default();
        budget.buckets =
            if self.rich { self.config.buckets_per_step } else { self.sweep_share(passed) };
        budget.evictions = self.config.evictions_per_step;
        budget.recover = recover;
        budget
    }

    /// Takes note of what the step did; tells how long to pause.
    pub(crate) fn after(&mut self, report: &MaintenanceReport) -> Duration {
        let reclaimed = report.expired + report.cleared;
        // What was found by its deadline tells nothing of the rest of the index.
        let met = reclaimed - report.expired_when_due.min(reclaimed);
        self.rich = met > 0 && met * RICH_ONE_IN >= report.buckets;
        // One step recovers a bounded share, so there may be more to do.
        self.recover_again = report.recovered_participants + report.recovered_blocks > 0;
        let evictions = u64::from(self.config.evictions_per_step);
        let (shortest, longest) = (self.config.pressed_pause, self.config.idle_pause);
        self.lasts = match report.reserve_drained {
            _ if evictions == 0 => longest,
            _ if report.evicted >= evictions => shortest,
            100.. => shortest,
            drained => {
                let lasts = self.lasts.saturating_mul(AIM) / (drained as u32).max(1);
                lasts.min(self.lasts.saturating_mul(2))
            }
        };
        self.lasts = self.lasts.min(longest).max(shortest);
        if report.more_is_due {
            return shortest;
        }
        if reclaimed + report.evicted > 0 || self.recover_again {
            self.lasts.min(self.config.busy_pause)
        } else {
            self.lasts
        }
    }

    /// Buckets due after `passed`, by rule 1.
    fn sweep_share(&self, passed: Duration) -> u32 {
        let due = proportion(self.index_buckets, passed, self.config.sweep_every);
        let most = u64::from(self.config.buckets_per_step);
        // What expires is found by its deadline: the sweep is for the rest.
        let allowed = proportion(most.div_ceil(8), passed, self.config.idle_pause).min(most);
        let share = due.min(allowed).max(u64::from(MIN_BUCKETS)).min(most);
        u32::try_from(share).unwrap_or(self.config.buckets_per_step)
    }
}

/// `whole × passed / period`, rounded up; `period` is not zero by [`Config::validate`].
fn proportion(whole: u64, passed: Duration, period: Duration) -> u64 {
    let part = (u128::from(whole) * passed.as_nanos()).div_ceil(period.as_nanos().max(1));
    u64::try_from(part).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idle() -> MaintenanceReport {
        MaintenanceReport::default()
    }

    fn report(change: impl FnOnce(&mut MaintenanceReport)) -> MaintenanceReport {
        let mut report = MaintenanceReport::default();
        change(&mut report);
        report
    }

    /// Buckets and recoveries granted over 10 s of steps with pauses as `pace` asks, all alike.
    fn ten_seconds(pace: &mut Pace, each: &MaintenanceReport) -> (u64, u64) {
        let start = Instant::now();
        let (mut at, mut buckets, mut recoveries) = (Duration::ZERO, 0, 0);
        while at < Duration::from_secs(10) {
            let budget = pace.budget(start + at);
            buckets += u64::from(budget.buckets);
            recoveries += u64::from(budget.recover);
            at += pace.after(each);
        }
        (buckets, recoveries)
    }

    #[test]
    fn a_small_index_is_swept_about_once_a_second() {
        let config = Config::default();
        let (buckets, _) = ten_seconds(&mut Pace::new(&config, 5_000), &idle());
        assert!((47_500..=52_500).contains(&buckets), "{buckets} buckets in 10 s");
    }

    #[test]
    fn a_large_index_is_swept_at_the_bounded_rate_however_frequent_the_steps() {
        let config = Config::default();
        let at_rest = ten_seconds(&mut Pace::new(&config, 10_000_000), &idle()).0;
        assert_eq!(at_rest, 100 * 512);
        let evicting = report(|r| r.evicted = 1);
        let busy = ten_seconds(&mut Pace::new(&config, 10_000_000), &evicting).0;
        assert!(busy < at_rest + at_rest / 10, "{busy} buckets while busy, {at_rest} at rest");
    }

    #[test]
    fn a_rich_sweep_gets_whole_steps() {
        let config = Config::default();
        let mut pace = Pace::new(&config, 10_000);
        let now = Instant::now();
        assert!(pace.budget(now).buckets < 4096);
        let pause = pace.after(&report(|r| (r.buckets, r.expired) = (1000, 500)));
        assert_eq!(pause, config.busy_pause);
        assert_eq!(pace.budget(now + pause).buckets, 4096);
        pace.after(&report(|r| (r.buckets, r.expired) = (4096, 3)));
        assert!(pace.budget(now + 2 * pause).buckets < 4096);
    }

    #[test]
    fn recovery_is_never_late_and_goes_on_while_it_finds_something() {
        let config = Config::default();
        let (_, recoveries) = ten_seconds(&mut Pace::new(&config, 100), &idle());
        assert!(recoveries >= 40, "{recoveries} recoveries in 10 s");
        let mut pace = Pace::new(&config, 100);
        let now = Instant::now();
        assert!(pace.budget(now).recover, "the first step looks for the dead");
        pace.after(&idle());
        assert!(!pace.budget(now + config.busy_pause).recover);
        pace.after(&report(|r| r.recovered_blocks = 1));
        assert!(pace.budget(now + 2 * config.busy_pause).recover);
    }

    #[test]
    fn more_than_a_step_reclaims_is_gone_on_with_at_once_without_a_rich_sweep() {
        let config = Config::default();
        let mut pace = Pace::new(&config, 1_000_000);
        let due = |more| {
            report(|r| (r.expired, r.expired_when_due, r.more_is_due) = (9_000, 9_000, more))
        };
        assert_eq!(pace.after(&due(true)), config.pressed_pause);
        assert_eq!(pace.after(&due(false)), config.busy_pause);
        assert!(!pace.rich, "what is found by its deadline tells nothing of the rest");
    }

    #[test]
    fn the_pause_follows_the_work() {
        let config = Config::default();
        let mut pace = Pace::new(&config, 100);
        assert_eq!(pace.after(&idle()), config.idle_pause);
        assert_eq!(pace.after(&report(|r| r.expired = 1)), config.busy_pause);
        assert_eq!(pace.after(&report(|r| r.evicted = 4095)), config.busy_pause);
        assert_eq!(pace.after(&report(|r| r.evicted = 4096)), config.pressed_pause);
        let no_evictions = Config { evictions_per_step: 0, ..Config::default() };
        assert_eq!(Pace::new(&no_evictions, 100).after(&idle()), config.idle_pause);
    }

    #[test]
    fn steps_come_as_often_as_the_reserve_needs() {
        let config = Config::default();
        let mut pace = Pace::new(&config, 100);
        let drained = |percent| report(|r| (r.evicted, r.reserve_drained) = (10, percent));
        assert_eq!(pace.after(&drained(100)), config.pressed_pause);
        assert_eq!(pace.after(&drained(30)), config.pressed_pause);
        assert_eq!(pace.after(&drained(10)), 2 * config.pressed_pause);
        assert_eq!(pace.after(&drained(1)), 4 * config.pressed_pause);
        assert_eq!(pace.after(&drained(20)), 4 * config.pressed_pause);
        assert_eq!(pace.after(&drained(40)), 2 * config.pressed_pause);
        for _ in 0..10 {
            pace.after(&idle());
        }
        assert_eq!(pace.after(&idle()), config.idle_pause);
    }

    #[test]
    fn other_settings_count_from_the_next_step_on() {
        let mut pace = Pace::new(&Config::default(), 10_000_000);
        let now = Instant::now();
        assert_eq!(pace.budget(now).evictions, 4096);
        let other = Config {
            evictions_per_step: 7,
            idle_pause: Duration::from_millis(333),
            ..Config::default()
        };
        pace.follow(&other);
        assert_eq!(pace.after(&idle()), other.idle_pause);
        assert_eq!(pace.budget(now + other.idle_pause).evictions, 7);
    }

    #[test]
    fn an_absurd_index_size_overflows_nothing() {
        let config = Config::default();
        let mut pace = Pace::new(&config, u64::MAX);
        let now = Instant::now();
        pace.budget(now);
        pace.after(&idle());
        assert_eq!(pace.budget(now + Duration::from_secs(86_400)).buckets, 4096);
    }
}
