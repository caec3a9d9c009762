//! Why the daemon could not go on.

use std::fmt;

use hostcache::{OpenError, WriteError};

/// Why the daemon ended otherwise than by its stop flag.
#[derive(Debug)]
#[non_exhaustive]
pub enum DaemonError {
    /// A setting is out of its range.
    InvalidConfig {
        /// Which one, and what would be right.
        detail: String,
    },
    /// The signal handlers could not be installed.
    Signals {
        /// What the system answered.
        source: std::io::Error,
    },
    /// The office could not be asked for.
    Lead {
        /// Region name.
        region: String,
        /// What went wrong.
        source: OpenError,
    },
    /// The socket that a region is handed out at could not be put up.
    Socket {
        /// Its path.
        path: std::path::PathBuf,
        /// What was tried.
        operation: &'static str,
        /// What was found there or what the system answered, and what to do.
        detail: String,
    },
    /// A maintenance step failed for good.
    Maintain {
        /// Region name.
        region: String,
        /// What went wrong.
        source: WriteError,
    },
}

impl fmt::Display for DaemonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidConfig { detail } => {
                write!(f, "the daemon's settings are invalid: {detail}")
            }
            Self::Signals { source } => {
                write!(f, "can't install the signal handlers: {source}")
            }
            Self::Lead { region, source } => {
                write!(f, "can't ask for the daemon's office on region {region:?}: {source}")
            }
            Self::Socket { path, operation, detail } => {
                write!(f, "can't hand out at {}: {operation}: {detail}", path.display())
            }
            Self::Maintain { region, source } => {
                write!(f, "can't maintain region {region:?}: {source}")
            }
        }
    }
}

impl std::error::Error for DaemonError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::InvalidConfig { .. } | Self::Socket { .. } => None,
            Self::Signals { source } => Some(source),
            Self::Lead { source, .. } => Some(source),
            Self::Maintain { source, .. } => Some(source),
        }
    }
}
