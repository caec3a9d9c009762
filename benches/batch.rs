//! Many keys in one call beside the same keys one by one, out of 1,000,000 items: the same work but for the waiting
//! for memory. Both ways take turns and give every value in a `Vec` of its own.

use std::time::{Duration, Instant};

use hostcache::{Cache, PrivateCache};
use hostcache_benches::figures::Spread;
use hostcache_benches::record::{self, Table};
use hostcache_benches::settings;
use hostcache_benches::side_by_side::{self, Lane};
use hostcache_benches::{Distribution, IndexStream, Key, ValueSize, Workload};

const ROUNDS: usize = 51;
const VALUE: usize = 100;
/// What a key of a batch of 64 may cost as a multiple of a single get.
const GOAL: f64 = 0.5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seed = settings::seed()?;
    let workload = Workload { sizes: ValueSize::Fixed(VALUE), ..Workload::LARGE };
    let capacity = (16 << 20) + u64::from(workload.keys) * 360;
    let cache = PrivateCache::new(capacity).expected_item_size(116).create()?;
    for index in 0..workload.keys {
        cache.set(Key::present(index), [index as u8; VALUE])?;
    }
    assert_eq!(cache.stats().evictions, 0, "every item is there");
    let mut table =
        Table::new(&["keys a call", "one by one, ns a key", "in one call", "ratio", "goal"]);
    for batch in [1, 2, 4, 16, 64, 256] {
        let single = lane(&cache, seed, batch, |cache, keys| {
            keys.iter().map(|key| cache.get(key)).collect()
        });
        let many = lane(&cache, seed, batch, |cache, keys| cache.get_many(keys));
        let figures = side_by_side::measure(&mut [single, many], ROUNDS);
        let ratio =
            Spread::of(side_by_side::ratios(&figures[1], &figures[0])).ok_or("no rounds")?;
        let [single, many] = figures.try_into().map_err(|_| "two lanes")?;
        let per_key = |figures: Vec<f64>| Spread::of(figures).map_or(f64::NAN, |s| s.median);
        let (single, many) = (per_key(single), per_key(many));
        let goal = if batch == 64 { format!("{GOAL}") } else { String::new() };
        let figures = [format!("{single:.0}"), format!("{many:.0}"), format!("{ratio}"), goal];
        table.row([batch.to_string()].into_iter().chain(figures).collect());
    }
    let command = "cargo run --release -p hostcache-benches --bin batch";
    record::print_head("Many keys in one call", command, seed);
    println!("{table}");
    Ok(())
}

/// Gets batches of random keys in some way, and checks every value.
fn lane(
    cache: &Cache,
    seed: u64,
    batch: usize,
    get: impl Fn(&Cache, &[Key]) -> Vec<Option<Vec<u8>>> + 'static,
) -> Lane {
    let cache = cache.clone();
    let mut stream = IndexStream::new(Distribution::Uniform, Workload::LARGE.keys, seed);
    Box::new(move |operations| {
        let mut time = Duration::ZERO;
        let calls = operations.div_ceil(batch as u64);
        for _ in 0..calls {
            let indices: Vec<u32> = (0..batch).map(|_| stream.next_index()).collect();
            let keys: Vec<Key> = indices.iter().map(|&index| Key::present(index)).collect();
            let begin = Instant::now();
            let values = get(&cache, &keys);
            time += begin.elapsed();
            for (value, index) in values.into_iter().zip(indices) {
                assert_eq!(value.as_deref(), Some(&[index as u8; VALUE][..]));
            }
        }
        time.mul_f64(operations as f64 / (calls * batch as u64) as f64)
    })
}
