//! How a command ends: done, negative, or failed.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use hostcache::{OpenError, ReadError, WriteError};
use hostcache_daemon::DaemonError;
use hostcache_demo::DemoError;
use hostcache_replay::ReplayError;

use crate::remedies::Explained;

/// The exit code of an error, also one of usage.
pub(crate) const ERROR: u8 = 2;

/// The exit code after SIGINT and its like, as shells have it.
const INTERRUPTED: u8 = 130;

/// The answer of a command that did what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Found or done.
    Yes,
    /// A miss, or a condition that was not met.
    No,
    /// What a worker process has to say to its parent.
    Code(u8),
}

impl From<bool> for Outcome {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        ExitCode::from(match outcome {
            Outcome::Yes => 0,
            Outcome::No => 1,
            Outcome::Code(code) => code,
        })
    }
}

/// Why a command could not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An argument that the parser could not judge.
    Usage(String),
    /// Standard input could not be read.
    Input(io::Error),
    /// Standard output could not be written.
    Output(io::Error),
    /// A file could not be read or written.
    File {
        /// `read` or `write`.
        operation: &'static str,
        /// Which one.
        path: PathBuf,
        /// What the system answered.
        error: io::Error,
    },
    /// A dump could not be loaded to its end.
    Load(String),
    /// The region could not be opened, created, listed or destroyed.
    Open(OpenError),
    /// The region could not be read.
    Read(ReadError),
    /// The region could not be written.
    Write(WriteError),
    /// The daemon could not go on.
    Daemon(DaemonError),
    /// The demonstration could not be carried out.
    Demo(DemoError),
    /// The replay could not be carried out.
    Replay(ReplayError),
}

impl Failure {
    /// The process's exit code: 2, unless a part of the program has a better one.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Demo(DemoError::Interrupted) => INTERRUPTED,
            Self::Replay(error) => u8::try_from(error.exit_code()).unwrap_or(ERROR),
            _ => ERROR,
        }
    }

    /// Whether the reader of the output went away, which is its right.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Load(text) => f.write_str(text),
            Self::Input(error) => write!(f, "can't read the value from standard input: {error}"),
            Self::Output(error) => write!(f, "can't write to standard output: {error}"),
            Self::File { operation, path, error } => {
                write!(f, "can't {operation} {}: {error}", path.display())
            }
            Self::Open(error) => Explained(error).fmt(f),
            Self::Read(error) => error.fmt(f),
            Self::Write(WriteError::Attach(error)) => {
                write!(f, "can't take part: {}", Explained(error))
            }
            Self::Write(error) => error.fmt(f),
            Self::Daemon(error) => error.fmt(f),
            Self::Demo(error) => error.fmt(f),
            Self::Replay(error) => error.fmt(f),
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        Self::Write(error)
    }
}

impl From<DaemonError> for Failure {
    fn from(error: DaemonError) -> Self {
        Self::Daemon(error)
    }
}

impl From<DemoError> for Failure {
    fn from(error: DemoError) -> Self {
        Self::Demo(error)
    }
}

impl From<ReplayError> for Failure {
    fn from(error: ReplayError) -> Self {
        Self::Replay(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_that_is_full_is_told_in_this_programs_words_wherever_it_is_met() {
        let full = || OpenError::TooManyParticipants { region: "catalog".to_owned(), slots: 16 };
        let written = Failure::from(WriteError::Attach(Box::new(full())));
        for text in [Failure::from(full()).to_string(), written.to_string()] {
            assert!(
                text.contains("hostcache ps catalog") && text.contains("--participants"),
                "{text}"
            );
            assert!(!text.contains(".participants("), "{text}");
        }
    }
}
