//! How a region is mapped: page by page or at once, in small or huge pages.

mod support;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use hostcache::{Cache, PrivateCache};
use support::Scratch;

const CAPACITY: u64 = 32 << 20;

/// A sum over this process's mappings of a file, in bytes.
fn mapped(path: &Path, what: &str) -> u64 {
    let path = path.display().to_string();
    let text = fs::read_to_string("/proc/self/smaps").expect("smaps");
    let mut is_ours = false;
    let mut sum = 0;
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        let first = words.next().expect("a word");
        if first.ends_with(':') {
            if is_ours && first == what {
                sum += words.next().expect("a size").parse::<u64>().expect("kB") << 10;
            }
        } else {
            is_ours = line.ends_with(&path);
        }
    }
    sum
}

#[test]
fn pages_are_mapped_as_they_are_used_unless_populated() {
    let scratch = Scratch::shared();
    let cache = scratch.builder("test").capacity(CAPACITY).create().unwrap();
    let path = cache.path();
    cache.set("k", "v").unwrap();
    let few = mapped(&path, "Rss:");
    assert!(few < CAPACITY / 8, "{few} bytes are mapped by an attach and a set");
    let reader = scratch.builder("test").populate(true).open_read_only().unwrap();
    let by_reader = mapped(&path, "Rss:") - few;
    if by_reader < CAPACITY / 8 {
        println!("skipped: this kernel does not populate");
        return;
    }
    assert_eq!(by_reader, CAPACITY, "all of it, by a reader");
    drop(reader);
    drop(cache);
    let cache = scratch.builder("test").populate(true).open().unwrap();
    assert_eq!(mapped(&path, "Rss:"), CAPACITY);
    assert_eq!(cache.get("k").as_deref(), Some(&b"v"[..]));
    assert_eq!(fs::metadata(&path).unwrap().blocks() * 512, CAPACITY);
}

#[test]
fn huge_pages_are_asked_for_by_everybody_and_reported() {
    let scratch = Scratch::shared();
    let cache = scratch.builder("test").capacity(CAPACITY).huge_pages(true).create().unwrap();
    let path = cache.path();
    assert_eq!(fs::metadata(&path).unwrap().blocks() * 512, CAPACITY, "no more than asked for");
    let value = vec![7; 100_000];
    for n in 0..500 {
        cache.set(format!("key:{n}"), &value).unwrap();
    }
    assert!(cache.check().is_sound());
    let reader = scratch.builder("test").open_read_only().unwrap();
    assert_eq!(reader.get("key:499").as_deref(), Some(&value[..]));
    for handle in [cache, reader] {
        let info = handle.info();
        let huge = info.huge_pages;
        assert!(huge.asked);
        assert_eq!(huge.reason.is_none(), huge.bytes == CAPACITY, "{huge:?}");
        if let Some(reason) = huge.reason {
            println!("skipped: {reason}");
        }
    }
    // What was reported is what the kernel says, of both mappings together.
    let again = [
        scratch.builder("test").open().unwrap(),
        scratch.builder("test").open_read_only().unwrap(),
    ];
    let reported: u64 = again.iter().map(|cache| cache.info().huge_pages.bytes).sum();
    assert_eq!(reported, mapped(&path, "ShmemPmdMapped:") + mapped(&path, "FilePmdMapped:"));
    let flags = fs::read_to_string("/proc/self/smaps").unwrap();
    let of_region =
        flags.split("VmFlags:").filter(|text| text.contains(&path.display().to_string()));
    assert_eq!(of_region.count(), 2, "one mapping each");
}

#[test]
fn the_last_part_of_a_huge_page_is_told() {
    let odd = CAPACITY + (1 << 20);
    let cache = PrivateCache::new(odd).create().unwrap();
    assert_eq!(cache.info().huge_pages, hostcache::HugePages::default(), "not asked for");
    let scratch = Scratch::shared();
    let cache: Cache = scratch.builder("test").capacity(odd).huge_pages(true).create().unwrap();
    assert_eq!(cache.info().allocated_bytes, odd);
    let huge = cache.info().huge_pages;
    let reason = huge.reason.expect("a reason");
    assert!(huge.asked && huge.bytes < odd, "{reason}");
    if huge.bytes == CAPACITY {
        assert!(reason.contains("the last 1048576 bytes"), "{reason}");
    }
}
