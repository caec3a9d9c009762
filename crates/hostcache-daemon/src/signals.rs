//! How the daemon is told to end, and to read its settings anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::DaemonError;

/// The longest sleep between two looks at the flag: a fraction of the second within which the daemon
/// promises to end.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(50);

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
}

/// A flag that, once raised, makes the daemon read its settings anew, and is lowered by that. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct ReloadFlag(Arc<AtomicBool>);

impl ReloadFlag {
    /// A flag that only [`raise`](Self::raise) raises.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A flag that SIGHUP raises too. This replaces the process's handler for it.
    pub fn on_signal() -> Result<Self, DaemonError> {
        let flag = Self::new();
        signal_hook::flag::register(SIGHUP, Arc::clone(&flag.0))
            .map_err(|source| DaemonError::Signals { source })?;
        Ok(flag)
    }

    /// Asks the daemon to read its settings anew.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Lowers the flag; tells whether it was raised. A signal that comes while the settings are read
    /// raises it anew, so that no change is missed.
    pub(crate) fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
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
        let flag = ReloadFlag::new();
        let clone = flag.clone();
        flag.raise();
        assert!(clone.is_raised() && clone.take());
        assert!(!flag.is_raised() && !flag.take());
    }
}
