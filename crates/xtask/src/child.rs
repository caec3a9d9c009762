//! Runs one child process: its output is shown as it comes, and its tests are counted on the way.

use std::io::{self, BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::counts::Counts;

/// How often a silent child is asked whether it has ended.
const POLL: Duration = Duration::from_millis(200);

/// How long the output may stay open after the child's end before somebody is said to have been left behind.
const GRACE: Duration = Duration::from_secs(10);

/// Runs `command` to its end with no input and our own output.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let status =
        command.stdin(Stdio::null()).status().map_err(|error| not_started(command, &error))?;
    verdict(status)
}

/// Like [`run`], and adds the tests that the child reports to `counts`.
pub(crate) fn run_counting(command: &mut Command, counts: &mut Counts) -> Result<(), String> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| not_started(command, &error))?;
    let lines = lines_of(&mut child);
    let mut ended = None;
    loop {
        match lines.recv_timeout(POLL) {
            Ok(line) => {
                let line = String::from_utf8_lossy(&line);
                print!("{line}");
                if let Some(found) = Counts::from_line(line.trim_end()) {
                    *counts += found;
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
            // A grandchild that outlives the child keeps the pipe open, so end of output alone is not
            // enough to go by: a leaked process would make this wait for ever.
            Err(RecvTimeoutError::Timeout) => {
                let status =
                    child.try_wait().map_err(|error| format!("waiting failed: {error}"))?;
                if status.is_some() && ended.get_or_insert_with(Instant::now).elapsed() > GRACE {
                    return Err("a process that it started outlived it and holds its output open"
                        .to_owned());
                }
            }
        }
    }
    verdict(child.wait().map_err(|error| format!("waiting failed: {error}"))?)
}

/// The child's output line by line, from a thread of its own; disconnected at the end of the output.
fn lines_of(child: &mut Child) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || {
            let mut reader = BufReader::new(stdout);
            let mut line = Vec::new();
            while matches!(reader.read_until(b'\n', &mut line), Ok(1..)) {
                if sender.send(std::mem::take(&mut line)).is_err() {
                    break;
                }
            }
        });
    }
    receiver
}

fn verdict(status: std::process::ExitStatus) -> Result<(), String> {
    if status.success() { Ok(()) } else { Err(status.to_string()) }
}

fn not_started(command: &Command, error: &io::Error) -> String {
    format!("{} could not be started: {error}", command.get_program().display())
}

/// The command as one would type it at the workspace root.
pub(crate) fn describe(command: &Command) -> String {
    let environment = command.get_envs().filter_map(|(name, value)| {
        Some(format!("{}={}", name.display(), quoted(&value?.to_string_lossy())))
    });
    // Cargo hands the full path of itself on; its name is enough to read.
    let program = std::path::Path::new(command.get_program());
    let program = program.file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    environment
        .chain(words.map(|word| quoted(&word.to_string_lossy())))
        .collect::<Vec<_>>()
        .join(" ")
}

/// The word, in quotes where a shell would take it apart.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,+".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{word}'") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::shell;

    #[test]
    fn tests_of_a_child_are_counted_and_its_exit_code_decides() {
        let mut counts = Counts::default();
        let line = "test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out";
        let outcome = run_counting(&mut shell(&format!("echo '{line}'; exit 3")), &mut counts);
        assert_eq!(counts, Counts { passed: 2, failed: 0, skipped: 1 });
        assert!(outcome.is_err_and(|why| why.contains('3')));
    }

    #[test]
    fn a_child_gets_no_input() {
        assert_eq!(run(&mut shell("! read line")), Ok(()));
    }

    #[test]
    fn a_program_that_is_missing_is_named() {
        let outcome = run(&mut Command::new("no-such-program-here"));
        assert!(outcome.is_err_and(|why| why.contains("no-such-program-here")));
    }

    #[test]
    fn a_command_is_described_as_it_would_be_typed() {
        let mut command = Command::new("/usr/bin/cargo");
        command.env("RUSTFLAGS", "--cfg loom").args(["test", "--test", "*"]);
        assert_eq!(describe(&command), "RUSTFLAGS='--cfg loom' cargo test --test '*'");
    }
}
