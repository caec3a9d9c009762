//! What the tests of whole replays share.

use std::fs;
use std::path::{Path, PathBuf};

use hostcache_replay::ReplayOptions;
use hostcache_replay::generate::{self, Settings};

/// A directory that goes away with its owner.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Makes one; `name` must differ between the tests of a binary.
    pub(crate) fn new(name: &str) -> Self {
        let binary = env!("CARGO_CRATE_NAME");
        let directory = format!("hostcache-{binary}-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(directory);
        fs::create_dir_all(&path).expect("scratch directory");
        Self(path)
    }

    /// Writes a file.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).expect("scratch file");
        path
    }

    /// Writes a generated trace.
    pub(crate) fn trace(&self, settings: &Settings) -> PathBuf {
        println!("{settings:?}");
        let mut text = Vec::new();
        generate::write(settings, &mut text).expect("generate");
        self.file("generated.trace", &text)
    }

    /// The directory itself.
    #[allow(dead_code, reason = "not every test binary needs it")]
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A replay by this process alone.
pub(crate) fn alone(trace: PathBuf, capacity: u64) -> ReplayOptions {
    ReplayOptions { files: vec![trace], capacity, processes: 1, paced: false, compare: Vec::new() }
}
