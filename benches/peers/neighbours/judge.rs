//! One trial, and what it found.

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use clap::ValueEnum as _;
use tempfile::TempDir;

use crate::roles::{ERROR, LOST, Role, WRONG};
use crate::subject::Kind;
use crate::tracee::{PAUSE, Tracee};

/// Who has not ended by then hangs.
const PATIENCE: Duration = Duration::from_secs(2);
/// A write of more instructions than this has gone astray.
const LONGEST: u64 = 10_000_000;

/// What happens to the victim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Killed,
    Stopped,
}

impl End {
    pub(crate) const ALL: [Self; 2] = [Self::Killed, Self::Stopped];

    fn name(self) -> &'static str {
        match self {
            Self::Killed => "killed",
            Self::Stopped => "stopped",
        }
    }
}

/// What was wrong at one point.
#[derive(Debug, Default)]
pub(crate) struct Found {
    reader_hangs: bool,
    writer_hangs: bool,
    /// What is wrong with items, refusals and crashes, in the witnesses' words.
    lines: Vec<String>,
}

/// A crash is told by this process.
const CRASH: &str = "crash ";

/// How many instructions the write takes that is cut.
pub(crate) fn length(kind: Kind) -> Result<u64, String> {
    let directory = directory()?;
    let maker = Maker::start(kind, directory.path())?;
    let mut victim = Tracee::new(start(Role::Victim, kind, directory.path())?)?;
    let mut length = 0;
    while !victim.step()? {
        length += 1;
        if length > LONGEST {
            return Err(format!("a write to {} does not end", kind.name()));
        }
    }
    drop(maker);
    Ok(length)
}

/// A store of its own whose writer is killed or stopped after so many instructions, and what others find then.
pub(crate) fn try_at(kind: Kind, end: End, cut: u64) -> Result<Found, String> {
    let directory = directory()?;
    let path = directory.path();
    let maker = Maker::start(kind, path)?;
    let mut victim = Tracee::new(start(Role::Victim, kind, path)?)?;
    let mut has_ended = false;
    for _ in 0..cut {
        has_ended = victim.step()?;
        if has_ended {
            break;
        }
    }
    let stopped = match end {
        End::Killed => {
            drop(victim);
            None
        }
        End::Stopped => Some(victim),
    };
    let mut found = Found::default();
    found.reader_hangs = witness(Role::Reader, kind, path, &mut found.lines)?;
    found.writer_hangs = witness(Role::Writer, kind, path, &mut found.lines)?;
    if let Some(mut victim) = stopped
        && !has_ended
        && !victim.go_on(PATIENCE)?
    {
        found.lines.push(format!("{ERROR}the stopped writer does not get on"));
    }
    found.reader_hangs |= witness(Role::LastReader, kind, path, &mut found.lines)?;
    drop(maker);
    Ok(found)
}

fn directory() -> Result<TempDir, String> {
    let made = tempfile::Builder::new().prefix("hostcache-neighbours-").tempdir_in("/dev/shm");
    made.map_err(|error| format!("a directory in /dev/shm: {error}"))
}

fn start(role: Role, kind: Kind, directory: &Path) -> Result<Child, String> {
    let name = |value: Option<clap::builder::PossibleValue>| {
        value.map(|value| value.get_name().to_owned()).unwrap_or_default()
    };
    let program = env::current_exe().map_err(|error| format!("this program: {error}"))?;
    let mut command = Command::new(program);
    command.args(["--subjects", &name(kind.to_possible_value())]);
    command.args(["--role", &name(role.to_possible_value())]);
    command.arg("--store").arg(directory);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().map_err(|error| format!("starting a {role:?}: {error}"))
}

/// Who made the store and has it open. Ends, and is reaped, when dropped.
struct Maker(Child);

impl Maker {
    fn start(kind: Kind, directory: &Path) -> Result<Self, String> {
        let mut maker = Self(start(Role::Maker, kind, directory)?);
        let mut line = String::new();
        if let Some(output) = maker.0.stdout.take() {
            let read = BufReader::new(output).read_line(&mut line);
            read.map_err(|error| format!("what the maker says: {error}"))?;
        }
        if line.trim_end() == "ready" {
            return Ok(maker);
        }
        Err(format!("making a store of {}: {}", kind.name(), said(maker.0.stderr.take())))
    }
}

