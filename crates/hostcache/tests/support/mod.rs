//! A region for one test, in a directory that goes away with it.

use hostcache::{Cache, CacheBuilder};
use tempfile::TempDir;

pub(crate) struct Scratch {
    directory: TempDir,
}

impl Scratch {
    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory") }
    }

    /// In shared memory, where regions belong.
    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) fn shared() -> Self {
        let mut directory = tempfile::Builder::new();
        let directory = directory.prefix("hostcache-test-").tempdir_in("/dev/shm");
        Self { directory: directory.expect("a directory") }
    }

    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    pub(crate) fn builder(&self, name: &str) -> CacheBuilder {
        Cache::builder(name).directory(self.directory.path())
    }

    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) fn cache(&self, capacity: u64) -> Cache {
        self.builder("test").capacity(capacity).create().expect("a region")
    }
}

/// Runs a step in a forked child, which must say that all went well.
#[allow(dead_code, reason = "not every test needs it")]
pub(crate) fn in_forked_child(step: impl FnOnce() -> bool) {
    // SAFETY: the child uses what is kept usable over a fork, and ends without clean-up or unwinding.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let is_good = std::panic::catch_unwind(std::panic::AssertUnwindSafe(step)).unwrap_or(false);
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(i32::from(!is_good)) };
    }
    let mut status = 0;
    // SAFETY: `status` may be written, and the process is a child of ours.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "{status:#x}");
}
