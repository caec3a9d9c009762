//! `create`: makes a region.

use std::time::Duration;

use hostcache::Cache;
use serde::Serialize;

use crate::cli::{RegionArg, parse_group};
use crate::failure::{Failure, Outcome};
use crate::open;
use crate::output::Output;
use crate::units;

/// Create a region
///
/// All of its memory is reserved at once: a full filesystem is an error now, not a crash later. An
/// existing region is an error, unless --if-missing is given.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache create catalog --capacity 256MiB
  hostcache create sessions --capacity 1GiB --default-ttl 30m --mode 0640
  hostcache create prices --capacity 64MiB --group=www-data")]
pub(crate) struct Args {
    #[command(flatten)]
    region: RegionArg,
    /// Bytes of memory in all, index and bookkeeping included; at least 1MiB
    #[arg(long, value_name = "SIZE", value_parser = units::parse_size)]
    capacity: u64,
    /// Mean bytes of key plus value, from which the index is sized
    #[arg(long, value_name = "SIZE", value_parser = parse_item_size)]
    expected_item_size: Option<u32>,
    /// Participant slots: threads that may use the region at once
    #[arg(long, value_name = "N")]
    participants: Option<u32>,
    /// Permission bits in octal, 0600 unless given (0660 with --group); others may never write
    #[arg(long, value_name = "MODE", value_parser = parse_mode)]
    mode: Option<u32>,
    /// Share the region with a group, by name or number (without one: the caller's), in a directory of its own:
    /// any member may read, change and corrupt it
    #[arg(long, value_name = "GROUP", value_parser = parse_group, num_args = 0..=1, require_equals = true)]
    group: Option<Option<u32>>,
    /// TTL of items that are set without one
    #[arg(long, value_name = "DURATION", value_parser = units::parse_duration)]
    default_ttl: Option<Duration>,
    /// No item lives longer
    #[arg(long, value_name = "DURATION", value_parser = units::parse_duration)]
    max_ttl: Option<Duration>,
    /// Ask for huge pages; `hostcache info` tells what was given
    #[arg(long)]
    huge_pages: bool,
    /// Leave a region that exists as it is, whatever its capacity
    #[arg(long)]
    if_missing: bool,
    /// With --if-missing: fail if the region that exists has another capacity
    #[arg(long, requires = "if_missing")]
    exact: bool,
}

#[derive(Serialize)]
struct Created<'a> {
    name: &'a str,
    path: String,
    capacity: u64,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    let mut builder =
        Cache::builder(open::not_a_socket(&args.region.name)?).capacity(args.capacity);
    if let Some(mode) = args.mode {
        builder = builder.mode(mode);
    }
    builder = match args.group {
        None => builder,
        Some(None) => builder.group(),
        Some(Some(gid)) => builder.group_id(gid),
    };
    if let Some(bytes) = args.expected_item_size {
        builder = builder.expected_item_size(bytes);
    }
    if let Some(slots) = args.participants {
        builder = builder.participants(slots);
    }
    if let Some(ttl) = args.default_ttl {
        builder = builder.default_ttl(ttl);
    }
    if let Some(ttl) = args.max_ttl {
        builder = builder.max_ttl(ttl);
    }
    builder = builder.huge_pages(args.huge_pages);
    if args.exact {
        builder = builder.exact();
    }
    let cache = if args.if_missing { builder.open_or_create()? } else { builder.create()? };
    let path = cache.path().display().to_string();
    let capacity = cache.capacity();
    let word = format!("region {:?}: {} at {path}", cache.name(), units::format_size(capacity));
    output.report(&Created { name: cache.name(), path, capacity }, word)?;
    Ok(Outcome::Yes)
}

fn parse_item_size(text: &str) -> Result<u32, String> {
    let bytes = units::parse_size(text)?;
    u32::try_from(bytes).map_err(|_| format!("{bytes} bytes are no item's mean size"))
}

fn parse_mode(text: &str) -> Result<u32, String> {
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|mode| *mode <= 0o777)
        .ok_or_else(|| "write three or four octal digits, such as 0600 or 0640".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal_permission_bits() {
        assert_eq!(parse_mode("0600"), Ok(0o600));
        assert_eq!(parse_mode("640"), Ok(0o640));
        for wrong in ["", "0800", "1777", "rw-", "-1"] {
            assert!(parse_mode(wrong).is_err(), "{wrong}");
        }
    }
}