impl Drop for Maker {
    fn drop(&mut self) {
        // What has no reason to fail; a child that is gone already is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Adds what another process finds; whether it hangs.
fn witness(
    role: Role,
    kind: Kind,
    directory: &Path,
    lines: &mut Vec<String>,
) -> Result<bool, String> {
    let mut child = start(role, kind, directory)?;
    let begin = Instant::now();
    let mut hangs = false;
    let status = loop {
        let status =
            child.try_wait().map_err(|error| format!("waiting for a {role:?}: {error}"))?;
        if let Some(status) = status {
            break status;
        }
        if begin.elapsed() > PATIENCE && !hangs {
            hangs = true;
            child.kill().map_err(|error| format!("ending a {role:?}: {error}"))?;
        }
        thread::sleep(PAUSE);
    };
    lines.extend(said(child.stdout.take()).lines().map(str::to_owned));
    if !hangs && !status.success() {
        let how = status.signal().map_or("panic".to_owned(), |signal| format!("signal {signal}"));
        let why = said(child.stderr.take());
        lines.push(format!(
            "{CRASH}{role:?}: {how} {}",
            why.lines().find(|line| !line.is_empty()).unwrap_or_default()
        ));
    }
    Ok(hangs)
}

fn said(output: Option<impl Read>) -> String {
    let mut text = Vec::new();
    if let Some(mut output) = output {
        // What can't be read was not said.
        let _ = output.read_to_end(&mut text);
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// What can be found at a point.
const FINDINGS: [&str; 6] =
    ["readers hang", "writers hang", "lost", "torn or foreign", "error", "crash"];

/// At how many points something was found.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    points: u32,
    clean: u32,
    /// By `FINDINGS`: the points.
    cuts: [Vec<u64>; FINDINGS.len()],
    /// Refusals and crashes, and the first point of each.
    texts: BTreeMap<String, u64>,
}

impl Tally {
    pub(crate) fn columns() -> Vec<&'static str> {
        let head = ["subject", "writer", "instructions", "points", "clean"];
        head.into_iter().chain(FINDINGS).collect()
    }

    /// Points come in ascending order.
    pub(crate) fn add(&mut self, cut: u64, found: &Found) {
        let says = |what: &str| found.lines.iter().any(|line| line.starts_with(what));
        let hangs = [found.reader_hangs, found.writer_hangs];
        let lines = [LOST, WRONG, ERROR, CRASH].map(says);
        let is_there = hangs.into_iter().chain(lines);
        self.points += 1;
        self.clean += u32::from(!hangs.contains(&true) && found.lines.is_empty());
        for (cuts, _) in self.cuts.iter_mut().zip(is_there).filter(|&(_, is_there)| is_there) {
            cuts.push(cut);
        }
        for line in found
            .lines
            .iter()
            .filter(|line| [ERROR, CRASH].iter().any(|what| line.starts_with(what)))
        {
            self.texts.entry(line.clone()).or_insert(cut);
        }
    }

    pub(crate) fn row(&self, name: &str, end: End, length: u64) -> Vec<String> {
        let head = [name.to_owned(), end.name().to_owned(), length.to_string()];
        let counts = [self.points, self.clean].map(|count| count.to_string());
        let found = self.cuts.iter().map(|cuts| cuts.len().to_string());
        head.into_iter().chain(counts).chain(found).collect()
    }

    /// Where in the operation something was found, and what was said at points that ended in a refusal or a crash.
    pub(crate) fn remarks(&self, name: &str, end: End) -> String {
        let end = end.name();
        let place = |(what, cuts): (&str, &Vec<u64>)| {
            let (first, last) = (cuts.first()?, cuts.last()?);
            Some(format!("* {name}, {end}: {what} from {first} to {last} instructions on\n"))
        };
        let text = |(text, cut): (&String, &u64)| {
            format!("* {name}, {end}, first after {cut} instructions: {text}\n")
        };
        let places = FINDINGS.into_iter().zip(&self.cuts).filter_map(place);
        places.chain(self.texts.iter().map(text)).collect()
    }
}
