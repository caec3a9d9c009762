//! Why a demonstration could not be carried through.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use hostcache::{OpenError, ReadError, WriteError};

/// What ended a demonstration, or one of its workers, before its time.
///
/// A wrong answer is no error: the demonstration runs to its end and says so by
/// [`Verdict::Wrong`](crate::Verdict::Wrong).
#[derive(Debug)]
#[non_exhaustive]
pub enum DemoError {
    /// An option is out of its range.
    InvalidOption {
        /// Name of the option.
        option: &'static str,
        /// What was given.
        given: u64,
        /// The smallest allowed value.
        least: u64,
        /// The largest allowed value.
        most: u64,
    },
    /// A worker was started with arguments that it can't use.
    WorkerArguments {
        /// Which argument, and what was expected.
        detail: String,
    },
    /// The region could not be created, opened or destroyed.
    Region(OpenError),
    /// The cache could not answer a read.
    Read(ReadError),
    /// The cache refused a write.
    Write(WriteError),
    /// SQLite refused a call.
    Store {
        /// What was tried.
        operation: &'static str,
        /// The database.
        path: PathBuf,
        /// What SQLite answered.
        source: rusqlite::Error,
    },
    /// The operating system refused a call.
    System {
        /// What was tried.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// A worker or the daemon ended, or did not do what it was asked.
    Child {
        /// Which child process.
        who: String,
        /// What happened to it.
        happened: String,
        /// The end of what it wrote to its standard error.
        log: String,
    },
    /// A signal asked the demonstration to end early. What it had found until then was shown and
    /// held nothing wrong.
    Interrupted,
}

impl DemoError {
    /// For `map_err` after a call to SQLite.
    pub(crate) fn store(
        operation: &'static str,
        path: &Path,
    ) -> impl FnOnce(rusqlite::Error) -> Self {
        move |source| Self::Store { operation, path: path.to_path_buf(), source }
    }

    /// For `map_err` after a system call.
    pub(crate) fn system(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { operation, path: path.to_path_buf(), source }
    }
}

impl fmt::Display for DemoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidOption { option, given, least, most } => {
                write!(f, "--{option} {given} is out of range: give {least} to {most}")
            }
            Self::WorkerArguments { detail } => {
                write!(f, "a demo worker is started by `hostcache demo` only: {detail}")
            }
            Self::Region(e) => write!(f, "{e}"),
            Self::Read(e) => write!(f, "{e}"),
            Self::Write(e) => write!(f, "{e}"),
            Self::Store { operation, path, source } => write!(
                f,
                "the demo's database {}: {operation} failed: {source}; check that the directory \
                 has room and is writable, or choose another with TMPDIR",
                path.display()
            ),
            Self::System { operation, path, source } => {
                write!(f, "{operation} {} failed: {source}", path.display())
            }
            Self::Child { who, happened, log } if log.is_empty() => {
                write!(f, "{who} {happened}; it wrote nothing to its standard error")
            }
            Self::Child { who, happened, log } => {
                write!(f, "{who} {happened}; the end of its standard error:\n{log}")
            }
            Self::Interrupted => write!(f, "the demo was interrupted"),
        }
    }
}

impl std::error::Error for DemoError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Region(e) => Some(e),
            Self::Read(e) => Some(e),
            Self::Write(e) => Some(e),
            Self::Store { source, .. } => Some(source),
            Self::System { source, .. } => Some(source),
            Self::InvalidOption { .. }
            | Self::WorkerArguments { .. }
            | Self::Child { .. }
            | Self::Interrupted => None,
        }
    }
}

impl From<OpenError> for DemoError {
    fn from(e: OpenError) -> Self {
        Self::Region(e)
    }
}

impl From<ReadError> for DemoError {
    fn from(e: ReadError) -> Self {
        Self::Read(e)
    }
}

impl From<WriteError> for DemoError {
    fn from(e: WriteError) -> Self {
        Self::Write(e)
    }
}
