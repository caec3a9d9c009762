//! A region that was made during another boot: deadlines and participants in it mean nothing any more.

mod support;

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::sync::{Barrier, Mutex};
use std::time::Duration;

use hostcache::{Cache, OpenError};
use hostcache_core::Memory;
use hostcache_core::layout::Header;
use support::Scratch;

/// What the library logged, warnings and worse.
static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Recorder;

impl log::Log for Recorder {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::Level::Warn
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            LOG.lock().expect("the log").push(record.args().to_string());
        }
    }

    fn flush(&self) {}
}

fn listen() {
    // Another test of this program may have been first.
    let _ = log::set_logger(&Recorder);
    log::set_max_level(log::LevelFilter::Warn);
}

/// What was logged about the region at `path`.
fn logged(path: &Path) -> Vec<String> {
    let path = path.display().to_string();
    LOG.lock().expect("the log").iter().filter(|line| line.contains(&path)).cloned().collect()
}

/// Dates a region that nobody is attached to back into another boot.
fn date_back(path: &Path) {
    let file = File::options().read(true).write(true).open(path).expect("the region's file");
    let len = file.metadata().expect("its size").len() as usize;
    let mapping = hostcache_os::Mapping::map(&file, len, true).expect("a mapping");
    // SAFETY: the mapping is page-aligned, writable, outlives the view, and nobody refers to its bytes.
    let memory = unsafe { Memory::from_raw(mapping.as_ptr().cast(), len / 8) };
    let (mut header, _) = Header::read(&memory).expect("a header");
    header.boot_id[0] ^= 0xff;
    header.write(&memory);
}

/// A region of another boot with one item in it, and its path.
fn old_region(scratch: &Scratch) -> std::path::PathBuf {
    let settings = scratch.builder("test").capacity(2 << 20).participants(9);
    let settings = settings.default_ttl(Duration::from_secs(60)).mode(0o640);
    let cache = settings.create().expect("a region");
    cache.set("k", "old").expect("set");
    let path = cache.path();
    drop(cache);
    date_back(&path);
    path
}

#[test]
fn it_is_replaced_by_an_empty_one_of_the_same_shape_and_the_log_says_so() {
    listen();
    let scratch = Scratch::new();
    let path = old_region(&scratch);
    let before = fs::metadata(&path).unwrap();
    let cache = scratch.builder("test").open().unwrap();
    assert_eq!(cache.get("k"), None);
    assert_eq!(cache.stats().curr_items, 0);
    let info = cache.info();
    assert_eq!((info.capacity, info.participant_slots), (2 << 20, 9));
    assert_eq!(info.default_ttl, Some(Duration::from_secs(60)));
    let after = fs::metadata(&path).unwrap();
    assert_ne!(before.ino(), after.ino(), "a new file, so that nobody has half of the old one");
    assert_eq!(after.mode() & 0o7777, 0o640, "the old one's mode");
    assert!(cache.check().is_sound());
    let expected = format!(
        "region \"test\" at {} was made before the last reboot: it is emptied",
        path.display()
    );
    assert_eq!(logged(&path), [expected]);
    // The next one finds nothing to empty.
    cache.set("k", "new").unwrap();
    drop(cache);
    let cache = scratch.builder("test").capacity(2 << 20).open_or_create().unwrap();
    assert_eq!(cache.get("k").as_deref(), Some(&b"new"[..]));
    assert_eq!(logged(&path).len(), 1);
}

#[test]
fn its_group_stays_the_files() {
    let scratch = Scratch::new();
    let path = old_region(&scratch);
    if chown(&path, None, Some(1_900_777)).is_err() {
        println!("skipped: giving a file to another group needs root");
        return;
    }
    fs::set_permissions(&path, Permissions::from_mode(0o660)).unwrap();
    drop(scratch.builder("test").open().unwrap());
    let after = fs::metadata(&path).unwrap();
    assert_eq!((after.mode() & 0o7777, after.gid()), (0o660, 1_900_777));
}

#[test]
fn of_many_that_find_it_at_once_one_replaces_it() {
    const OPENERS: usize = 8;
    listen();
    for _ in 0..10 {
        let scratch = Scratch::new();
        let path = old_region(&scratch);
        let barrier = Barrier::new(OPENERS);
        let open = |at: usize| -> Cache {
            barrier.wait();
            let cache = scratch.builder("test").open().expect("the region");
            cache.set(format!("opener {at}"), "here").expect("set");
            cache
        };
        let caches: Vec<Cache> = std::thread::scope(|scope| {
            let open = &open;
            let threads: Vec<_> = (0..OPENERS).map(|at| scope.spawn(move || open(at))).collect();
            threads.into_iter().map(|thread| thread.join().expect("an opener")).collect()
        });
        for cache in &caches {
            assert_eq!(cache.stats().curr_items, OPENERS as u64, "all are in one region");
        }
        assert_eq!(logged(&path).len(), 1, "{:?}", logged(&path));
    }
}

#[test]
fn read_only_it_is_refused_and_left_as_it_is() {
    listen();
    let scratch = Scratch::new();
    let path = old_region(&scratch);
    let before = fs::read(&path).unwrap();
    let error = scratch.builder("test").open_read_only().map(|_| ()).expect_err("refused");
    assert!(matches!(error, OpenError::Refused { .. }), "{error:?}");
    let text = error.to_string();
    for part in ["\"test\"", "before the last reboot", "open it for writing once, which empties it"]
    {
        assert!(text.contains(part), "{part:?} is missing in: {text}");
    }
    assert!(fs::read(&path).unwrap() == before, "nothing was written");
    assert_eq!(logged(&path), Vec::<String>::new());
    drop(scratch.builder("test").open().unwrap());
    assert_eq!(scratch.builder("test").open_read_only().unwrap().get("k"), None);
}
