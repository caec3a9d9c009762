//! `incr`: counts up.

use super::counter::{self, CounterArgs};
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Count a decimal number up, and print the new one
///
/// Wraps at 2^64. Exit code 1 if there is no such key and no --initial; 2 if the value is not a number.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache incr catalog hits
  hostcache incr catalog hits:today 5 --initial 5 --ttl 1d")]
pub(crate) struct Args {
    #[command(flatten)]
    counter: CounterArgs,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    counter::run(
        &args.counter,
        |cache, key, by, options| cache.increment_with(key, by, options),
        output,
    )
}
