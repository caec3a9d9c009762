//! The daemon that runs beside the workers: `hostcache serve NAME`, as anybody would run it.

use std::path::Path;
use std::time::Duration;

use crate::DemoError;
use crate::child::ChildProcess;

/// How long the daemon may take to end after SIGTERM.
const END_LIMIT: Duration = Duration::from_secs(5);

/// The running daemon.
#[derive(Debug)]
pub(crate) struct Daemon {
    process: ChildProcess,
}

impl Daemon {
    /// Starts the daemon of a region.
    pub(crate) fn start(region: &str, scratch: &Path) -> Result<Self, DemoError> {
        let args = ["serve".to_owned(), region.to_owned()];
        let process = ChildProcess::start("daemon".to_owned(), &args, scratch, |_| {})?;
        Ok(Self { process })
    }

    /// An error if it has ended by itself.
    pub(crate) fn expect_running(&mut self) -> Result<(), DemoError> {
        self.process.expect_running()
    }

    /// Asks it to end by SIGTERM and waits until it has.
    pub(crate) fn finish(mut self) -> Result<(), DemoError> {
        self.process.terminate()?;
        self.process.finish(END_LIMIT)
    }
}
