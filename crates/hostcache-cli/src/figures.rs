//! Every figure of a region's statistics: name, kind, group and meaning, once for all output formats.

use hostcache::Stats;

/// Under which title a figure stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    Traffic,
    Items,
    Memory,
    Participants,
}

/// How a figure moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Only grows, over the region's whole life.
    Counter,
    /// Goes both ways.
    Gauge,
}

/// One figure.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) group: Group,
    pub(crate) kind: Kind,
    /// What it counts, in a sentence without its full stop.
    pub(crate) help: &'static str,
    pub(crate) of: fn(&Stats) -> u64,
}

impl Figure {
    /// Whether it is also worth showing as a size.
    pub(crate) fn is_bytes(&self) -> bool {
        self.name.ends_with("bytes")
    }
}

/// Figures under their fields' names.
macro_rules! figures {
    ($($group:ident: $($kind:ident $field:ident $help:literal)+;)+) => {
        [$($(Figure {
            name: stringify!($field),
            group: Group::$group,
            kind: Kind::$kind,
            help: $help,
            of: |stats| stats.$field,
        },)+)+]
    };
}

/// All of them, in the order in which they are shown.
pub(crate) const FIGURES: &[Figure] = &figures! {
    Traffic:
        Counter cmd_get "Gets: hits and misses together"
        Counter get_hits "Gets that found their key"
        Counter get_misses "Gets that did not find their key"
        Counter get_expired "Of the misses: gets that met an item past its deadline"
        Counter get_contended "Of the misses: gets that gave up because the item was replaced during every copy"
        Counter cmd_set "Stores: set, add, replace, compare-and-swap"
        Counter delete_hits "Deletes that found their key"
        Counter delete_misses "Deletes that did not find their key"
        Counter incr_hits "Increments that found their key"
        Counter incr_misses "Increments that did not find their key"
        Counter decr_hits "Decrements that found their key"
        Counter decr_misses "Decrements that did not find their key"
        Counter cas_hits "Compare-and-swaps that stored"
        Counter cas_misses "Compare-and-swaps that did not find their key"
        Counter cas_badval "Compare-and-swaps that met another token"
        Counter touch_hits "Touches that found their key"
        Counter touch_misses "Touches that did not find their key"
        Counter cmd_touch "Touches asked for"
        Counter append_hits "Appends and prepends that found their key"
        Counter append_misses "Appends and prepends that did not find their key"
        Counter cmd_flush "Clears of the whole region";
    Items:
        Gauge curr_items "Items in the region"
        Counter total_items "Items stored, ever"
        Counter evictions "Items that ended by memory pressure"
        Counter inline_evictions "Stores that found no free memory and made room by themselves"
        Counter expired "Items that ended by their deadline and were reclaimed";
    Memory:
        Gauge limit_maxbytes "Capacity of the region, index and bookkeeping included"
        Gauge bytes "Bytes of keys and values held"
        Gauge free_page_bytes "Bytes of pages that no slab class and no large value uses"
        Gauge held_bytes "Bytes held by magazines and writers in flight"
        Gauge pinned_bytes "Bytes held by pins"
        Gauge pins "Items held in place"
        Gauge reserved_bytes "Bytes held by reservations"
        Counter no_room "Writes refused for want of room";
    Participants:
        Gauge participants "Living participants: threads that use the region for writing"
        Counter recovered_participants "Dead participants recovered"
        Counter recovered_blocks "Blocks that came back from dead participants";
};

/// The groups with their titles, in order.
pub(crate) const GROUPS: [(Group, &str); 4] = [
    (Group::Traffic, "traffic"),
    (Group::Items, "items"),
    (Group::Memory, "memory"),
    (Group::Participants, "participants"),
];

/// Hits by gets, 0 to 1; `None` before the first get.
pub(crate) fn hit_ratio(stats: &Stats) -> Option<f64> {
    let gets = stats.get_hits.saturating_add(stats.get_misses);
    // Precise to 2^53 gets, and a ratio after that.
    (gets > 0).then(|| stats.get_hits as f64 / gets as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_of_the_library_is_shown() {
        let debug = format!("{:?}", Stats::default());
        let fields = debug.trim_start_matches("Stats { ").trim_end_matches(" }").split(", ");
        for field in fields.filter_map(|pair| pair.split_once(": ")) {
            let (name, value) = field;
            // A property of the handle that asks, not of the region.
            let of_the_handle = matches!(value, "true" | "false");
            let shown = FIGURES.iter().any(|figure| figure.name == name);
            assert!(shown || of_the_handle, "{name} is missing from the table");
        }
    }

    #[test]
    fn the_hit_ratio_of_no_gets_is_unknown() {
        let mut stats = Stats::default();
        assert_eq!(hit_ratio(&stats), None);
        (stats.get_hits, stats.get_misses) = (3, 1);
        assert_eq!(hit_ratio(&stats), Some(0.75));
    }
}
