//! `touch`: gives an item a new lifetime.

use hostcache::Lifetime;
use serde::Serialize;

use crate::cli::{KeyArg, RegionArg};
use crate::failure::{Failure, Outcome};
use crate::open;
use crate::output::Output;
use crate::units;

/// Give an item a new lifetime
///
/// Exit code 1 if there is no such key.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache touch catalog user:1 30s
  hostcache touch catalog user:1 forever")]
pub(crate) struct Args {
    #[command(flatten)]
    region: RegionArg,
    #[command(flatten)]
    key: KeyArg,
    /// Expire this long from now (0: at once), or forever; if absent, the region's default TTL
    #[arg(value_name = "TTL", value_parser = units::parse_lifetime)]
    ttl: Option<Lifetime>,
}

#[derive(Serialize)]
struct Touched {
    touched: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    let key = args.key.bytes()?;
    let touched = open::writer(&args.region.name)?.touch(&key, args.ttl.unwrap_or_default())?;
    output.report(&Touched { touched }, if touched { "touched" } else { "no such key" })?;
    Ok(touched.into())
}
