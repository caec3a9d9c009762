//! Byte locks against what else goes on in a process: fork, raw clone, and foreign closing.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod support;

use hostcache_os::{ByteLocks, PendingFile, open_region_file};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use support::{Peer, Way, alone, in_child, reap, role, say, scratch, spawn_copy, wait_for_parent};

fn region(dir: &Path) -> (File, PathBuf) {
    let file = PendingFile::create(dir, 4096, 0o600).unwrap().publish("region").unwrap();
    (file, dir.join("region"))
}

fn attach(path: &Path) -> ByteLocks {
    ByteLocks::open(&open_region_file(path, true).unwrap(), path, true).unwrap()
}

#[test]
fn an_inherited_handle_refuses_everything_and_its_end_unlocks_nothing() {
    alone(|| {
        let dir = scratch();
        let (file, path) = region(dir.path());
        for way in [Way::Fork, Way::Clone] {
            let mut handle = Some(ByteLocks::open(&file, &path, true).unwrap());
            assert!(handle.as_ref().unwrap().try_lock(3).unwrap());
            let child = spawn_copy(way, || {
                let locks = handle.take().unwrap();
                assert!(!locks.is_intact());
                locks.try_lock(4).unwrap_err();
                locks.unlock(3).unwrap_err();
                let refused = locks.held_by_other(3).unwrap_err();
                assert!(refused.to_string().contains("inherited"), "{refused}");
                // A handle of its own excludes the parent like any other.
                let own = attach(&path);
                assert!(own.held_by_other(3).unwrap() && own.try_lock(4).unwrap());
                drop(locks);
                assert!(own.held_by_other(3).unwrap());
            });
            assert_eq!(reap(child), 0, "{way:?}");
            let observer = attach(&path);
            assert!(observer.held_by_other(3).unwrap() && !observer.held_by_other(4).unwrap());
        }
    });
}

#[test]
fn a_handle_is_forgotten_in_a_child_only() {
    alone(|| {
        let dir = scratch();
        let (file, path) = region(dir.path());
        let locks = ByteLocks::open(&file, &path, true).unwrap();
        locks.try_lock(3).unwrap();
        locks.forget_in_child();
        assert!(locks.is_intact() && attach(&path).held_by_other(3).unwrap());
        for way in [Way::Fork, Way::Clone] {
            let child = spawn_copy(way, || {
                let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
                let before = open();
                locks.forget_in_child();
                locks.forget_in_child();
                // The fork handler has closed both descriptors already.
                let closed = if matches!(way, Way::Fork) { 0 } else { 2 };
                assert_eq!(before - open(), closed);
            });
            assert_eq!(reap(child), 0, "{way:?}");
            assert!(attach(&path).held_by_other(3).unwrap());
        }
    });
}

#[test]
fn the_death_of_a_parent_is_seen_though_its_forked_child_lives_on() {
    if let Some(path) = role() {
        let locks = attach(Path::new(&path));
        locks.try_lock(3).unwrap();
        spawn_copy(Way::Fork, || {
            say("child");
            wait_for_parent();
            // Outlives its parent without a look at the handle.
            say("alive");
            wait_for_parent();
        });
        wait_for_parent();
        return;
    }
    let dir = scratch();
    let (_, path) = region(dir.path());
    let mut peer =
        Peer::start("the_death_of_a_parent_is_seen_though_its_forked_child_lives_on", &path);
    peer.expect("child");
    let observer = attach(&path);
    assert!(observer.held_by_other(3).unwrap());
    peer.kill();
    assert!(!observer.held_by_other(3).unwrap());
    peer.go_on();
    peer.expect("alive");
}

#[test]
fn a_raw_clone_keeps_its_dead_parent_alive_until_it_forgets_the_handle() {
    if let Some(path) = role() {
        let locks = attach(Path::new(&path));
        locks.try_lock(3).unwrap();
        spawn_copy(Way::Clone, || {
            say("child");
            wait_for_parent();
            locks.forget_in_child();
            say("forgotten");
            wait_for_parent();
        });
        loop {
            std::thread::park();
        }
    }
    let dir = scratch();
    let (_, path) = region(dir.path());
    let mut peer =
        Peer::start("a_raw_clone_keeps_its_dead_parent_alive_until_it_forgets_the_handle", &path);
    peer.expect("child");
    let observer = attach(&path);
    peer.kill();
    assert!(observer.held_by_other(3).unwrap(), "the documented limit");
    peer.go_on();
    peer.expect("forgotten");
    assert!(!observer.held_by_other(3).unwrap());
}

