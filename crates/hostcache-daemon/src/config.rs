//! The daemon's settings.

use std::fmt;
use std::time::Duration;

use crate::DaemonError;

/// How much one step does, and how long the daemon pauses between steps.
///
/// The defaults keep the promise that a dead participant is recovered within a second. What expires is found by its deadline,
/// within a second. The sweep over the index, for what a `clear` ended and for deadlines that a killed process did not note, takes a
/// second for up to some 5 000 buckets (about 30 000 items), and longer in proportion for more, at the same cost.
///
/// ```
/// use hostcache_daemon::Config;
/// let config = Config { once: true, ..Config::default() };
/// assert!(config.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Make one pass over the whole index and one round of recovery, then end. The pass needs no office:
    /// it runs beside a daemon that leads. Default: no.
    pub once: bool,
    /// The most buckets that one step looks through. Larger: fewer wake-ups, longer steps. Default: 4096.
    pub buckets_per_step: u32,
    /// The most items that one step evicts ahead of need. Default: 4096.
    pub evictions_per_step: u32,
    /// Pause after a step that found a reserve of free blocks used up, or evicted all it was allowed to: writers are
    /// faster than the daemon. Default: 1 ms.
    pub pressed_pause: Duration,
    /// Pause after a step that found something to do. Default: 20 ms.
    pub busy_pause: Duration,
    /// Pause after a step that found nothing to do. Default: 100 ms.
    pub idle_pause: Duration,
    /// Dead participants are looked for at least this often. Default: 250 ms.
    pub recover_every: Duration,
    /// A sweep over the whole index should take this long, as far as an eighth of `buckets_per_step` for each `idle_pause` allows.
    /// Default: 1 s.
    pub sweep_every: Duration,
    /// A daemon that stands by asks for the office this often. Default: 200 ms.
    pub lead_every: Duration,
    /// Work is logged in sums, one line per this time at most; a recovery is logged at once. Default: 1 s.
    pub log_every: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            once: false,
            buckets_per_step: 4096,
            evictions_per_step: 4096,
            pressed_pause: Duration::from_millis(1),
            busy_pause: Duration::from_millis(20),
            idle_pause: Duration::from_millis(100),
            recover_every: Duration::from_millis(250),
            sweep_every: Duration::from_secs(1),
            lead_every: Duration::from_millis(200),
            log_every: Duration::from_secs(1),
        }
    }
}

/// One setting that differs: `NAME=OLD->NEW` in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Name of the field.
    pub name: &'static str,
    /// What it was.
    pub from: String,
    /// What it is.
    pub to: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}->{}", self.name, self.from, self.to)
    }
}

impl Config {
    /// Every setting with its name and value, in the order of the fields.
    fn named(&self) -> [(&'static str, String); 9] {
        let Self {
            // Says what to run, not how.
            once: _,
            buckets_per_step,
            evictions_per_step,
            pressed_pause,
            busy_pause,
            idle_pause,
            recover_every,
            sweep_every,
            lead_every,
            log_every,
        } = self;
        [
            ("buckets_per_step", buckets_per_step.to_string()),
            ("evictions_per_step", evictions_per_step.to_string()),
            ("pressed_pause", format!("{pressed_pause:?}")),
            ("busy_pause", format!("{busy_pause:?}")),
            ("idle_pause", format!("{idle_pause:?}")),
            ("recover_every", format!("{recover_every:?}")),
            ("sweep_every", format!("{sweep_every:?}")),
            ("lead_every", format!("{lead_every:?}")),
            ("log_every", format!("{log_every:?}")),
        ]
    }

    /// What differs from these settings in others.
    #[must_use]
    pub fn changes_to(&self, other: &Self) -> Vec<Change> {
        let pairs = self.named().into_iter().zip(other.named());
        pairs
            .filter(|((_, from), (_, to))| from != to)
            .map(|((name, from), (_, to))| Change { name, from, to })
            .collect()
    }

    /// Says what is wrong with the settings, if anything; [`run`](crate::run()) asks it first.
    pub fn validate(&self) -> Result<(), DaemonError> {
        let problem = if self.buckets_per_step == 0 {
            "buckets_per_step is 0, so that no sweep would ever end: use at least 1"
        } else if self.idle_pause.is_zero() {
            "idle_pause is 0, so that an idle daemon would take a whole core: use at least 1 ms"
        } else if self.pressed_pause > self.idle_pause || self.busy_pause > self.idle_pause {
            "pressed_pause and busy_pause must not be longer than idle_pause"
        } else if self.sweep_every.is_zero() {
            "sweep_every is 0: use at least 1 ms"
        } else if self.lead_every.is_zero() {
            "lead_every is 0, so that a standby would take a whole core: use at least 1 ms"
        } else {
            return Ok(());
        };
        Err(DaemonError::InvalidConfig { detail: problem.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid() {
        assert!(Config::default().validate().is_ok());
    }

    #[test]
    fn a_change_is_named_with_both_values() {
        let default = Config::default();
        assert_eq!(default.changes_to(&default), []);
        let other = Config {
            evictions_per_step: 0,
            recover_every: Duration::from_millis(100),
            ..Config::default()
        };
        let changes: Vec<String> =
            default.changes_to(&other).iter().map(ToString::to_string).collect();
        assert_eq!(changes, ["evictions_per_step=4096->0", "recover_every=250ms->100ms"]);
    }

    #[test]
    fn a_setting_that_would_spin_is_refused_by_name() {
        let spinning = Config { idle_pause: Duration::ZERO, ..Config::default() };
        let text = spinning.validate().expect_err("must be refused").to_string();
        assert!(text.contains("idle_pause"), "{text}");
        let endless = Config { buckets_per_step: 0, ..Config::default() };
        let text = endless.validate().expect_err("must be refused").to_string();
        assert!(text.contains("buckets_per_step"), "{text}");
    }
}
