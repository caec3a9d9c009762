//! A daemon as a process.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, Command};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use crate::support::{HUNG, Host};

/// A running daemon; killed when dropped.
pub(crate) struct Daemon {
    pub(crate) child: Child,
    log: Receiver<String>,
}

impl Daemon {
    pub(crate) fn start(host: &Host, arguments: &[&str]) -> Self {
        Self::start_with(host, arguments, |_| {})
    }

    /// With an environment or the like that `set` adds.
    pub(crate) fn start_with(
        host: &Host,
        arguments: &[&str],
        set: impl FnOnce(&mut Command),
    ) -> Self {
        let mut command = host.command(["serve", "catalog"].iter().chain(arguments));
        set(&mut command);
        Self::of(command)
    }

    /// From a command that runs one.
    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.spawn().expect("start the daemon");
        let log = lines(child.stderr.take().expect("stderr is piped"));
        Self { child, log }
    }

    /// Reads the log up to a line with these words, and gives that line.
    #[track_caller]
    pub(crate) fn expect_line(&self, words: &str) -> String {
        let mut seen = Vec::new();
        while let Ok(line) = self.log.recv_timeout(HUNG) {
            if line.contains(words) {
                return line;
            }
            seen.push(line);
        }
        panic!("no line with {words:?} in {seen:#?}");
    }

    /// Sends a signal by its name.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &pid]).status();
        assert!(status.expect("run kill").success());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Both fail only for a child that has been waited for already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(stderr: ChildStderr) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            // The test may have read enough.
            let _ = sender.send(line);
        }
    });
    receiver
}
