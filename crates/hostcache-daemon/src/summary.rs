//! What a daemon did from its start to its end.

use std::fmt;
use std::time::Duration;

use hostcache::MaintenanceReport;

/// Why the daemon ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// The stop flag was raised.
    Stopped,
    /// The one pass that was asked for is done.
    PassDone,
    /// The region was destroyed, or another one took its place.
    RegionGone,
}

impl End {
    /// One word, as in the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::PassDone => "pass-done",
            Self::RegionGone => "region-gone",
        }
    }
}

/// Sums over all steps.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Why the daemon ended.
    pub end: End,
    /// Whether it ever held the office (never with `once`).
    pub led: bool,
    /// From start to end.
    pub elapsed: Duration,
    /// Maintenance steps taken.
    pub steps: u64,
    /// Buckets looked through.
    pub buckets: u64,
    /// Sweeps over the whole index that were finished.
    pub sweeps: u64,
    /// Expired items reclaimed.
    pub expired: u64,
    /// Items of an earlier `clear` reclaimed.
    pub cleared: u64,
    /// Items evicted ahead of need.
    pub evicted: u64,
    /// Dead participants recovered.
    pub recovered_participants: u64,
    /// Blocks that came back from them.
    pub recovered_blocks: u64,
}

impl Summary {
    pub(crate) fn new() -> Self {
        Self {
            end: End::Stopped,
            led: false,
            elapsed: Duration::ZERO,
            steps: 0,
            buckets: 0,
            sweeps: 0,
            expired: 0,
            cleared: 0,
            evicted: 0,
            recovered_participants: 0,
            recovered_blocks: 0,
        }
    }

    pub(crate) fn add(&mut self, report: &MaintenanceReport) {
        self.steps += 1;
        self.buckets += report.buckets;
        self.sweeps += u64::from(report.sweep_finished);
        self.expired += report.expired;
        self.cleared += report.cleared;
        self.evicted += report.evicted;
        self.recovered_participants += report.recovered_participants;
        self.recovered_blocks += report.recovered_blocks;
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "reason={} led={} seconds={:.1} steps={} sweeps={} expired={} cleared={} evicted={} \
             recovered_participants={} recovered_blocks={}",
            self.end.word(),
            self.led,
            self.elapsed.as_secs_f64(),
            self.steps,
            self.sweeps,
            self.expired,
            self.cleared,
            self.evicted,
            self.recovered_participants,
            self.recovered_blocks
        )
    }
}
