//! How much is missed at the same number of bytes: the cache, with all that it needs besides, beside policies simulated without any
//! overhead; and beside servers, where a folder of traces brings figures of theirs.
//!
//! Without a folder the generated workloads are replayed. A folder has a `targets.csv`, one row for each trace and size, with the
//! columns `trace,source,mib,s3fifo,lru,…,slack`; a source is a file beside it, or `gen NAME` for a workload of the generator
//! `gen.rs` that is there, too. Times play no part.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

use hostcache_benches::record::{self, Table};
use hostcache_benches::settings;
use hostcache_replay::generate::{self, Settings, Workload};
use hostcache_replay::{Policy, ReplayOptions, Summary};

const USAGE: &str = "usage: hit-ratio [--traces DIR] [--quick]";
const MIB: u64 = 1 << 20;
/// Servers count where they took no more than so much of the limit.
const TOOK: f64 = 1.15;
/// Servers whose columns a table of targets may have.
const SERVERS: [&str; 3] = ["memcached", "redis_lru", "redis_lfu"];
/// Processes of the row that is replayed once more by several in turns.
const PROCESSES: usize = 4;

/// What is replayed at how many bytes.
struct Row {
    name: String,
    trace: PathBuf,
    mib: u64,
    /// Of S3-FIFO's misses, so many are allowed.
    slack: Option<f64>,
    /// Known miss ratios by column.
    known: Vec<(String, f64)>,
}

impl Row {
    fn known(&self, column: &str) -> Option<f64> {
        self.known.iter().find(|(name, _)| name == column).map(|&(_, value)| value)
    }

    /// A server's miss ratio, if it kept to the limit.
    fn server(&self, name: &str) -> Option<f64> {
        let took = self.known(&format!("{name}_mib")).unwrap_or(0.0);
        self.known(name).filter(|_| took <= TOOK * self.mib as f64)
    }

    fn replay(&self, processes: usize, compare: &[Policy]) -> Result<Summary, Box<dyn Error>> {
        Ok(hostcache_replay::run(&ReplayOptions {
            files: vec![self.trace.clone()],
            capacity: self.mib * MIB,
            processes,
            paced: false,
            compare: compare.to_vec(),
        })?)
    }
}

/// The rows of a folder. Generated ones are written to `scratch`.
fn rows_of(folder: &Path, scratch: &Path) -> Result<Vec<Row>, Box<dyn Error>> {
    let path = folder.join("targets.csv");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut lines = text.lines();
    let columns: Vec<&str> = lines.next().ok_or("targets.csv is empty")?.split(',').collect();
    let mut rows = Vec::new();
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let cell = |column: &str| {
            let at = columns.iter().position(|name| *name == column);
            at.and_then(|at| cells.get(at).copied()).ok_or(format!("{line:?} has no {column}"))
        };
        let trace = match cell("source")?.strip_prefix("gen ") {
            Some(workload) => generated_by(folder, scratch, workload)?,
            None => folder.join(cell("source")?),
        };
        let numbers = columns.iter().zip(&cells);
        rows.push(Row {
            name: cell("trace")?.to_owned(),
            trace,
            mib: cell("mib")?.parse()?,
            slack: cell("slack").ok().and_then(|slack| slack.parse().ok()),
            known: numbers
                .filter_map(|(name, cell)| Some(((*name).to_owned(), cell.parse().ok()?)))
                .collect(),
        });
    }
    Ok(rows)
}

/// A workload of the folder's own generator, which is compiled at its first use.
fn generated_by(folder: &Path, scratch: &Path, workload: &str) -> Result<PathBuf, Box<dyn Error>> {
    let (generator, trace) = (scratch.join("gen"), scratch.join(format!("{workload}.trace")));
    if !generator.exists() {
        let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        rustc.arg("-O").arg(folder.join("gen.rs")).arg("-o").arg(&generator);
        if !rustc.status()?.success() {
            return Err(format!("{rustc:?} failed").into());
        }
    }
    if !trace.exists() {
        let mut run = Command::new(&generator);
        if !run.arg(workload).stdout(fs::File::create(&trace)?).status()?.success() {
            return Err(format!("{run:?} failed").into());
        }
    }
    Ok(trace)
}

/// Our own workloads.
fn own_rows(scratch: &Path, seed: u64, requests: u64) -> Result<Vec<Row>, Box<dyn Error>> {
    let mut rows = Vec::new();
    for workload in Workload::ALL {
        let trace = scratch.join(format!("{workload}.trace"));
        let mut out = std::io::BufWriter::new(fs::File::create(&trace)?);
        let settings = Settings { workload, seed, requests, keys: requests / 10 };
        generate::write(&settings, &mut out)?;
        let row = |mib| Row {
            name: workload.name().to_owned(),
            trace: trace.clone(),
            mib,
            slack: None,
            known: Vec::new(),
        };
        rows.extend([row(requests / 250_000), row(requests / 62_500)]);
    }
    Ok(rows)
}