#[test]
fn no_child_keeps_a_handle_that_was_being_opened_while_it_was_forked() {
    const HANDLES: u64 = 2000;
    if let Some(path) = role() {
        let path = PathBuf::from(path);
        let done = std::sync::atomic::AtomicBool::new(false);
        let _kept: Vec<ByteLocks> = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    // SAFETY: the child calls nothing but `read` and `_exit`.
                    unsafe {
                        let pid = libc::fork();
                        assert!(pid >= 0);
                        if pid == 0 {
                            libc::close(1);
                            wait_for_parent();
                            libc::_exit(0);
                        }
                    }
                    std::thread::sleep(std::time::Duration::from_micros(100));
                }
            });
            let file = open_region_file(&path, true).unwrap();
            let open = |byte| {
                let locks = ByteLocks::open(&file, &path, true).unwrap();
                assert!(locks.try_lock(byte).unwrap());
                // Most are dropped again, which must not leave them with a child either.
                (byte % 16 == 0).then_some(locks)
            };
            let kept = (0..HANDLES).filter_map(open).collect();
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            kept
        });
        say("opened");
        loop {
            std::thread::park();
        }
    }
    let dir = scratch();
    let (_, path) = region(dir.path());
    let mut peer =
        Peer::start("no_child_keeps_a_handle_that_was_being_opened_while_it_was_forked", &path);
    peer.expect("opened");
    let observer = attach(&path);
    for byte in 0..HANDLES {
        assert_eq!(observer.held_by_other(byte).unwrap(), byte % 16 == 0, "byte {byte}");
    }
    peer.kill();
    // Its children live, waiting for their input, which ends with `peer`.
    for byte in 0..HANDLES {
        assert!(!observer.held_by_other(byte).unwrap(), "byte {byte}");
    }
}

#[test]
fn the_locks_survive_a_loop_that_closes_low_descriptors() {
    alone(|| {
        let dir = scratch();
        let (file, path) = region(dir.path());
        drop(file);
        in_child(|| {
            let locks = attach(&path);
            locks.try_lock(3).unwrap();
            for fd in 3..256 {
                // SAFETY: what the loop stands for; this child does not use them any more.
                unsafe { libc::close(fd) };
            }
            assert!(locks.is_intact());
            let observer = attach(&path);
            assert!(observer.held_by_other(3).unwrap());
            assert!(locks.try_lock(4).unwrap() && observer.held_by_other(4).unwrap());
            locks.unlock(3).unwrap();
            assert!(!observer.held_by_other(3).unwrap());
            drop(locks);
            assert!(!observer.held_by_other(4).unwrap());
            assert!(observer.is_intact(), "the number that was closed first is the observer's now");
        });
    });
}

#[test]
fn the_loss_of_every_descriptor_is_noticed_and_no_foreign_one_is_touched() {
    alone(|| {
        let dir = scratch();
        let (file, path) = region(dir.path());
        drop(file);
        in_child(|| {
            let locks = attach(&path);
            locks.try_lock(3).unwrap();
            // SAFETY: what the call stands for; this child does not use them any more.
            let n = unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0) };
            assert_eq!(n, 0, "{}", std::io::Error::last_os_error());
            assert!(!locks.is_intact());
            assert!(!attach(&path).held_by_other(3).unwrap(), "the documented limit");
            let refused = locks.try_lock(4).unwrap_err();
            assert!(refused.to_string().contains("closed by other code"), "{refused}");
            // The numbers go to another handle and to other files. Neither a call nor the end of
            // the old handle takes them for its own, here or in a child.
            let again = attach(&path);
            assert!(again.try_lock(5).unwrap());
            let others: Vec<File> = (0..20).map(|_| File::open("/dev/null").unwrap()).collect();
            assert!(others.iter().any(|file| file.as_raw_fd() < 8));
            let all_open = || others.iter().all(|file| file.metadata().is_ok());
            assert!(!locks.is_intact());
            in_child(|| assert!(all_open()));
            drop(locks);
            assert!(all_open() && again.is_intact() && attach(&path).held_by_other(5).unwrap());
        });
    });
}
