//! `set`: stores a value.

use hostcache::{CasToken, Condition};

use super::store::{self, StoreArgs, ValueArg};
use crate::cli::{KeyArg, RegionArg};
use crate::failure::{Failure, Outcome};
use crate::open;
use crate::output::Output;

/// Store a value
///
/// With one of the --if options only under that condition; exit code 1 if it is not met.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache set catalog user:1 Ada --ttl 30s
  hostcache set catalog photo < photo.jpg
  hostcache set catalog user:1 Grace --if-present --keep-ttl")]
pub(crate) struct Args {
    #[command(flatten)]
    region: RegionArg,
    #[command(flatten)]
    key: KeyArg,
    #[command(flatten)]
    value: ValueArg,
    #[command(flatten)]
    store: StoreArgs,
    /// An item that is replaced hands its deadline on
    #[arg(long, conflicts_with = "ttl")]
    keep_ttl: bool,
    #[command(flatten)]
    when: When,
}

/// At most one condition.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct When {
    /// Only if the key is absent (as add)
    #[arg(long)]
    if_absent: bool,
    /// Only if the key is present
    #[arg(long)]
    if_present: bool,
    /// Only if the item still carries this CAS token (as cas); get --info prints it
    #[arg(long, value_name = "TOKEN")]
    if_token: Option<u64>,
}

impl When {
    fn condition(&self) -> Condition {
        match self {
            Self { if_absent: true, .. } => Condition::IfAbsent,
            Self { if_present: true, .. } => Condition::IfPresent,
            Self { if_token: Some(token), .. } => Condition::IfToken(CasToken(*token)),
            _ => Condition::Always,
        }
    }
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    let key = args.key.bytes()?;
    let cache = open::writer(&args.region.name)?;
    let mut options = args.store.options().condition(args.when.condition());
    if args.keep_ttl {
        options = options.keep_ttl();
    }
    store::store(&cache, &key, &args.value, &options, output)
}
