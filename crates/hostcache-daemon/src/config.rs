//! The daemon's settings.

use std::time::Duration;

use crate::DaemonError;

/// How much one step does, and how long the daemon pauses between steps.
///
/// The defaults keep the promise that a dead participant is recovered within a second, and sweep an index of
/// up to some 40 000 buckets (about 280 000 items) once a second; a larger one takes longer in proportion, at
/// the same cost.
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
    /// The most items that one step evicts ahead of need. Default: 256.
    pub evictions_per_step: u32,
    /// Pause after a step that evicted all it was allowed to: writers are faster than the daemon.
    /// Default: 1 ms.
    pub pressed_pause: Duration,
    /// Pause after a step that found something to do. Default: 20 ms.
    pub busy_pause: Duration,
    /// Pause after a step that found nothing to do. Default: 100 ms.
    pub idle_pause: Duration,
    /// Dead participants are looked for at least this often. Default: 250 ms.
    pub recover_every: Duration,
    /// A sweep over the whole index should take this long, as far as `buckets_per_step` allows.
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
            evictions_per_step: 256,
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

impl Config {
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
    fn a_setting_that_would_spin_is_refused_by_name() {
        let spinning = Config { idle_pause: Duration::ZERO, ..Config::default() };
        let text = spinning.validate().expect_err("must be refused").to_string();
        assert!(text.contains("idle_pause"), "{text}");
        let endless = Config { buckets_per_step: 0, ..Config::default() };
        let text = endless.validate().expect_err("must be refused").to_string();
        assert!(text.contains("buckets_per_step"), "{text}");
    }
}
