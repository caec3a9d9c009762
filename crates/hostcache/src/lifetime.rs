//! From a caller's lifetime to a deadline.

use std::time::Duration;

use hostcache_core::Deadline;

use crate::{Cache, Lifetime};

/// Milliseconds, rounded up: an item never ends early.
pub(crate) fn millis(ttl: Duration) -> u64 {
    let nanos = ttl.as_nanos();
    u64::try_from(nanos.div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

impl Cache {
    /// The deadline that a lifetime means now.
    #[inline]
    pub(crate) fn deadline(&self, lifetime: Lifetime) -> Deadline {
        match lifetime {
            Lifetime::Default if self.defaults.is_empty() => Deadline::At(None),
            Lifetime::Keep => Deadline::Keep(self.at(self.defaults.ttl_ms)),
            Lifetime::Default => Deadline::At(self.at(self.defaults.ttl_ms)),
            Lifetime::Forever => Deadline::At(self.at(None)),
            Lifetime::Ttl(ttl) => Deadline::At(self.at(Some(millis(ttl)))),
            Lifetime::UnixMillis(at) => {
                let left = at.saturating_sub(self.clock.unix_ms());
                Deadline::At(self.at(Some(left)))
            }
        }
    }

    fn at(&self, ttl_ms: Option<u64>) -> Option<u64> {
        let ttl = match (ttl_ms, self.defaults.max_ms) {
            (Some(ttl), Some(max)) => Some(ttl.min(max)),
            (ttl, max) => ttl.or(max),
        };
        // The clock of readers lags by up to a tick: what shall be gone at once ended at boot.
        ttl.map(|ttl| if ttl == 0 { 0 } else { self.clock.now_ms().saturating_add(ttl) })
    }
}

/// A handle's TTL settings: its own, else the region's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Defaults {
    pub(crate) ttl_ms: Option<u64>,
    pub(crate) max_ms: Option<u64>,
}

impl Defaults {
    fn is_empty(&self) -> bool {
        self.ttl_ms.is_none() && self.max_ms.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ttl_is_rounded_up_to_a_millisecond() {
        assert_eq!(millis(Duration::ZERO), 0);
        assert_eq!(millis(Duration::from_nanos(1)), 1);
        assert_eq!(millis(Duration::from_millis(1500)), 1500);
        assert_eq!(millis(Duration::MAX), u64::MAX);
    }
}
