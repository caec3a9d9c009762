//! A region that goes from process to process as a descriptor.

use hostcache::Cache;
use hostcache_daemon::{Access, Handout};
use hostcache_tests::board::{Word, wait_for};
use hostcache_tests::child::Worker;
use hostcache_tests::region::TestRegion;
use hostcache_tests::roles::{Memfd, Post, Role, Task};

const WORKER: &str = env!("CARGO_BIN_EXE_test-worker");

/// The region handed out, and beside it one by name for its board.
struct Desk {
    region: TestRegion,
    cache: Cache,
    role: Role,
    _handout: Handout,
}

fn desk(task: Task) -> Desk {
    let region = TestRegion::create(1 << 20);
    let cache = Cache::builder("handed").capacity(4 << 20).memfd().create().expect("a region");
    let socket = region.directory().join("socket");
    let handout = Handout::start(&cache, &socket, Access::User).expect("a socket");
    let role = Role::Memfd(Memfd { post: Post::new(&region, 0), socket, task });
    Desk { region, cache, role, _handout: handout }
}

#[test]
fn a_child_attaches_anew_by_the_descriptor_and_recovers_its_killed_parent() {
    let desk = desk(Task::Family);
    let mut parent = Worker::spawn(WORKER, &desk.role);
    (0..2).for_each(|lane| desk.region.board.wait_until_ready(lane));
    let living: Vec<_> = desk.cache.participants().into_iter().filter(|p| p.alive).collect();
    let pids: std::collections::BTreeSet<u32> = living.iter().map(|p| p.pid).collect();
    assert_eq!(pids.len(), 2, "parent and child each take part: {living:?}");
    assert!(desk.cache.check().reserved_bytes > 0, "the parent holds memory");
    parent.kill();
    desk.region.board.go();
    wait_for("the child to recover its parent", || desk.region.board.get(1, Word::Finished) == 1);
    // The parent's seat and its reservation are two participants.
    assert_eq!(desk.cache.get("recovered").as_deref(), Some(&b"2"[..]));
    assert!(desk.cache.contains("of the child") && desk.cache.contains("of the parent"));
    assert!(desk.cache.check().is_sound());
}

#[test]
fn without_proc_the_error_says_so() {
    let script = "mount -t tmpfs none /proc && exec \"$0\" \"$@\"";
    let wrapper = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script];
    let able = std::process::Command::new(wrapper[0]).args(&wrapper[1..]).arg("true").output();
    if !able.is_ok_and(|output| output.status.success()) {
        println!("skipped: this system allows no user and mount namespaces");
        return;
    }
    let desk = desk(Task::WithoutProc);
    Worker::spawn_through(&wrapper, WORKER, &desk.role).join();
}
