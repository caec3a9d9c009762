//! Runs commands and judges how they ended.

use std::ffi::OsStr;
use std::fmt;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// After so long a command is hung; far beyond what any takes on a loaded machine.
pub(crate) const HUNG: Duration = Duration::from_secs(60);

/// A directory of regions.
pub(crate) struct Host {
    directory: TempDir,
}

impl Host {
    /// Without regions.
    pub(crate) fn new() -> Self {
        // On tmpfs, as regions are outside tests too; under a name that nobody else's `list` looks into.
        let directory =
            tempfile::Builder::new().prefix("test-of-hostcache-").tempdir_in("/dev/shm");
        Self { directory: directory.expect("a directory in /dev/shm") }
    }

    /// With a region `catalog` of 16 MiB.
    pub(crate) fn with_catalog() -> Self {
        let host = Self::new();
        host.run(["create", "catalog", "--capacity", "16MiB"]).done();
        host
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// What `list` says of this directory: it shows those of other programs and tests too.
    pub(crate) fn listed(&self) -> Vec<Value> {
        let listing = self.json("list");
        let own = |region: &&Value| {
            let path = region["path"].as_str().expect("a path");
            Path::new(path).parent() == Some(self.directory.path())
        };
        listing["regions"].as_array().expect("a list").iter().filter(own).cloned().collect()
    }

    pub(crate) fn command<I>(&self, arguments: I) -> Command
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hostcache"));
        command
            .args(arguments)
            .env("HOSTCACHE_DIR", self.directory.path())
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run<I>(&self, arguments: I) -> Answer
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        let mut command = self.command(arguments);
        let child = command.spawn().expect("start hostcache");
        Answer::of(format!("{command:?}"), child)
    }

    /// Runs a command that reads from standard input.
    pub(crate) fn run_with_input<I>(&self, arguments: I, input: &[u8]) -> Answer
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).spawn().expect("start hostcache");
        let mut stdin = child.stdin.take().expect("stdin is piped");
        let input = input.to_vec();
        // A command may end without reading everything.
        let writer = thread::spawn(move || drop(stdin.write_all(&input)));
        let answer = Answer::of(format!("{command:?}"), child);
        writer.join().expect("writer");
        answer
    }

    /// Runs a command with `--format json` and gives its one object.
    pub(crate) fn json(&self, line: &str) -> Value {
        let arguments = line.split_whitespace().chain(["--format", "json"]);
        self.run(arguments).object()
    }
}

/// How a command ended and what it printed.
pub(crate) struct Answer {
    command: String,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stdout = String::from_utf8_lossy(&self.stdout);
        let Self { command, status, stderr, .. } = self;
        write!(f, "{command}: {status}\nstandard output: {stdout}\nstandard error: {stderr}")
    }
}

impl Answer {
    fn of(command: String, mut child: Child) -> Self {
        let stdout = read_all(child.stdout.take());
        let stderr = read_all(child.stderr.take());
        let status = wait(&mut child);
        let stdout = stdout.join().expect("reader").expect("stdout");
        let stderr = stderr.join().expect("reader").expect("stderr");
        Self { command, status, stdout, stderr: String::from_utf8_lossy(&stderr).into_owned() }
    }

    #[track_caller]
    fn expect_code(&self, code: i32) {
        assert_eq!(self.status.code(), Some(code), "{self:?}");
    }

    /// Exit code 0 and not a word of complaint.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        self.expect_code(0);
        assert_eq!(self.stderr, "", "{self:?}");
        self
    }

    /// [`done`](Self::done), without output.
    #[track_caller]
    pub(crate) fn done_silently(self) {
        let answer = self.done();
        assert!(answer.stdout.is_empty(), "{answer:?}");
    }

    /// Exit code 1, and nothing printed to a pipe.
    #[track_caller]
    pub(crate) fn negative(self) {
        self.expect_code(1);
        assert!(self.stdout.is_empty() && self.stderr.is_empty(), "{self:?}");
    }

    /// Exit code 2 and an error in the usual form; gives its text.
    #[track_caller]
    pub(crate) fn error(self) -> String {
        self.expect_code(2);
        assert!(self.stdout.is_empty(), "{self:?}");
        match self.stderr.strip_prefix("hostcache: ") {
            Some(text) => text.trim_end().to_owned(),
            None => panic!("not in the form of an error: {self:?}"),
        }
    }

    /// [`done`](Self::done), with text on standard output.
    #[track_caller]
    pub(crate) fn text(self) -> String {
        String::from_utf8(self.done().stdout).expect("UTF-8")
    }

    /// One JSON object on one line, whatever the exit code.
    #[track_caller]
    pub(crate) fn object(&self) -> Value {
        let text = String::from_utf8_lossy(&self.stdout);
        assert_eq!(text.matches('\n').count(), 1, "{self:?}");
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {self:?}"));
        assert!(value.is_object(), "{self:?}");
        value
    }
}

type Reader = thread::JoinHandle<io::Result<Vec<u8>>>;

/// Reads a pipe to its end, so that the child never waits for a reader.
pub(crate) fn read_all(pipe: Option<impl Read + Send + 'static>) -> Reader {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut bytes)?;
        }
        Ok(bytes)
    })
}

/// Waits for a child that has to end; kills it and fails if it hangs.
#[track_caller]
pub(crate) fn wait(child: &mut Child) -> ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("wait") {
            return status;
        }
        if start.elapsed() > HUNG {
            child.kill().expect("kill");
            panic!("child {} hung: {:?}", child.id(), child.wait());
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Repeats until it comes true; fails if it never does.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_true() {
        assert!(start.elapsed() < HUNG, "never came true: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
