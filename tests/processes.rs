//! Processes that come, go, are killed and are stopped on one region, without a daemon.

use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use hostcache_tests::board::{Word, wait_for};
use hostcache_tests::child::Worker;
use hostcache_tests::random::{Random, seed};
use hostcache_tests::region::{TestRegion, on_segments};
use hostcache_tests::roles::{Churn, Post, ReadOnly, Role, key_name, key_number};
use hostcache_tests::value::{self, Reading};
use hostcache_tests::volume;

const WORKER: &str = env!("CARGO_BIN_EXE_test-worker");

/// The lane in which a test does what a [`Churn`] would; no worker's.
const OWN_LANE: usize = 9;

/// A worker that writes values of up to `largest` bytes on 500 keys until the board says stop.
fn churn(region: &TestRegion, lane: usize, seed: u64, largest: u64) -> Churn {
    let post = Post::new(region, lane);
    Churn { post, seed, keys: 500, smallest: 24, largest, rounds: None }
}

/// Sets `count` values of up to `largest` bytes; none may be refused, all are read back at once.
/// Returns how many were still there.
fn set_and_get(region: &TestRegion, random: &mut Random, count: u32, largest: u64) -> u32 {
    let mut bytes = Vec::new();
    let mut hits = 0;
    for number in 1..=count {
        let key = key_number(OWN_LANE, number);
        value::write(&mut bytes, u64::from(number), key, random.log_uniform(24, largest) as usize);
        let set = region.cache.set(key_name(key), &bytes);
        set.unwrap_or_else(|e| {
            panic!("set {number} of {count}, {} bytes: {e}\n{}", bytes.len(), region.describe())
        });
        if region.cache.get_into(key_name(key), &mut bytes) {
            assert_eq!(value::read(&bytes, key), Reading::Genuine(u64::from(number)));
            hits += 1;
        }
    }
    hits
}

#[test]
fn a_spawned_process_sees_what_its_parent_set_and_the_other_way_round() {
    let seed = seed("a_spawned_process");
    let region = TestRegion::create(16 << 20);
    let mut bytes = Vec::new();
    let from_parent = key_number(1, 7);
    value::write(&mut bytes, 99, from_parent, 1_000);
    region.cache.set(key_name(from_parent), &bytes).unwrap();

    let role = Churn { keys: 8, rounds: Some(1_000), ..churn(&region, 0, seed, 4096) };
    let worker = Worker::spawn(WORKER, &Role::Churn(role));
    region.board.go();
    worker.join();
    for number in 0..8 {
        let key = key_number(0, number);
        let value = region.cache.get(key_name(key)).expect("set by the worker");
        assert!(matches!(value::read(&value, key), Reading::Genuine(_)));
    }
    let value = region.cache.get(key_name(from_parent)).expect("set by this process");
    assert_eq!(value, bytes);
    region.assert_sound();
}

#[test]
fn what_a_killed_process_held_comes_back_when_it_is_needed() {
    let seed = seed("what_a_killed_process_held");
    let mut random = Random::new(seed);
    let region = TestRegion::create(4 << 20);
    region.board.go();
    for round in 0..30 {
        let mut worker =
            Worker::spawn(WORKER, &Role::Churn(churn(&region, 0, seed + round, 16 << 10)));
        region.board.wait_until_ready(0);
        sleep(Duration::from_micros(random.below(3_000)));
        worker.kill();
        region.board.put(0, Word::Ready, 0);
        // Three times what the region can hold: every free block is needed, the dead one's too.
        set_and_get(&region, &mut random, 4_000, 16 << 10);
    }
    assert_eq!(region.cache.stats().no_room, 0);
    region.assert_sound();
}

