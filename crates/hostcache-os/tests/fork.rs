//! A child is told from its parent however it was made.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod support;

use hostcache_os::fork_epoch;
use std::collections::HashSet;
use std::sync::{Arc, Barrier};
use support::{Way, alone, in_child, reap, spawn_copy};

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
        for way in WAYS {
            for _ in 0..20 {
                let epoch = fork_epoch();
                let child = spawn_copy(way, || {
                    let barrier = Arc::new(Barrier::new(8));
                    let ask = || {
                        let barrier = Arc::clone(&barrier);
                        std::thread::spawn(move || {
                            barrier.wait();
                            fork_epoch()
                        })
                    };
                    let threads: Vec<_> = (0..8).map(|_| ask()).collect();
                    let answers: HashSet<u64> =
                        threads.into_iter().map(|thread| thread.join().unwrap()).collect();
                    assert_eq!(answers.len(), 1, "{answers:?}");
                    assert!(!answers.contains(&epoch));
                });
                assert_eq!(reap(child), 0, "{way:?}");
            }
        }
    });
}

#[test]
fn a_process_may_ask_first_after_it_was_forked() {
    alone(|| {
        // Not asked in the parent, unless another test did: then it is one more ordinary case.
        in_child(|| {
            let epoch = fork_epoch();
            in_child(|| assert_ne!(fork_epoch(), epoch));
            assert_eq!(fork_epoch(), epoch);
        });
    });
}
