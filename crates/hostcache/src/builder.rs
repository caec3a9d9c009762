//! How a region is created and opened.

use std::path::PathBuf;
use std::time::Duration;

/// Settings for [`Cache::builder`](crate::Cache::builder). Setters store, the last call validates.
#[derive(Debug, Clone)]
pub struct CacheBuilder {
    pub(crate) name: String,
    pub(crate) capacity: Option<u64>,
    pub(crate) exact: bool,
    pub(crate) mode: u32,
    pub(crate) group: Option<u32>,
    pub(crate) directory: Option<PathBuf>,
    pub(crate) expected_item_size: Option<u32>,
    pub(crate) participants: Option<u32>,
    pub(crate) default_ttl: Option<Duration>,
    pub(crate) max_ttl: Option<Duration>,
    pub(crate) populate: bool,
    pub(crate) care: Care,
    pub(crate) huge_pages: bool,
    pub(crate) named_segment: bool,
    #[cfg(feature = "shared_memory")]
    pub(crate) unreserved: bool,
    pub(crate) small_counters: bool,
}

/// What is done with a mapping once it is there, in this process and in those that it forks.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Care {
    pub(crate) exclude_from_dumps: bool,
    pub(crate) survive_truncation: bool,
}

impl CacheBuilder {
    pub(crate) fn new(name: String) -> Self {
        Self {
            name,
            capacity: None,
            exact: false,
            mode: 0o600,
            group: None,
            directory: None,
            expected_item_size: None,
            participants: None,
            default_ttl: None,
            max_ttl: None,
            populate: false,
            care: Care::default(),
            huge_pages: false,
            named_segment: false,
            #[cfg(feature = "shared_memory")]
            unreserved: false,
            small_counters: false,
        }
    }
    /// Bytes of memory in all, index and bookkeeping included; at least 1 MiB. An existing region keeps its own.
    #[must_use]
    pub fn capacity(mut self, bytes: u64) -> Self {
        self.capacity = Some(bytes);
        self
    }
    /// Makes it an error if an existing region has another capacity.
    #[must_use]
    pub fn exact(mut self) -> Self {
        self.exact = true;
        self
    }
    /// Permission bits of a new region, 0600 by default, 0660 with a group. Others may never write.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }
    /// A region of the caller's effective group: see [`CacheBuilder::group_id`].
    #[must_use]
    pub fn group(self) -> Self {
        self.group_id(hostcache_os::effective_group())
    }
    /// A region that the members of a group share, in `/dev/shm/hostcache-group-<gid>` (or the directory that was
    /// named), which is made with mode 2770. The mode of the file is 0660 unless one is set. Only root and members can create it.
    ///
    /// Any member can forge, replace and destroy what is in it, or write arbitrary bytes over it, and truncate it; its contents are
    /// checked against bounds by every reader. A region for each circle of people who trust each other.
    ///
    /// To open it, a member need not say that it is a group's: [`CacheBuilder::open`] has the order of the places. With a group,
    /// that group's directory is the only place, and a file of another group is refused.
    #[must_use]
    pub fn group_id(mut self, gid: u32) -> Self {
        self.group = Some(gid);
        self
    }
    /// Directory of the region instead of `$HOSTCACHE_DIR` or `/dev/shm/hostcache-<uid>`.
    #[must_use]
    pub fn directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.directory = Some(path.into());
        self
    }
    /// Mean bytes of key plus value, from which a new region's index is sized.
    #[must_use]
    pub fn expected_item_size(mut self, bytes: u32) -> Self {
        self.expected_item_size = Some(bytes);
        self
    }
    /// Participant slots of a new region: threads that may use it at once.
    #[must_use]
    pub fn participants(mut self, slots: u32) -> Self {
        self.participants = Some(slots);
        self
    }
    /// TTL of items that are set without one: stored in a region that this call creates, and used by this handle.
    #[must_use]
    pub fn default_ttl(mut self, ttl: Duration) -> Self {
        self.default_ttl = Some(ttl);
        self
    }
    /// No item lives longer: stored in a region that this call creates, and used by this handle.
    #[must_use]
    pub fn max_ttl(mut self, ttl: Duration) -> Self {
        self.max_ttl = Some(ttl);
        self
    }
    /// Maps all of the region when it is opened, in steps, instead of page by page at first use: opening takes time in proportion to
    /// the capacity, and the first operations none for page faults. Needs Linux 5.14, and does nothing before. Off by default.
    #[must_use]
    pub fn populate(mut self, populate: bool) -> Self {
        self.populate = populate;
        self
    }
    /// Keeps the region's bytes out of core dumps of this process and the children that it forks (`MADV_DONTDUMP`): for
    /// secrets, and because they are many. What a read copied out is memory of the program's own, and dumped with it. A
    /// system that can't do it is an error. Off by default.
    #[must_use]
    pub fn exclude_from_core_dumps(mut self, exclude: bool) -> Self {
        self.care.exclude_from_dumps = exclude;
        self
    }
    /// Outlives the truncation of the region's file, which otherwise ends every process that touches the lost pages
    /// (SIGBUS). All of the region is empty then for this handle: reads miss, writes are refused, and opening it anew is the way
    /// on. (Until a lost page is touched, an item in the page in which the file ends may have zeros in its value: the kernel puts them
    /// there, as any writer could. A write in the middle of which the loss is met may end as if nothing had happened, in memory of
    /// this process alone.) Never needed for a sealed region ([`CacheBuilder::memfd`]), whose size is fixed.
    ///
    /// It installs a handler for SIGBUS in the process. Faults anywhere else go to the handler that was there before, or end
    /// the process as they would have; a handler that is installed *afterwards* replaces this one. Off by default, because a
    /// library should leave signals alone unless asked.
    #[must_use]
    pub fn survive_truncation(mut self, survive: bool) -> Self {
        self.care.survive_truncation = survive;
        self
    }
    /// Asks for huge pages: stored in a region that this call creates, and asked for by everybody who opens it. What
    /// was given, and why not, is in [`RegionInfo::huge_pages`](crate::RegionInfo::huge_pages); getting none is no error.
    #[must_use]
    pub fn huge_pages(mut self, huge_pages: bool) -> Self {
        self.huge_pages = huge_pages;
        self
    }
    /// A new region in a named segment of the crate `shared_memory` instead of a file. Opening needs no such word: a small file
    /// under the region's name tells, and carries the locks by which the death of a participant is seen.
    ///
    /// What that crate can't do ends with [`OpenError::Unsupported`](crate::OpenError::Unsupported): a mode or a group, reserving
    /// memory (see [`CacheBuilder::unreserved`]), and attaching read-only. Huge pages are never got, and
    /// [`RegionInfo::allocated_bytes`](crate::RegionInfo::allocated_bytes) is 0, since nobody can tell. A creator that is killed may leave
    /// a segment behind that nobody can find.
    #[cfg(feature = "shared_memory")]
    #[must_use]
    pub fn named_segment(mut self) -> Self {
        self.named_segment = true;
        self
    }
    /// Takes a named segment whose memory is not reserved: where shared memory runs out later, the kernel ends the process that
    /// touches a page first (SIGBUS). Without this word, making a named segment is an error. Files are reserved all the same.
    #[cfg(feature = "shared_memory")]
    #[must_use]
    pub fn unreserved(mut self) -> Self {
        self.unreserved = true;
        self
    }

    /// Generations and clear epochs of two bits, so that they come round all the time: for tests of what happens then.
    #[doc(hidden)]
    #[must_use]
    pub fn small_counters(mut self) -> Self {
        self.small_counters = true;
        self
    }
}
