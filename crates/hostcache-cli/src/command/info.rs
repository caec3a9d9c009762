//! `info`: a region's fixed properties.

use hostcache::{ClassInfo, HugePages, RegionInfo};
use serde::Serialize;

use crate::classes;
use crate::cli::RegionArg;
use crate::failure::{Failure, Outcome};
use crate::open;
use crate::output::Output;
use crate::table::{Align, Table};
use crate::units::{self, format_duration, format_size, format_size_exact, whole_millis};

/// Show a region's geometry, limits and defaults
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache info catalog
  hostcache info catalog --classes")]
pub(crate) struct Args {
    #[command(flatten)]
    region: RegionArg,
    /// What each slab class holds and earns at this moment, too: as in stats --classes
    #[arg(long)]
    classes: bool,
}

#[derive(Serialize)]
struct Info<'a> {
    name: &'a str,
    path: String,
    layout_version: u32,
    capacity: u64,
    allocated_bytes: u64,
    index_bytes: u64,
    index_slots: u64,
    arena_bytes: u64,
    page_size: u64,
    pages: u64,
    slab_classes: &'a [u32],
    participant_slots: u32,
    max_value_len: u64,
    default_ttl_ms: Option<u64>,
    max_ttl_ms: Option<u64>,
    created_unix_secs: u64,
    huge_pages_asked: bool,
    huge_pages_bytes: u64,
    huge_pages_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    classes: Option<Vec<classes::Class>>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    let cache = open::observer(&args.region.name)?;
    let info = cache.info();
    let classes = args.classes.then(|| cache.slab_classes());
    if output.is_json() {
        output.json(&object(&info, classes.as_deref()))?;
    } else {
        output.text(table(&info))?;
        if let Some(classes) = classes {
            output.line("")?;
            output.text(classes::table(&classes))?;
        }
    }
    Ok(Outcome::Yes)
}

fn object<'a>(info: &'a RegionInfo, classes: Option<&[ClassInfo]>) -> Info<'a> {
    Info {
        name: &info.name,
        path: info.path.display().to_string(),
        layout_version: info.layout_version,
        capacity: info.capacity,
        allocated_bytes: info.allocated_bytes,
        index_bytes: info.index_bytes,
        index_slots: info.index_slots,
        arena_bytes: info.arena_bytes,
        page_size: info.page_size,
        pages: info.pages,
        slab_classes: &info.slab_classes,
        participant_slots: info.participant_slots,
        max_value_len: info.max_value_len,
        default_ttl_ms: info.default_ttl.map(whole_millis),
        max_ttl_ms: info.max_ttl.map(whole_millis),
        created_unix_secs: info.created_unix_secs,
        huge_pages_asked: info.huge_pages.asked,
        huge_pages_bytes: info.huge_pages.bytes,
        huge_pages_reason: info.huge_pages.reason.as_deref(),
        classes: classes.map(classes::objects),
    }
}

fn table(info: &RegionInfo) -> Table<2> {
    let ttl = |ttl: Option<_>| ttl.map_or_else(|| "none".to_owned(), format_duration);
    let classes = match (info.slab_classes.first(), info.slab_classes.last()) {
        (Some(least), Some(most)) => {
            format!("{}, of {least} to {most} bytes a chunk", info.slab_classes.len())
        }
        _ => "none".to_owned(),
    };
    let mut table = Table::new([Align::Left, Align::Left]).indent();
    table.title(format!("region {}", info.name));
    for (name, value) in [
        ("path", info.path.display().to_string()),
        ("layout version", info.layout_version.to_string()),
        ("created", units::format_instant(info.created_unix_secs)),
        ("capacity", format_size_exact(info.capacity)),
        ("allocated", format_size_exact(info.allocated_bytes)),
        ("index", format!("{}, {} slots", format_size_exact(info.index_bytes), info.index_slots)),
        ("arena", format_size_exact(info.arena_bytes)),
        ("pages", format!("{} of {}", info.pages, format_size(info.page_size))),
        ("slab classes", classes),
        ("participant slots", info.participant_slots.to_string()),
        ("largest value", format_size_exact(info.max_value_len)),
        ("default TTL", ttl(info.default_ttl)),
        ("max TTL", ttl(info.max_ttl)),
        ("huge pages", huge_pages(&info.huge_pages)),
    ] {
        table.row([name.to_owned(), value]);
    }
    table
}

fn huge_pages(huge: &HugePages) -> String {
    match (huge.asked, &huge.reason) {
        (false, _) => "not asked for".to_owned(),
        (true, None) => format_size_exact(huge.bytes),
        (true, Some(reason)) => format!("{}: {reason}", format_size_exact(huge.bytes)),
    }
}
