//! The daemon's log: events as one word and `key=value` pairs.
//!
//! Steady work (expired, cleared, evicted) is summed up and written at most once per interval; what
//! somebody should know at once (recovery, office, trouble) is written when it happens. Each line names its
//! reason. Nothing done, nothing written.

use std::time::{Duration, Instant};

use hostcache::MaintenanceReport;

use crate::Config;

/// Sums waiting to be written.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Pending {
    expired: u64,
    cleared: u64,
    evicted: u64,
}

/// Writes what happened on one region.
#[derive(Debug)]
pub(crate) struct Journal {
    region: String,
    interval: Duration,
    written: Option<Instant>,
    pending: Pending,
    trouble: Option<String>,
}

impl Journal {
    pub(crate) fn new(region: &str, interval: Duration) -> Self {
        Self {
            region: region.to_owned(),
            interval,
            written: None,
            pending: Pending::default(),
            trouble: None,
        }
    }

    /// The region is led from now on; `waited` if another daemon held the office first.
    pub(crate) fn leading(&self, waited: bool) {
        let reason = if waited { "former-daemon-ended" } else { "office-free" };
        log::info!("leading region={} reason={reason} pid={}", self.region, std::process::id());
    }

    /// Another daemon holds the office.
    pub(crate) fn standing_by(&self) {
        log::info!(
            "standing-by region={} reason=another-daemon-leads pid={}",
            self.region,
            std::process::id()
        );
    }

    /// Somebody asked for the settings to be read anew: takes them over where they can be used, and says
    /// what changed.
    pub(crate) fn settings(&mut self, config: &mut Config, settings: Result<Config, String>) {
        let region = &self.region;
        match settings {
            Err(reason) => log::warn!("settings-kept region={region} reason={reason:?}"),
            Ok(settings) => {
                let changes = config.changes_to(&settings);
                if changes.is_empty() {
                    log::info!("settings-unchanged region={region} reason=read-anew");
                }
                for change in changes {
                    log::info!("setting-changed region={region} {change} reason=read-anew");
                }
                self.interval = settings.log_every;
                *config = settings;
            }
        }
    }

    /// A step is done.
    pub(crate) fn step(&mut self, report: &MaintenanceReport, now: Instant) {
        if self.trouble.take().is_some() {
            log::info!("resumed region={}", self.region);
        }
        if report.recovered_participants + report.recovered_blocks > 0 {
            log::info!(
                "recovered region={} participants={} blocks={} reason=participant-died",
                self.region,
                report.recovered_participants,
                report.recovered_blocks
            );
        }
        self.pending.expired += report.expired;
        self.pending.cleared += report.cleared;
        self.pending.evicted += report.evicted;
        let due = self.written.is_none_or(|at| now.saturating_duration_since(at) >= self.interval);
        if due && self.flush() {
            self.written = Some(now);
        }
    }

    /// A step could not be taken this time. The same trouble is written once.
    pub(crate) fn trouble(&mut self, text: String) {
        if self.trouble.as_ref() != Some(&text) {
            log::warn!("waiting region={} reason={text:?}", self.region);
            self.trouble = Some(text);
        }
    }

    /// The region is gone from its place.
    pub(crate) fn region_gone(&self) {
        log::info!("ending region={} reason=region-destroyed-or-replaced", self.region);
    }

    /// The last line.
    pub(crate) fn ended(&mut self, summary: &crate::Summary) {
        self.flush();
        log::info!("ended region={} {summary}", self.region);
    }

    /// Writes the sums; false if there is nothing to say.
    fn flush(&mut self) -> bool {
        let Pending { expired, cleared, evicted } = std::mem::take(&mut self.pending);
        if expired > 0 {
            log::info!("expired region={} items={expired} reason=deadline-passed", self.region);
        }
        if cleared > 0 {
            log::info!("reclaimed region={} items={cleared} reason=region-cleared", self.region);
        }
        if evicted > 0 {
            log::info!("evicted region={} items={evicted} reason=room-ahead-of-need", self.region);
        }
        expired + cleared + evicted > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_taken_over_or_kept_as_they_were() {
        let mut journal = Journal::new("catalog", Duration::from_secs(1));
        let mut config = Config::default();
        journal.settings(&mut config, Err("no such file".to_owned()));
        assert_eq!(config, Config::default());
        let other = Config { log_every: Duration::from_secs(9), ..Config::default() };
        journal.settings(&mut config, Ok(other.clone()));
        assert_eq!((config, journal.interval), (other, Duration::from_secs(9)));
    }

    #[test]
    fn steady_work_is_summed_up_between_lines() {
        let mut journal = Journal::new("catalog", Duration::from_secs(1));
        let mut report = MaintenanceReport::default();
        let start = Instant::now();
        journal.step(&report, start);
        assert_eq!(journal.written, None, "nothing done, nothing written");
        report.evicted = 5;
        journal.step(&report, start);
        assert_eq!(journal.written, Some(start));
        journal.step(&report, start + Duration::from_millis(500));
        journal.step(&report, start + Duration::from_millis(900));
        assert_eq!(journal.pending.evicted, 10);
        journal.step(&report, start + Duration::from_millis(1100));
        assert_eq!(journal.pending, Pending::default());
    }
}
