//! A region's file is cut off while processes have it mapped.

mod support;

use std::fs::OpenOptions;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};

use hostcache::{Cache, OpenError, WriteError};
use support::Scratch;

const CAPACITY: u64 = 1 << 20;
const SIGBUS: i32 = 7;
/// What a child of this program is to do, and with which region.
const ROLE: &str = "HOSTCACHE_TRUNCATION_ROLE";

/// Runs the test `name` once more, in a process of its own, in a role.
fn in_child(name: &str, role: &str) -> ExitStatus {
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.args(["--exact", name, "--nocapture", "--test-threads", "1"]).env(ROLE, role);
    command.output().expect("it starts").status
}

fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

fn filled(scratch: &Scratch, survive: bool) -> Cache {
    let builder = scratch.builder("test").capacity(CAPACITY).survive_truncation(survive);
    let cache = builder.create().expect("a region");
    for n in 0..600u32 {
        cache.set(n.to_string(), [n as u8; 1000]).expect("set");
    }
    cache
}

fn truncate(path: &Path, len: u64) {
    let file = OpenOptions::new().write(true).open(path).expect("the region's file");
    file.set_len(len).expect("truncated");
}

/// Reads all keys: each has its value or none. How many have.
fn read_all(cache: &Cache) -> usize {
    let (hits, zeroed) = read(cache);
    assert_eq!(zeroed, 0, "values with zeros in them");
    hits
}

/// The same; and how many have zeros in their value: the kernel zeroes the rest of the page in which the file ends.
fn read(cache: &Cache) -> (usize, usize) {
    let (mut hits, mut zeroed) = (0, 0);
    for n in 0..600u32 {
        let Some(value) = cache.get(n.to_string()) else { continue };
        assert_eq!(value.len(), 1000, "key {n}");
        assert!(value.iter().all(|&byte| byte == n as u8 || byte == 0), "key {n}");
        hits += 1;
        zeroed += usize::from(n as u8 != 0 && value.contains(&0));
    }
    (hits, zeroed)
}

#[test]
fn without_the_guard_the_kernel_ends_the_process() {
    if let Some(name) = role() {
        let cache = Cache::open(name).expect("the region");
        truncate(&cache.path(), 4096);
        read_all(&cache);
        return;
    }
    let scratch = Scratch::shared();
    drop(filled(&scratch, false));
    let name = scratch.path("test");
    let status = in_child("without_the_guard_the_kernel_ends_the_process", &name);
    assert_eq!(status.signal(), Some(SIGBUS), "{status}");
}

#[test]
fn with_the_guard_reads_miss_and_writes_are_refused_wherever_it_was_cut() {
    let page = 4096;
    // What is left over behind the last page of the arena, and touched by nobody.
    let tail = 4 * page;
    for border in [0, page, CAPACITY / 4, CAPACITY / 2, CAPACITY - tail, CAPACITY] {
        for len in [border.saturating_sub(1), border, border + 1] {
            let scratch = Scratch::shared();
            let cache = filled(&scratch, true);
            let before = read_all(&cache);
            assert!(before > 400, "{before} hits of what was just set");
            truncate(&cache.path(), len);
            let (_, zeroed) = read(&cache);
            let most = if len % page == 0 { 0 } else { 5 };
            assert!(zeroed <= most, "cut to {len}: {zeroed} values with zeros in them");
            let refused = (0..1000u32).find_map(|n| cache.set(n.to_string(), [1; 900]).err());
            if len + tail < CAPACITY {
                let refused = refused.unwrap_or_else(|| panic!("cut to {len}: no write refused"));
                let text = refused.to_string();
                assert!(text.contains("truncated while it was mapped"), "{text}");
                assert!(text.contains("open or create it anew"), "{text}");
                let WriteError::Attach(cause) = refused else { panic!("{refused:?}") };
                assert!(matches!(*cause, OpenError::Corrupt { .. }), "{cause:?}");
                // What the write stored in the middle of which the loss was met, at most.
                assert!(cache.keys().count() <= 1, "cut to {len}");
                assert!((0..1000u32).filter(|n| cache.contains(n.to_string())).count() <= 1);
                assert!(cache.increment("1", 1).is_err() && cache.clear().is_err());
            }
            // Nobody else's region is touched, and the way on is a new one.
            let path = cache.path();
            drop(cache);
            std::fs::remove_file(path).expect("removed");
            let cache = filled(&scratch, true);
            assert_eq!(read_all(&cache), before);
        }
    }
}

#[test]
fn threads_survive_together_and_other_handles_are_not_touched() {
    let scratch = Scratch::shared();
    let (cache, other) = (filled(&scratch, true), filled(&Scratch::shared(), true));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| while read_all(&cache) > 0 {});
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
        truncate(&cache.path(), 4096);
    });
    assert!(cache.set("k", "v").is_err());
    assert!(read_all(&other) > 400 && other.set("k", "v").is_ok());
}

#[test]
fn a_sealed_region_can_not_be_cut() {
    let cache = Cache::builder("sealed").capacity(CAPACITY).memfd().create().expect("a region");
    cache.set("k", "v").expect("set");
    let fd = cache.as_fd().expect("a descriptor").try_clone_to_owned().expect("one more");
    let file = std::fs::File::from(fd);
    let refused = file.set_len(4096).expect_err("sealed");
    assert_eq!(refused.raw_os_error(), Some(1), "EPERM: {refused}");
    assert!(file.as_fd().try_clone_to_owned().is_ok());
    assert_eq!(cache.get("k").as_deref(), Some(&b"v"[..]));
}
