//! A child that is stepped: ptrace, one instruction at a time.

use std::io;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

/// A traced child, which stops itself before what is to be stepped, and behind it. Killed and reaped when dropped.
pub(crate) struct Tracee {
    child: Child,
    /// It has been waited for.
    has_ended: bool,
}

/// How often a child is asked whether it has come to an end.
pub(crate) const PAUSE: Duration = Duration::from_millis(2);

impl Tracee {
    /// Takes a child that this thread started, once it has stopped itself.
    pub(crate) fn new(child: Child) -> Result<Self, String> {
        let mut tracee = Self { child, has_ended: false };
        if !tracee.wait()? {
            return Err("the victim trapped before it was ready".to_owned());
        }
        // SAFETY: sets options of a child that stands still.
        let failed = unsafe {
            libc::ptrace(libc::PTRACE_SETOPTIONS, tracee.pid(), 0, libc::PTRACE_O_EXITKILL)
        };
        if failed != 0 {
            return Err(format!("tracing the victim: {}", io::Error::last_os_error()));
        }
        Ok(tracee)
    }

    fn pid(&self) -> libc::pid_t {
        self.child.id().cast_signed()
    }

    /// One instruction; whether the child stopped itself.
    pub(crate) fn step(&mut self) -> Result<bool, String> {
        self.resume(libc::PTRACE_SINGLESTEP)?;
        self.wait()
    }

    /// Goes on at full speed; whether it stopped itself in time.
    pub(crate) fn go_on(&mut self, patience: Duration) -> Result<bool, String> {
        self.resume(libc::PTRACE_CONT)?;
        let begin = Instant::now();
        while begin.elapsed() < patience {
            if let Some(stopped_itself) = self.poll(libc::WNOHANG)? {
                return Ok(stopped_itself);
            }
            thread::sleep(PAUSE);
        }
        Ok(false)
    }

    fn resume(&self, how: libc::c_uint) -> Result<(), String> {
        // SAFETY: neither request takes memory; the child stands still.
        match unsafe { libc::ptrace(how, self.pid(), 0, 0) } {
            0 => Ok(()),
            _ => Err(format!("letting the victim go on: {}", io::Error::last_os_error())),
        }
    }

    fn wait(&mut self) -> Result<bool, String> {
        self.poll(0)?.ok_or_else(|| "the victim can't be waited for".to_owned())
    }

    /// Whether the child stopped itself, if it stands.
    fn poll(&mut self, options: i32) -> Result<Option<bool>, String> {
        let mut status = 0;
        // SAFETY: `status` may be written; the process is a child that has not been reaped.
        match unsafe { libc::waitpid(self.pid(), &raw mut status, options) } {
            0 => return Ok(None),
            -1 => return Err(format!("waiting for the victim: {}", io::Error::last_os_error())),
            _ => {}
        }
        if !libc::WIFSTOPPED(status) {
            self.has_ended = true;
            return Err(format!("the victim ended: status {status:#x}"));
        }
        match libc::WSTOPSIG(status) {
            libc::SIGTRAP => Ok(Some(false)),
            libc::SIGSTOP => Ok(Some(true)),
            signal => Err(format!("the victim got signal {signal}")),
        }
    }
}

impl Drop for Tracee {
    fn drop(&mut self) {
        if !self.has_ended {
            let mut status = 0;
            // SAFETY: `status` may be written; the process is a child that has not been reaped.
            unsafe {
                libc::kill(self.pid(), libc::SIGKILL);
                libc::waitpid(self.pid(), &raw mut status, 0);
            }
        }
    }
}
