//! Ten million items with lifetimes from 100 ms to a day, and how soon the daemon gives their memory back.
//!
//! `expiry [ITEMS] [SECONDS]`. Lifetimes are log-uniform; nobody reads, so nothing but the daemon, in a thread of its own, reclaims. An
//! item is late where its memory is not back within a second of its deadline (a lifetime under a minute), or within a hundredth of its
//! lifetime. Prints once a second, later once in ten: items that ended so far, those that are late, and the daemon's share of a core.

use std::time::{Duration, Instant};

use hostcache::{Cache, SetOptions};
use hostcache_benches::random::Random;
use hostcache_daemon::{Config, StopFlag};

/// Shortest and longest lifetime in seconds.
const LIFETIMES: (f64, f64) = (0.1, 86_400.0);
const SEED: u64 = 20_261_124;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let items: u64 = arguments.next().map_or(Ok(10_000_000), |text| text.parse())?;
    let seconds: u64 = arguments.next().map_or(Ok(120), |text| text.parse())?;
    let name = format!("hostcache-expiry-{}", std::process::id());
    let cache = Cache::builder(&name).capacity(items * 230).create()?;
    let stop = StopFlag::new();
    let outcome = std::thread::scope(|scope| {
        let (sender, receiver) = std::sync::mpsc::channel();
        let (cache, stop) = (&cache, &stop);
        let daemon = scope.spawn(move || {
            // SAFETY: asks for a number.
            let _ = sender.send(unsafe { libc::gettid() });
            hostcache_daemon::run(cache, &Config::default(), stop).map(drop)
        });
        let outcome = receiver
            .recv()
            .map_err(Into::into)
            .and_then(|thread| measure(cache, items, seconds, thread));
        stop.raise();
        let ended = daemon.join().map_err(|_| "the daemon panicked")?;
        ended.map_err(Into::<Box<dyn std::error::Error>>::into).and(outcome)
    });
    Cache::destroy(&name)?;
    outcome
}

fn measure(
    cache: &Cache,
    items: u64,
    seconds: u64,
    daemon: i32,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut random = Random::new(SEED);
    let start = Instant::now();
    // When each item ends, and by when its memory is due, in seconds from the start.
    let mut ends = Vec::with_capacity(items as usize);
    let mut due = Vec::with_capacity(items as usize);
    for number in 0..items {
        let lifetime = LIFETIMES.0 * (LIFETIMES.1 / LIFETIMES.0).powf(random.unit());
        let key = format!("{number:016x}");
        let options = SetOptions::new().ttl(Duration::from_secs_f64(lifetime));
        cache.set_with(&key, [7; 100], &options)?;
        let end = start.elapsed().as_secs_f64() + lifetime;
        ends.push(end);
        due.push(end + if lifetime < 60.0 { 1.0 } else { lifetime / 100.0 });
    }
    ends.sort_by(f64::total_cmp);
    due.sort_by(f64::total_cmp);
    let filled = start.elapsed();
    println!(
        "{items} items set in {:.1} s, capacity {} MiB",
        filled.as_secs_f64(),
        (items * 230) >> 20
    );
    println!(
        "{:>8} {:>10} {:>10} {:>8} {:>10} {:>8}",
        "second", "ended", "reclaimed", "late", "evictions", "core"
    );
    let (mut spent, mut looked) = (processor_time(daemon)?, Instant::now());
    let first = (spent, looked);
    for second in 0..seconds {
        std::thread::sleep(Duration::from_secs(1));
        if second >= 20 && second % 10 != 9 {
            continue;
        }
        // Counted at the latest, so that what was in time is not taken for late.
        let now = start.elapsed().as_secs_f64();
        let stats = cache.stats();
        let ended = ends.partition_point(|&end| end <= now) as u64;
        let late = (due.partition_point(|&due| due <= now) as u64).saturating_sub(stats.expired);
        let (used, at) = (processor_time(daemon)?, Instant::now());
        let core = (used - spent).as_secs_f64() / (at - looked).as_secs_f64();
        (spent, looked) = (used, at);
        println!(
            "{now:>8.1} {ended:>10} {:>10} {late:>8} {:>10} {:>7.2}%",
            stats.expired,
            stats.evictions,
            100.0 * core
        );
    }
    let core = (spent - first.0).as_secs_f64() / (looked - first.1).as_secs_f64();
    println!("the daemon took {:.2} % of a core", 100.0 * core);
    Ok(())
}

/// What a thread of this process has used.
fn processor_time(thread: i32) -> Result<Duration, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string(format!("/proc/self/task/{thread}/schedstat"))?;
    let nanos = text.split(' ').next().unwrap_or_default().parse()?;
    Ok(Duration::from_nanos(nanos))
}
