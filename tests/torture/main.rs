//! Kills and stops a process at every point of an operation, and replays what was found.

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn main() -> std::process::ExitCode {
    command::main()
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn main() {
    println!("skipped: processes are stepped on Linux on x86-64 only");
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod long;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod command {
    use std::process::ExitCode;
    use std::time::Instant;

    use super::long;
    use hostcache_tests::random::seed;
    use hostcache_tests::torture::{Pairs, Schedules, Totals, Work, duel, replay, run};
    use hostcache_tests::volume::points;

    const USAGE: &str = "\
Usage: hostcache-torture run [FIRST]      every operation killed and stopped, from a case on
       hostcache-torture coverage         the same, and which instructions were kill and stop points
       hostcache-torture kill SEED CASE [POINT]
       hostcache-torture double SEED CASE INDEX [POINT]
       hostcache-torture stop SEED CASE OPERATIONS SEED CODE TIMES
       hostcache-torture pair SEED CASE KILL THIRD PLACES
       hostcache-torture case SEED CASE
                                          one finding once more
       hostcache-torture pairs [FIRST]    two processes at once, switched at their accesses
       hostcache-torture pairs ONE OTHER  the same of two that do this: set, overwrite, delete, …

       hostcache-torture collect FILE KILLS DOUBLES STOPS
                                          so many points in all, one line a chunk added to a file; goes on where
                                          its last line ends
       hostcache-torture storm SECONDS [FILE]
                                          eight processes, one killed every 10 ms; beside a run in which the killed are
                                          on another region

Volumes: HOSTCACHE_TEST_KILL_POINTS, HOSTCACHE_TEST_DOUBLE_FAULTS, HOSTCACHE_TEST_STOP_POINTS,
HOSTCACHE_TEST_STOP_OPS (operations of others at each stop); HOSTCACHE_TEST_PAIRS (interleavings),
HOSTCACHE_TEST_PAIR_CUTS (accesses of each pair before which it is switched). HOSTCACHE_SEED replays a run.
";

    pub(crate) fn main() -> ExitCode {
        let words: Vec<String> = std::env::args().skip(1).collect();
        match words.first().map(String::as_str) {
            Some("run") => torture(words.get(1), false),
            Some("coverage") => torture(None, true),
            Some("collect") => report(long::collect(&words[1..])),
            Some("storm") => report(long::storm(&words[1..])),
            Some("pairs") => pairs(&words[1..]),
            Some("kill" | "double" | "stop" | "pair" | "case") => match replay(&words) {
                Ok(Ok(())) => {
                    println!("nothing found");
                    ExitCode::SUCCESS
                }
                Ok(Err(finding)) => {
                    println!("{finding}");
                    ExitCode::FAILURE
                }
                Err(wrong) => usage(&wrong),
            },
            _ => usage("no command"),
        }
    }

    fn report(done: Result<bool, String>) -> ExitCode {
        match done {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(wrong) => usage(&wrong),
        }
    }

    fn usage(wrong: &str) -> ExitCode {
        eprint!("hostcache-torture: {wrong}\n\n{USAGE}");
        ExitCode::from(2)
    }

    fn pairs(words: &[String]) -> ExitCode {
        let all = Pairs::of_environment(seed("pairs"), points);
        let work = match words {
            [] => Some(all),
            [first] => first.parse().ok().map(|first| Pairs { first, ..all }),
            [one, other, ..] => all.only(one, other),
        };
        let Some(work) = work else { return usage(&format!("{words:?} name no pairs")) };
        let start = Instant::now();
        let progress = |sum: &Schedules| eprintln!("{:>5} s  {sum}", start.elapsed().as_secs());
        match duel(&work, progress) {
            Ok((sum, costs)) => println!("{sum}\n{costs}"),
            Err(None) => println!("skipped: processes may not be traced here"),
            Err(Some(finding)) => {
                println!("{finding}");
                return ExitCode::FAILURE;
            }
        }
        ExitCode::SUCCESS
    }

    fn torture(first: Option<&String>, lists: bool) -> ExitCode {
        let work = Work {
            first: first.and_then(|first| first.parse().ok()).unwrap_or(0),
            ..Work::of_environment(seed("torture"), points)
        };
        let start = Instant::now();
        let progress = |totals: &Totals| eprintln!("{:>5} s  {totals}", start.elapsed().as_secs());
        match run(&work, progress) {
            Ok((totals, coverage)) => {
                if lists {
                    print!("   stores    kills   stops\n{}", coverage.list());
                    println!("{}", coverage.unreached());
                }
                println!("{totals}\n{}", coverage.summary());
                ExitCode::SUCCESS
            }
            Err(None) => {
                println!("skipped: processes may not be traced here");
                ExitCode::SUCCESS
            }
            Err(Some(finding)) => {
                println!("{finding}");
                ExitCode::FAILURE
            }
        }
    }
}
