//! `serve`: the daemon.

use std::time::Duration;

use hostcache::Cache;
use hostcache_daemon::{Config, StopFlag, Summary};
use serde::Serialize;

use crate::cli::RegionArg;
use crate::failure::{Failure, Outcome};
use crate::open;
use crate::output::Output;
use crate::units::{self, whole_millis};

/// Run the daemon: expire, evict ahead of need, recover what dead processes held
///
/// The cache works without it; the daemon takes that work out of the workers' way. A second one on the
/// same region stands by and takes over when the first has ended. SIGTERM and SIGINT end it within a
/// second; it also ends when the region is destroyed. It logs to standard error (RUST_LOG sets the
/// level) and only when something happened.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache serve catalog --capacity 256MiB
  hostcache serve catalog --once")]
pub(crate) struct Args {
    #[command(flatten)]
    region: RegionArg,
    /// Make one pass over the whole region, then end
    #[arg(long)]
    once: bool,
    /// Create the region with this capacity if it is missing
    #[arg(long, value_name = "SIZE", value_parser = units::parse_size)]
    capacity: Option<u64>,
    /// Look for dead participants at least this often [default: 250ms]
    #[arg(long, value_name = "DURATION", value_parser = units::parse_interval)]
    recover_every: Option<Duration>,
    /// Sweep the whole index for expired items this often, as far as --buckets allows [default: 1s]
    #[arg(long, value_name = "DURATION", value_parser = units::parse_interval)]
    sweep_every: Option<Duration>,
    /// The most index buckets that one step looks through [default: 4096]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    buckets: Option<u32>,
    /// The most items that one step evicts ahead of need [default: 256]
    #[arg(long, value_name = "N")]
    evictions: Option<u32>,
}

impl Args {
    fn config(&self) -> Config {
        let default = Config::default();
        Config {
            once: self.once,
            recover_every: self.recover_every.unwrap_or(default.recover_every),
            sweep_every: self.sweep_every.unwrap_or(default.sweep_every),
            buckets_per_step: self.buckets.unwrap_or(default.buckets_per_step),
            evictions_per_step: self.evictions.unwrap_or(default.evictions_per_step),
            ..default
        }
    }
}

#[derive(Serialize)]
struct Served {
    region: String,
    end: &'static str,
    led: bool,
    elapsed_ms: u64,
    steps: u64,
    sweeps: u64,
    buckets: u64,
    expired: u64,
    cleared: u64,
    evicted: u64,
    recovered_participants: u64,
    recovered_blocks: u64,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    // Before anything takes time, so that an early SIGTERM is heard too.
    let stop = StopFlag::on_signals()?;
    let name = args.region.name.as_str();
    let cache = match args.capacity {
        Some(bytes) => Cache::builder(name).capacity(bytes).open_or_create()?,
        None => open::writer(name)?,
    };
    let summary = hostcache_daemon::run(&cache, &args.config(), &stop)?;
    if output.is_json() {
        output.json(&object(cache.name(), &summary))?;
    }
    Ok(Outcome::Yes)
}

fn object(region: &str, summary: &Summary) -> Served {
    Served {
        region: region.to_owned(),
        end: summary.end.word(),
        led: summary.led,
        elapsed_ms: whole_millis(summary.elapsed),
        steps: summary.steps,
        sweeps: summary.sweeps,
        buckets: summary.buckets,
        expired: summary.expired,
        cleared: summary.cleared,
        evicted: summary.evicted,
        recovered_participants: summary.recovered_participants,
        recovered_blocks: summary.recovered_blocks,
    }
}
