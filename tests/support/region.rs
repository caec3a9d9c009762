//! A region for one test, in a directory of its own that goes away with it.

use std::io;
use std::path::{Path, PathBuf};

use hostcache::{Cache, CacheBuilder, CheckReport, MaintenanceBudget, OpenError};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::board::Board;

/// Shared memory that must be free for tests to work there, in bytes.
const ROOM: u64 = 2 << 30;

/// Whether regions get generations and epochs of two bits, which come round all the time.
fn small_counters() -> bool {
    std::env::var_os("HOSTCACHE_TEST_SMALL_COUNTERS").is_some()
}

/// Whether regions are in named segments: `HOSTCACHE_TEST_BACKING` says on what the tests run.
#[must_use]
pub fn on_segments() -> bool {
    match std::env::var("HOSTCACHE_TEST_BACKING").as_deref() {
        Err(_) | Ok("file") => false,
        Ok("segment") => true,
        Ok(other) => panic!("HOSTCACHE_TEST_BACKING={other}: file or segment"),
    }
}

/// The settings of a new region in a named segment.
#[cfg(feature = "shared_memory")]
#[must_use]
pub fn in_segment(builder: CacheBuilder) -> CacheBuilder {
    builder.named_segment().unreserved()
}

#[cfg(not(feature = "shared_memory"))]
fn in_segment(_: CacheBuilder) -> CacheBuilder {
    panic!("HOSTCACHE_TEST_BACKING=segment needs the feature shared_memory")
}

/// Removes a region in a named segment, which does not go with its directory.
#[derive(Debug)]
struct Removal(PathBuf);

impl Drop for Removal {
    fn drop(&mut self) {
        // A test may have destroyed it.
        let _ = Cache::destroy(self.0.to_string_lossy());
    }
}

/// The name of every test's region; the directory differs.
const NAME: &str = "test";

/// Where a region is, as told to a worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Place {
    /// The directory.
    pub directory: PathBuf,
}

impl Place {
    /// The builder of this region.
    #[must_use]
    pub fn builder(&self) -> CacheBuilder {
        Cache::builder(NAME).directory(&self.directory)
    }

    /// Attaches.
    pub fn open(&self) -> Result<Cache, OpenError> {
        self.builder().open()
    }
}

/// A region, attached, with a board for the workers.
#[derive(Debug)]
pub struct TestRegion {
    /// The test's own handle.
    pub cache: Cache,
    /// The workers' board.
    pub board: Board,
    /// Before the directory, in which it looks.
    _removal: Option<Removal>,
    directory: TempDir,
}

impl TestRegion {
    /// Makes a region of `capacity` bytes.
    #[must_use]
    pub fn create(capacity: u64) -> TestRegion {
        Self::create_with(|builder| builder.capacity(capacity))
    }

    /// Makes a region with the settings that `set` adds.
    #[must_use]
    pub fn create_with(set: impl FnOnce(CacheBuilder) -> CacheBuilder) -> TestRegion {
        let directory = scratch_directory().unwrap_or_else(|e| panic!("a scratch directory: {e}"));
        let place = Place { directory: directory.path().to_owned() };
        let builder = set(place.builder());
        let builder = if small_counters() { builder.small_counters() } else { builder };
        let builder = if on_segments() { in_segment(builder) } else { builder };
        let cache = builder.create().unwrap_or_else(|e| panic!("{e}"));
        let _removal = on_segments().then(|| Removal(cache.path()));
        let board = Board::create(&directory.path().join("board"));
        let board = board.unwrap_or_else(|e| panic!("making a board: {e}"));
        TestRegion { cache, board, _removal, directory }
    }

    /// Where the workers find it.
    #[must_use]
    pub fn place(&self) -> Place {
        Place { directory: self.directory.path().to_owned() }
    }

    /// Where the workers find the board.
    #[must_use]
    pub fn board_path(&self) -> PathBuf {
        self.board.path().to_owned()
    }

    /// The directory, for logs.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Maintenance steps until no dead participant is left; returns how many were recovered.
    pub fn recover(&self) -> u64 {
        let mut budget = MaintenanceBudget::default();
        (budget.buckets, budget.evictions, budget.recover) = (0, 0, true);
        let mut recovered = 0;
        loop {
            let report = self.cache.maintain(&budget).unwrap_or_else(|e| panic!("maintain: {e}"));
            recovered += report.recovered_participants;
            if report.recovered_participants == 0 {
                return recovered;
            }
        }
    }

    /// All that is known of the region, for the text of a failure.
    #[must_use]
    pub fn describe(&self) -> String {
        format!(
            "{:#?}\n{:#?}\n{:#?}\n{:#?}",
            self.cache.check(),
            self.cache.stats(),
            self.cache.slab_classes(),
            self.cache.participants()
        )
    }

    /// Recovers, then asserts that the region is sound and every byte accounted for, none of it held
    /// by the dead. All workers must be gone, or stand still.
    pub fn assert_sound(&self) -> CheckReport {
        self.recover();
        let report = self.cache.check();
        assert!(
            report.is_sound(),
            "{} bytes unaccounted for: {report:#?}",
            report.unaccounted_bytes()
        );
        assert_eq!(report.dead_held_bytes, 0, "{report:#?}");
        report
    }
}

/// A new directory in shared memory if that is roomy, else among the temporary files.
pub fn scratch_directory() -> io::Result<TempDir> {
    let shared = Path::new("/dev/shm");
    let mut builder = tempfile::Builder::new();
    builder.prefix("hostcache-test-");
    if let Some(directory) = std::env::var_os("HOSTCACHE_TEST_DIRECTORY") {
        return builder.tempdir_in(directory);
    }
    if free_bytes(shared).is_some_and(|free| free >= ROOM) {
        return builder.tempdir_in(shared);
    }
    builder.tempdir()
}

fn free_bytes(path: &Path) -> Option<u64> {
    let path = std::ffi::CString::new(path.as_os_str().as_encoded_bytes()).ok()?;
    // SAFETY: all-zero bytes are a valid `statvfs`.
    let mut stat: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: `path` ends with a NUL and `stat` may be written.
    let failed = unsafe { libc::statvfs(path.as_ptr(), &raw mut stat) };
    (failed == 0).then(|| stat.f_bavail * stat.f_frsize)
}
