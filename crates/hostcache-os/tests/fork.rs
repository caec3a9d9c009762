//! A child is told from its parent however it was made.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod support;

use hostcache_os::fork_epoch;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use support::{Way, alone, in_child, reap, skip, spawn_copy};

const WAYS: [Way; 2] = [Way::Fork, Way::Clone];

#[test]
fn the_epoch_stays_the_same_in_one_process_and_all_its_threads() {
    let epoch = fork_epoch();
    assert_ne!(epoch, 0);
    let threads: Vec<_> = (0..8).map(|_| std::thread::spawn(fork_epoch)).collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), epoch);
    }
    assert_eq!(fork_epoch(), epoch);
}

#[test]
fn a_child_differs_from_its_parent_which_keeps_its_own() {
    alone(|| {
        for way in WAYS {
            let epoch = fork_epoch();
            let child = spawn_copy(way, || {
                assert_ne!(fork_epoch(), epoch);
                assert_eq!(fork_epoch(), fork_epoch());
            });
            assert_eq!(reap(child), 0, "{way:?}");
            assert_eq!(fork_epoch(), epoch);
        }
    });
}

#[test]
fn every_generation_differs_from_all_before_it() {
    alone(|| {
        /// Goes `left` generations down, each by the next way in turn.
        fn descend(mut seen: HashSet<u64>, left: usize) {
            assert!(seen.insert(fork_epoch()), "seen before: {} in {seen:?}", fork_epoch());
            if left > 0 {
                let child = spawn_copy(WAYS[left % 2], || descend(seen, left - 1));
                assert_eq!(reap(child), 0);
            }
        }
        descend(HashSet::new(), 9);
    });
}

#[test]
fn a_child_that_forks_before_it_asks_is_told_from_its_own_child() {
    alone(|| {
        for (first, second) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let epoch = fork_epoch();
            let child = spawn_copy(WAYS[first], || {
                let grandchild = spawn_copy(WAYS[second], || assert_ne!(fork_epoch(), epoch));
                assert_eq!(reap(grandchild), 0);
                assert_ne!(fork_epoch(), epoch);
            });
            assert_eq!(reap(child), 0, "{:?} {:?}", WAYS[first], WAYS[second]);
        }
    });
}

#[test]
fn all_threads_of_a_child_agree_though_all_ask_first() {
    alone(|| {
        for round in 0..100 {
            let epoch = fork_epoch();
            let child = spawn_copy(WAYS[round % 2], || {
                // Two threads that spin come closest to asking at the same moment.
                let arrived = AtomicU32::new(0);
                let ask = || {
                    arrived.fetch_add(1, Relaxed);
                    for spins in 0.. {
                        match arrived.load(Relaxed) {
                            2 => break,
                            _ if spins > 100_000 => std::thread::yield_now(),
                            _ => std::hint::spin_loop(),
                        }
                    }
                    fork_epoch()
                };
                let answers = std::thread::scope(|scope| {
                    let other = scope.spawn(ask);
                    (ask(), other.join().unwrap())
                });
                assert_eq!(answers.0, answers.1);
                assert_ne!(answers.0, epoch);
                assert_eq!(fork_epoch(), answers.0);
            });
            assert_eq!(reap(child), 0, "round {round}");
        }
    });
}

/// Makes `madvise(MADV_WIPEONFORK)` fail in this process as before Linux 4.14; `false` if the
/// system does not let it be.
fn refuse_wipe_on_fork() -> bool {
    let statement = |code: u32, k: u32| libc::sock_filter { code: code as u16, jt: 0, jf: 0, k };
    // Goes on with the next statement if equal, else with the last one.
    let equal = |k: u32, jf: u8| {
        let code = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
        libc::sock_filter { code, jt: 0, jf, k }
    };
    let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let answer = libc::BPF_RET | libc::BPF_K;
    // The call's number is at 0, its third argument's low half at 32.
    let mut filter = [
        statement(load, 0),
        equal(libc::SYS_madvise as u32, 3),
        statement(load, 32),
        equal(libc::MADV_WIPEONFORK as u32, 1),
        statement(answer, libc::SECCOMP_RET_ERRNO | libc::EINVAL as u32),
        statement(answer, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: 6, filter: filter.as_mut_ptr() };
    // SAFETY: `program` and the filter behind it are valid for reads.
    unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
    }
}

#[test]
fn where_no_page_is_wiped_the_fork_handler_tells_a_child() {
    alone(|| {
        if !refuse_wipe_on_fork() {
            skip("no system call filters here");
            return;
        }
        let epoch = fork_epoch();
        let child = spawn_copy(Way::Fork, || {
            let own = fork_epoch();
            assert_ne!(own, epoch);
            in_child(|| assert!(![epoch, own].contains(&fork_epoch())));
            assert_eq!(fork_epoch(), own);
        });
        assert_eq!(reap(child), 0);
        // The documented limit, and the proof that the page was refused.
        let child = spawn_copy(Way::Clone, || assert_eq!(fork_epoch(), epoch));
        assert_eq!(reap(child), 0);
    });
}

#[test]
fn a_process_may_ask_first_after_it_was_forked() {
    alone(|| {
        in_child(|| {
            let epoch = fork_epoch();
            in_child(|| assert_ne!(fork_epoch(), epoch));
            assert_eq!(fork_epoch(), epoch);
        });
    });
}
