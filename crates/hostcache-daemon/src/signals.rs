//! How the daemon is told to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::DaemonError;

/// The longest sleep between two looks at the flag: a fraction of the second within which the daemon
/// promises to end.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A flag that, once raised, ends the daemon. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// A flag that only [`raise`](Self::raise) raises.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A flag that SIGTERM and SIGINT raise too. This replaces the process's handlers for both.
    pub fn on_signals() -> Result<Self, DaemonError> {
        let flag = Self::new();
        for signal in [SIGTERM, SIGINT] {
            signal_hook::flag::register(signal, Arc::clone(&flag.0))
                .map_err(|source| DaemonError::Signals { source })?;
        }
        Ok(flag)
    }

    /// Asks the daemon to end.
    pub fn raise(&self) {
        // Relaxed, here and below: the flag orders nothing but itself.
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the daemon was asked to end.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Sleeps, but not past the raising of the flag by more than a moment.
    pub(crate) fn sleep(&self, duration: Duration) {
        let start = Instant::now();
        // A signal does not shorten a thread's sleep, hence the short slices.
        while !self.is_raised() {
            let Some(left) = duration.checked_sub(start.elapsed()).filter(|d| !d.is_zero()) else {
                return;
            };
            std::thread::sleep(left.min(LOOK_EVERY));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_flag() {
        let flag = StopFlag::new();
        let clone = flag.clone();
        assert!(!clone.is_raised());
        flag.raise();
        assert!(clone.is_raised());
    }

    #[test]
    fn a_raised_flag_makes_every_sleep_return() {
        let flag = StopFlag::new();
        flag.raise();
        // Would outlast the test run if the flag were not looked at.
        flag.sleep(Duration::from_secs(86_400));
    }
}
