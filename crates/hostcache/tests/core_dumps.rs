//! A region whose bytes are to stay out of core dumps.

mod support;

use std::fs;
use std::path::Path;

use hostcache::Cache;
use support::{Scratch, in_forked_child};

/// Whether each mapping of a file in this process is left out of core dumps (`dd`).
fn left_out(mapped: &str) -> Vec<bool> {
    let smaps = fs::read_to_string("/proc/self/smaps").expect("smaps");
    let (mut ours, mut answers) = (false, Vec::new());
    for line in smaps.lines() {
        if let Some(flags) = line.strip_prefix("VmFlags:") {
            if ours {
                answers.push(flags.split_whitespace().any(|flag| flag == "dd"));
            }
        } else if line.split(' ').next().is_some_and(|word| word.contains('-')) {
            ours = line.contains(mapped);
        }
    }
    answers
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn it_is_left_out_where_it_was_asked_for_and_nowhere_else() {
    let scratch = Scratch::shared();
    let builder = scratch.builder("test").capacity(1 << 20);
    let cache = builder.exclude_from_core_dumps(true).create().expect("a region");
    assert_eq!(left_out(&shown(&cache.path())), [true]);
    // By each way to have it.
    let reader = scratch.builder("test").exclude_from_core_dumps(true).open_read_only();
    let reader = reader.expect("the region");
    assert_eq!(left_out(&shown(&cache.path())), [true, true]);
    let plain = scratch.builder("test").open().expect("the region");
    let mut all = left_out(&shown(&cache.path()));
    all.sort_unstable();
    assert_eq!(all, [false, true, true]);
    cache.set("k", "secret").expect("set");
    assert_eq!((reader.get("k"), plain.get("k")), (cache.get("k"), cache.get("k")));
}

#[test]
fn memory_without_a_file_is_left_out_too() {
    let builder = Cache::builder("dump-test").capacity(1 << 20);
    let _cache = builder.exclude_from_core_dumps(true).memfd().create().expect("a region");
    assert_eq!(left_out("memfd:dump-test"), [true]);
}

#[test]
fn a_forked_child_leaves_out_what_it_maps_anew() {
    let scratch = Scratch::shared();
    let builder = scratch.builder("test").capacity(1 << 20);
    let cache = builder.exclude_from_core_dumps(true).create().expect("a region");
    cache.set("k", "secret").expect("set");
    in_forked_child(|| {
        let found = cache.get("k").is_some();
        let answers = left_out(&shown(&cache.path()));
        found && answers.len() == 2 && answers.iter().all(|&out| out)
    });
}
