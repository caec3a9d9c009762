//! What can end a replay early.

use std::{fmt, io};

use hostcache::OpenError;

/// Why a replay gave no result.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReplayError {
    /// An option has a value that can't be used.
    InvalidOption(String),
    /// A trace could not be read.
    Read {
        /// The file, or `standard input`.
        source_name: String,
        /// The line that was being read; 0 if not even the first could be.
        line: u64,
        /// What the system or the decompressor answered.
        source: io::Error,
    },
    /// A line of a trace is not in the format.
    Parse {
        /// The file, or `standard input`.
        source_name: String,
        /// Its number, from 1.
        line: u64,
        /// Which field, and what it should be.
        detail: String,
    },
    /// The traces hold no request.
    Empty {
        /// The files that were read.
        sources: String,
    },
    /// The region could not be created, opened or destroyed.
    Region(OpenError),
    /// A hit gave other bytes than those that were set.
    WrongValue(String),
    /// A get or delete failed, so that the figures would mean nothing.
    Operation(String),
    /// A system call failed.
    System {
        /// What was tried.
        operation: &'static str,
        /// What the system answered.
        source: io::Error,
    },
    /// A process that took part ended on its own.
    Process(String),
    /// SIGINT, SIGTERM or SIGHUP came.
    Interrupted,
}

impl ReplayError {
    /// The exit status of a command that ends with this error: 1 for a wrong value, 130 for an
    /// interruption, else 2.
    #[must_use]
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::WrongValue(_) => 1,
            Self::Interrupted => 130,
            _ => 2,
        }
    }
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidOption(detail) => f.write_str(detail),
            Self::Read { source_name, line: 0, source } => {
                write!(f, "can't open the trace {source_name}: {source}")
            }
            Self::Read { source_name, line, source } => {
                write!(f, "{source_name}:{line}: reading the trace failed: {source}")
            }
            Self::Parse { source_name, line, detail } => {
                write!(f, "{source_name}:{line}: {detail}")
            }
            Self::Empty { sources } => write!(
                f,
                "no request in {sources}: a trace has lines of key_id,size,op,ttl[,ts_ms]"
            ),
            Self::Region(error) => error.fmt(f),
            Self::WrongValue(detail) => write!(f, "wrong value: {detail}"),
            Self::Operation(detail) | Self::Process(detail) => f.write_str(detail),
            Self::System { operation, source } => write!(f, "{operation} failed: {source}"),
            Self::Interrupted => f.write_str("interrupted: the region has been destroyed"),
        }
    }
}

impl std::error::Error for ReplayError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { source, .. } | Self::System { source, .. } => Some(source),
            Self::Region(error) => Some(error),
            _ => None,
        }
    }
}

impl From<OpenError> for ReplayError {
    fn from(error: OpenError) -> Self {
        Self::Region(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_wrong_value_ends_with_status_one() {
        assert_eq!(ReplayError::WrongValue(String::new()).exit_code(), 1);
        assert_eq!(ReplayError::Interrupted.exit_code(), 130);
        assert_eq!(ReplayError::InvalidOption(String::new()).exit_code(), 2);
        assert_eq!(ReplayError::Operation(String::new()).exit_code(), 2);
    }
}
