//! Going over to the region that has taken a name.
//!
//! A region's file can be unlinked while it is mapped: by [`Cache::destroy`](crate::Cache::destroy), by `rm`, by a service
//! manager that cleans up behind a user. Whoever has it goes on with it; but once another region has its name, those who open
//! the name and those who had it before would never see each other's writes again. So a handle looks now and then whether its
//! path still leads to what it has mapped, and attaches to what stands there instead.
//!
//! A hit must cost nothing more. So writes that are no plain replacement look at the clock, and reads and replacements only
//! at every 64th; and the first who goes over ends every item of the region that it leaves. Whoever meets such an item there takes the
//! long way, and follows.

use std::sync::atomic::{AtomicU64, Ordering};

use hostcache_core::Session;

use crate::attachment::Attachment;
use crate::place::Place;

/// A handle looks once in so long, milliseconds.
const LOOK_EVERY: u64 = 500;

/// When a handle looked last.
#[derive(Debug)]
pub(crate) struct Lookout {
    /// Milliseconds since boot.
    looked: AtomicU64,
}

impl Lookout {
    /// Of a handle that was opened just now.
    pub(crate) fn new() -> Self {
        Self { looked: AtomicU64::new(hostcache_os::now_coarse_ms()) }
    }

    /// Whether it is time for another look at where the path leads; if so, the caller is the one who looks.
    #[inline]
    pub(crate) fn is_due(&self) -> bool {
        let now = hostcache_os::now_coarse_ms();
        let looked = self.looked.load(Ordering::Relaxed);
        now.saturating_sub(looked) >= LOOK_EVERY && self.claim(looked, now)
    }

    #[cold]
    fn claim(&self, looked: u64, now: u64) -> bool {
        self.looked.compare_exchange(looked, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

impl Attachment {
    /// Whether the file that is mapped has lost its name, and another one has got it. What is merely gone has no successor;
    /// and a path may lead elsewhere for this process alone, as in a container, or because the file was moved aside: then
    /// others still find the region, and it is not for this process to end it.
    pub(crate) fn is_replaced(&self) -> bool {
        // A relative path leads elsewhere as soon as the process changes its directory.
        self.path.is_absolute()
            && hostcache_os::identity_at(&self.path)
                .is_ok_and(|found| found.is_some_and(|found| found != self.identity))
            && hostcache_os::is_unlinked(&self.file, self.identity)
    }

    /// The region that has the name by now, mapped as this one is. `None`, and one line in the log, where that
    /// can't be used: then this one is gone on with.
    pub(crate) fn successor(&self, place: &Place) -> Option<Attachment> {
        match self.attach_again(place) {
            // Whoever opens it for writing makes a new one of it.
            Ok(attachment) if attachment.is_of_another_boot() => None,
            Ok(attachment) => Some(attachment),
            Err(error) => {
                if self.complains() {
                    log::warn!(
                        "{} was replaced, and its successor can't be used: {error}; this process goes on with the \
                         region that it has, and tries again",
                        self.path.display()
                    );
                }
                None
            }
        }
    }

    /// Ends every item. Not needed by whoever can't write: others will do it.
    pub(crate) fn abandon(&self, place: &Place) {
        if !self.is_writable() {
            return;
        }
        if let Ok(mut lane) = self.take_lane(place) {
            // A damaged region is no better if its items stay.
            let _ = Session::new(&self.region, &mut lane, self).clear();
            self.leave_lane(lane);
        }
        log::warn!(
            "{} was replaced while this process had it mapped: it goes over to the new region, and what was in the old \
             one has ended",
            self.path.display()
        );
    }
}
