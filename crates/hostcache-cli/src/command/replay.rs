//! `replay`: a recorded trace through a cache.

use std::path::PathBuf;

use hostcache_replay::{PhaseSummary, Policy, ReplayOptions, Simulated, Summary};
use serde::Serialize;

use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::units::{self, whole_millis};

/// Replay request traces through a cache, and report the miss ratio
///
/// A trace is text, plain or zstd, one request a line: `key_id,size,op,ttl[,ts_ms]`. op is g for a
/// cache-aside read (get, and on a miss set), s for a set, d for a delete; ttl is in seconds. Every hit is
/// checked: a wrong value ends the replay with exit code 1. The summary for people goes to standard
/// error, the line of figures to standard output.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache replay day.trace.zst --capacity 64MiB
  hostcache replay day.trace.zst --capacity 64MiB --compare lru,s3fifo
  hostcache replay monday.trace tuesday.trace --capacity 1GiB --processes 4 --format json")]
pub(crate) struct Args {
    /// Traces, replayed one after the other as one; standard input if absent or -
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Capacity of the region
    #[arg(long, value_name = "SIZE", value_parser = units::parse_size, default_value = "64MiB")]
    capacity: u64,
    /// Processes that take turns
    #[arg(long, value_name = "N", default_value_t = 1)]
    processes: usize,
    /// Wait with each request until it is due
    #[arg(long)]
    paced: bool,
    /// Policies to simulate beside the cache, as if items took no memory but for key and value, and had no TTL
    ///
    /// One or more of lru, fifo, clock, s3fifo, gdsf, with commas between them.
    #[arg(long, value_name = "POLICY", value_delimiter = ',')]
    compare: Vec<Policy>,
}

#[derive(Serialize)]
struct Replayed<'a> {
    requests: u64,
    keys: u64,
    gets: u64,
    misses: u64,
    miss_ratio: f64,
    byte_miss_ratio: f64,
    duration_ms: u64,
    items: u64,
    evictions: u64,
    expired: u64,
    set_errors: u64,
    first_set_error: Option<&'a str>,
    memory_bytes: u64,
    region_bytes: u64,
    heap_bytes: u64,
    phases: Vec<Phase<'a>>,
    compared: Vec<Compared>,
}

#[derive(Serialize)]
struct Compared {
    policy: &'static str,
    miss_ratio: f64,
    byte_miss_ratio: f64,
}

#[derive(Serialize)]
struct Phase<'a> {
    name: &'a str,
    gets: u64,
    misses: u64,
    miss_ratio: f64,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    let summary = hostcache_replay::run(&ReplayOptions {
        files: args.files.clone(),
        capacity: args.capacity,
        processes: args.processes,
        paced: args.paced,
        compare: args.compare.clone(),
    })?;
    if output.is_json() {
        output.json(&object(&summary))?;
    } else {
        output.line(&summary)?;
    }
    Ok(Outcome::Yes)
}

fn object(summary: &Summary) -> Replayed<'_> {
    Replayed {
        requests: summary.requests,
        keys: summary.keys,
        gets: summary.gets,
        misses: summary.misses,
        miss_ratio: summary.miss_ratio(),
        byte_miss_ratio: summary.byte_miss_ratio(),
        duration_ms: whole_millis(summary.duration),
        items: summary.stats.curr_items,
        evictions: summary.stats.evictions,
        expired: summary.stats.expired,
        set_errors: summary.set_errors,
        first_set_error: summary.first_set_error.as_deref(),
        memory_bytes: summary.memory_bytes(),
        region_bytes: summary.region_bytes,
        heap_bytes: summary.heap_bytes,
        phases: summary.phases.iter().map(Phase::of).collect(),
        compared: summary.compared.iter().map(Compared::of).collect(),
    }
}

impl<'a> Phase<'a> {
    fn of(phase: &'a PhaseSummary) -> Self {
        Self {
            name: &phase.name,
            gets: phase.gets,
            misses: phase.misses,
            miss_ratio: phase.miss_ratio(),
        }
    }
}

impl Compared {
    fn of(simulated: &Simulated) -> Self {
        let Simulated { policy, miss_ratio, byte_miss_ratio, .. } = *simulated;
        Self { policy: policy.name(), miss_ratio, byte_miss_ratio }
    }
}
