//! `demo`: a storefront at work.

use hostcache_demo::{DemoOptions, Verdict};

use crate::failure::{ERROR, Failure, Outcome};
use crate::output::Output;
use crate::units;

/// Run a storefront: a SQLite database, worker processes, and one cache in front of it
///
/// Half-way one worker is killed and replaced. Every answer is checked against the database. Exit code 1
/// if one was wrong, or if the region is not sound at the end.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache demo
  hostcache demo --seconds 10 --workers 2 --products 20000 --capacity 16MiB")]
pub(crate) struct Args {
    /// How long the workers serve traffic, in seconds [default: 30]
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// Worker processes [default: 4]
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// Products in the database [default: 100000]
    #[arg(long, value_name = "N")]
    products: Option<u64>,
    /// Capacity of the region [default: 64MiB]
    #[arg(long, value_name = "SIZE", value_parser = units::parse_size)]
    capacity: Option<u64>,
    /// Repeat the run that printed this seed
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

impl Args {
    fn options(&self) -> DemoOptions {
        let default = DemoOptions::default();
        DemoOptions {
            seconds: self.seconds.unwrap_or(default.seconds),
            workers: self.workers.unwrap_or(default.workers),
            products: self.products.unwrap_or(default.products),
            capacity: self.capacity.unwrap_or(default.capacity),
            seed: self.seed.unwrap_or(default.seed),
        }
    }
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<Outcome, Failure> {
    if output.is_json() {
        return Err(Failure::Usage("demo prints text only: leave --format json out".to_owned()));
    }
    Ok((hostcache_demo::run(&args.options())? == Verdict::Clean).into())
}

/// One worker of a demo, started by the demo itself.
pub(crate) fn run_worker(arguments: &[String]) -> Outcome {
    Outcome::Code(u8::try_from(hostcache_demo::worker_main(arguments)).unwrap_or(ERROR))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Args as _, Command};

    #[test]
    fn the_help_text_states_the_real_defaults() {
        let help = Args::augment_args(Command::new("demo")).render_long_help().to_string();
        let default = DemoOptions::default();
        for value in [
            default.seconds.to_string(),
            default.workers.to_string(),
            default.products.to_string(),
            units::format_size(default.capacity),
        ] {
            assert!(help.contains(&format!("[default: {value}]")), "{value} in\n{help}");
        }
    }
}
