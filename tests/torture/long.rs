//! Runs of hours, in chunks: one line each, added to a file, so that the next run goes on where this one ended.

use std::fs::{File, read_to_string};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use hostcache_tests::campaign::Storm;
use hostcache_tests::random::{mix, seed};
use hostcache_tests::torture::{Totals, Work, run};

/// Points of one chunk: about a minute.
const CHUNK: [u64; 3] = [100_000, 100_000, 20_000];
/// What a line begins with.
const POINTS: &str = "points";

/// `FILE KILLS DOUBLES STOPS`; whether nothing was found.
pub(crate) fn collect(words: &[String]) -> Result<bool, String> {
    let [file, wanted @ ..] = words else { return Err("no file".into()) };
    let wanted: Vec<u64> = wanted
        .iter()
        .map(|word| word.parse().map_err(|e| format!("{word:?}: {e}")))
        .collect::<Result<_, _>>()?;
    let [kills, doubles, stops] = wanted[..] else { return Err("three numbers of points".into()) };
    let mut done = Done::read(Path::new(file))?;
    let seed = done.seed.unwrap_or_else(|| seed("collect"));
    loop {
        let left = [
            kills - done.points[0].min(kills),
            doubles - done.points[1].min(doubles),
            stops - done.points[2].min(stops),
        ];
        if left == [0; 3] {
            println!("{done}");
            return Ok(true);
        }
        let begin = Instant::now();
        let [kills, doubles, stops] = [0, 1, 2].map(|at| left[at].min(CHUNK[at]));
        let work =
            Work { seed, first: done.next, kills, doubles, stops, operations: 40, threads: 2 };
        let totals = match run(&work, |_| {}) {
            Ok((totals, _)) => totals,
            Err(None) => {
                println!("skipped: processes may not be traced here");
                return Ok(true);
            }
            Err(Some(finding)) => {
                println!("{finding}");
                add(file, &format!("FOUND {finding}"))?;
                return Ok(false);
            }
        };
        let line = line(seed, done.next, &totals, begin.elapsed());
        println!("{line}");
        add(file, &line)?;
        done.count(&line)?;
    }
}

/// All chunks of a file.
#[derive(Debug, Default)]
struct Done {
    seed: Option<u64>,
    /// The case that comes next.
    next: u64,
    /// Kills, double faults, stops.
    points: [u64; 3],
}

impl std::fmt::Display for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [kills, doubles, stops] = self.points;
        let cases = self.next;
        write!(
            f,
            "{cases} cases: {kills} kill points, {doubles} double faults, {stops} stop points"
        )
    }
}

fn line(seed: u64, first: u64, totals: &Totals, time: Duration) -> String {
    let Totals { cases, kills, doubles, stops, .. } = totals;
    let (next, seconds) = (first + cases, time.as_secs());
    format!(
        "{POINTS} seed {seed} cases {first} to {next}: kills {kills} doubles {doubles} stops {stops}, nothing found, {seconds} s"
    )
}

impl Done {
    fn read(path: &Path) -> Result<Self, String> {
        let mut done = Self::default();
        if path.exists() {
            let text = read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
            text.lines()
                .filter(|line| line.starts_with(POINTS))
                .try_for_each(|line| done.count(line))?;
        }
        Ok(done)
    }

    fn count(&mut self, line: &str) -> Result<(), String> {
        let words: Vec<&str> = line.split([' ', ':', ',']).collect();
        let behind = |name: &str| -> Result<u64, String> {
            let at = words.iter().position(|word| *word == name);
            let word =
                at.and_then(|at| words.get(at + 1)).ok_or(format!("{line:?} has no {name}"))?;
            word.parse().map_err(|e| format!("{line:?}: {name} {word:?}: {e}"))
        };
        let seed = behind("seed")?;
        if self.seed.is_some_and(|other| other != seed) {
            return Err(format!("{line:?}: another seed than the lines before it"));
        }
        self.seed = Some(seed);
        self.next = behind("to")?;
        for (at, name) in ["kills", "doubles", "stops"].into_iter().enumerate() {
            self.points[at] += behind(name)?;
        }
        Ok(())
    }
}

fn add(file: &str, line: &str) -> Result<(), String> {
    let mut open =
        File::options().create(true).append(true).open(file).map_err(|e| format!("{file}: {e}"))?;
    writeln!(open, "{line}").map_err(|e| format!("{file}: {e}"))
}

/// `SECONDS [FILE]`: in chunks of five seconds.
pub(crate) fn storm(words: &[String]) -> Result<bool, String> {
    let seconds: u64 =
        words.first().and_then(|word| word.parse().ok()).ok_or("how many seconds?")?;
    let me = std::env::current_exe().map_err(|e| format!("finding this program: {e}"))?;
    let program = me.with_file_name("test-worker");
    let program = program.to_str().ok_or("a path that is no text")?;
    let all = seed("storm");
    for chunk in 0..seconds.div_ceil(5) {
        let length = Duration::from_secs((seconds - 5 * chunk).min(5));
        let seed = mix(all + chunk) >> 16;
        let every = Duration::from_millis(10);
        let mut storm = Storm { program, seed, length, every, elsewhere: false };
        let weather = storm.run();
        storm.elsewhere = true;
        let control = storm.run();
        for line in
            [format!("storm seed {seed}: {weather}"), format!("beside seed {seed}: {control}")]
        {
            println!("{line}");
            if let Some(file) = words.get(1) {
                add(file, &line)?;
            }
        }
    }
    Ok(true)
}
