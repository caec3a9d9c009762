//! `cargo xtask bench`: times side by side, or instruction counts where times are too noisy.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::step::{self, Step};
use crate::workspace::{cargo, require_valgrind, root};

/// How the name of a record of instruction counts ends; what comes before is its date.
const COUNTS: &str = "-instructions.md";

/// Hands the arguments behind the first on to the benchmarks that it names; `Err` is wrong usage.
pub(crate) fn run(args: &[String]) -> Result<ExitCode, String> {
    let steps = match args.split_first() {
        Some((first, rest)) if first == "--instructions" => vec![instructions(rest), beside_c()],
        Some((first, rest)) if first == "--criterion" => vec![criterion(rest)],
        Some((first, rest)) if first == "--hit-ratio" => vec![hit_ratio(rest)],
        _ => vec![side_by_side(args)],
    };
    step::run_selected(steps, &[]).map(|run| run.finish())
}

/// Everybody in one run. The package of the peers is built here and nowhere else.
fn side_by_side(args: &[String]) -> Step {
    let mut peers = cargo(["run", "--release", "-p", "hostcache-peers", "--"]);
    peers.args(args);
    Step::commands("bench", "hostcache side by side with its peers", [peers])
}

fn criterion(args: &[String]) -> Step {
    let mut bench = cargo(["bench", "-p", "hostcache-benches", "--bench", "*", "--"]);
    bench.args(args);
    Step::commands("criterion", "single operations, one after the other", [bench])
}

/// Misses at the same number of bytes, which need no quiet machine.
fn hit_ratio(args: &[String]) -> Step {
    let replay = ["run", "--release", "-p", "hostcache-benches", "--bin", "hit-ratio", "--"];
    let mut replays = cargo(replay);
    replays.args(args);
    Step::commands("hit-ratio", "misses beside those of policies and servers", [replays])
}

/// The program runs itself under callgrind, once for each operation.
fn instructions(args: &[String]) -> Step {
    let counting = ["run", "--release", "-p", "hostcache-benches", "--bin", "instructions", "--"];
    let mut count = cargo(counting);
    if let Some(record) = newest_counts(&root().join("benches/record").join(std::env::consts::ARCH))
    {
        count.arg("--against").arg(record);
    }
    count.args(args);
    Step::commands("instructions", "instructions per operation beside those recorded", [count])
        .needing(require_valgrind)
}

/// What C pays on top of Rust.
fn beside_c() -> Step {
    let count = ["run", "--release", "-p", "hostcache-benches", "--bin", "instructions-c"];
    Step::commands("instructions-c", "instructions of a get from C beside Rust's", [cargo(count)])
        .needing(require_valgrind)
}

/// The record of instruction counts with the latest date in its name.
fn newest_counts(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let is_count = |path: &PathBuf| path.to_string_lossy().ends_with(COUNTS);
    let newest = paths.filter(is_count).max()?;
    // From the root, where the program runs: shorter to read.
    Some(newest.strip_prefix(root()).map_or(newest.clone(), Path::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_record_of_counts_is_found() {
        let folder = std::env::temp_dir().join(format!("xtask-bench-{}", std::process::id()));
        fs::create_dir(&folder).expect("a scratch folder");
        for name in
            ["2026-01-02-instructions.md", "2025-12-31-instructions.md", "2027-01-01-single.md"]
        {
            fs::write(folder.join(name), "").expect("a file");
        }
        let found = newest_counts(&folder);
        fs::remove_dir_all(&folder).expect("the folder goes");
        assert!(found.is_some_and(|path| path.ends_with("2026-01-02-instructions.md")));
        assert_eq!(newest_counts(&folder), None);
    }
}
