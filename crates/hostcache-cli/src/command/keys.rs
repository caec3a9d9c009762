//! `keys`: lists what is in the cache.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use serde::Serialize;

use crate::bytes::{JsonBytes, printable};
use crate::cli::RegionArg;
use crate::failure::{Failure, Outcome};
use crate::open;
use crate::output::Output;

/// List the keys, in no particular order
///
/// The walk tolerates concurrent change: a key that comes or goes meanwhile may be listed or not. Keys
/// are written as they are, one a line; on a terminal with control characters escaped.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache keys catalog --prefix user: --limit 10
  hostcache keys catalog --prefix user: --null | xargs -0 -n 1 hostcache delete catalog")]
pub(crate) struct Args {
    #[command(flatten)]
    region: RegionArg,
    /// Only keys that begin with these bytes
    #[arg(long, value_name = "PREFIX", default_value = "")]
    prefix: OsString,
    /// No more keys than this
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// End each key with a zero byte instead of a line end
    #[arg(long)]
    null: bool,
}

#[derive(Serialize)]
struct KeyList<'a> {
    keys: Vec<JsonBytes<'a>>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    let cache = open::observer(&args.region.name)?;
    let keys = cache.keys().prefix(args.prefix.as_bytes()).limit(args.limit.unwrap_or(usize::MAX));
    if output.is_json() {
        let keys: Vec<Vec<u8>> = keys.collect();
        let keys = keys.iter().map(|key| JsonBytes(key)).collect();
        output.json(&KeyList { keys })?;
        return Ok(Outcome::Yes);
    }
    for key in keys {
        if args.null {
            output.raw(&key)?;
            output.raw(b"\0")?;
        } else if output.to_terminal() {
            output.line(printable(&key))?;
        } else {
            output.raw(&key)?;
            output.raw(b"\n")?;
        }
    }
    Ok(Outcome::Yes)
}
