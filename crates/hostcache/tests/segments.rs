//! Regions in named segments: what they do as files do, what this backing can't do, and what is left behind.
//!
//! The operations, processes, kills and forks of the whole-system tests run on them too, see `tests/README.md`.

mod support;

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hostcache::{Cache, CacheBuilder, MaintenanceBudget, OpenError};
use hostcache_core::Memory;
use hostcache_core::layout::Header;
use support::Scratch;

const CAPACITY: u64 = 4 << 20;
const REGION: &str = "HOSTCACHE_SEGMENTS_REGION";

fn settings(scratch: &Scratch) -> CacheBuilder {
    scratch.builder("test").capacity(CAPACITY).named_segment().unreserved()
}

/// Removes the segment at the end of a test, however that ends.
struct Segment(PathBuf);

impl Segment {
    fn of(cache: &Cache) -> Self {
        Self(memory_of(&cache.path()))
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Where Linux shows the segment that a region's file names.
fn memory_of(record: &Path) -> PathBuf {
    let text = fs::read_to_string(record).expect("the region's file");
    let id = text.lines().nth(1).expect("a name");
    Path::new("/dev/shm").join(id.trim_start_matches('/'))
}

#[track_caller]
fn refused<T>(answer: Result<T, OpenError>, parts: &[&str]) -> OpenError {
    let error = answer.map(|_| ()).expect_err("refused");
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in: {text}");
    }
    error
}

#[track_caller]
fn unsupported<T>(answer: Result<T, OpenError>, what: &str, remedy: &str) {
    let words =
        ["region \"test\"", what, "is not supported by this backing (a named segment)", remedy];
    let error = refused(answer, &words);
    assert!(matches!(error, OpenError::Unsupported { .. }), "{error:?}");
}

fn date_back(memory: &Path) {
    let file = File::options().read(true).write(true).open(memory).expect("the segment");
    let mapping = hostcache_os::Mapping::map(&file, CAPACITY as usize, true).expect("a mapping");
    // SAFETY: the mapping is page-aligned, writable, outlives the view, and nobody refers to its bytes.
    let memory = unsafe { Memory::from_raw(mapping.as_ptr().cast(), CAPACITY as usize / 8) };
    let (mut header, _) = Header::read(&memory).expect("a header");
    header.boot_id[0] ^= 0xff;
    header.write(&memory);
}

#[test]
fn it_is_created_opened_listed_and_destroyed_by_its_name() {
    let scratch = Scratch::shared();
    let cache =
        settings(&scratch).default_ttl(std::time::Duration::from_secs(60)).create().unwrap();
    let _segment = Segment::of(&cache);
    let memory = memory_of(&cache.path());
    assert_eq!(memory.metadata().unwrap().len(), CAPACITY);
    assert_eq!(memory.metadata().unwrap().mode() & 0o7777, 0o600);
    cache.set("k", "v").unwrap();
    let other = scratch.builder("test").open().unwrap();
    assert_eq!(other.get("k").as_deref(), Some(&b"v"[..]));
    let info = other.info();
    assert_eq!((info.capacity, info.allocated_bytes, info.writable), (CAPACITY, 0, true));
    assert_eq!(info.default_ttl, Some(std::time::Duration::from_secs(60)));
    refused(settings(&scratch).create(), &["\"test\" exists already"]);
    refused(scratch.builder("test").capacity(CAPACITY).create(), &["\"test\" exists already"]);
    let third = settings(&scratch).open_or_create().unwrap();
    assert_eq!(third.get("k").as_deref(), Some(&b"v"[..]));
    assert!(cache.check().is_sound());

    let path = cache.path().display().to_string();
    Cache::destroy(&path).unwrap();
    assert!(!memory.exists() && !cache.path().exists());
    cache.set("k", "w").unwrap();
    assert_eq!(other.get("k").as_deref(), Some(&b"w"[..]), "who has it goes on");
    refused(Cache::destroy(&path), &["no region"]);
    refused(scratch.builder("test").open(), &["no region"]);
    let fresh = settings(&scratch).open_or_create().unwrap();
    let _fresh = Segment::of(&fresh);
    assert_eq!(fresh.get("k"), None);
}

#[test]
fn what_the_backing_can_not_do_is_an_error_and_leaves_nothing() {
    let scratch = Scratch::shared();
    let reserved = scratch.builder("test").capacity(CAPACITY).named_segment();
    unsupported(reserved.create(), "reserving memory", ".unreserved()");
    unsupported(settings(&scratch).mode(0o640).create(), "a mode", "drop .mode()");
    unsupported(settings(&scratch).group().create(), "a group", "drop .group()");
    assert_eq!(fs::read_dir(scratch.directory()).unwrap().count(), 0);

    let cache = settings(&scratch).huge_pages(true).create().unwrap();
    let _segment = Segment::of(&cache);
    let huge = cache.info().huge_pages;
    assert!(huge.asked && huge.reason.is_some() == (huge.bytes < CAPACITY), "{huge:?}");
    unsupported(scratch.builder("test").open_read_only(), "read-only attaching", "for writing");
    refused(settings(&scratch).capacity(1 << 50).create(), &["is not allowed"]);
}

#[test]
fn it_is_listed_with_its_size() {
    const TEST: &str = "it_is_listed_with_its_size";
    if let Ok(region) = std::env::var(REGION) {
        let listed = Cache::list().expect("a list");
        let entry = listed.iter().find(|entry| entry.path == Path::new(&region)).expect("it");
        assert_eq!((entry.capacity, entry.allocated_bytes), (CAPACITY, 0));
        assert_eq!((entry.mode, &entry.problem), (0o600, &None));
        return println!("it is done");
    }
    let scratch = Scratch::shared();
    let cache = settings(&scratch).create().unwrap();
    let _segment = Segment::of(&cache);
    let mut command = again(TEST, &cache.path());
    let output = command.env("HOSTCACHE_DIR", scratch.directory()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("it is done"), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_segment_that_is_gone_replaced_damaged_or_old_is_refused() {
    let scratch = Scratch::shared();
    let open = || scratch.builder("test").open();
    let cache = settings(&scratch).create().unwrap();
    let _segment = Segment::of(&cache);
    let (record, memory) = (cache.path(), memory_of(&cache.path()));
    drop(cache);

    date_back(&memory);
    refused(open(), &["was made before the last reboot", "destroy the region"]);
    date_back(&memory);
    drop(open().expect("dated forth again"));

    let original = fs::read(&memory).unwrap();
    let file = File::options().write(true).open(&memory).unwrap();
    file.write_all_at(&[0xff], 4 * 8).unwrap();
    refused(open(), &["corrupt", "checksum"]);
    file.write_all_at(&original[..4096], 0).unwrap();
    file.set_len(CAPACITY / 2).unwrap();
    refused(open(), &["corrupt", "4194304 bytes", "2097152"]);

    // Another region under the same segment's name, as somebody else could put it there.
    let other = scratch.builder("other").capacity(CAPACITY).create().unwrap();
    fs::remove_file(&memory).unwrap();
    fs::copy(other.path(), &memory).unwrap();
    refused(open(), &["/hostcache-", "is another one than when the region was made"]);
    fs::remove_file(&memory).unwrap();
    refused(open(), &["is gone", "lost in a reboot", "destroy the region and create it anew"]);
    refused(settings(&scratch).open_or_create(), &["is gone"]);
    Cache::destroy(record.display().to_string()).unwrap();
    assert!(!record.exists());
}

#[test]
fn a_file_that_only_looks_like_one_is_no_region() {
    let scratch = Scratch::shared();
    let cache = settings(&scratch).create().unwrap();
    let _segment = Segment::of(&cache);
    let text = fs::read(cache.path()).unwrap();
    let path = scratch.directory().join("forged");
    for (from, to) in [("/hostcache-", "/../tcache-"), ("segment 1", "segment 9")] {
        let forged = String::from_utf8_lossy(&text).replace(from, to);
        fs::write(&path, &forged).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        refused(scratch.builder("forged").open(), &["not a hostcache region", "128 bytes"]);
    }
    fs::write(&path, &text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    refused(scratch.builder("forged").open(), &["mode 0666"]);
}

#[test]
fn of_many_who_create_it_one_does_and_the_others_leave_nothing() {
    // No other test's, so that what is left can be told apart.
    const OWN: u64 = CAPACITY + (5 << 12);
    let scratch = Scratch::shared();
    let barrier = std::sync::Barrier::new(8);
    let caches: Vec<Cache> = std::thread::scope(|scope| {
        let create = || {
            barrier.wait();
            settings(&scratch).capacity(OWN).open_or_create().expect("one of them makes it")
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(create)).collect();
        threads.into_iter().map(|thread| thread.join().expect("it ended")).collect()
    });
    let _segment = Segment::of(&caches[0]);
    for (n, cache) in caches.iter().enumerate() {
        cache.set(format!("key:{n}"), "v").unwrap();
    }
    assert!(caches.iter().all(|cache| (0..8).all(|n| cache.contains(format!("key:{n}")))));
    let entries = fs::read_dir("/dev/shm").unwrap().flatten();
    let of_this_size = entries.filter(|entry| entry.metadata().is_ok_and(|m| m.len() == OWN));
    let left: Vec<PathBuf> = of_this_size.map(|entry| entry.path()).collect();
    assert_eq!(left, [memory_of(&caches[0].path())]);
}

fn again(test: &str, region: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(REGION, region);
    command
}

#[test]
fn a_killed_worker_is_seen_by_the_lock_beside_the_segment() {
    const TEST: &str = "a_killed_worker_is_seen_by_the_lock_beside_the_segment";
    if let Ok(region) = std::env::var(REGION) {
        let cache = Cache::open(region).expect("the region");
        let _pin = cache.pin("k").expect("pin").expect("an item");
        println!("attached");
        io::stdout().flush().expect("standard output");
        loop {
            cache.increment("n", 1).expect("increment");
        }
    }
    let scratch = Scratch::shared();
    let cache = settings(&scratch).create().unwrap();
    let _segment = Segment::of(&cache);
    for round in 1..=20 {
        cache.set("k", "v").unwrap();
        cache.set("n", "0").unwrap();
        let mut worker = again(TEST, &cache.path()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(worker.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("attached") {
            line.clear();
            assert_ne!(lines.read_line(&mut line).unwrap(), 0, "it ended");
        }
        let step = || cache.maintain(&MaintenanceBudget::default()).unwrap();
        assert_eq!(step().recovered_participants, 0, "it lives");
        assert_eq!(cache.stats().pins, 1);
        worker.kill().unwrap();
        worker.wait().unwrap();
        while step().recovered_participants > 0 {}
        assert!(cache.stats().recovered_participants >= round);
        assert_eq!(cache.stats().pins, 0);
        let report = cache.check();
        assert!(report.is_sound() && report.dead_held_bytes == 0, "{report:#?}");
    }
}
