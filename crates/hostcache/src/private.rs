//! Caches without a name: nobody finds them, and they are gone with the last process that has them.
//!
//! The memory is a file in the region directory that never gets a name (`O_TMPFILE`), reserved like any other
//! region's. So a killed owner leaves nothing behind, and nothing has to be destroyed.
//!
//! **Fork.** A forked child goes on with the same cache, as with a named one: it opens the inherited
//! descriptor anew, as a participant of its own with a lock of its own. The memory lives as long as any of
//! the family has it. A child that executes another program loses it, since the descriptor is closed then.

use std::fs::File;
use std::time::Duration;

use hostcache_os::PendingFile;

use crate::attachment::Attachment;
use crate::clock::Clock;
use crate::place::Place;
use crate::{Cache, CacheBuilder, ManualClock, OpenError};

/// Settings for a cache without a name, see [`Cache::private`]. Setters store, the last call validates.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use hostcache::PrivateCache;
/// let cache = PrivateCache::new(4 << 20).expected_item_size(1000).create()?;
/// cache.set("k", "v")?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "settings make no cache until create() is called"]
pub struct PrivateCache {
    settings: CacheBuilder,
    clock: Clock,
}

impl Cache {
    /// A cache of this process alone, of `capacity` bytes in all (at least 1 MiB): without a name, in no
    /// list, gone with its last handle. Threads share it by clones of the handle, forked children by
    /// inheritance; nobody else finds it.
    ///
    /// # Errors
    ///
    /// As [`CacheBuilder::create`].
    pub fn private(capacity: u64) -> Result<Cache, OpenError> {
        PrivateCache::new(capacity).create()
    }
}

impl PrivateCache {
    /// Settings for a cache of `capacity` bytes in all.
    pub fn new(capacity: u64) -> Self {
        let settings = CacheBuilder::new(Place::private().name()).capacity(capacity);
        Self { settings, clock: Clock::default() }
    }

    /// As [`CacheBuilder::expected_item_size`].
    pub fn expected_item_size(mut self, bytes: u32) -> Self {
        self.settings = self.settings.expected_item_size(bytes);
        self
    }

    /// As [`CacheBuilder::participants`].
    pub fn participants(mut self, slots: u32) -> Self {
        self.settings = self.settings.participants(slots);
        self
    }

    /// As [`CacheBuilder::default_ttl`].
    pub fn default_ttl(mut self, ttl: Duration) -> Self {
        self.settings = self.settings.default_ttl(ttl);
        self
    }

    /// As [`CacheBuilder::max_ttl`].
    pub fn max_ttl(mut self, ttl: Duration) -> Self {
        self.settings = self.settings.max_ttl(ttl);
        self
    }

    /// As [`CacheBuilder::exclude_from_core_dumps`].
    pub fn exclude_from_core_dumps(mut self, exclude: bool) -> Self {
        self.settings = self.settings.exclude_from_core_dumps(exclude);
        self
    }

    /// Lifetimes count by this clock instead of the host's.
    pub fn clock(mut self, clock: &ManualClock) -> Self {
        self.clock = Clock(Some(clock.clone()));
        self
    }

    /// As [`CacheBuilder::small_counters`].
    #[doc(hidden)]
    pub fn small_counters(mut self) -> Self {
        self.settings = self.settings.small_counters();
        self
    }

    /// Makes the cache.
    ///
    /// # Errors
    ///
    /// [`OpenError::NoSpace`], a setting out of its range, or what the system answers.
    pub fn create(self) -> Result<Cache, OpenError> {
        let place = Place::private();
        let header = self.settings.header(self.settings.shape(&place)?);
        let file = unnamed_file(&place, header.shape.capacity)?;
        Attachment::format(&place, &file, &header)?;
        let mut attachment = Attachment::map(&place, file, true)?;
        attachment.clock = self.clock;
        Cache::assemble(place, attachment, &self.settings)
    }
}

/// A file that never gets a name, all its memory taken.
pub(crate) fn unnamed_file(place: &Place, len: u64) -> Result<File, OpenError> {
    let directory = hostcache_os::default_directory();
    let file = hostcache_os::ensure_directory(&directory)
        .and_then(|()| PendingFile::create(&directory, len, 0o600))
        .map_err(|e| place.file_error(e))?;
    Ok(file.into_unnamed())
}

impl Attachment {
    /// The region once more, for a forked child.
    pub(crate) fn attach_again(&self, place: &Place) -> Result<Attachment, OpenError> {
        if !place.is_private() {
            let mut attachment = match self.is_writable() {
                true => crate::open::attach(place)?,
                false => crate::open::attach_read_only(place)?,
            };
            attachment.take_care(place, self.care)?;
            return Ok(attachment);
        }
        // The descriptor may have been closed by other code and its number be somebody else's by now.
        let file = self.own_file().map_err(|e| place.os_error(e))?;
        let mut attachment = Attachment::map(place, file, self.is_writable())?;
        attachment.clock = self.clock.clone();
        attachment.take_care(place, self.care)?;
        Ok(attachment)
    }
}
