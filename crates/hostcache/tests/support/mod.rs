//! A region for one test, in a directory that goes away with it.

use hostcache::{Cache, CacheBuilder};
use tempfile::TempDir;

pub(crate) struct Scratch {
    directory: TempDir,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory") }
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

    pub(crate) fn cache(&self, capacity: u64) -> Cache {
        self.builder("test").capacity(capacity).create().expect("a region")
    }
}
