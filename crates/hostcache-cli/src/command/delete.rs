//! `delete`: ends an item, or all whose keys begin alike.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use serde::Serialize;

use crate::bytes;
use crate::cli::RegionArg;
use crate::failure::{Failure, Outcome};
use crate::open;
use crate::output::Output;
use crate::units;

/// Delete a key, or every key with a prefix
///
/// Exit code 1 if there was no such key. With --prefix the keys are walked through while others work: one
/// that is set meanwhile may stay.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache delete catalog user:1
  hostcache delete catalog --prefix session:")]
pub(crate) struct Args {
    #[command(flatten)]
    region: RegionArg,
    /// The key: 1 byte to 64 KiB, any bytes
    #[arg(value_name = "KEY", required_unless_present = "prefix", conflicts_with = "prefix")]
    key: Option<OsString>,
    /// Every key that begins with these bytes; at least one (for all keys there is clear)
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<OsString>,
    /// KEY or PREFIX is written in hexadecimal digits, such as 00ff
    #[arg(long)]
    hex_key: bool,
}

#[derive(Serialize)]
struct Deleted {
    deleted: bool,
    /// How many keys.
    keys: u64,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    let name = &args.region.name;
    let keys = match (&args.prefix, &args.key) {
        (Some(prefix), _) if prefix.as_bytes().is_empty() => {
            let text = format!("an empty prefix is all keys: say hostcache clear {name}");
            return Err(Failure::Usage(text));
        }
        (Some(prefix), _) => {
            let prefix = bytes::from_argument(prefix, args.hex_key)?;
            open::writer(name)?.delete_prefix(&prefix)?
        }
        (None, Some(key)) => {
            let key = bytes::from_argument(key, args.hex_key)?;
            u64::from(open::writer(name)?.delete(&key)?)
        }
        (None, None) => return Err(Failure::Usage("name a KEY, or a --prefix".to_owned())),
    };
    let word = match (keys, &args.prefix) {
        (0, None) => "no such key".to_owned(),
        (_, None) => "deleted".to_owned(),
        (n, Some(_)) => format!("{} deleted", units::counted(n, "key")),
    };
    output.report(&Deleted { deleted: keys > 0, keys }, word)?;
    Ok((keys > 0).into())
}
