//! `decr`: counts down.

use super::counter::{self, CounterArgs};
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Count a decimal number down, and print the new one
///
/// Stops at 0. Exit code 1 if there is no such key and no --initial; 2 if the value is not a number.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache decr catalog tickets
  hostcache decr catalog tickets 3 --initial 100")]
pub(crate) struct Args {
    #[command(flatten)]
    counter: CounterArgs,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    counter::run(
        &args.counter,
        |cache, key, by, options| cache.decrement_with(key, by, options),
        output,
    )
}
