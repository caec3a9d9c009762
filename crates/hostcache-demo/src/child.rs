//! A child process of the demonstration: started so that it can't outlive it.
//!
//! Children are the same executable with other arguments. Each is in a process group of its own, so
//! that Ctrl-C reaches the parent alone, which then ends them in order; and the kernel sends them
//! SIGTERM should the parent die. Standard error goes to a file, whose end is shown if the child
//! fails.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use crate::DemoError;
use crate::scratch::log_path;

/// How much of a failed child's standard error is shown.
const LOG_TAIL: usize = 2000;
/// Time between two looks at a child that should end.
const WAIT_STEP: Duration = Duration::from_millis(5);

/// A running child; killed and waited for when dropped.
#[derive(Debug)]
pub(crate) struct ChildProcess {
    /// What people call it, as in "worker 3".
    who: String,
    child: Child,
    log: PathBuf,
}

impl ChildProcess {
    /// Starts this executable with other arguments. `wire` says what happens to standard input and
    /// output.
    pub(crate) fn start(
        who: String,
        args: &[String],
        scratch: &Path,
        wire: impl FnOnce(&mut Command),
    ) -> Result<Self, DemoError> {
        let executable = env::current_exe()
            .map_err(DemoError::system("finding the executable behind", Path::new("/proc/self")))?;
        let log = log_path(scratch, &who);
        let stderr = File::create(&log).map_err(DemoError::system("creating the log", &log))?;
        let mut command = Command::new(&executable);
        command.args(args).stderr(stderr).stdin(Stdio::null()).stdout(Stdio::null());
        command.process_group(0);
        wire(&mut command);
        // SAFETY: The closure runs in the forked child before exec; prctl with these arguments is a
        // bare system call that allocates nothing and takes no lock.
        unsafe { command.pre_exec(end_with_parent) };
        let child = command.spawn().map_err(DemoError::system("starting", &executable))?;
        Ok(Self { who, child, log })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn who(&self) -> &str {
        &self.who
    }

    pub(crate) fn child_mut(&mut self) -> &mut Child {
        &mut self.child
    }

    /// An error if the child has ended, which it should not do by itself.
    pub(crate) fn expect_running(&mut self) -> Result<(), DemoError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.failure(format!("ended early ({status})"))),
            Err(e) => Err(self.failure(format!("can't be waited for ({e})"))),
        }
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&mut self) -> Result<(), DemoError> {
        self.expect_running()?;
        // SAFETY: kill takes no pointers. The look above found the child not waited for, so its pid
        // names it, running or a zombie by now, and nobody else.
        let outcome = unsafe { libc::kill(self.child.id().cast_signed(), libc::SIGTERM) };
        if outcome == 0 {
            return Ok(());
        }
        Err(self.failure(format!("can't be sent SIGTERM ({})", io::Error::last_os_error())))
    }

    /// Sends SIGKILL and waits until the kernel has taken the process apart.
    pub(crate) fn kill(&mut self) -> Result<(), DemoError> {
        let outcome = self.child.kill().and_then(|()| self.child.wait());
        outcome.map(drop).map_err(|e| self.failure(format!("can't be killed ({e})")))
    }

    /// Waits for an end that has been asked for; an error unless it comes in time and in order.
    pub(crate) fn finish(mut self, limit: Duration) -> Result<(), DemoError> {
        match self.wait_at_most(limit) {
            Ok(Some(status)) if status.success() => Ok(()),
            Ok(Some(status)) => Err(self.failure(format!("failed ({status})"))),
            Ok(None) => {
                Err(self
                    .failure(format!("did not end within {} s of being asked", limit.as_secs())))
            }
            Err(e) => Err(self.failure(format!("can't be waited for ({e})"))),
        }
    }

    fn wait_at_most(&mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        let deadline = Instant::now() + limit;
        loop {
            let status = self.child.try_wait()?;
            if status.is_some() || Instant::now() >= deadline {
                return Ok(status);
            }
            thread::sleep(WAIT_STEP);
        }
    }

    /// An error about this child, with the end of its standard error.
    pub(crate) fn failure(&self, happened: String) -> DemoError {
        let log = fs::read(&self.log).unwrap_or_default();
        let tail = &log[log.len().saturating_sub(LOG_TAIL)..];
        DemoError::Child {
            who: format!("{} (pid {})", self.who, self.pid()),
            happened,
            log: String::from_utf8_lossy(tail).trim().to_owned(),
        }
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        // Both fail only for a child that has been waited for already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn end_with_parent() -> io::Result<()> {
    // SAFETY: PR_SET_PDEATHSIG takes a signal number and touches no memory of the caller.
    match unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
