//! Figures as dicts, under the names that they have in Rust.

use hostcache::{ClassInfo, RegionInfo, Stats};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::arguments::seconds;

macro_rules! dict {
    ($py:expr, $from:expr, [$($field:ident),* $(,)?]) => {{
        let dict = PyDict::new($py);
        $(dict.set_item(pyo3::intern!($py, stringify!($field)), $from.$field)?;)*
        dict
    }};
}

/// Counters and gauges of the region, and this handle's forgiven failures.
pub(crate) fn stats<'py>(
    py: Python<'py>,
    stats: &Stats,
    failures: u64,
) -> PyResult<Bound<'py, PyDict>> {
    let dict = dict!(
        py,
        stats,
        [
            cmd_get,
            cmd_set,
            get_hits,
            get_misses,
            get_expired,
            get_contended,
            delete_hits,
            delete_misses,
            incr_hits,
            incr_misses,
            decr_hits,
            decr_misses,
            cas_hits,
            cas_misses,
            cas_badval,
            touch_hits,
            touch_misses,
            cmd_touch,
            cmd_flush,
            append_hits,
            append_misses,
            total_items,
            evictions,
            inline_evictions,
            expired,
            recovered_blocks,
            recovered_participants,
            no_room,
            curr_items,
            bytes,
            limit_maxbytes,
            participants,
            held_bytes,
            pinned_bytes,
            pins,
            reserved_bytes,
            free_page_bytes,
            counts_own_reads,
        ]
    );
    dict.set_item("failures", failures)?;
    Ok(dict)
}

/// The region's fixed properties.
pub(crate) fn info<'py>(py: Python<'py>, info: &RegionInfo) -> PyResult<Bound<'py, PyDict>> {
    let dict = dict!(
        py,
        info,
        [
            layout_version,
            capacity,
            index_bytes,
            index_slots,
            arena_bytes,
            page_size,
            pages,
            participant_slots,
            max_value_len,
            created_unix_secs,
            allocated_bytes,
            writable,
        ]
    );
    dict.set_item("name", &info.name)?;
    dict.set_item("path", info.path.display().to_string())?;
    dict.set_item("default_ttl", info.default_ttl.map(seconds))?;
    dict.set_item("max_ttl", info.max_ttl.map(seconds))?;
    Ok(dict)
}

/// What each slab class holds and earns; large values last.
pub(crate) fn classes<'py>(py: Python<'py>, classes: &[ClassInfo]) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for class in classes {
        let dict = dict!(
            py,
            class,
            [
                chunk_size,
                whole_pages,
                pages,
                chunks,
                used_chunks,
                free_chunks,
                items,
                used_bytes,
                wasted_bytes,
                get_hits,
                stored,
                evictions,
            ]
        );
        dict.set_item("hit_ratio", class.hit_ratio())?;
        dict.set_item("eviction_age", class.eviction_age.map(seconds))?;
        list.append(dict)?;
    }
    Ok(list)
}
