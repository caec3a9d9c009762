//! What a run works on: one backing, one geometry.

use std::time::Duration;

use hostcache::{Cache, CacheBuilder, ManualClock, PrivateCache};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::answer::HOUR;
use crate::region::scratch_directory;

/// Sizes of a region and of what is put in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Geometry {
    /// Bytes of the region.
    pub capacity: u64,
    /// Whether generations and epochs have two bits.
    pub small_counters: bool,
    /// Keys in use.
    pub keys: u64,
    /// Most values are no larger.
    pub typical_value: u64,
    /// Some are as large as this.
    pub largest_value: u64,
    /// The region's default TTL in milliseconds.
    pub default_ttl: Option<u64>,
    /// The region's maximal TTL in milliseconds.
    pub max_ttl: Option<u64>,
    /// Whether more is put in it than fits.
    pub evicts: bool,
    /// Whether values are so large that one may be refused.
    pub refuses: bool,
}

impl Geometry {
    /// The smallest region, with more items than fit: it evicts.
    #[must_use]
    pub fn tiny() -> Self {
        let mut geometry = Self::roomy();
        (geometry.capacity, geometry.keys) = (1 << 20, 2_000);
        (geometry.typical_value, geometry.largest_value) = (20_000, 200_000);
        geometry.evicts = true;
        geometry
    }

    /// A region in which everything has room.
    #[must_use]
    pub fn roomy() -> Self {
        Self {
            capacity: 16 << 20,
            small_counters: false,
            keys: 200,
            typical_value: 300,
            largest_value: 10_000,
            default_ttl: None,
            max_ttl: None,
            evicts: false,
            refuses: false,
        }
    }

    /// Generations and epochs that come round all the time, and lifetimes from the region.
    #[must_use]
    pub fn small_counters() -> Self {
        let mut geometry = Self::roomy();
        (geometry.capacity, geometry.small_counters) = (8 << 20, true);
        (geometry.default_ttl, geometry.max_ttl) = (Some(20 * HOUR), Some(500 * HOUR));
        geometry
    }

    /// Few keys, with values of many pages up to the limit.
    #[must_use]
    pub fn large_values() -> Self {
        let mut geometry = Self::roomy();
        (geometry.capacity, geometry.keys) = (4 << 20, 100);
        (geometry.typical_value, geometry.largest_value) = (1 << 20, 1 << 21);
        (geometry.evicts, geometry.refuses) = (true, true);
        geometry
    }
}

/// A setting.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Setting {
    /// Sizes.
    pub geometry: Geometry,
}

/// A region made for a run.
#[derive(Debug)]
pub struct Made {
    /// Handles that may write; one at least.
    pub handles: Vec<Cache>,
    /// One that may not, where the backing has such.
    pub reader: Option<Cache>,
    /// The clock, where the backing takes one.
    pub clock: Option<ManualClock>,
    /// Goes away at the end.
    pub directory: Option<TempDir>,
}

/// A backing: makes a region of a geometry.
pub type Backing = fn(&Geometry) -> Made;

/// A region found by its name in a directory.
#[must_use]
pub fn by_name(geometry: &Geometry) -> Made {
    let directory = scratch_directory().expect("a scratch directory");
    let path = directory.path().to_owned();
    named(geometry, directory, || Cache::builder("suite").directory(&path))
}

/// A region at a path.
#[must_use]
pub fn by_path(geometry: &Geometry) -> Made {
    let directory = scratch_directory().expect("a scratch directory");
    let path = directory.path().join("suite.region").display().to_string();
    named(geometry, directory, || Cache::builder(&*path))
}

fn with_geometry(builder: CacheBuilder, geometry: &Geometry) -> CacheBuilder {
    let mut settings = builder.capacity(geometry.capacity);
    if geometry.small_counters {
        settings = settings.small_counters();
    }
    if let Some(ttl) = geometry.default_ttl {
        settings = settings.default_ttl(Duration::from_millis(ttl));
    }
    if let Some(ttl) = geometry.max_ttl {
        settings = settings.max_ttl(Duration::from_millis(ttl));
    }
    settings
}

fn named(geometry: &Geometry, directory: TempDir, builder: impl Fn() -> CacheBuilder) -> Made {
    let first = with_geometry(builder(), geometry).create().expect("a region");
    let second = builder().open().expect("the region once more");
    let reader = builder().open_read_only().expect("the region, to be read");
    Made {
        handles: vec![first, second],
        reader: Some(reader),
        clock: None,
        directory: Some(directory),
    }
}

/// A region in a sealed memfd, attached by its descriptor.
#[must_use]
pub fn memfd(geometry: &Geometry) -> Made {
    let first =
        with_geometry(Cache::builder("suite"), geometry).memfd().create().expect("a region");
    let descriptor = || {
        let descriptor = first.as_fd().expect("the region's descriptor");
        descriptor.try_clone_to_owned().expect("a duplicate")
    };
    let second = Cache::from_fd(descriptor()).expect("the region once more");
    let reader = Cache::builder("suite").open_fd_read_only(descriptor());
    let reader = Some(reader.expect("the region, to be read"));
    Made { handles: vec![first, second], reader, clock: None, directory: None }
}

/// A region in a named segment, which nobody can attach to read-only.
#[cfg(feature = "shared_memory")]
#[must_use]
pub fn segment(geometry: &Geometry) -> Made {
    let made = segment_with_its_name(geometry);
    // It goes with its handles, however the run ends.
    Cache::destroy(made.handles[0].path().to_string_lossy()).expect("its name is taken away");
    made
}

/// The same, whose name is left for forked children to attach by: it is to be destroyed.
#[cfg(feature = "shared_memory")]
#[must_use]
pub fn segment_with_its_name(geometry: &Geometry) -> Made {
    let directory = scratch_directory().expect("a scratch directory");
    let builder = || Cache::builder("suite").directory(directory.path());
    let settings = crate::region::in_segment(with_geometry(builder(), geometry));
    let first = settings.create().expect("a region");
    let second = builder().open().expect("the region once more");
    let handles = vec![first, second];
    Made { handles, reader: None, clock: None, directory: Some(directory) }
}

/// A private cache with a clock of its own.
#[must_use]
pub fn private(geometry: &Geometry) -> Made {
    let clock = ManualClock::new().expect("a clock");
    let mut settings = PrivateCache::new(geometry.capacity).clock(&clock);
    if geometry.small_counters {
        settings = settings.small_counters();
    }
    if let Some(ttl) = geometry.default_ttl {
        settings = settings.default_ttl(Duration::from_millis(ttl));
    }
    if let Some(ttl) = geometry.max_ttl {
        settings = settings.max_ttl(Duration::from_millis(ttl));
    }
    let cache = settings.create().expect("a cache");
    Made { handles: vec![cache], reader: None, clock: Some(clock), directory: None }
}
