//! Values held and made in place, beside the copies that they save.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use hostcache::{Cache, SetOptions};

const CAPACITY: u64 = 256 << 20;
const LENGTHS: [usize; 4] = [1 << 10, 16 << 10, 64 << 10, 1 << 20];
const KEY: &[u8] = b"a key of 16 byte";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = format!("hostcache-bench-in-place-{}", std::process::id());
    let cache = Cache::builder(&*name).capacity(CAPACITY).create()?;
    let result = measure(&cache);
    Cache::destroy(&name)?;
    result
}

fn measure(cache: &Cache) -> Result<(), Box<dyn std::error::Error>> {
    let mut criterion = Criterion::default().configure_from_args();
    let mut reads = criterion.benchmark_group("read in place");
    for len in LENGTHS {
        cache.set(KEY, vec![7; len])?;
        reads.throughput(Throughput::Bytes(len as u64));
        reads.bench_function(BenchmarkId::new("pin", len), |b| {
            b.iter(|| black_box(cache.pin(KEY).is_ok_and(|pin| pin.is_some())));
        });
        let mut buffer = vec![0; len];
        reads.bench_function(BenchmarkId::new("copy", len), |b| {
            b.iter(|| black_box(cache.get_slice(KEY, &mut buffer)));
        });
    }
    reads.finish();
    let mut writes = criterion.benchmark_group("write in place");
    for len in LENGTHS {
        let source = vec![7; len];
        writes.throughput(Throughput::Bytes(len as u64));
        writes.bench_function(BenchmarkId::new("reserve, fill, publish", len), |b| {
            b.iter(|| {
                let made = cache.reserve(KEY, len, &SetOptions::new());
                made.and_then(|mut made| made.write_at(0, &source).and_then(|()| made.publish()))
            });
        });
        writes.bench_function(BenchmarkId::new("set", len), |b| b.iter(|| cache.set(KEY, &source)));
    }
    writes.finish();
    criterion.final_summary();
    Ok(())
}
