//! Slab classes and large values: one table and one JSON object for `info`, `stats` and `top`.

use hostcache::ClassInfo;
use serde::Serialize;

use crate::table::{Align, Table};
use crate::units::{format_size, whole_millis};

/// A class as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Class {
    chunk_size: u32,
    whole_pages: bool,
    pages: u64,
    chunks: u64,
    used_chunks: u64,
    free_chunks: u64,
    items: u64,
    used_bytes: u64,
    wasted_bytes: u64,
    get_hits: u64,
    stored: u64,
    hit_ratio: Option<f64>,
    evictions: u64,
    eviction_age_ms: Option<u64>,
}

/// Classes as JSON, the large values last.
pub(crate) fn objects(classes: &[ClassInfo]) -> Vec<Class> {
    let object = |class: &ClassInfo| Class {
        chunk_size: class.chunk_size,
        whole_pages: class.whole_pages,
        pages: class.pages,
        chunks: class.chunks,
        used_chunks: class.used_chunks,
        free_chunks: class.free_chunks,
        items: class.items,
        used_bytes: class.used_bytes,
        wasted_bytes: class.wasted_bytes,
        get_hits: class.get_hits,
        stored: class.stored,
        hit_ratio: class.hit_ratio(),
        evictions: class.evictions,
        eviction_age_ms: class.eviction_age.map(whole_millis),
    };
    classes.iter().map(object).collect()
}

/// What a class is called where there is little room: its chunk size, or what large values take.
pub(crate) fn name(class: &ClassInfo) -> String {
    match class.whole_pages {
        true => "pages".to_owned(),
        false => class.chunk_size.to_string(),
    }
}

/// Classes as text; which never held anything are left out.
pub(crate) fn table<'a>(classes: impl IntoIterator<Item = &'a ClassInfo>) -> Table<9> {
    let mut table = Table::with_heading([
        ("CHUNK", Align::Right),
        ("PAGES", Align::Right),
        ("ITEMS", Align::Right),
        ("USED", Align::Right),
        ("WASTED", Align::Right),
        ("FREE", Align::Right),
        ("HIT RATIO", Align::Right),
        ("EVICTED", Align::Right),
        ("AT AGE", Align::Right),
    ]);
    let has_lived = |class: &&ClassInfo| class.pages > 0 || class.stored > 0;
    for class in classes.into_iter().filter(has_lived) {
        let free = class.free_chunks.saturating_mul(class.chunk_size.into());
        table.row([
            name(class),
            class.pages.to_string(),
            class.items.to_string(),
            format_size(class.used_bytes),
            format_size(class.wasted_bytes),
            format_size(free),
            class.hit_ratio().map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.3}")),
            class.evictions.to_string(),
            class.eviction_age.map_or_else(|| "-".to_owned(), |age| round(age.as_millis())),
        ]);
    }
    table
}

/// A time as people say it: `300 ms`, `3 s`, `5 min`, `2 h`, `4 days`.
pub(crate) fn round(ms: u128) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{} s", ms / 1_000),
        60_000..3_600_000 => format!("{} min", ms / 60_000),
        3_600_000..172_800_000 => format!("{} h", ms / 3_600_000),
        _ => format!("{} days", ms / 86_400_000),
    }
}
