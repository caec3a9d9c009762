//! `clear`: ends every item.

use serde::Serialize;

use crate::cli::RegionArg;
use crate::failure::{Failure, Outcome};
use crate::open;
use crate::output::Output;

/// End every item at one instant
///
/// The region stays, and so do its counters.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache clear catalog")]
pub(crate) struct Args {
    #[command(flatten)]
    region: RegionArg,
}

#[derive(Serialize)]
struct Cleared {
    cleared: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    open::writer(&args.region.name)?.clear()?;
    output.report(&Cleared { cleared: true }, "cleared")?;
    Ok(Outcome::Yes)
}
