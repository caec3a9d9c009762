//! `cargo xtask bench`: times, or instruction counts where times are too noisy.

use std::process::ExitCode;

use crate::step::{self, Step};
use crate::workspace::{cargo, require_valgrind};

/// Hands every argument but `--instructions` on to the benchmarks; `Err` is wrong usage.
pub(crate) fn run(args: &[String]) -> Result<ExitCode, String> {
    let step = match args.split_first() {
        Some((first, rest)) if first == "--instructions" => instructions(rest),
        _ => times(args),
    };
    step::run_selected(vec![step], &[]).map(|run| run.finish())
}

fn times(args: &[String]) -> Step {
    let mut bench = cargo(["bench", "-p", "hostcache-benches", "--bench", "*", "--"]);
    bench.args(args);
    Step::commands("bench", "the benchmarks, each beside its peers", [bench])
}

/// The programs run themselves under callgrind, once for each operation.
fn instructions(args: &[String]) -> Step {
    let counting = ["run", "--release", "-p", "hostcache-benches", "--bin", "instructions", "--"];
    let mut count = cargo(counting);
    count.args(args);
    let beside_c = ["run", "--release", "-p", "hostcache-benches", "--bin", "instructions-c"];
    Step::commands("instructions", "instructions per operation", [count, cargo(beside_c)])
        .needing(require_valgrind)
}
