//! `ttl`: how long an item has to live.

use serde::Serialize;

use crate::cli::{KeyArg, RegionArg};
use crate::failure::{Failure, Outcome};
use crate::open;
use crate::output::{Output, note};
use crate::units;

/// Print the time that an item has left, or `no expiry`
///
/// Looks on without counting as a get. Exit code 1 if there is no such key. By a clock that moves in steps of 1 to
/// 10 ms, so that right after a store it may be a few milliseconds more than was asked for; an item never ends early.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache ttl catalog user:1")]
pub(crate) struct Args {
    #[command(flatten)]
    region: RegionArg,
    #[command(flatten)]
    key: KeyArg,
}

#[derive(Serialize)]
struct Remaining {
    found: bool,
    ttl_ms: Option<u64>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    let key = args.key.bytes()?;
    let item = open::observer(&args.region.name)?.try_get_item(&key)?;
    let ttl = item.as_ref().and_then(|item| item.info.ttl);
    if output.is_json() {
        output.json(&Remaining { found: item.is_some(), ttl_ms: ttl.map(units::whole_millis) })?;
    } else if item.is_some() {
        output.line(ttl.map_or_else(|| "no expiry".to_owned(), units::format_remaining))?;
    } else {
        note("no such key");
    }
    Ok(item.is_some().into())
}
