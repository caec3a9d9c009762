//! `get`: prints a value.

use hostcache::{Item, ItemInfo};
use serde::Serialize;

use super::store;
use crate::bytes::JsonBytes;
use crate::cli::{KeyArg, RegionArg};
use crate::failure::{Failure, Outcome};
use crate::open;
use crate::output::{Output, note};
use crate::table::{Align, Table};
use crate::units::{format_remaining, whole_millis};

/// Print the value of a key
///
/// The bytes are written as they are, without a line end (on a terminal with one). Exit code 1 and no
/// output: no such key.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache get catalog user:1
  hostcache get catalog user:1 --info
  hostcache get catalog photo > photo.jpg || echo 'not cached'")]
pub(crate) struct Args {
    #[command(flatten)]
    region: RegionArg,
    #[command(flatten)]
    key: KeyArg,
    /// Instead of the value, print what is known of it: size, flags, encoding, CAS token, time left
    #[arg(long)]
    info: bool,
    /// Attach without write access; the get is not counted then
    #[arg(long)]
    read_only: bool,
}

#[derive(Serialize)]
struct Found<'a> {
    found: bool,
    key: JsonBytes<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<JsonBytes<'a>>,
    #[serde(flatten)]
    about: Option<About>,
}

/// What is known of a value.
#[derive(Serialize)]
struct About {
    size: usize,
    flags: u32,
    encoding: u8,
    cas_token: u64,
    ttl_ms: Option<u64>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    let name = &args.region.name;
    let key = args.key.bytes()?;
    let cache = if args.read_only { open::observer(name)? } else { open::reader(name)? };
    let item = cache.try_get_item(&key)?;
    if output.is_json() {
        output.json(&object(&key, item.as_ref(), args.info))?;
    } else {
        match &item {
            None => note("no such key"),
            Some(item) if args.info => output.text(about_table(&item.info))?,
            Some(item) => {
                output.raw(&item.value)?;
                if output.to_terminal() {
                    output.raw(b"\n")?;
                }
            }
        }
    }
    Ok(item.is_some().into())
}

fn object<'a>(key: &'a [u8], item: Option<&'a Item>, without_value: bool) -> Found<'a> {
    Found {
        found: item.is_some(),
        key: JsonBytes(key),
        value: item.filter(|_| !without_value).map(|item| JsonBytes(&item.value)),
        about: item.map(|item| About {
            size: item.info.value_len,
            flags: item.info.flags,
            encoding: item.info.encoding,
            cas_token: item.info.cas_token.0,
            ttl_ms: item.info.ttl.map(whole_millis),
        }),
    }
}

fn about_table(info: &ItemInfo) -> Table<2> {
    let mut table = Table::new([Align::Left, Align::Left]);
    for (name, value) in [
        ("size", info.value_len.to_string()),
        ("flags", info.flags.to_string()),
        ("encoding", store::encoding_name(info.encoding)),
        ("cas_token", info.cas_token.0.to_string()),
        ("ttl", info.ttl.map_or_else(|| "no expiry".to_owned(), format_remaining)),
    ] {
        table.row([name.to_owned(), value]);
    }
    table
}
