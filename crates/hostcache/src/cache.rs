//! The handle.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::attachment::Attachment;
use crate::clock::Clock;
use crate::lifetime::{Defaults, millis};
use crate::place::Place;
use crate::seat::Shared;
use crate::{CacheBuilder, OpenError};

/// A cache in the memory of this host. Clones and threads share one attachment; a forked child attaches by itself at
/// its first operation.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let name = dir.path().join("catalog").display().to_string();
/// let cache = hostcache::Cache::builder(name).capacity(1 << 20).open_or_create()?;
/// cache.set("price:7", "41")?;
/// assert_eq!(cache.get("price:7").as_deref(), Some(&b"41"[..]));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Cache {
    pub(crate) shared: Arc<Shared>,
    pub(crate) defaults: Defaults,
    pub(crate) clock: Clock,
}

impl Cache {
    /// Settings for creating or opening a region.
    pub fn builder(name: impl Into<String>) -> CacheBuilder {
        CacheBuilder::new(name.into())
    }

    /// Opens an existing region.
    ///
    /// # Errors
    ///
    /// As [`CacheBuilder::open`].
    pub fn open(name: impl Into<String>) -> Result<Cache, OpenError> {
        Self::builder(name).open()
    }

    pub(crate) fn assemble(
        place: Place,
        mut attachment: Attachment,
        builder: &CacheBuilder,
    ) -> Result<Self, OpenError> {
        attachment.take_care(&place, builder.care)?;
        if builder.populate {
            attachment.populate(&place);
        }
        let header = &attachment.header;
        let stored = |ms: u64| (ms != 0).then_some(ms);
        let defaults = Defaults {
            ttl_ms: builder.default_ttl.map(millis).or(stored(header.default_ttl_ms)),
            max_ms: match (builder.max_ttl.map(millis), stored(header.max_ttl_ms)) {
                (Some(own), Some(region)) => Some(own.min(region)),
                (own, region) => own.or(region),
            },
        };
        let clock = attachment.clock.clone();
        Ok(Self { shared: Arc::new(Shared::new(place, Arc::new(attachment))), defaults, clock })
    }

    /// This handle with another default TTL; clones made before keep theirs.
    #[must_use]
    pub fn with_default_ttl(mut self, ttl: Option<Duration>) -> Cache {
        self.defaults.ttl_ms = ttl.map(millis);
        self
    }

    /// This handle with a limit for TTLs; the region's own limit can only be lowered.
    #[must_use]
    pub fn with_max_ttl(mut self, ttl: Option<Duration>) -> Cache {
        let region = self.shared.attached().map_or(0, |a| a.header.max_ttl_ms);
        self.defaults.max_ms = match (ttl.map(millis), region) {
            (own, 0) => own,
            (own, region) => Some(own.map_or(region, |own| own.min(region))),
        };
        self
    }

    /// The region's name, or the path that was given; `(private)` if it has none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.shared.place.name_ref()
    }

    /// The mapped file; `(private)` if it has no name.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.shared.place.path()
    }

    /// Bytes of memory in all, index and bookkeeping included; 0 if a forked child can't attach.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.shared.attached().map_or(0, |a| a.geometry().shape.capacity)
    }

    /// The largest value that a key of this length can have, in bytes.
    #[must_use]
    pub fn max_value_len(&self, key_len: usize) -> usize {
        self.shared.attached().map_or(0, |a| a.geometry().max_value_len(key_len) as usize)
    }
}
