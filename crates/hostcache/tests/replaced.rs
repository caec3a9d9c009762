//! A region whose name is taken away while it is mapped, and given to another.

mod support;

use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, ptr};

use hostcache::{Cache, OpenError};
use support::{Scratch, in_forked_child};

const LONG: Duration = Duration::from_secs(60);

/// Repeats a step until it says that it is done.
fn until(what: &str, mut step: impl FnMut() -> bool) {
    let started = Instant::now();
    while !step() {
        assert!(started.elapsed() < LONG, "still not: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Another region in the place of the test's.
fn replace(scratch: &Scratch) -> Cache {
    fs::remove_file(scratch.path("test")).expect("a region");
    scratch.cache(2 << 20)
}

/// Uses a handle for longer than two looks take: nothing that it writes is lost.
fn goes_on(cache: &Cache, what: &str) {
    let looks = Instant::now() + Duration::from_millis(1200);
    let mut number = 0;
    while Instant::now() < looks {
        cache.set(format!("{what} {number}"), "v").expect("there is room");
        std::thread::sleep(Duration::from_millis(20));
        number += 1;
    }
    for number in 0..number {
        assert!(cache.contains(format!("{what} {number}")), "{what} {number}");
    }
}

#[test]
fn writers_go_over_and_what_they_had_is_over() {
    let scratch = Scratch::new();
    let old = scratch.cache(1 << 20);
    old.set("old", "1").unwrap();
    let other = Cache::open(scratch.path("test")).unwrap();
    let (clone, pin) = (old.clone(), other.pin("old").unwrap().expect("it is there"));
    let new = replace(&scratch);
    until("the writer's keys are seen in the new region", || {
        old.set(format!("key {:?}", Instant::now()), "2").unwrap();
        new.stats().curr_items > 0
    });
    for handle in [&old, &clone] {
        assert_eq!(handle.capacity(), new.capacity());
        assert_eq!(handle.get("old"), None, "it was the old region's");
    }
    assert_eq!(pin.to_vec(), b"1", "what is held stays");
    drop(pin);
    old.set("k", "3").unwrap();
    assert_eq!(new.get("k").as_deref(), Some(&b"3"[..]));
    // It had nothing to look for: what it misses now leads it over.
    until("a mere reader sees what is in the new region", || {
        other.get("k").as_deref() == Some(b"3")
    });
    for cache in [&old, &other, &new] {
        let report = cache.check();
        assert!(report.is_sound(), "{report:#?}");
    }
}

#[test]
fn a_handle_that_only_replaces_what_it_has_is_led_over_by_others() {
    let scratch = Scratch::new();
    let [busy, other] = [scratch.cache(1 << 20), Cache::open(scratch.path("test")).unwrap()];
    busy.set("hot", "0").unwrap();
    let new = replace(&scratch);
    until("the hot key is in the new region", || {
        busy.set("hot", "1").unwrap();
        // Anybody else who writes something of his own.
        other.add(format!("key {:?}", Instant::now()), "2").unwrap();
        new.contains("hot")
    });
}

#[test]
fn who_never_misses_and_only_replaces_goes_over_alone() {
    let scratch = Scratch::new();
    let cache = scratch.cache(1 << 20);
    let reader = Cache::open(scratch.path("test")).unwrap();
    let read_only = Cache::builder(scratch.path("test")).open_read_only().unwrap();
    cache.set("hot", "old").unwrap();
    assert_eq!(reader.get("hot").as_deref(), Some(&b"old"[..]));
    let new = replace(&scratch);
    new.set("hot", "new").unwrap();
    let sees_it = |cache: &Cache| cache.get("hot").as_deref() == Some(b"new");
    // One who can't write ends nothing in the old region: it has no help from others, nor they from it.
    until("the handle without write access reads it", || sees_it(&read_only));
    until("the reader reads it", || sees_it(&reader));
    let scratch = Scratch::new();
    let cache = scratch.cache(1 << 20);
    cache.set("hot", "old").unwrap();
    let new = replace(&scratch);
    until("the writer writes there", || {
        cache.set("hot", "newer").unwrap();
        new.contains("hot")
    });
}

#[test]
fn readers_without_write_access_follow_where_they_miss() {
    let scratch = Scratch::new();
    let _old = scratch.cache(1 << 20);
    let reader = Cache::builder(scratch.path("test")).open_read_only().unwrap();
    let new = replace(&scratch);
    new.set("k", "v").unwrap();
    until("the reader sees it", || reader.get("k").as_deref() == Some(b"v"));
}

#[test]
fn without_a_successor_everybody_goes_on() {
    let scratch = Scratch::new();
    let cache = scratch.cache(1 << 20);
    Cache::destroy(scratch.path("test")).unwrap();
    goes_on(&cache, "nothing there");
    fs::write(scratch.path("test"), [7; 8192]).unwrap();
    goes_on(&cache, "no region there");
    let error = Cache::open(scratch.path("test")).expect_err("seven is no magic number");
    assert!(!matches!(error, OpenError::Missing { .. }), "{error}");
    // What can't be used now may be replaced in its turn.
    let new = replace(&scratch);
    until("it is found in the end", || {
        cache.set("k", "v").unwrap();
        new.contains("k")
    });
}

#[test]
fn a_region_that_was_moved_aside_is_not_ended_by_who_has_its_name() {
    let scratch = Scratch::new();
    let cache = scratch.cache(1 << 20);
    cache.set("old", "1").unwrap();
    fs::rename(scratch.path("test"), scratch.path("aside")).unwrap();
    let new = scratch.cache(2 << 20);
    goes_on(&cache, "aside");
    assert_eq!(cache.get("old").as_deref(), Some(&b"1"[..]));
    assert_eq!(new.stats().cmd_set, 0, "the handle has gone over");
    let aside = Cache::open(scratch.path("aside")).unwrap();
    assert_eq!(aside.get("old").as_deref(), Some(&b"1"[..]));
    // Once it is unlinked, the name counts.
    fs::remove_file(scratch.path("aside")).unwrap();
    until("the handle goes over", || {
        cache.set("k", "2").unwrap();
        new.contains("k")
    });
}

/// As in a container with a `/dev/shm` of its own that was started by a process which had the region.
#[test]
fn a_process_that_sees_another_file_there_ends_nothing_for_others() {
    let scratch = Scratch::new();
    let cache = scratch.cache(1 << 20);
    cache.set("old", "1").unwrap();
    in_forked_child(|| {
        assert!(cache.contains("old"), "the child has it mapped");
        if let Err(error) = mount_over(scratch.directory()) {
            println!("skipped: no mount namespace: {error}");
            return true;
        }
        let hidden = scratch.cache(2 << 20);
        goes_on(&cache, "elsewhere");
        cache.capacity() == 1 << 20 && hidden.stats().cmd_set == 0
    });
    assert_eq!(cache.get("old").as_deref(), Some(&b"1"[..]));
}

/// Mounts an empty filesystem there, which only this process sees.
fn mount_over(directory: &Path) -> std::io::Result<()> {
    let done = |result| if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) };
    let directory = CString::new(directory.as_os_str().as_bytes())?;
    let mount = |kind: *const libc::c_char, target: &CStr, flags, options: *const libc::c_char| {
        // SAFETY: strings that end with NUL, or null where the call takes that.
        done(unsafe { libc::mount(kind, target.as_ptr(), kind, flags, options.cast()) })
    };
    // SAFETY: the call takes a number.
    done(unsafe { libc::unshare(libc::CLONE_NEWNS) })?;
    mount(ptr::null(), c"/", libc::MS_REC | libc::MS_PRIVATE, ptr::null())?;
    mount(c"tmpfs".as_ptr(), &directory, 0, c"mode=700".as_ptr())
}

#[test]
fn threads_of_one_handle_go_over_together_time_after_time() {
    const REGIONS: u64 = 8;
    let scratch = Scratch::new();
    let cache = scratch.cache(1 << 20);
    let stop = std::sync::atomic::AtomicBool::new(false);
    let is_stopped = || stop.load(std::sync::atomic::Ordering::Relaxed);
    let last = std::thread::scope(|scope| {
        for thread in 0..4u64 {
            let (cache, is_stopped) = (&cache, &is_stopped);
            scope.spawn(move || {
                for number in 0u64.. {
                    let key = [thread, number % 50].map(u64::to_le_bytes).concat();
                    cache.set(&key, key.repeat(20)).expect("there is room");
                    let value = cache.get(&key);
                    assert!(value.is_none_or(|value| value == key.repeat(20)));
                    cache.delete(&key).expect("sound");
                    if is_stopped() {
                        cache.set(&key, key.repeat(20)).expect("there is room");
                        break;
                    }
                }
            });
        }
        let mut new = None;
        for _ in 0..REGIONS {
            let region = replace(&scratch);
            until("a thread is over", || region.stats().cmd_set > 100);
            new = Some(region);
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        new.expect("one at least")
    });
    assert_eq!(last.capacity(), cache.capacity());
    assert_eq!(last.stats().curr_items, 4, "each thread's last");
    let report = last.check();
    assert!(report.is_sound(), "{report:#?}");
}

#[test]
fn a_forked_child_goes_by_the_name_too() {
    let scratch = Scratch::new();
    let old = scratch.cache(1 << 20);
    old.set("k", "old").unwrap();
    let new = replace(&scratch);
    in_forked_child(|| old.set("child", "new").is_ok());
    assert_eq!(new.get("child").as_deref(), Some(&b"new"[..]));
}
