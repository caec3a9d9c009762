//! A standby takes over from a daemon that is killed, while writers press.
//!
//! `HOSTCACHE_TEST_TAKEOVERS` says how often (5). With `HOSTCACHE_TEST_TAKEOVER_LIMIT_MS` a takeover that
//! took longer fails the test; without it the times are only printed, as on a loaded machine they say
//! little.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hostcache::{Cache, SetOptions};

use crate::process::Daemon;
use crate::support::{Host, wait};

/// Threads that write without pause, enough to keep two processors busy.
const WRITERS: u64 = 2;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|e| panic!("{name}={text:?} is not a number: {e}")))
}

/// Sets values of changing sizes, some of them with a short life, until told to end.
fn press(cache: &Cache, writer: u64, stop: &AtomicBool) -> u64 {
    let mut sets = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        let value = vec![b'x'; usize::try_from(sets * 37 % 4000).expect("small")];
        let ttl = Duration::from_millis(1 + sets % 500);
        let key = format!("{writer}:{}", sets % 50_000);
        cache.set_with(key, value, &SetOptions::new().ttl(ttl)).expect("set");
        sets += 1;
    }
    sets
}

#[test]
fn a_standby_takes_over_from_a_killed_daemon_under_load() {
    let takeovers = number("HOSTCACHE_TEST_TAKEOVERS").unwrap_or(5);
    let limit = number("HOSTCACHE_TEST_TAKEOVER_LIMIT_MS").map(Duration::from_millis);
    let host = Host::with_catalog();
    let stop = AtomicBool::new(false);
    let mut times = Vec::new();
    thread::scope(|scope| {
        let open = || Cache::builder("catalog").directory(host.directory()).open().expect("open");
        let press = |writer| {
            let (cache, stop) = (open(), &stop);
            scope.spawn(move || press(&cache, writer, stop))
        };
        let writers: Vec<_> = (0..WRITERS).map(press).collect();
        // Raised also when a takeover fails, so that the writers let the test end.
        let ending = Raise(&stop);
        let mut leader = Daemon::start(&host, &[]);
        leader.expect_line("leading region=catalog");
        for _ in 0..takeovers {
            let standby = Daemon::start(&host, &[]);
            standby.expect_line("standing-by region=catalog");
            let killed = Instant::now();
            leader.child.kill().expect("kill the leader");
            standby.expect_line("leading region=catalog reason=former-daemon-ended");
            times.push(killed.elapsed());
            wait(&mut leader.child);
            leader = standby;
        }
        drop(ending);
        for writer in writers {
            assert!(writer.join().expect("writer") > 0, "a writer was held up");
        }
    });
    times.sort();
    let of = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!("{takeovers} takeovers: median {:?}, slowest {:?}", of(50), of(100));
    if let Some(limit) = limit {
        assert!(of(100) <= limit, "the slowest takeover took {:?}", of(100));
    }
    let report = host.json("check catalog");
    assert_eq!(report["sound"], true, "{report}");
}

struct Raise<'a>(&'a AtomicBool);

impl Drop for Raise<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
