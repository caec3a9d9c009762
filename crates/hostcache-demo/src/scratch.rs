//! The demonstration's own directory, and where things lie in it.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::{env, process};

use crate::DemoError;

/// A directory that only the caller can enter, removed with all its contents at the end.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes it in the system's directory for temporary files (`TMPDIR`).
    pub(crate) fn create() -> Result<Self, DemoError> {
        let path = env::temp_dir().join(format!("hostcache-demo-{}", process::id()));
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(DemoError::system("creating the directory", &path))?;
        Ok(Self { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What can't be removed is left to the system's own cleaning of that directory.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// The SQLite database.
pub(crate) fn database_path(scratch: &Path) -> PathBuf {
    scratch.join("shop.sqlite")
}

/// The table of versions.
pub(crate) fn truth_path(scratch: &Path) -> PathBuf {
    scratch.join("versions")
}

/// Where a child process's standard error goes.
pub(crate) fn log_path(scratch: &Path, who: &str) -> PathBuf {
    scratch.join(format!("{}.log", who.replace(' ', "-")))
}
