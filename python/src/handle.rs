//! A handle's attachment, and what becomes of failures.
//!
//! A forgiving handle (`on_error="miss"`) does without its region while that is missing, full or unreadable: failures are
//! counted, and told of once a minute. Once a second one of its operations looks whether the region's name means another
//! file by now, and attaches to that.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::ArcSwapOption;
use pyo3::prelude::*;

use crate::errors::{Failure, Trouble};
use crate::settings::Settings;

/// Milliseconds between two looks at the region's name.
const LOOK_MS: u64 = 1_000;
/// Milliseconds between two reports of failures.
const REPORT_MS: u64 = 60_000;

/// An open region.
#[derive(Debug)]
pub(crate) struct Attached {
    pub(crate) cache: hostcache::Cache,
    /// Whether nobody but this user can write the region or replace it.
    pub(crate) is_trusted: bool,
    /// Device and inode of the file.
    file: (u64, u64),
}

/// What all threads that use one Python object share.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) settings: Settings,
    attached: ArcSwapOption<Attached>,
    is_closed: AtomicBool,
    pub(crate) is_forgiving: bool,
    failures: AtomicU64,
    look_at: AtomicU64,
    report_at: AtomicU64,
}

impl Attached {
    fn open(settings: &Settings) -> Result<Self, Failure> {
        let cache = settings.open()?;
        let path = cache.path();
        let file = cache.as_fd().ok().and_then(|fd| {
            let file = fs::File::from(fd.try_clone_to_owned().ok()?);
            file.metadata().ok()
        });
        let is_trusted = match (&settings.name, &file) {
            (None, _) => true,
            (Some(_), Some(file)) => is_own(file) && path.parent().is_some_and(is_own_path),
            (Some(_), None) => false,
        };
        let file = file.map_or((0, 0), |file| (file.dev(), file.ino()));
        Ok(Self { cache, is_trusted, file })
    }

    /// Whether the region's name means another file by now, or none.
    fn is_replaced(&self) -> bool {
        fs::metadata(self.cache.path()).map_or(true, |now| (now.dev(), now.ino()) != self.file)
    }
}

fn is_own_path(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| is_own(&metadata))
}

/// Whether it is this process's user's, and nobody else may write it.
fn is_own(metadata: &fs::Metadata) -> bool {
    // SAFETY: no precondition.
    let uid = unsafe { libc::geteuid() };
    metadata.uid() == uid && metadata.mode() & 0o022 == 0
}

impl Handle {
    /// Attaches; a forgiving handle is made all the same where that fails because of the region.
    pub(crate) fn open(py: Python<'_>, settings: Settings, is_forgiving: bool) -> PyResult<Self> {
        let handle = Self {
            attached: ArcSwapOption::empty(),
            is_closed: AtomicBool::new(false),
            is_forgiving,
            failures: AtomicU64::new(0),
            look_at: AtomicU64::new(now_ms() + LOOK_MS),
            report_at: AtomicU64::new(0),
            settings,
        };
        match py.detach(|| Attached::open(&handle.settings)) {
            Ok(attached) => handle.attached.store(Some(Arc::new(attached))),
            Err(failure) => handle.forgive(py, failure)?,
        }
        Ok(handle)
    }

    /// Runs an operation on the region.
    #[inline(always)]
    pub(crate) fn with<T>(
        &self,
        operation: impl FnOnce(&Attached) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        if self.is_forgiving {
            self.look_after();
        }
        match &*self.attached.load() {
            Some(attached) => operation(attached),
            None => Err(self.absent()),
        }
    }

    /// Runs an operation; a forgiving handle's failures end with `miss`.
    #[inline(always)]
    pub(crate) fn run<T>(
        &self,
        py: Python<'_>,
        miss: impl FnOnce() -> T,
        operation: impl FnOnce(&Attached) -> Result<T, Failure>,
    ) -> PyResult<T> {
        match self.with(operation) {
            Ok(answer) => Ok(answer),
            Err(failure) => self.forgive(py, failure).map(|()| miss()),
        }
    }

    /// The exception that a failure is, unless this handle forgives it.
    #[cold]
    #[allow(clippy::boxed_local, reason = "a failure is boxed wherever it goes")]
    pub(crate) fn forgive(&self, py: Python<'_>, failure: Failure) -> PyResult<()> {
        if !self.is_forgiving || !failure.is_of_the_region() {
            return Err(failure.into_pyerr());
        }
        // Relaxed: a figure.
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        if is_due(&self.report_at, REPORT_MS) {
            log::warn!(
                target: "hostcache",
                "cache {:?} does without its region ({failures} operations so far): {}",
                self.settings.display_name(),
                failure.into_pyerr().value(py)
            );
        }
        Ok(())
    }

    #[cold]
    fn absent(&self) -> Failure {
        if self.is_closed() {
            return Box::new(Trouble::Closed(self.settings.display_name().to_owned()));
        }
        Box::new(Trouble::Absent(self.settings.display_name().to_owned()))
    }

    /// Once a second: attaches anew if the name means another file by now.
    #[inline]
    fn look_after(&self) {
        if is_due(&self.look_at, LOOK_MS) {
            self.look_again();
        }
    }

    #[cold]
    fn look_again(&self) {
        let current = self.attached.load_full();
        if self.is_closed() || current.as_ref().is_some_and(|attached| !attached.is_replaced()) {
            return;
        }
        // Without a name there is nothing to find again.
        if self.settings.name.is_some() {
            self.attached.store(Attached::open(&self.settings).ok().map(Arc::new));
            if self.is_closed() {
                self.attached.store(None);
            }
        }
    }

    pub(crate) fn close(&self) {
        // Before the attachment goes: who finds none must know why.
        self.is_closed.store(true, Ordering::SeqCst);
        self.attached.store(None);
    }

    pub(crate) fn is_closed(&self) -> bool {
        // SeqCst: pairs with `close`, whose store of `None` must not be undone by a look at the name.
        self.is_closed.load(Ordering::SeqCst)
    }

    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}

/// Whether a moment has come; the next one is then `every` milliseconds away. True for one caller.
#[inline]
fn is_due(at: &AtomicU64, every: u64) -> bool {
    let (now, due) = (now_ms(), at.load(Ordering::Relaxed));
    // Relaxed: nothing is published by it.
    now >= due
        && at.compare_exchange(due, now + every, Ordering::Relaxed, Ordering::Relaxed).is_ok()
}

/// Milliseconds of the system's coarse clock: a read of memory.
#[inline]
fn now_ms() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for writes; the clock is known to Linux since 2.6.32.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &raw mut time) };
    time.tv_sec.cast_unsigned() * 1_000 + time.tv_nsec.cast_unsigned() / 1_000_000
}
