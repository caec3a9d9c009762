//! Worker processes: started in a role, stopped, continued and killed by their process id.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};

use crate::roles::Role;

/// A `test-worker` process; killed and reaped when dropped.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    reaped: bool,
}

impl Worker {
    /// Starts `program` in `role`.
    #[must_use]
    pub fn spawn(program: &str, role: &Role) -> Worker {
        Self::spawn_through(&[], program, role)
    }

    /// Starts `program` in `role` through another command, such as `unshare`.
    #[must_use]
    pub fn spawn_through(wrapper: &[&str], program: &str, role: &Role) -> Worker {
        let role = serde_json::to_string(role).unwrap_or_else(|e| panic!("a role in JSON: {e}"));
        let words: Vec<&str> = wrapper.iter().copied().chain([program, &role]).collect();
        let child = Command::new(words[0]).args(&words[1..]).spawn();
        let child = child.unwrap_or_else(|e| panic!("starting {words:?}: {e}"));
        Worker { child, reaped: false }
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Stops it (SIGSTOP); returns when it stands still.
    pub fn pause(&self) {
        self.signal(libc::SIGSTOP);
        let mut status = 0;
        // SAFETY: `status` may be written; the process is a child of ours that nobody else waits for.
        let pid =
            unsafe { libc::waitpid(self.pid().cast_signed(), &raw mut status, libc::WUNTRACED) };
        assert!(
            pid == self.pid().cast_signed() && libc::WIFSTOPPED(status),
            "worker {} did not stop but ended: {status:#x} ({})",
            self.pid(),
            io::Error::last_os_error()
        );
    }

    /// Lets it go on (SIGCONT).
    pub fn resume(&self) {
        self.signal(libc::SIGCONT);
    }

    /// Kills it (SIGKILL) and reaps it; asserts that it had not ended by itself.
    pub fn kill(&mut self) {
        self.signal(libc::SIGKILL);
        let status = self.reap();
        let killed = status.signal() == Some(libc::SIGKILL);
        assert!(killed, "worker {} had ended before it was killed: {status}", self.pid());
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        let status = self.child.try_wait();
        status.unwrap_or_else(|e| panic!("looking at worker {}: {e}", self.pid())).is_some()
    }

    /// Waits for its end and asserts that it was content.
    pub fn join(mut self) {
        let status = self.reap();
        assert!(status.success(), "worker {} ended with {status}", self.pid());
    }

    /// Waits for its end.
    pub fn reap(&mut self) -> ExitStatus {
        let status = self.child.wait();
        self.reaped = true;
        status.unwrap_or_else(|e| panic!("waiting for worker {}: {e}", self.pid()))
    }

    fn signal(&self, signal: i32) {
        assert!(!self.reaped, "worker {} is gone", self.pid());
        signal_process(self.pid(), signal);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if !self.reaped {
            // A worker that ended by itself takes no signal: nothing to do then but to reap it.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Sends a signal to one process.
pub fn signal_process(pid: u32, signal: i32) {
    // SAFETY: plain system call; the process is one that this test started and has not reaped.
    let failed = unsafe { libc::kill(pid.cast_signed(), signal) };
    assert_eq!(failed, 0, "signal {signal} to process {pid}: {}", io::Error::last_os_error());
}
