//! What a program does with a region from its making to its end, where any call to the system may fail: every failure
//! is an error that is told, never a panic, a signal or a wait.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use hostcache::{Cache, MaintenanceBudget, SetOptions};

const CAPACITY: u64 = 1 << 20;
const KEYS: u32 = 50;

/// Tells the preloaded library, if there is one.
fn tell(switch: &str) {
    let _ = File::open(format!("/hostcache-faults-{switch}"));
}

/// Goes through it all; prints every error.
pub fn run(directory: &Path) -> bool {
    tell("on");
    for (what, step) in STEPS {
        if let Err(error) = step(directory) {
            println!("{what}: {error}");
        }
    }
    tell("off");
    true
}

type Step = fn(&Path) -> Result<(), Box<dyn std::error::Error>>;

const STEPS: [(&str, Step); 4] =
    [("file", in_a_file), ("lifetimes", lifetimes), ("memfd", in_memory), ("end", end)];

fn in_a_file(directory: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let builder = || {
        Cache::builder("probe")
            .directory(directory)
            .capacity(CAPACITY)
            .survive_truncation(true)
            .exclude_from_core_dumps(true)
            .populate(true)
    };
    let cache = builder().open_or_create()?;
    use_all(&cache)?;
    // A thread takes a participant of its own.
    let told = std::thread::scope(|scope| {
        let user = scope.spawn(|| use_all(&cache).map_err(|e| e.to_string()));
        user.join().unwrap_or_else(|_| Err("the thread panicked".into()))
    });
    assert_ne!(told, Err("the thread panicked".into()));
    told?;
    let reader = builder().open_read_only()?;
    for n in 0..KEYS {
        if let Some(value) = reader.try_get(n.to_string())? {
            assert!(value.iter().all(|&byte| byte == n as u8), "key {n}");
        }
    }
    let led = cache.try_lead()?;
    assert!(cache.check().is_sound());
    drop((led, cache.try_info()?, Cache::list()?));
    Ok(())
}

fn use_all(cache: &Cache) -> Result<(), Box<dyn std::error::Error>> {
    for n in 0..KEYS {
        cache.set(n.to_string(), vec![n as u8; 100 * n as usize])?;
        cache.delete((n / 2).to_string())?;
    }
    cache.increment("counter", 1)?;
    drop(cache.pin((KEYS - 1).to_string())?);
    let mut reservation = cache.reserve("reserved", 100, &SetOptions::new())?;
    reservation.write_at(0, &[1; 100])?;
    reservation.publish()?;
    cache.maintain(&MaintenanceBudget::default())?;
    Ok(())
}

/// No item ends early or late, whatever the wall clock says.
fn lifetimes(directory: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let cache = Cache::builder("probe").directory(directory).open()?;
    let for_ms = |ms| SetOptions::new().ttl(Duration::from_millis(ms));
    cache.set_with("long", "here", &for_ms(3_600_000))?;
    cache.set_with("short", "here", &for_ms(1))?;
    // The clock of lifetimes stands still while a busy system keeps its ticks back.
    let is_over = |short: Result<Option<_>, _>| !matches!(short, Ok(Some(_)));
    let ends = (0..1000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        is_over(cache.try_get("short"))
    });
    assert!(ends, "an item for a millisecond is there after 10 s");
    if let Ok(long) = cache.try_get("long") {
        assert!(long.is_some(), "an item for an hour ended at once");
    }
    Ok(())
}

fn in_memory(_: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let cache = Cache::builder("probe").capacity(CAPACITY).memfd().create()?;
    use_all(&cache)?;
    let descriptor = cache.as_fd()?.try_clone_to_owned()?;
    use_all(&Cache::from_fd(descriptor)?)
}

fn end(directory: &Path) -> Result<(), Box<dyn std::error::Error>> {
    Ok(Cache::destroy(directory.join("probe").to_string_lossy())?)
}
