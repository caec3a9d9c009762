//! Values held and made in place, beside the copies that they save.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use hostcache::{Cache, SetOptions};

const CAPACITY: u64 = 256 << 20;
const LENGTHS: [usize; 4] = [1 << 10, 16 << 10, 64 << 10, 1 << 20];
const KEY: &[u8] = b"a key of 16 byte";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cache = Cache::private(CAPACITY)?;
    let mut criterion = Criterion::default().configure_from_args();
    let mut reads = criterion.benchmark_group("read in place");
    for len in LENGTHS {
        cache.set(KEY, vec![7; len])?;
        reads.throughput(Throughput::Bytes(len as u64));
        reads.bench_function(BenchmarkId::new("pin", len), |b| {
            b.iter(|| {
                assert!(cache.pin(KEY).is_ok_and(|pin| pin.is_some_and(|pin| pin.len() == len)));
            });
        });
        let mut buffer = vec![0; len];
        reads.bench_function(BenchmarkId::new("copy", len), |b| {
            b.iter(|| assert_eq!(black_box(cache.get_slice(KEY, &mut buffer)), Some(len)));
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
                let made = made.and_then(|mut made| {
                    made.write_at(0, &source)?;
                    made.publish()
                });
                assert!(made.is_ok());
            });
        });
        writes.bench_function(BenchmarkId::new("set", len), |b| {
            b.iter(|| assert!(cache.set(KEY, &source).is_ok()));
        });
    }
    writes.finish();
    criterion.final_summary();
    Ok(())
}
