//! What time it is for a cache: the host's clock, or one that a test moves.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hostcache_os::Mapping;

use crate::OpenError;
use crate::place::Place;
use crate::private::unnamed_file;

/// Where a manual clock begins, in nanoseconds: a whole millisecond, past what deadlines reserve (0).
const BEGIN: u64 = 1_000_000_000_000;

/// Bytes of the page that holds the time.
const PAGE: u64 = 4096;

/// A clock that stands still until it is moved: for tests of code that relies on TTLs, without sleeping. Given to
/// [`PrivateCache::clock`](crate::PrivateCache::clock); one clock may serve several caches.
///
/// Clones, threads and forked children share the time. Only private caches take such a clock: processes that met by
/// a region's name would disagree about it.
///
/// ```
/// use hostcache::{Cache, ManualClock, PrivateCache, SetOptions};
/// use std::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let clock = ManualClock::new()?;
/// let cache = PrivateCache::new(1 << 20).clock(&clock).create()?;
/// cache.set_with("k", "v", &SetOptions::new().ttl(Duration::from_secs(60)))?;
/// clock.advance(Duration::from_secs(59));
/// assert!(cache.contains("k"));
/// clock.advance(Duration::from_secs(1));
/// assert!(!cache.contains("k"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ManualClock(Arc<Page>);

/// The time, in a page that forked children share.
struct Page {
    mapping: Mapping,
    /// What the wall clock said at the beginning, milliseconds.
    unix_ms: u64,
}

impl ManualClock {
    /// A clock that stands still, its wall time that of the host.
    ///
    /// # Errors
    ///
    /// What the system answers: the time lies in a page of shared memory.
    pub fn new() -> Result<Self, OpenError> {
        let place = Place::private();
        let file = unnamed_file(&place, PAGE)?;
        let mapping = Mapping::map(&file, PAGE as usize, true).map_err(|e| place.os_error(e))?;
        Ok(Self(Arc::new(Page { mapping, unix_ms: hostcache_os::unix_ms() })))
    }

    /// Moves the clock on, for every cache, thread and forked child that has it. Stops at the end of time,
    /// 584 years on.
    pub fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        // Relaxed: the time is all there is to it; threads that must agree on more synchronize by other means.
        let _ = self
            .elapsed_word()
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| Some(now.saturating_add(by)));
    }

    /// How far the clock has been moved.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.elapsed_nanos())
    }

    fn elapsed_nanos(&self) -> u64 {
        self.elapsed_word().load(Ordering::Relaxed)
    }

    fn elapsed_word(&self) -> &AtomicU64 {
        let address = self.0.mapping.as_ptr().cast::<u64>();
        // SAFETY: a mapping is page-aligned, writable here, longer than 8 bytes, and lives as long as `self`; these
        // bytes are only accessed as this atomic. The file has no name, so nobody shortens it.
        unsafe { AtomicU64::from_ptr(address.as_ptr()) }
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualClock").field("elapsed", &self.elapsed()).finish_non_exhaustive()
    }
}

/// A cache's clock.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clock(pub(crate) Option<ManualClock>);

impl Clock {
    /// For deadlines to be: milliseconds since boot, rounded up.
    pub(crate) fn now_ms(&self) -> u64 {
        match &self.0 {
            None => hostcache_os::now_ms(),
            Some(manual) => BEGIN.saturating_add(manual.elapsed_nanos()).div_ceil(1_000_000),
        }
    }

    /// For the question whether a deadline has passed: milliseconds since boot, rounded down.
    #[inline]
    pub(crate) fn coarse_ms(&self) -> u64 {
        match &self.0 {
            None => hostcache_os::now_coarse_ms(),
            Some(manual) => BEGIN.saturating_add(manual.elapsed_nanos()) / 1_000_000,
        }
    }

    /// The wall clock, milliseconds since 1970.
    pub(crate) fn unix_ms(&self) -> u64 {
        match &self.0 {
            None => hostcache_os::unix_ms(),
            Some(manual) => manual.0.unix_ms.saturating_add(manual.elapsed_nanos() / 1_000_000),
        }
    }
}