#[test]
fn short_lived_processes_that_are_killed_leave_nothing_behind() {
    let seed = seed("short_lived_processes");
    let mut random = Random::new(seed);
    // So few participant slots that each is handed on many times.
    let region = TestRegion::create_with(|builder| builder.capacity(4 << 20).participants(16));
    region.board.go();
    let processes = volume::processes();
    for process in 0..processes {
        let role = Role::Churn(churn(&region, 0, seed + process, 8 << 10));
        let mut worker = Worker::spawn(WORKER, &role);
        if random.one_in(4) {
            // Perhaps before it has attached, perhaps while it does.
            sleep(Duration::from_micros(random.below(2_000)));
        } else {
            region.board.wait_until_ready(0);
            sleep(Duration::from_micros(random.below(1_000)));
        }
        worker.kill();
        region.board.put(0, Word::Ready, 0);
        if process % 100 == 0 {
            set_and_get(&region, &mut random, 50, 8 << 10);
            let problems = region.cache.check().problems;
            assert!(problems.is_empty(), "after {process} processes: {problems:#?}");
        }
    }
    let report = region.assert_sound();
    let stats = region.cache.stats();
    println!("{processes} processes: {} recovered, {report:?}", stats.recovered_participants);
    assert!(stats.recovered_participants >= processes / 2, "{stats:?}");
    let hits = set_and_get(&region, &mut random, 2_000, 8 << 10);
    assert!(hits >= 1_980, "{hits} of 2000 values are there right after they were set");
}

#[test]
fn a_stopped_process_keeps_no_more_than_its_magazines_and_two_blocks() {
    // Chunks as well as runs of pages.
    const LARGEST: u64 = 64 << 10;
    let seed = seed("a_stopped_process");
    let mut random = Random::new(seed);
    let region = TestRegion::create(8 << 20);
    let info = region.cache.info();
    // A block is at most the value, its key and a header, in whole pages.
    let block = (LARGEST + 256).next_multiple_of(info.page_size);
    let bound = info.capacity / 64 + 2 * block;

    let worker = Worker::spawn(WORKER, &Role::Churn(churn(&region, 0, seed, LARGEST)));
    region.board.go();
    region.board.wait_until_ready(0);
    let mut most = 0;
    for _ in 0..40 {
        sleep(Duration::from_micros(random.below(5_000)));
        worker.pause();
        let hits = set_and_get(&region, &mut random, 1_000, LARGEST);
        assert!(hits >= 990, "{hits} of 1000 values are there right after they were set");
        let report = region.cache.check();
        assert!(report.is_sound(), "{} unaccounted: {report:#?}", report.unaccounted_bytes());
        assert!(report.held_bytes <= bound, "{} bytes held, bound {bound}", report.held_bytes);
        most = most.max(report.held_bytes);
        worker.resume();
        region.board.wait_for_progress(0, 10);
    }
    println!("at most {most} bytes held, bound {bound}");
    region.board.stop();
    worker.join();
    region.assert_sound();
}

#[test]
fn sizes_of_all_magnitudes_are_stored_and_found_while_one_process_is_stopped() {
    const CAPACITY: u64 = 256 << 20;
    const STOPPED: usize = 3;
    let seed = seed("sizes_of_all_magnitudes");
    let region = TestRegion::create(CAPACITY);
    let path = region.cache.path();
    let allocated = || std::fs::metadata(&path).expect("the region's file").blocks() * 512;
    let at_first = allocated();
    let mut workers: Vec<Worker> = (0..4)
        .map(|lane| {
            let rounds = Some(volume::sizes());
            let mut role = Churn { smallest: 50, rounds, ..churn(&region, lane, seed, 0) };
            role.largest = CAPACITY / 64;
            Worker::spawn(WORKER, &Role::Churn(role))
        })
        .collect();
    (0..4).for_each(|lane| region.board.wait_until_ready(lane));
    region.board.go();
    region.board.wait_for_progress(STOPPED, volume::sizes() / 20);
    let stopped = workers.remove(STOPPED);
    stopped.pause();
    for (lane, mut worker) in workers.into_iter().enumerate() {
        while !worker.has_ended() {
            assert_eq!(allocated(), at_first, "the region takes the memory that it was given");
            let before = region.board.get(lane, Word::Progress);
            wait_for(&format!("worker {lane}"), || {
                worker.has_ended() || region.board.get(lane, Word::Progress) > before
            });
        }
        worker.join();
    }
    stopped.resume();
    stopped.join();

    let sum = |word| (0..4).map(|lane| region.board.get(lane, word)).sum::<u64>();
    let (sets, hits) = (sum(Word::Progress), sum(Word::Hits));
    println!("{hits} of {sets} values found right after they were set");
    assert_eq!(sets, 4 * volume::sizes());
    // A debug build takes so long from a set to its get that the others evict more in between.
    let per_mille = if cfg!(debug_assertions) { 990 } else { 999 };
    assert!(hits * 1_000 >= sets * per_mille, "{hits} of {sets} found right after they were set");
    assert_eq!(region.cache.stats().no_room, 0);
    assert_eq!(allocated(), at_first);
    region.assert_sound();
}

