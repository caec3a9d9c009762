//! `add`: stores a value for a key that is absent.

use super::store::{self, StoreArgs, ValueArg};
use crate::cli::{KeyArg, RegionArg};
use crate::failure::{Failure, Outcome};
use crate::open;
use crate::output::Output;

/// Store a value only if the key is absent
///
/// Exit code 1 if the key is present; the stored value stays as it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache add catalog lock:reindex \"$$\" --ttl 1m && ./reindex")]
pub(crate) struct Args {
    #[command(flatten)]
    region: RegionArg,
    #[command(flatten)]
    key: KeyArg,
    #[command(flatten)]
    value: ValueArg,
    #[command(flatten)]
    store: StoreArgs,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    let key = args.key.bytes()?;
    let cache = open::writer(&args.region.name)?;
    let options = args.store.options().only_if_absent();
    store::store(&cache, &key, &args.value, &options, output)
}
