//! Processes that fork while they are attached: everybody works on, each as a participant of its own.

use hostcache_tests::board::{Word, wait_for};
use hostcache_tests::child::Worker;
use hostcache_tests::random::seed;
use hostcache_tests::region::TestRegion;
use hostcache_tests::roles::{Family, Forks, Post, Role, SHARED_COUNTER};

const WORKER: &str = env!("CARGO_BIN_EXE_test-worker");

fn start(region: &TestRegion, family: Family, seed: u64, rounds: u64) -> Worker {
    region.cache.set(SHARED_COUNTER, "0").expect("the shared counter is set");
    let forks = Forks { post: Post::new(region, 0), family, seed, rounds };
    Worker::spawn(WORKER, &Role::Forks(forks))
}

fn counter(region: &TestRegion) -> u64 {
    let value = region.cache.increment(SHARED_COUNTER, 0).expect("the shared counter is read");
    value.expect("the shared counter is there")
}

fn living(region: &TestRegion) -> usize {
    region.cache.participants().iter().filter(|participant| participant.alive).count()
}

#[test]
fn three_generations_work_on_from_one_handle() {
    const ROUNDS: u64 = 20_000;
    let region = TestRegion::create(32 << 20);
    let family = start(&region, Family::ThreeGenerations, seed("three_generations"), ROUNDS);
    (0..3).for_each(|lane| region.board.wait_until_ready(lane));
    let together = living(&region);
    region.board.go();
    family.join();
    assert!(together >= 3, "three processes have {together} participants between them");
    assert_eq!(counter(&region), 3 * ROUNDS);
    region.assert_sound();
}

#[test]
fn a_child_outlives_its_killed_parent_which_is_recovered() {
    let region = TestRegion::create(8 << 20);
    let mut parent = start(&region, Family::Orphan, seed("a_child_outlives"), u64::MAX);
    (0..2).for_each(|lane| region.board.wait_until_ready(lane));
    region.board.go();
    (0..2).for_each(|lane| region.board.wait_for_progress(lane, 100));
    parent.kill();
    // The child holds nothing of its parent's: neither its lock nor its slot.
    wait_for("the parent to be recovered", || {
        region.recover();
        region.cache.stats().recovered_participants > 0
    });
    region.board.wait_for_progress(1, 10_000);
    region.board.stop();
    wait_for("the orphan to end", || region.board.get(1, Word::Finished) != 0);
    // It ends without a word, a moment after it says that it will.
    wait_for("the orphan to be recovered", || {
        region.recover();
        region.cache.stats().recovered_participants == 2
    });
    region.assert_sound();
}

#[test]
fn children_forked_beside_a_busy_thread_work() {
    const CHILDREN: u64 = 200;
    let region = TestRegion::create(8 << 20);
    let family = start(&region, Family::BusyThread, seed("children_forked"), CHILDREN);
    region.board.go();
    family.join();
    assert_eq!(counter(&region), CHILDREN);
    region.assert_sound();
}
