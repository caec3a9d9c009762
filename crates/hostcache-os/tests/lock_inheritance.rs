//! Byte locks against what else goes on in a process: fork, raw clone, and foreign closing.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod support;

use hostcache_os::{ByteLocks, PendingFile, open_region_file};
use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use support::{
    Peer, SetOnDrop, Way, alone, in_child, reap, role, say, scratch, spawn_copy, wait_for_parent,
};

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
fn a_dropped_handle_is_released_though_an_unseen_copy_lives_on() {
    alone(|| {
        let dir = scratch();
        let (file, path) = region(dir.path());
        let locks = ByteLocks::open(&file, &path, true).unwrap();
        locks.try_lock(3).unwrap();
        let child = spawn_copy(Way::Clone, || {
            loop {
                std::thread::park();
            }
        });
        drop(locks);
        let is_held = attach(&path).held_by_other(3).unwrap();
        // SAFETY: the call takes numbers; the child has not been reaped.
        unsafe { libc::kill(child, libc::SIGKILL) };
        reap(child);
        assert!(!is_held);
    });
}

/// Forks once; the child has run its handlers when this returns, and lives until its input ends.
fn fork_a_waiting_child() {
    let (mut ready, tell) = std::io::pipe().unwrap();
    // SAFETY: the child calls nothing but `close`, `write`, `read` and `_exit`.
    unsafe {
        let pid = libc::fork();
        assert!(pid >= 0, "{}", std::io::Error::last_os_error());
        if pid == 0 {
            libc::close(1);
            libc::write(tell.as_raw_fd(), c"!".as_ptr().cast(), 1);
            wait_for_parent();
            libc::_exit(0);
        }
    }
    ready.read_exact(&mut [0]).unwrap();
}

#[test]
fn no_child_keeps_a_handle_that_was_being_opened_while_it_was_forked() {
    const TEST: &str = "no_child_keeps_a_handle_that_was_being_opened_while_it_was_forked";
    // Many short rounds: each close of a locked file takes longer the more locks there are.
    const ROUNDS: u32 = 40;
    const FORKS: u32 = 10;
    const MOST_HANDLES: u64 = 400;
    if let Some(path) = role() {
        let path = PathBuf::from(path);
        let done = AtomicBool::new(false);
        let file = open_region_file(&path, true).unwrap();
        let mut handles = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _done = SetOnDrop(&done);
                (0..FORKS).for_each(|_| fork_a_waiting_child());
            });
            while !done.load(Ordering::Relaxed) && (handles.len() as u64) < MOST_HANDLES {
                let locks = ByteLocks::open(&file, &path, true).unwrap();
                assert!(locks.try_lock(handles.len() as u64).unwrap());
                handles.push(locks);
            }
        });
        say(&format!("opened {}", handles.len()));
        loop {
            std::thread::park();
        }
    }
    let dir = scratch();
    let (_, path) = region(dir.path());
    for round in 0..ROUNDS {
        let mut peer = Peer::start(TEST, &path);
        let handles: u64 = peer.expect("opened ").parse().unwrap();
        let observer = attach(&path);
        assert!((0..handles).all(|byte| observer.held_by_other(byte).unwrap()));
        peer.kill();
        // Its children live, waiting for their input, which ends with `peer`.
        let kept: Vec<u64> =
            (0..handles).filter(|&byte| observer.held_by_other(byte).unwrap()).collect();
        assert!(kept.is_empty(), "round {round}: of {handles} bytes, children keep {kept:?}");
    }
}

#[test]
fn a_limit_on_descriptors_is_an_error_or_costs_the_high_one_only() {
    alone(|| {
        let dir = scratch();
        let (file, path) = region(dir.path());
        let limit_descriptors_to = |rlim_cur| {
            let limit = libc::rlimit { rlim_cur, rlim_max: rlim_cur };
            // SAFETY: `limit` is valid for reads; the child has the limit for itself.
            assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
        };
        in_child(|| {
            limit_descriptors_to(64);
            let locks = ByteLocks::open(&file, &path, true).unwrap();
            assert!(locks.try_lock(3).unwrap() && attach(&path).held_by_other(3).unwrap());
        });
        in_child(|| {
            limit_descriptors_to(3);
            let refused = ByteLocks::open(&file, &path, true).unwrap_err();
            assert_eq!(refused.source.raw_os_error(), Some(libc::EMFILE));
        });
    });
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
