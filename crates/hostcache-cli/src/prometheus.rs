//! Statistics in Prometheus' text exposition format, version 0.0.4.
//!
//! Written here in a few lines because that version is what both a scrape and node_exporter's textfile
//! collector read with its types: the crates that write OpenMetrics name counters in a way that the
//! collector takes for untyped.

use std::fmt::Write;

use hostcache::{Cache, ClassInfo, RegionInfo, Stats};

use crate::classes;
use crate::command::ps::{self, Participant};
use crate::figures::{FIGURES, Kind};

/// Everything that is known of a region at this moment.
pub(crate) fn exposition(cache: &Cache) -> String {
    let mut page = Page::new(cache.name());
    figures(&mut page, &cache.stats());
    geometry(&mut page, &cache.info());
    slab_classes(&mut page, &cache.slab_classes());
    participants(&mut page, &ps::participants(cache));
    page.text
}

/// A page about one region.
struct Page {
    region: String,
    text: String,
}

impl Page {
    fn new(region: &str) -> Self {
        Self { region: escaped(region), text: String::new() }
    }

    /// The lines that stand once before the samples of a metric.
    fn metric(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        // Writing to a String does not fail, here and below.
        let _ = writeln!(self.text, "# HELP {name} {}", help.replace('\\', r"\\"));
        let _ = writeln!(self.text, "# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        let _ = write!(self.text, "{name}{{region=\"{}\"", self.region);
        for (label, text) in labels {
            let _ = write!(self.text, ",{label}=\"{}\"", escaped(text));
        }
        let _ = writeln!(self.text, "}} {value}");
    }

    fn single(&mut self, name: &str, kind: Kind, help: &str, value: u64) {
        self.metric(name, kind, help);
        self.sample(name, &[], value);
    }
}

fn figures(page: &mut Page, stats: &Stats) {
    for figure in FIGURES {
        let value = (figure.of)(stats);
        page.single(&metric_name(figure.name, figure.kind), figure.kind, figure.help, value);
    }
}

/// `hostcache_get_hits_total`, `hostcache_bytes`; what Memcached calls `total_items` is `items_total` here.
fn metric_name(figure: &str, kind: Kind) -> String {
    match kind {
        Kind::Gauge => format!("hostcache_{figure}"),
        Kind::Counter => {
            format!("hostcache_{}_total", figure.strip_prefix("total_").unwrap_or(figure))
        }
    }
}

fn geometry(page: &mut Page, info: &RegionInfo) {
    for (name, help, value) in [
        ("hostcache_index_slots", "The most items that the index can hold", info.index_slots),
        (
            "hostcache_arena_bytes",
            "Bytes of the arena, from which items are given",
            info.arena_bytes,
        ),
        (
            "hostcache_participant_slots",
            "The most threads that may use the region for writing at once",
            info.participant_slots.into(),
        ),
        (
            "hostcache_created_timestamp_seconds",
            "When the region was created, in seconds since the Unix epoch",
            info.created_unix_secs,
        ),
    ] {
        page.single(name, Kind::Gauge, help, value);
    }
}

fn slab_classes(page: &mut Page, classes: &[ClassInfo]) {
    // A class that never had a page has nothing to tell.
    let used: Vec<(String, &ClassInfo)> = classes
        .iter()
        .filter(|class| class.pages > 0 || class.stored > 0)
        .map(|class| (classes::name(class), class))
        .collect();
    page.metric(
        "hostcache_slab_pages",
        Kind::Gauge,
        "Pages of a slab class, by its chunk size; \"pages\" are large values",
    );
    for (size, class) in &used {
        page.sample("hostcache_slab_pages", &[("chunk_size", size)], class.pages);
    }
    let name = "hostcache_slab_chunks";
    page.metric(name, Kind::Gauge, "Chunks of a slab class, by its chunk size and their state");
    for (size, class) in &used {
        page.sample(name, &[("chunk_size", size), ("state", "used")], class.used_chunks);
        page.sample(name, &[("chunk_size", size), ("state", "free")], class.free_chunks);
    }
    let name = "hostcache_slab_item_bytes";
    page.metric(name, Kind::Gauge, "Bytes that items fill, and that their chunks have beyond them");
    for (size, class) in &used {
        page.sample(name, &[("chunk_size", size), ("state", "used")], class.used_bytes);
        page.sample(name, &[("chunk_size", size), ("state", "wasted")], class.wasted_bytes);
    }
    let gauge: fn(&ClassInfo) -> Option<u64> = |class| Some(class.items);
    let age: fn(&ClassInfo) -> Option<u64> =
        |class| class.eviction_age.map(crate::units::whole_millis);
    let hits: fn(&ClassInfo) -> Option<u64> = |class| Some(class.get_hits);
    let stored: fn(&ClassInfo) -> Option<u64> = |class| Some(class.stored);
    let evictions: fn(&ClassInfo) -> Option<u64> = |class| Some(class.evictions);
    for (name, kind, help, of) in [
        ("hostcache_slab_items", Kind::Gauge, "Items of a slab class", gauge),
        (
            "hostcache_slab_eviction_age_milliseconds",
            Kind::Gauge,
            "Age of what is evicted, a moving average",
            age,
        ),
        (
            "hostcache_slab_get_hits_total",
            Kind::Counter,
            "Hits, estimated from one in 512 of each thread",
            hits,
        ),
        (
            "hostcache_slab_stored_total",
            Kind::Counter,
            "Stores that took memory anew, counted by a few at once: they stand for the misses of the class",
            stored,
        ),
        ("hostcache_slab_evictions_total", Kind::Counter, "Items evicted", evictions),
    ] {
        page.metric(name, kind, help);
        for (size, class) in &used {
            if let Some(value) = of(class) {
                page.sample(name, &[("chunk_size", size)], value);
            }
        }
    }
}

fn participants(page: &mut Page, participants: &[Participant]) {
    let name = "hostcache_participant_states";
    page.metric(name, Kind::Gauge, "Participants by state; stopped is a hint");
    for state in ps::STATES {
        let count = participants.iter().filter(|one| one.state == state).count();
        page.sample(name, &[("state", state)], count as u64);
    }
    let name = "hostcache_participant_pinned_bytes";
    page.metric(name, Kind::Gauge, "Bytes held by pins, by who holds them");
    for one in ps::holders(participants).into_iter().filter(|one| one.pins > 0) {
        let (slot, pid) = (one.slot.to_string(), one.pid.to_string());
        page.sample(name, &[("slot", &slot), ("pid", &pid)], one.pinned_bytes);
    }
}

/// A label's value, in which a quote, a backslash and a line end are written with a backslash.
fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_kind() {
        assert_eq!(metric_name("get_hits", Kind::Counter), "hostcache_get_hits_total");
        assert_eq!(metric_name("total_items", Kind::Counter), "hostcache_items_total");
        assert_eq!(metric_name("curr_items", Kind::Gauge), "hostcache_curr_items");
    }

    #[test]
    fn a_page_is_help_type_and_sample_of_every_figure() {
        let mut page = Page::new("a \"b\\c\"\n/d");
        let mut stats = Stats::default();
        stats.get_hits = 3;
        figures(&mut page, &stats);
        let hits = "# HELP hostcache_get_hits_total Gets that found their key\n\
                    # TYPE hostcache_get_hits_total counter\n\
                    hostcache_get_hits_total{region=\"a \\\"b\\\\c\\\"\\n/d\"} 3\n";
        assert!(page.text.contains(hits), "{}", page.text);
        assert_eq!(page.text.lines().count(), 3 * FIGURES.len());
    }
}
