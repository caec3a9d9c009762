//! `delete`: ends an item.

use serde::Serialize;

use crate::cli::{KeyArg, RegionArg};
use crate::failure::{Failure, Outcome};
use crate::open;
use crate::output::Output;

/// Delete a key
///
/// Exit code 1 if there was no such key.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache delete catalog user:1")]
pub(crate) struct Args {
    #[command(flatten)]
    region: RegionArg,
    #[command(flatten)]
    key: KeyArg,
}

#[derive(Serialize)]
struct Deleted {
    deleted: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    let key = args.key.bytes()?;
    let deleted = open::writer(&args.region.name)?.delete(&key)?;
    output.report(&Deleted { deleted }, if deleted { "deleted" } else { "no such key" })?;
    Ok(deleted.into())
}
