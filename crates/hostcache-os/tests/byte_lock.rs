//! One byte, one holder: between handles, threads and processes, until the holder lets go.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod support;

use hostcache_os::lock::BYTES;
use hostcache_os::{ByteLocks, PendingFile, open_region_file, unlink};
use std::fs::File;
use std::path::{Path, PathBuf};
use support::{Peer, role, say, scratch, wait_for_parent};
use tempfile::TempDir;

/// A region's file and its path.
struct Region {
    _dir: TempDir,
    path: PathBuf,
    file: File,
}

fn region() -> Region {
    let dir = scratch();
    let path = dir.path().join("region");
    let file = PendingFile::create(dir.path(), 4096, 0o600).unwrap().publish("region").unwrap();
    Region { _dir: dir, path, file }
}

fn locks(region: &Region) -> ByteLocks {
    ByteLocks::open(&region.file, &region.path, true).unwrap()
}

/// The child's part: holds byte 3 until it is told to let go, and then ends when it is told.
fn hold_byte_3(path: &Path) {
    let file = open_region_file(path, true).unwrap();
    let locks = ByteLocks::open(&file, path, true).unwrap();
    assert!(locks.try_lock(3).unwrap());
    say("held");
    wait_for_parent();
    locks.unlock(3).unwrap();
    say("released");
    wait_for_parent();
}

#[test]
fn two_handles_exclude_each_other_byte_by_byte() {
    let region = region();
    let (a, b) = (locks(&region), locks(&region));
    assert!(a.try_lock(0).unwrap());
    assert!(!b.try_lock(0).unwrap());
    assert!(b.try_lock(1).unwrap());
    assert!(!a.try_lock(1).unwrap());
    assert!(a.try_lock(BYTES - 1).unwrap());
    assert!(a.holds(0) && !a.holds(1) && b.holds(1) && !b.holds(0));

    a.unlock(0).unwrap();
    assert!(b.try_lock(0).unwrap());
    assert!(!a.try_lock(0).unwrap());
}

#[test]
fn a_query_sees_others_and_never_ones_own() {
    let region = region();
    let (a, b) = (locks(&region), locks(&region));
    assert!(!a.held_by_other(7).unwrap() && !b.held_by_other(7).unwrap());
    a.try_lock(7).unwrap();
    assert!(!a.held_by_other(7).unwrap() && b.held_by_other(7).unwrap());
    assert!(!b.held_by_other(6).unwrap() && !b.held_by_other(8).unwrap());
}

#[test]
fn a_byte_is_taken_once_also_by_the_same_handle() {
    let region = region();
    let a = locks(&region);
    assert!(a.try_lock(5).unwrap());
    assert!(!a.try_lock(5).unwrap());
    a.unlock(5).unwrap();
    assert!(a.try_lock(5).unwrap());
}

#[test]
fn of_many_threads_on_one_handle_each_byte_goes_to_one() {
    const THREADS: usize = 8;
    let region = region();
    let locks = locks(&region);
    let taken: usize = std::thread::scope(|scope| {
        let taker =
            || scope.spawn(|| (0..500).filter(|&byte| locks.try_lock(byte).unwrap()).count());
        let takers: Vec<_> = (0..THREADS).map(|_| taker()).collect();
        takers.into_iter().map(|taker| taker.join().unwrap()).sum()
    });
    assert_eq!(taken, 500);
}

#[test]
fn releasing_what_is_not_held_changes_nothing() {
    let region = region();
    let (a, b) = (locks(&region), locks(&region));
    a.try_lock(2).unwrap();
    b.unlock(2).unwrap();
    a.unlock(9).unwrap();
    assert!(a.holds(2) && b.held_by_other(2).unwrap());
}

#[test]
fn a_byte_out_of_range_is_an_error() {
    let region = region();
    let a = locks(&region);
    for byte in [BYTES, BYTES + 64, u64::MAX] {
        a.try_lock(byte).unwrap_err();
        a.unlock(byte).unwrap_err();
        a.held_by_other(byte).unwrap_err();
        assert!(!a.holds(byte));
    }
}

#[test]
fn dropping_a_handle_releases_its_bytes_and_no_others() {
    let region = region();
    let (a, b, c) = (locks(&region), locks(&region), locks(&region));
    a.try_lock(1).unwrap();
    b.try_lock(2).unwrap();
    drop(a);
    // Any other descriptor of the file may be closed as well.
    drop(open_region_file(&region.path, true).unwrap());
    assert!(!c.held_by_other(1).unwrap());
    assert!(c.held_by_other(2).unwrap());
}

#[test]
fn a_file_without_a_name_can_be_locked() {
    let dir = scratch();
    let pending = PendingFile::create(dir.path(), 4096, 0o600).unwrap();
    let path = dir.path().join("region");
    let before = ByteLocks::open(pending.file(), &path, true).unwrap();
    before.try_lock(1).unwrap();
    let file = pending.publish("region").unwrap();
    let published = ByteLocks::open(&file, &path, true).unwrap();
    assert!(published.held_by_other(1).unwrap());
    unlink(&path).unwrap();
    let unlinked = ByteLocks::open(&file, &path, true).unwrap();
    assert!(unlinked.held_by_other(1).unwrap());

    // A new file of that name is another matter.
    let other = PendingFile::create(dir.path(), 4096, 0o600).unwrap().publish("region").unwrap();
    assert!(ByteLocks::open(&other, &path, true).unwrap().try_lock(1).unwrap());
}

#[test]
fn a_read_only_handle_can_ask_and_not_take() {
    let region = region();
    let writer = locks(&region);
    writer.try_lock(4).unwrap();
    let file = open_region_file(&region.path, false).unwrap();
    let reader = ByteLocks::open(&file, &region.path, false).unwrap();
    assert!(reader.held_by_other(4).unwrap() && !reader.held_by_other(5).unwrap());
    let refused = reader.try_lock(5).unwrap_err();
    assert_eq!(refused.source.raw_os_error(), Some(libc::EBADF));
    assert!(refused.to_string().contains(region.path.to_str().unwrap()), "{refused}");
    assert!(!reader.holds(5), "a failed attempt leaves no mark");
}

#[test]
fn another_process_holds_a_byte_until_it_lets_go() {
    if let Some(path) = role() {
        return hold_byte_3(Path::new(&path));
    }
    let region = region();
    let mut peer = Peer::start("another_process_holds_a_byte_until_it_lets_go", &region.path);
    peer.expect("held");
    let ours = locks(&region);
    assert!(!ours.try_lock(3).unwrap() && ours.held_by_other(3).unwrap());
    peer.go_on();
    peer.expect("released");
    assert!(!ours.held_by_other(3).unwrap() && ours.try_lock(3).unwrap());
}

#[test]
fn a_stopped_process_keeps_its_byte_and_a_killed_one_does_not() {
    if let Some(path) = role() {
        return hold_byte_3(Path::new(&path));
    }
    let region = region();
    for _ in 0..20 {
        let mut peer =
            Peer::start("a_stopped_process_keeps_its_byte_and_a_killed_one_does_not", &region.path);
        peer.expect("held");
        let ours = locks(&region);
        peer.signal(libc::SIGSTOP);
        peer.wait_until(libc::WSTOPPED);
        assert!(ours.held_by_other(3).unwrap() && !ours.try_lock(3).unwrap());
        // Free as soon as it is dead, and before anybody has reaped it.
        peer.kill();
        assert!(!ours.held_by_other(3).unwrap());
        assert!(ours.try_lock(3).unwrap());
    }
}
