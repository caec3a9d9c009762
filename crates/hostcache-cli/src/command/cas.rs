//! `cas`: compare and swap.

use hostcache::CasToken;

use super::store::{self, StoreArgs, ValueArg};
use crate::cli::{KeyArg, RegionArg};
use crate::failure::{Failure, Outcome};
use crate::open;
use crate::output::Output;

/// Store a value only if the item still carries a CAS token (compare and swap)
///
/// Exit code 1 if it carries another one by now, or is gone.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache cas catalog user:1 17 Grace
  token=$(hostcache get catalog user:1 --info | awk '$1 == \"cas_token\" { print $2 }')")]
pub(crate) struct Args {
    #[command(flatten)]
    region: RegionArg,
    #[command(flatten)]
    key: KeyArg,
    /// The token, as `get --info` prints it
    #[arg(value_name = "TOKEN", value_parser = parse_token)]
    token: u64,
    #[command(flatten)]
    value: ValueArg,
    #[command(flatten)]
    store: StoreArgs,
}

fn parse_token(text: &str) -> Result<u64, String> {
    let words = "a token is the number that `hostcache get NAME KEY --info` prints as cas_token";
    text.parse().map_err(|_| words.to_owned())
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    let key = args.key.bytes()?;
    let cache = open::writer(&args.region.name)?;
    let options = args.store.options().only_if_token(CasToken(args.token));
    store::store(&cache, &key, &args.value, &options, output)
}
