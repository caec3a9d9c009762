//! Every process of the host reads the same time.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod support;

use hostcache_os::{now_coarse_ms, now_ms, unix_ms};
use std::io::Write;
use support::{Way, alone, in_child, is_root, reap, skip, spawn_copy};

#[test]
fn both_clocks_only_go_forward_and_the_coarse_one_is_not_ahead() {
    let (mut last_coarse, mut last_precise) = (0, 0);
    for _ in 0..200_000 {
        let coarse = now_coarse_ms();
        let precise = now_ms();
        assert!(coarse >= last_coarse && precise >= last_precise);
        assert!(coarse <= precise, "{coarse} {precise}");
        (last_coarse, last_precise) = (coarse, precise);
    }
}

#[test]
fn the_coarse_clock_catches_up_with_any_precise_reading() {
    let deadline = now_ms();
    while now_coarse_ms() < deadline {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

#[test]
fn the_wall_clock_is_that_of_the_standard_library() {
    let since_epoch = || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        u64::try_from(now.as_millis()).unwrap()
    };
    // A step of the clock in between makes for another attempt.
    let agrees = || {
        let (before, ours, after) = (since_epoch(), unix_ms(), since_epoch());
        before <= ours && ours <= after
    };
    assert!((0..10).any(|_| agrees()));
}

#[test]
fn a_process_in_another_time_namespace_reads_the_same_time() {
    alone(|| {
        if !is_root() {
            skip("a time namespace needs root");
            return;
        }
        in_child(|| {
            // The offset of this process is read, and kept, before its children get another one.
            let before = now_ms();
            // SAFETY: the call takes a number.
            if unsafe { libc::unshare(libc::CLONE_NEWTIME) } != 0 {
                skip("no time namespaces here");
                return;
            }
            let mut offsets =
                std::fs::OpenOptions::new().write(true).open("/proc/self/timens_offsets").unwrap();
            offsets.write_all(b"monotonic 86400 999999999\nboottime 3600 0\n").unwrap();
            for way in [Way::Fork, Way::Clone] {
                let child = spawn_copy(way, || {
                    let raw = {
                        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
                        // SAFETY: `now` is valid for writes.
                        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
                        u64::try_from(now.tv_sec).unwrap() * 1000
                    };
                    assert!(raw >= before + 86_400_000 - 1000, "the child is in the new namespace");
                    let bound = before + 3_600_000;
                    assert!(now_ms() >= before && now_ms() < bound, "{} {before}", now_ms());
                    assert!(now_coarse_ms() + 1000 >= before && now_coarse_ms() < bound);
                });
                assert_eq!(reap(child), 0);
            }
            // This process itself stays where it was.
            assert!(now_ms() >= before && now_ms() < before + 3_600_000);
        });
    });
}

#[test]
fn a_process_that_made_a_namespace_for_its_children_stays_in_its_own() {
    alone(|| {
        if !is_root() {
            skip("a time namespace needs root");
            return;
        }
        let before = now_ms();
        in_child(|| {
            // SAFETY: the call takes a number.
            if unsafe { libc::unshare(libc::CLONE_NEWTIME) } != 0 {
                skip("no time namespaces here");
                return;
            }
            std::fs::write("/proc/self/timens_offsets", "monotonic 86400 0\n").unwrap();
            // Read for the first time in this process, with the children's offset on show.
            let now = now_ms();
            assert!(now >= before && now < before + 3_600_000, "{now} {before}");
        });
    });
}
