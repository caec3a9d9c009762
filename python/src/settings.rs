//! How a handle finds its region, kept to find it again.

use std::path::PathBuf;
use std::time::Duration;

use hostcache::{CacheBuilder, OpenError, PrivateCache};

/// What the constructor was told.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// `None`: a private cache.
    pub(crate) name: Option<String>,
    pub(crate) capacity: Option<u64>,
    pub(crate) read_only: bool,
    pub(crate) exact: bool,
    pub(crate) default_ttl: Option<Duration>,
    pub(crate) max_ttl: Option<Duration>,
    pub(crate) participants: Option<u32>,
    pub(crate) expected_item_size: Option<u32>,
    pub(crate) directory: Option<PathBuf>,
    pub(crate) mode: Option<u32>,
    pub(crate) group: Option<u32>,
    pub(crate) clock: Option<hostcache::ManualClock>,
}

impl Settings {
    pub(crate) fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or("(private)")
    }

    /// Attaches, or creates where a capacity is named and the region is missing.
    pub(crate) fn open(&self) -> Result<hostcache::Cache, OpenError> {
        let Some(name) = &self.name else { return self.private().create() };
        let builder = self.builder(name);
        if self.read_only {
            builder.open_read_only()
        } else if self.capacity.is_some() {
            builder.open_or_create()
        } else {
            builder.open()
        }
    }

    fn builder(&self, name: &str) -> CacheBuilder {
        let mut builder = hostcache::Cache::builder(name);
        macro_rules! set {
            ($($setter:ident = $value:expr;)*) => {
                $(if let Some(value) = $value {
                    builder = builder.$setter(value);
                })*
            };
        }
        set! {
            capacity = self.capacity;
            default_ttl = self.default_ttl;
            max_ttl = self.max_ttl;
            participants = self.participants;
            expected_item_size = self.expected_item_size;
            directory = self.directory.clone();
            mode = self.mode;
            group_id = self.group;
        }
        if self.exact { builder.exact() } else { builder }
    }

    fn private(&self) -> PrivateCache {
        /// Of a private cache without a word on its size.
        const CAPACITY: u64 = 16 << 20;
        let mut private = PrivateCache::new(self.capacity.unwrap_or(CAPACITY));
        macro_rules! set {
            ($($setter:ident = $value:expr;)*) => {
                $(if let Some(value) = $value {
                    private = private.$setter(value);
                })*
            };
        }
        set! {
            default_ttl = self.default_ttl;
            max_ttl = self.max_ttl;
            participants = self.participants;
            expected_item_size = self.expected_item_size;
            clock = &self.clock;
        }
        private
    }
}
