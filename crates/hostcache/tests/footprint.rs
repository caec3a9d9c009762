//! What a region and a worker on it take of memory.

mod support;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use hostcache::Cache;
use hostcache_os::Mapping;
use support::Scratch;

/// Tells a test that it runs as the worker of itself, and on which region.
const REGION: &str = "HOSTCACHE_FOOTPRINT_REGION";

const CAPACITY: u64 = 256 << 20;

/// Bytes of this process's memory that no other process has mapped.
fn private_bytes() -> u64 {
    let text = fs::read_to_string("/proc/self/smaps_rollup").expect("smaps_rollup");
    let sizes = text.lines().filter(|line| line.starts_with("Private_"));
    sizes.map(|line| kilobytes(line) << 10).sum()
}

fn kilobytes(line: &str) -> u64 {
    let size = line.split_ascii_whitespace().nth(1).expect("a size");
    size.parse().expect("a number of kB")
}

/// In a process of its own: attaches, works, and tells what that took.
fn work(region: &str) {
    let value = vec![b'x'; 4096];
    let mut copy = Vec::with_capacity(8192);
    let before = private_bytes();
    let cache = Cache::open(region).expect("the region");
    for n in 0..10_000_usize {
        let key = format!("key:{}", n % 2_500);
        let size = 16 + n * 37 % 4_000;
        match n % 8 {
            0..=2 => cache.set(&key, &value[..size]).expect("set"),
            3 => drop(cache.delete(&key).expect("delete")),
            4 => drop(cache.pin(&key).expect("pin")),
            5 => drop(cache.append(&key, b"tail").expect("append")),
            _ => drop(cache.get_into(&key, &mut copy)),
        }
    }
    println!("took {} bytes", private_bytes().saturating_sub(before));
}

#[test]
fn a_worker_takes_at_most_a_mebibyte_of_its_own() {
    const TEST: &str = "a_worker_takes_at_most_a_mebibyte_of_its_own";
    if let Ok(region) = std::env::var(REGION) {
        return work(&region);
    }
    let scratch = Scratch::shared();
    let cache = scratch.builder("test").capacity(CAPACITY).create().unwrap();
    // The kernel counts a page as a process's own as long as nobody else has mapped it.
    let file = fs::File::options().read(true).write(true).open(cache.path()).unwrap();
    let everything = Mapping::map(&file, CAPACITY as usize, true).unwrap();
    let populated = everything.populate(0, CAPACITY as usize);
    if populated.is_err() {
        touch(&everything);
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture", "--test-threads=1"])
        .env(REGION, cache.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}: {said}", output.status);
    let took = said.split_once("took ").and_then(|(_, rest)| rest.split(' ').next());
    let took: u64 = took.expect("what it took").parse().expect("a number");
    println!("{took} bytes");
    assert!(took <= 1 << 20, "a worker took {took} bytes of its own");
    assert!(cache.stats().cmd_set > 3_000, "it did its work");
}

/// Maps every page, on a kernel that can't do it at once.
fn touch(mapping: &Mapping) {
    for offset in (0..mapping.len()).step_by(4096) {
        // SAFETY: the offset is within the mapping; what the byte says is of no interest.
        unsafe { mapping.as_ptr().add(offset).read_volatile() };
    }
}

fn allocated(path: &Path) -> u64 {
    fs::metadata(path).expect("the region's file").blocks() * 512
}

#[test]
fn a_region_takes_its_capacity_from_creation_on_and_never_more() {
    const CAPACITY: u64 = 8 << 20;
    let scratch = Scratch::shared();
    let cache = scratch.builder("test").capacity(CAPACITY).create().unwrap();
    let path = cache.path();
    assert_eq!(allocated(&path), CAPACITY, "reserved at creation");
    assert_eq!(cache.info().allocated_bytes, CAPACITY);
    let value = vec![b'x'; 1 << 20];
    for n in 0..6_000_usize {
        cache.set(format!("key:{n}"), &value[..n * 211 % 20_000]).unwrap();
    }
    assert_eq!(allocated(&path), CAPACITY, "full of small values");
    for n in 0..40 {
        cache.set(format!("large:{n}"), &value).unwrap();
    }
    assert!(cache.stats().evictions > 0, "it was full");
    cache.clear().unwrap();
    assert_eq!(allocated(&path), CAPACITY, "after large ones, and a clear");
}