#[test]
fn a_process_without_write_access_reads_while_another_writes() {
    let seed = seed("a_process_without_write_access");
    let region = TestRegion::create(8 << 20);
    if on_segments() {
        let refusal = region.place().builder().open_read_only().expect_err("it can't map so");
        assert!(refusal.to_string().contains("not supported by this backing"), "{refusal}");
        return;
    }
    let writer = Worker::spawn(WORKER, &Role::Churn(churn(&region, 0, seed, 4096)));
    let reader = ReadOnly { post: Post::new(&region, 1), seed, keys: 500 };
    let reader = Worker::spawn(WORKER, &Role::ReadOnly(reader));
    (0..2).for_each(|lane| region.board.wait_until_ready(lane));
    region.board.go();
    region.board.wait_for_progress(1, 100_000);
    // Neither a stopped reader nor a stopped writer holds the other one up.
    reader.pause();
    region.board.wait_for_progress(0, 10_000);
    reader.resume();
    writer.pause();
    region.board.wait_for_progress(1, 10_000);
    writer.resume();
    region.board.stop();
    writer.join();
    reader.join();
    assert!(region.board.get(1, Word::Hits) > 0, "the reader found nothing");
    region.assert_sound();
}

#[test]
fn processes_of_two_pid_namespaces_are_told_apart() {
    const UNSHARE: [&str; 4] = ["unshare", "-p", "-f", "--kill-child"];
    let mut probe = Command::new(UNSHARE[0]);
    probe.args(&UNSHARE[1..]).arg("true").stderr(Stdio::null());
    if !probe.status().is_ok_and(|status| status.success()) {
        println!("skipped: {UNSHARE:?} is not permitted here");
        return;
    }
    let seed = seed("processes_of_two_pid_namespaces");
    let region = TestRegion::create(8 << 20);
    let start = |lane| {
        let role = Role::Churn(churn(&region, lane, seed, 4096));
        let worker = Worker::spawn_through(&UNSHARE, WORKER, &role);
        region.board.wait_until_ready(lane);
        assert_eq!(region.board.get(lane, Word::Ready), 1, "each is process 1 of its namespace");
        worker
    };
    let survivor = start(0);
    region.board.go();
    for round in 0..10 {
        region.board.put(1, Word::Ready, 0);
        let mut victim = start(1);
        region.board.wait_for_progress(1, 100);
        let before = region.cache.stats().recovered_participants;
        // The kernel kills the worker with the command that it was started through.
        victim.kill();
        wait_for("the dead process to be recovered", || {
            region.recover();
            region.cache.stats().recovered_participants > before
        });
        region.board.wait_for_progress(0, 100);
        region.recover();
        let recovered = region.cache.stats().recovered_participants - before;
        assert_eq!(recovered, 1, "round {round}: the dead one is recovered, the living one is not");
    }
    region.board.stop();
    survivor.join();
    region.assert_sound();
}
