//! One suite on one fault: until the first test fails.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::suite::{Suite, stem};

/// In what test, or how, a suite failed.
pub(super) type Verdict = Option<String>;

/// How often the time is looked at.
const TICK: Duration = Duration::from_millis(200);

/// Runs it; `Err` says why it could not be.
pub(super) fn run(suite: &Suite, fault: Option<&str>) -> Result<Verdict, String> {
    for mut command in suite.commands(fault) {
        let failed = run_program(&mut command, suite.limit())?;
        if failed.is_some() {
            return Ok(failed);
        }
    }
    Ok(None)
}

fn run_program(command: &mut Command, limit: Duration) -> Result<Verdict, String> {
    let scratch = Scratch::new()?;
    command.env("TMPDIR", &scratch.0).env("HOSTCACHE_TEST_DIRECTORY", &scratch.0);
    let (sender, lines) = mpsc::channel();
    let mut group = Group::start(command, limit, &sender)?;
    drop(sender);
    let begin = Instant::now();
    loop {
        match lines.recv_timeout(TICK) {
            Ok(line) => {
                if let Some(test) = failed_test(&line) {
                    return Ok(Some(test.to_owned()));
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if begin.elapsed() > limit {
            return Ok(Some(format!("hang of {}", name(command))));
        }
    }
    let status = group.0.wait().map_err(|error| format!("waiting failed: {error}"))?;
    Ok((!status.success()).then(|| format!("{} ended with {status}", name(command))))
}

fn name(command: &Command) -> String {
    stem(Path::new(command.get_program())).to_owned()
}

/// The test that a line of the harness says has failed.
fn failed_test(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.strip_suffix(" ... FAILED")
}

/// A command with all that it starts: a process group, gone when dropped.
struct Group(Child);

impl Group {
    fn start(command: &Command, limit: Duration, lines: &Sender<String>) -> Result<Self, String> {
        let mut command = end_anyway(command, limit);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command
            .process_group(0)
            .spawn()
            .map_err(|error| format!("the tests could not be started: {error}"))?;
        if let Some(stdout) = child.stdout.take() {
            forward(stdout, lines.clone());
        }
        Ok(Self(child))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The group's number stays taken until its first process, our child, is reaped below.
        let mut kill = Command::new("sh");
        kill.args(["-c", "kill -s KILL -- \"-$0\"", &self.0.id().to_string()]);
        let _ = kill.stderr(Stdio::null()).status();
        let _ = self.0.wait();
    }
}

/// The same command under a watch that outlives us: what a fault makes run for ever ends also when this command was
/// interrupted.
fn end_anyway(command: &Command, limit: Duration) -> Command {
    let mut watched = Command::new("timeout");
    watched.args(["-s", "KILL", &(limit.as_secs() + 10).to_string()]);
    watched.arg(command.get_program()).args(command.get_args());
    watched.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.get_current_dir().map(|directory| watched.current_dir(directory));
    watched
}

/// Sends the lines of an output on, from a thread of its own.
fn forward(output: impl Read + Send + 'static, lines: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            if lines.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                break;
            }
        }
    });
}

/// Before the number of the process that made it.
const PREFIX: &str = "hostcache-faults-";

/// A directory for the regions of one suite. What a killed test leaves there goes with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, String> {
        let shared = Path::new("/dev/shm");
        let parent = if shared.is_dir() { shared.to_owned() } else { std::env::temp_dir() };
        let path = parent.join(format!("{PREFIX}{}", std::process::id()));
        forget_the_dead(&parent);
        std::fs::create_dir(&path)
            .map_err(|error| format!("making {}: {error}", path.display()))?;
        Ok(Self(path))
    }
}

/// Removes the directories of commands that were interrupted.
fn forget_the_dead(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name.strip_prefix(PREFIX).filter(|pid| pid.parse::<u32>().is_ok());
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_test_is_named() {
        assert_eq!(failed_test("test a::b ... FAILED"), Some("a::b"));
        assert_eq!(failed_test("test a::b ... ok"), None);
    }

    #[test]
    fn a_group_ends_with_its_children() {
        let (sender, lines) = mpsc::channel();
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 1000 & echo $!; wait"]);
        let group = Group::start(&command, Duration::from_secs(60), &sender);
        let group = group.expect("a shell");
        let pid = lines.recv().expect("the child's number");
        drop(group);
        let begin = Instant::now();
        while Path::new("/proc").join(&pid).exists() {
            assert!(begin.elapsed() < Duration::from_secs(10), "process {pid} is still there");
            thread::sleep(TICK);
        }
    }
}
