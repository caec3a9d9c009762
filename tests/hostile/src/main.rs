//! `hostcache-hostile`: runs and replays what an enemy writes. The tests of this package call it.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::process::ExitCode;
use std::time::Duration;

use hostcache_hostile::campaign::{self, End, Settings};
use hostcache_hostile::input::from_hex;
use hostcache_hostile::target::Target;
use hostcache_hostile::{hunt, live, probe};

const USAGE: &str = "\
Usage: hostcache-hostile COMMAND [--OPTION VALUE]...

  fuzz TARGET       inputs from a seed; TARGET is core or cache
                    --seed N --executions N --seconds N --corpus DIR --keep DIR --lines FILE
  replay TARGET HEX one input
  live              operations while another process writes: --seed N --seconds N
  hunt              a word changes between two instructions of an operation:
                    --seed N --stride N (instructions between two stops)
  probe DIR         a region's life, in which any call to the system may fail

Exit code: 0 nothing found, 1 a finding, 2 wrong usage.
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprint!("hostcache-hostile: {problem}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Options by name.
struct Options(HashMap<String, String>);

impl Options {
    fn parse(args: &[String]) -> Result<Self, String> {
        let mut options = HashMap::new();
        for pair in args.chunks(2) {
            let [name, value] = pair else { return Err(format!("{} has no value", pair[0])) };
            let name = name.strip_prefix("--").ok_or_else(|| format!("unknown word {name:?}"))?;
            options.insert(name.to_owned(), value.clone());
        }
        Ok(Self(options))
    }

    fn number(&self, name: &str, default: u64) -> Result<u64, String> {
        let Some(text) = self.0.get(name) else { return Ok(default) };
        text.parse().map_err(|e| format!("--{name} {text}: {e}"))
    }

    fn seed(&self) -> Result<u64, String> {
        self.number("seed", RandomState::new().hash_one("hostile") >> 16)
    }

    fn seconds(&self) -> Result<Duration, String> {
        Ok(Duration::from_secs(self.number("seconds", 60)?))
    }
}

fn run(args: &[String]) -> Result<bool, String> {
    let target = |name: &String| Target::named(name).ok_or_else(|| format!("no target {name:?}"));
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["fuzz", _, ..] => {
            let options = Options::parse(&args[2..])?;
            let path = |name: &str| options.0.get(name).map(Into::into);
            Ok(campaign::run(&Settings {
                target: target(&args[1])?,
                seed: options.seed()?,
                executions: options.number("executions", u64::MAX)?,
                time: options.seconds()?,
                corpus: path("corpus"),
                keep: path("keep"),
                lines: path("lines"),
            }))
        }
        ["replay", _, hex] => {
            let input = from_hex(hex).ok_or("the input is not in hexadecimal digits")?;
            let end = campaign::replay(target(&args[1])?, &input);
            println!("{end:?}");
            Ok(end == End::Good)
        }
        ["live", ..] => {
            let options = Options::parse(&args[1..])?;
            Ok(live::run(options.seed()?, options.seconds()?))
        }
        ["hunt", ..] => {
            let options = Options::parse(&args[1..])?;
            Ok(hunt::run(options.seed()?, options.number("stride", 1)?))
        }
        ["probe", directory] => Ok(probe::run(directory.as_ref())),
        _ => Err("no such command".into()),
    }
}
