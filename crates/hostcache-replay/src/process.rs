//! Child processes made by `fork`: the loaded trace is shared with them, copy-on-write.
//!
//! Children die with their parent, and dropping [`Children`] kills and reaps those that still run,
//! so no error path leaves a process behind.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::ReplayError;

/// Exit status of a child that panicked; the panic's text went to standard error.
const PANICKED: i32 = 101;

/// Children that have not been reaped yet, as seat and process id.
pub(crate) struct Children(Vec<(usize, libc::pid_t)>);

/// A child that has ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended {
    /// Which of the children.
    pub(crate) seat: usize,
    pid: libc::pid_t,
    status: libc::c_int,
}

impl Ended {
    /// How it failed, if it did not end with status 0.
    pub(crate) fn failure(&self) -> Option<String> {
        let Self { seat, pid, status } = self;
        if libc::WIFSIGNALED(*status) {
            let signal = libc::WTERMSIG(*status);
            Some(format!("process {seat} of the replay (pid {pid}) was ended by signal {signal}"))
        } else {
            match libc::WEXITSTATUS(*status) {
                0 => None,
                PANICKED => Some(format!("process {seat} of the replay (pid {pid}) panicked")),
                code => {
                    Some(format!("process {seat} of the replay (pid {pid}) exited with {code}"))
                }
            }
        }
    }
}

impl Children {
    /// Forks `count` children; child `seat` runs `body(seat)` and exits with what it returns.
    ///
    /// # Safety
    /// Either this process has one thread only, or `body` restricts itself to what is allowed after
    /// a fork of several (no lock, no allocation), since another thread's lock stays locked in the
    /// child for ever.
    pub(crate) unsafe fn fork(
        count: usize,
        body: impl Fn(usize) -> i32,
    ) -> Result<Self, ReplayError> {
        let failed = |source| ReplayError::System { operation: "forking a process", source };
        let mut children = Self(Vec::with_capacity(count));
        // SAFETY: always allowed.
        let parent = unsafe { libc::getpid() };
        for seat in 0..count {
            // SAFETY: the caller answers for what the child does; it never returns from here.
            match unsafe { libc::fork() } {
                -1 => return Err(failed(io::Error::last_os_error())),
                0 => {
                    die_with(parent);
                    let code = catch_unwind(AssertUnwindSafe(|| body(seat))).unwrap_or(PANICKED);
                    // SAFETY: always allowed. `_exit`, not `exit`: the parent's exit handlers and
                    // buffers, and destructors up the stack, are the parent's to run.
                    unsafe { libc::_exit(code) }
                }
                pid => children.0.push((seat, pid)),
            }
        }
        Ok(children)
    }

    /// Whether all have been reaped.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reaps those that have ended, without waiting for any.
    pub(crate) fn poll(&mut self) -> Vec<Ended> {
        let mut ended = Vec::new();
        self.0.retain(|&(seat, pid)| match wait(pid, libc::WNOHANG) {
            Some(status) => {
                ended.push(Ended { seat, pid, status });
                false
            }
            None => true,
        });
        ended
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        for &(_, pid) in &self.0 {
            // SAFETY: always allowed; `pid` is a child of ours that has not been reaped, so the
            // number can't have passed to another process.
            unsafe { libc::kill(pid, libc::SIGKILL) };
            wait(pid, 0);
        }
    }
}

/// Has the kernel kill this process when its parent ends, and ends now if that has happened already.
fn die_with(parent: libc::pid_t) {
    // SAFETY: both calls are always allowed and touch no memory.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        if libc::getppid() != parent {
            libc::_exit(PANICKED);
        }
    }
}

/// The status of child `pid` if it has ended, or, without `WNOHANG`, once it has.
fn wait(pid: libc::pid_t, flags: libc::c_int) -> Option<libc::c_int> {
    let mut status = 0;
    loop {
        // SAFETY: `status` lives through the call.
        match unsafe { libc::waitpid(pid, &mut status, flags) } {
            0 => return None,
            -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            // Not a child of ours any more: whoever reaped it knows how it ended, we don't.
            -1 => return Some(PANICKED << 8),
            _ => return Some(status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_but_status_zero_is_a_failure() {
        let end = |status| Ended { seat: 1, pid: 42, status }.failure();
        assert_eq!(end(0), None);
        assert!(end(2 << 8).is_some_and(|text| text.contains("exited with 2")));
        assert!(end(PANICKED << 8).is_some_and(|text| text.contains("panicked")));
        assert!(end(libc::SIGKILL).is_some_and(|text| text.contains("signal 9")));
    }

    #[test]
    fn dropping_children_ends_them() {
        let body = |_| {
            // SAFETY: always allowed.
            unsafe { libc::pause() }
        };
        // SAFETY: the body makes one system call.
        let children = unsafe { Children::fork(2, body) }.expect("fork");
        let pids: Vec<_> = children.0.iter().map(|&(_, pid)| pid).collect();
        drop(children);
        for pid in pids {
            assert_eq!(wait(pid, 0), Some(PANICKED << 8), "pid {pid} is a child still");
        }
    }
}
