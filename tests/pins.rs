//! Items held in place by processes that come, go, are killed and are stopped.

use std::thread::sleep;
use std::time::Duration;

use hostcache::SetOptions;
use hostcache_tests::board::{Word, wait_for};
use hostcache_tests::child::Worker;
use hostcache_tests::random::{Random, seed};
use hostcache_tests::region::TestRegion;
use hostcache_tests::roles::{Hold, Holding, Post, Role, key_name};
use hostcache_tests::value;
use hostcache_tests::volume;

const WORKER: &str = env!("CARGO_BIN_EXE_test-worker");

fn hold(region: &TestRegion, lane: usize, seed: u64, holding: Holding) -> Hold {
    let post = Post::new(region, lane);
    Hold { post, holding, seed, writer: 1, keys: 500, largest: 4096, pins: 150, rounds: None }
}

/// Sets keys from 0 on to values of one length.
fn fill(region: &TestRegion, keys: u32, len: usize) {
    let mut bytes = Vec::new();
    for key in 0..keys {
        value::write(&mut bytes, u64::from(key) + 1, key, len);
        region.cache.set(key_name(key), &bytes).unwrap_or_else(|e| panic!("set {key}: {e}"));
    }
}

/// Sets other keys until every block that can be reused was.
fn churn(region: &TestRegion, len: usize) {
    let mut bytes = Vec::new();
    for number in 0..2 * region.cache.capacity() / len as u64 {
        value::write(&mut bytes, number + 1, 7, len);
        let set = region.cache.set(number.to_be_bytes(), &bytes);
        set.unwrap_or_else(|e| panic!("set {number}: {e}\n{}", region.describe()));
    }
}

#[test]
fn eight_processes_hold_items_while_some_are_killed() {
    const WORKERS: usize = 8;
    let seed = seed("eight_processes_hold_items");
    let mut random = Random::new(seed);
    let region = TestRegion::create_with(|builder| builder.capacity(16 << 20).participants(256));
    let mut writer = 0;
    let mut spawn = |lane| {
        writer += 1;
        let role = Hold {
            writer,
            keys: 12_000,
            largest: 8192,
            ..hold(&region, lane, seed, Holding::Mixed)
        };
        region.board.put(lane, Word::Ready, 0);
        Worker::spawn(WORKER, &Role::Hold(role))
    };
    fill(&region, 12_000, 1300);
    let mut workers: Vec<Worker> = (0..WORKERS).map(&mut spawn).collect();
    region.board.go();
    let sum = |word| (0..WORKERS).map(|lane| region.board.get(lane, word)).sum::<u64>();
    let (goal, kills) = (volume::pin_ops(), volume::kills());
    let (mut killed, mut most) = (0, (0, 0));
    while sum(Word::Progress) < goal {
        sleep(Duration::from_micros(random.below(2_000)));
        let stats = region.cache.stats();
        most = (most.0.max(stats.pins), most.1.max(stats.pinned_bytes));
        assert!(stats.pinned_bytes <= (16 << 20) / 4, "{stats:?}");
        let lane = random.below(WORKERS as u64) as usize;
        if workers[lane].has_ended() {
            break;
        }
        if killed * goal < kills * sum(Word::Progress) && region.board.get(lane, Word::Ready) != 0 {
            workers[lane].kill();
            killed += 1;
            workers[lane] = spawn(lane);
        }
    }
    region.board.stop();
    workers.into_iter().for_each(Worker::join);
    let report = region.assert_sound();
    let stats = region.cache.stats();
    println!(
        "{} operations, {} pins taken, at most {} at once with {} bytes, {killed} kills, {} evictions, \
         {} refused for want of room\n{report:?}",
        sum(Word::Progress),
        sum(Word::Hits),
        most.0,
        most.1,
        stats.evictions,
        stats.no_room,
    );
    assert!(sum(Word::Progress) >= goal);
    assert_eq!((report.pinned_bytes, report.reserved_bytes), (0, 0));
    assert_eq!((stats.pins, stats.pinned_bytes, stats.reserved_bytes), (0, 0, 0));
}

#[test]
fn the_pins_of_a_dead_process_count_for_nothing() {
    let seed = seed("the_pins_of_a_dead_process");
    let region = TestRegion::create(4 << 20);
    for len in [300, 20_000] {
        let keys = 30;
        fill(&region, keys, len);
        let role = Hold { keys, ..hold(&region, 0, seed, Holding::Keep) };
        region.board.put(0, Word::Ready, 0);
        let mut worker = Worker::spawn(WORKER, &Role::Hold(role));
        region.board.wait_until_ready(0);
        let stats = region.cache.stats();
        assert_eq!(stats.pins, u64::from(keys));
        assert!(stats.pinned_bytes >= u64::from(keys) * len as u64, "{stats:?}");
        for key in 0..keys {
            assert!(region.cache.delete(key_name(key)).expect("sound"));
        }
        churn(&region, 1000);
        region.board.wait_for_progress(0, 3);
        let report = region.assert_sound();
        assert!(report.pinned_bytes >= u64::from(keys) * len as u64, "{report:?}");
        // Stopped, it keeps them; dead, it does not.
        worker.pause();
        churn(&region, 1000);
        assert_eq!(region.assert_sound().pinned_bytes, report.pinned_bytes);
        worker.resume();
        region.board.wait_for_progress(0, 3);
        worker.kill();
        let report = region.assert_sound();
        assert_eq!(report.pinned_bytes, 0);
        assert_eq!(region.cache.stats().pins, 0);
        churn(&region, 1000);
    }
}

#[test]
fn what_a_dead_process_reserved_comes_back() {
    let seed = seed("what_a_dead_process_reserved");
    let region = TestRegion::create(4 << 20);
    for largest in [100, 50_000, 1 << 20] {
        let before = region.assert_sound();
        let role = Hold { largest, ..hold(&region, 0, seed, Holding::Reserve) };
        region.board.put(0, Word::Ready, 0);
        let mut worker = Worker::spawn(WORKER, &Role::Hold(role));
        region.board.wait_until_ready(0);
        region.board.wait_for_progress(0, 10);
        let stats = region.cache.stats();
        assert!(stats.reserved_bytes >= largest, "{stats:?}");
        // Stopped, it keeps the block, whatever is needed.
        worker.pause();
        churn(&region, 3000);
        assert!(region.assert_sound().reserved_bytes >= largest);
        worker.resume();
        region.board.wait_for_progress(0, 10);
        worker.kill();
        let report = region.assert_sound();
        assert_eq!((report.reserved_bytes, report.dead_held_bytes), (0, 0));
        region.cache.clear().expect("sound");
        churn(&region, 3000);
        assert!(region.cache.get(key_name(1)).is_none());
        let mine = region.cache.reserve("mine", largest as usize, &SetOptions::new());
        assert!(mine.expect("it came back").publish().expect("there is room").is_stored());
        assert_eq!(region.assert_sound().arena_bytes, before.arena_bytes);
    }
}

#[test]
fn what_a_forked_child_inherits_is_its_parents() {
    let seed = seed("what_a_forked_child_inherits");
    let region = TestRegion::create(4 << 20);
    for largest in [500, 40_000] {
        let role = Hold { largest, ..hold(&region, 0, seed, Holding::Inherit) };
        region.board.put(0, Word::Finished, 0);
        let mut worker = Worker::spawn(WORKER, &Role::Hold(role));
        wait_for("the worker", || worker.has_ended());
        worker.join();
        assert_eq!(region.board.get(0, Word::Finished), 1);
        assert_eq!(region.cache.stats().pins, 0);
        region.assert_sound();
    }
}
