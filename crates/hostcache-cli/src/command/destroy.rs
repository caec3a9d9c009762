//! `destroy`: unlinks a region.

use hostcache::Cache;
use serde::Serialize;

use crate::cli::RegionArg;
use crate::failure::{Failure, Outcome};
use crate::open;
use crate::output::Output;

/// Destroy a region
///
/// Succeeds while processes are attached: they go on with the memory they have until they attach anew,
/// and it returns to the system when the last one has let go. A missing region is an error.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache destroy catalog")]
pub(crate) struct Args {
    #[command(flatten)]
    region: RegionArg,
}

#[derive(Serialize)]
struct Destroyed {
    destroyed: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    Cache::destroy(open::not_a_socket(&args.region.name)?)?;
    output.report(&Destroyed { destroyed: true }, "destroyed")?;
    Ok(Outcome::Yes)
}
