//! Notices that the region was destroyed.
//!
//! A destroyed region lives on, unlinked, for as long as somebody maps it. Workers that still use it have
//! their reason; the daemon would only keep its memory from the system, so it looks now and then whether
//! the file that it serves still stands under its path.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use hostcache_os::{FileIdentity, identity_at};

/// One `stat` in so long.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The file as it was at the start.
#[derive(Debug)]
pub(crate) struct RegionWatch {
    path: PathBuf,
    /// `None` where the backing has no path to watch.
    file: Option<FileIdentity>,
    looked: Instant,
}

impl RegionWatch {
    pub(crate) fn new(path: PathBuf, now: Instant) -> Self {
        let file = identity_at(&path).ok().flatten();
        Self { path, file, looked: now }
    }

    /// Whether the file is gone or another one has taken its place; asks the system only now and then.
    pub(crate) fn is_gone(&mut self, now: Instant) -> bool {
        if now.saturating_duration_since(self.looked) < LOOK_EVERY {
            return false;
        }
        self.looked = now;
        // An error says nothing about the region.
        self.file.is_some() && identity_at(&self.path).is_ok_and(|found| found != self.file)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io};

    use super::*;

    fn later(steps: u32) -> Instant {
        Instant::now() + LOOK_EVERY * steps
    }

    #[test]
    fn a_file_that_is_removed_or_replaced_is_gone() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("region");
        fs::write(&path, "first")?;
        let mut watch = RegionWatch::new(path.clone(), Instant::now());
        assert!(!watch.is_gone(later(2)));
        // The replacement is made while the first file exists, so that it has another inode.
        let other = directory.path().join("other");
        fs::write(&other, "second")?;
        fs::rename(&other, &path)?;
        assert!(watch.is_gone(later(4)));
        fs::remove_file(&path)?;
        assert!(watch.is_gone(later(6)));
        Ok(())
    }

    #[test]
    fn a_backing_without_a_path_is_never_gone() {
        let mut watch = RegionWatch::new(PathBuf::from("/nonexistent/region"), Instant::now());
        assert!(!watch.is_gone(later(2)));
    }
}