/// Means of ratios.
#[derive(Default)]
struct Means(Vec<(String, Vec<f64>)>);

impl Means {
    fn add(&mut self, to: &str, ratio: f64) {
        match self.0.iter_mut().find(|(name, _)| name == to) {
            Some((_, ratios)) => ratios.push(ratio),
            None => self.0.push((to.to_owned(), vec![ratio])),
        }
    }

    fn table(&self) -> Table {
        let mut table = Table::new(&["misses, as a ratio to", "geometric mean", "rows"]);
        for (name, ratios) in &self.0 {
            let mean = ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64;
            table.row(vec![name.clone(), format!("{:.4}", mean.exp()), ratios.len().to_string()]);
        }
        table
    }
}

const POLICIES: [Policy; 3] = [Policy::S3Fifo, Policy::Lru, Policy::Gdsf];

fn measure(rows: &[Row]) -> Result<(Table, Means), Box<dyn Error>> {
    let columns = [
        "trace",
        "MiB",
        "missed",
        "s3fifo",
        "allowed",
        "lru",
        "gdsf",
        "memcached",
        "best server",
        "bytes an item",
        "live",
    ];
    let (mut table, mut means) = (Table::new(&columns), Means::default());
    for row in rows {
        let missing: Vec<Policy> =
            POLICIES.into_iter().filter(|policy| row.known(policy.name()).is_none()).collect();
        let summary = row.replay(1, &missing)?;
        let missed = summary.miss_ratio();
        let mut ratio_to = |name: &str, theirs: Option<f64>| {
            let ratio = missed / theirs.filter(|theirs| *theirs > 0.0)?;
            means.add(name, ratio);
            Some(ratio)
        };
        let mut ratios = Vec::new();
        for policy in POLICIES {
            let simulated = summary.compared.iter().find(|with| with.policy == policy);
            let theirs = row.known(policy.name()).or(simulated.map(|with| with.miss_ratio));
            ratios.push(ratio_to(policy.name(), theirs));
        }
        let memcached = ratio_to("memcached", row.server("memcached"));
        let best = SERVERS.iter().filter_map(|name| row.server(name)).reduce(f64::min);
        let best = ratio_to("best server", best);
        let shown =
            |ratio: Option<f64>| ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.3}"));
        let region = row.mib as f64 * MIB as f64;
        table.row(vec![
            row.name.clone(),
            row.mib.to_string(),
            format!("{missed:.4}"),
            shown(ratios[0]),
            row.slack.map_or("-".to_owned(), |slack| format!("{slack:.2}")),
            shown(ratios[1]),
            shown(ratios[2]),
            shown(memcached),
            shown(best),
            summary.memory_bytes().checked_div(summary.stats.curr_items).unwrap_or(0).to_string(),
            format!("{:.3}", summary.stats.bytes as f64 / region),
        ]);
    }
    Ok((table, means))
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (folder, quick) = match words[..] {
        [] => (None, false),
        ["--quick"] => (None, true),
        ["--traces", folder] => (Some(PathBuf::from(folder)), false),
        _ => return Err(USAGE.into()),
    };
    let seed = settings::seed()?;
    let scratch = env::temp_dir().join(format!("hostcache-hit-ratio-{}", std::process::id()));
    fs::create_dir(&scratch)?;
    let done = (|| {
        let rows = match &folder {
            Some(folder) => rows_of(folder, &scratch)?,
            None => own_rows(&scratch, seed, if quick { 500_000 } else { 4_000_000 })?,
        };
        let (table, means) = measure(&rows)?;
        let row = rows.first().ok_or("no rows")?;
        let (alone, team) = (row.replay(1, &[])?, row.replay(PROCESSES, &[])?);
        let team = format!(
            "{} at {} MiB by {PROCESSES} processes in turns: {:.4} times the misses of one.",
            row.name,
            row.mib,
            team.miss_ratio() / alone.miss_ratio()
        );
        Ok::<_, Box<dyn Error>>((table, means, team))
    })();
    fs::remove_dir_all(&scratch)?;
    let (table, means, team) = done?;
    let command = match (&folder, quick) {
        (Some(_), _) => "cargo xtask bench --hit-ratio --traces DIR",
        (None, true) => "cargo xtask bench --hit-ratio --quick",
        (None, false) => "cargo xtask bench --hit-ratio",
    };
    let head = record::head("Hit ratio", command, seed);
    let page = format!(
        "{head}Ratios are misses of the cache to misses of the other. The cache has so many MiB for everything; policies are simulated \
         with as many for keys and values alone. A server counts where it took at most {TOOK} times the limit.\n\n{table}\n{}\n{team}\n",
        means.table()
    );
    print!("\n{page}");
    if !quick {
        let name = if folder.is_some() { "hit-ratio-traces" } else { "hit-ratio" };
        let path = record::folder().join(format!("{}-{name}.md", record::today()));
        fs::write(&path, page)?;
        println!("\nwritten to {}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}
