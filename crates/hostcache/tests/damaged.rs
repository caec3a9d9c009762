//! Walks, batches and the operations in one, over a region full of random words, at rest and changing under them: every
//! call ends, without a panic, and what it gives is within bounds.

mod support;

use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hostcache::{Cache, Lifetime};
use support::Scratch;

const CAPACITY: u64 = 1 << 20;
/// The header stays: without it there is no attaching.
const HEADER: u64 = 4096;

struct Random(u64);

impl Random {
    fn seeded(test: &str) -> Self {
        let given = std::env::var("HOSTCACHE_SEED").ok();
        let seed = given.map_or_else(
            || RandomState::new().hash_one(test) >> 16,
            |seed| seed.parse().expect("HOSTCACHE_SEED is a number"),
        );
        println!("{test}: replay with HOSTCACHE_SEED={seed}");
        Self(seed | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 ^ self.0 >> 29
    }
}

/// Puts some word somewhere: a random one, a neighbour's, or one bit changed.
fn damage(file: &File, random: &mut Random) {
    let at = |random: &mut Random| HEADER + random.next() % ((CAPACITY - HEADER) / 8) * 8;
    let (from, to) = (at(random), at(random));
    let mut word = [0; 8];
    file.read_exact_at(&mut word, from).expect("the region can be read");
    let word = match random.next() % 3 {
        0 => random.next(),
        1 => u64::from_le_bytes(word),
        _ => u64::from_le_bytes(word) ^ 1 << (random.next() % 64),
    };
    let to = if random.next().is_multiple_of(2) { from } else { to };
    file.write_all_at(&word.to_le_bytes(), to).expect("the region can be written");
}

/// A write that meets damage may spend all the steps that it has, a second in a debug build: after so many refusals there
/// are no more writes.
const REFUSALS: u32 = 3;

fn fill(cache: &Cache) {
    let mut refusals = 0;
    for key in 0..2_000u32 {
        let set = cache.set(key.to_string(), vec![key as u8; (key % 300) as usize]);
        refusals += u32::from(set.is_err());
        if refusals == REFUSALS {
            return;
        }
    }
}

fn use_all(cache: &Cache, random: &mut Random) {
    let most = CAPACITY as usize;
    let keys: Vec<String> = (0..40).map(|_| (random.next() % 2_000).to_string()).collect();
    assert!(cache.get_many(&keys).into_iter().flatten().all(|value| value.len() <= most));
    assert!(cache.get_many_items(&keys).into_iter().flatten().all(|item| item.value.len() <= most));
    let items: Vec<(&String, &[u8])> = keys[..3].iter().map(|key| (key, &b"v"[..])).collect();
    assert_eq!(cache.set_many(&items).len(), 3);
    assert_eq!(cache.delete_many(&keys[..3]).len(), 3);
    let mut refusals = 0;
    for key in &keys[3..] {
        let lifetime = Lifetime::Ttl(Duration::from_secs(random.next() % 100));
        let len = |value: Option<Vec<u8>>| value.map(|value| value.len());
        let lens = [
            cache.append(key, "more"),
            cache.prepend(key, "more"),
            cache.get_and_touch(key, lifetime).map(len),
            cache.take(key).map(len),
        ];
        refusals += lens.iter().filter(|len| len.is_err()).count() as u32;
        assert!(lens.into_iter().flatten().flatten().all(|len| len <= most));
        if refusals >= REFUSALS {
            break;
        }
    }
    assert!(cache.keys().all(|key| (1..=1 << 16).contains(&key.len())));
    for (key, item) in cache.items() {
        assert!(key.len() + item.value.len() <= most && item.info.value_len == item.value.len());
    }
    let _ = cache.delete_prefix("1");
}

fn region(scratch: &Scratch) -> (Cache, File) {
    let cache = scratch.cache(CAPACITY);
    let file = OpenOptions::new().read(true).write(true).open(cache.path()).expect("the region");
    (cache, file)
}

#[test]
fn every_operation_ends_on_a_region_that_was_damaged() {
    let mut random = Random::seeded("a region that was damaged");
    for damages in [1, 30, 1_000, 20_000] {
        let scratch = Scratch::new();
        let (cache, file) = region(&scratch);
        for _ in 0..2 {
            fill(&cache);
            (0..damages).for_each(|_| damage(&file, &mut random));
            use_all(&cache, &mut random);
        }
    }
}

#[test]
fn every_operation_ends_while_the_region_is_being_damaged() {
    let mut random = Random::seeded("a region that is being damaged");
    let scratch = Scratch::new();
    let (cache, file) = region(&scratch);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let mut other = Random(random.next() | 1);
        let (done, file) = (&done, &file);
        scope.spawn(move || {
            while !done.load(Ordering::Relaxed) {
                damage(file, &mut other);
            }
        });
        let _done = Done(done);
        for _ in 0..2 {
            fill(&cache);
            use_all(&cache, &mut random);
        }
    });
}

/// Lets the damage end, also when the test fails.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
