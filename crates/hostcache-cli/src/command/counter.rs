//! What `incr` and `decr` have in common.

use std::time::Duration;

use hostcache::{Cache, CounterOptions, WriteError};
use serde::Serialize;

use crate::cli::{KeyArg, RegionArg};
use crate::failure::{Failure, Outcome};
use crate::open;
use crate::output::{Output, note};
use crate::units;

/// The arguments of both.
#[derive(Debug, clap::Args)]
pub(crate) struct CounterArgs {
    #[command(flatten)]
    region: RegionArg,
    #[command(flatten)]
    key: KeyArg,
    /// By how much
    #[arg(value_name = "BY", default_value_t = 1)]
    by: u64,
    /// What a missing key becomes, BY not applied; without it a missing key stays missing
    #[arg(long, value_name = "N")]
    initial: Option<u64>,
    /// TTL of a counter that this command creates; an existing one keeps its own
    #[arg(long, value_name = "DURATION", value_parser = units::parse_duration, requires = "initial")]
    ttl: Option<Duration>,
}

/// [`Cache::increment_with`] or [`Cache::decrement_with`], with the key as plain bytes.
pub(crate) type Count = fn(&Cache, &[u8], u64, &CounterOptions) -> Result<Option<u64>, WriteError>;

#[derive(Serialize)]
struct Counted {
    found: bool,
    value: Option<u64>,
}

/// Counts, and prints the counter's new value.
pub(crate) fn run(
    args: &CounterArgs,
    count: Count,
    output: &mut Output,
) -> Result<Outcome, Failure> {
    let key = args.key.bytes()?;
    let mut options = CounterOptions::new();
    if let Some(initial) = args.initial {
        options = options.initial(initial);
    }
    if let Some(ttl) = args.ttl {
        options = options.ttl(ttl);
    }
    let value = count(&open::writer(&args.region.name)?, &key, args.by, &options)?;
    if output.is_json() {
        output.json(&Counted { found: value.is_some(), value })?;
    } else if let Some(value) = value {
        output.line(value)?;
    } else {
        note("no such key");
    }
    Ok(value.is_some().into())
}
