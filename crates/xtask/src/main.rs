//! Developer commands, run as `cargo xtask COMMAND`.
//!
//! Every command is a list of named [steps](step::Step). They run one after the other, go on after a
//! failure and end with a table, so one run shows everything that is wrong. The same commands run on a
//! developer's machine and in CI.

mod bench;
mod check;
mod child;
mod counts;
mod faults;
mod golden;
mod header;
mod install;
mod sources;
mod step;
mod summary;
mod test;
mod torture;
mod weaken;
mod wheels;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

  test [--list] [STEP...]     run every test, or only the named steps
  check [--list] [STEP...]    formatting, lints, docs, dependencies, source rules
  bench [--quick] [--peers LIST]
                              hostcache side by side with its peers: ratios, a dated record, charts
  bench --hit-ratio [--traces DIR] [--quick]
                              misses at the same bytes beside policies, and servers where DIR has figures of them; writes a record
  bench --instructions [--explain WHY]
                              instructions per operation beside those recorded (needs valgrind); WHY records them anew
  bench --criterion [FILTER]  the benchmarks of single operations, or those whose name contains a filter
  weaken [SITE...]            which model notices each memory ordering of the core
  header                      write bindings/c/include/hostcache.h and the list of its symbols anew
  install-c --prefix DIR      the C library with its header, pkg-config and CMake files, and man page
  faults [--list] [NAME...]   which test notices each fault that can be planted in the core
  golden                      write the golden region of the present layout version anew
  wheels [--list] [STEP...]   the Python package for upload, for every system that can be built for here
  torture [--list] [STEP...]  the history and kill tests and the models, at volumes for hours

Exit code: 0 all passed, 1 a step failed, 2 wrong usage.
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let result = match args.split_first() {
        Some((command, rest)) => run(command, rest),
        None => Err("no command given".to_owned()),
    };
    result.unwrap_or_else(|problem| {
        eprint!("xtask: {problem}\n\n{USAGE}");
        ExitCode::from(2)
    })
}

/// Runs one command; `Err` is wrong usage.
fn run(command: &str, args: &[String]) -> Result<ExitCode, String> {
    match command {
        "test" => step::run_selected(test::steps(), args).map(|run| run.finish_counted()),
        "check" => step::run_selected(check::steps(), args).map(|run| run.finish()),
        "torture" => step::run_selected(torture::steps(), args).map(|run| run.finish_counted()),
        "wheels" => step::run_selected(wheels::steps(), args).map(|run| run.finish()),
        "weaken" => weaken::run(args),
        "faults" => faults::run(args),
        "bench" => bench::run(args),
        "header" => step::run_selected(header::steps(), args).map(|run| run.finish()),
        "install-c" => install::run(args),
        "golden" => step::run_selected(golden::steps(), args).map(|run| run.finish()),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        unknown => Err(format!("unknown command {unknown:?}")),
    }
}
