//! The daemon hosted in this process, on regions of its own.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use hostcache::{Cache, SetOptions};
use hostcache_daemon::{Config, DaemonError, End, StopFlag, Summary, run};
use tempfile::TempDir;

/// After so long something is hung; far beyond what it takes on a loaded machine.
const HUNG: Duration = Duration::from_secs(60);

/// A region in a directory that goes away with it.
struct Region {
    directory: TempDir,
}

impl Region {
    fn new() -> Self {
        let directory =
            tempfile::Builder::new().prefix("test-of-hostcache-").tempdir_in("/dev/shm");
        let region = Self { directory: directory.expect("a directory in /dev/shm") };
        let builder = Cache::builder("catalog").directory(region.directory.path());
        builder.capacity(4 << 20).create().expect("create");
        region
    }

    fn open(&self) -> Cache {
        Cache::builder("catalog").directory(self.directory.path()).open().expect("open")
    }

    /// Runs a daemon with a handle of its own, as another process would have.
    fn serve(&self, config: Config) -> Serving {
        let (cache, stop) = (self.open(), StopFlag::new());
        let flag = stop.clone();
        Serving { stop, thread: thread::spawn(move || run(&cache, &config, &flag)) }
    }
}

struct Serving {
    stop: StopFlag,
    thread: thread::JoinHandle<Result<Summary, DaemonError>>,
}

impl Serving {
    fn finish(self) -> Summary {
        eventually("the daemon ends", || self.thread.is_finished());
        self.thread.join().expect("no panic").expect("no error")
    }

    fn stop(self) -> Summary {
        self.stop.raise();
        self.finish()
    }
}

#[track_caller]
fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_true() {
        assert!(start.elapsed() < HUNG, "never came true: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

fn once() -> Config {
    Config { once: true, ..Config::default() }
}

#[test]
fn one_pass_reclaims_what_has_expired_and_nothing_else() {
    let region = Region::new();
    let cache = region.open();
    let expired = SetOptions::new().ttl(Duration::from_millis(1));
    let later = SetOptions::new().ttl(Duration::from_secs(86_400));
    for n in 0..1000 {
        let options = if n % 2 == 0 { &expired } else { &later };
        cache.set_with(format!("key:{n}"), "value", options).expect("set");
    }
    thread::sleep(Duration::from_millis(50));
    let summary = run(&cache, &once(), &StopFlag::new()).expect("one pass");
    assert_eq!((summary.end, summary.led), (End::PassDone, false));
    assert_eq!((summary.expired, summary.evicted), (500, 0), "{summary}");
    assert_eq!(cache.stats().curr_items, 500);
    let again = run(&cache, &once(), &StopFlag::new()).expect("one pass");
    assert_eq!(again.expired, 0, "{again}");
}

#[test]
fn a_daemon_goes_on_until_it_is_stopped() {
    let region = Region::new();
    let cache = region.open();
    let daemon = region.serve(Config::default());
    for round in 1..=3 {
        let options = SetOptions::new().ttl(Duration::from_millis(1));
        cache.set_with("k", "v", &options).expect("set");
        eventually("the item is reclaimed", || cache.stats().expired >= round);
    }
    let summary = daemon.stop();
    assert_eq!((summary.end, summary.led), (End::Stopped, true));
    assert!(summary.expired >= 1 && summary.steps >= 1, "{summary}");
}

#[test]
fn a_standby_leads_when_the_first_daemon_has_ended() {
    let region = Region::new();
    let first = region.serve(Config::default());
    let cache = region.open();
    let office_is_taken = || cache.try_lead().expect("ask for the office").is_none();
    eventually("the first daemon leads", office_is_taken);
    let second = region.serve(Config::default());
    assert!(first.stop().led);
    eventually("the second daemon leads", office_is_taken);
    assert!(second.stop().led);
}

#[test]
fn a_pass_needs_no_office() {
    let region = Region::new();
    let cache = region.open();
    let leadership = cache.try_lead().expect("ask for the office");
    assert!(leadership.is_some());
    let summary = run(&region.open(), &once(), &StopFlag::new()).expect("one pass");
    assert_eq!(summary.end, End::PassDone);
    drop(leadership);
}

#[test]
fn a_daemon_ends_when_its_region_is_gone() {
    let region = Region::new();
    let cache = region.open();
    let daemon = region.serve(Config::default());
    // From its first step on it knows which file it serves.
    cache.set_with("k", "v", &SetOptions::new().ttl(Duration::from_millis(1))).expect("set");
    eventually("the daemon has taken a step", || cache.stats().expired == 1);
    fs::remove_file(cache.path()).expect("unlink");
    assert_eq!(daemon.finish().end, End::RegionGone);
}

#[test]
fn invalid_settings_and_a_read_only_region_are_errors() {
    let region = Region::new();
    let spinning = Config { idle_pause: Duration::ZERO, ..Config::default() };
    let refused = run(&region.open(), &spinning, &StopFlag::new());
    assert!(matches!(refused, Err(DaemonError::InvalidConfig { .. })), "{refused:?}");
    let builder = Cache::builder("catalog").directory(region.directory.path());
    let read_only = builder.open_read_only().expect("open read-only");
    let refused = run(&read_only, &once(), &StopFlag::new());
    assert!(matches!(refused, Err(DaemonError::Maintain { .. })), "{refused:?}");
}
