//! First light: the operations in one process.

use hostcache::{Cache, MaintenanceBudget, SetOptions, SetOutcome, WriteError};
use std::time::Duration;

fn cache(capacity: u64) -> (tempfile::TempDir, Cache) {
    let dir = tempfile::tempdir().expect("a directory");
    let name = dir.path().join("r").display().to_string();
    let cache = Cache::builder(name).capacity(capacity).create().expect("a region");
    (dir, cache)
}

#[test]
fn set_get_delete() {
    let (_dir, cache) = cache(1 << 20);
    assert_eq!(cache.get("k"), None);
    cache.set("k", "v").unwrap();
    assert_eq!(cache.get("k").unwrap(), b"v");
    cache.set("k", "w").unwrap();
    assert_eq!(cache.get("k").unwrap(), b"w");
    assert!(cache.delete("k").unwrap());
    assert!(!cache.delete("k").unwrap());
    assert_eq!(cache.get("k"), None);
    assert!(cache.add("k", "1").unwrap());
    assert!(!cache.add("k", "2").unwrap());
    assert!(cache.replace("k", "41").unwrap());
    assert_eq!(cache.increment("k", 1).unwrap(), Some(42));
    assert_eq!(cache.decrement("k", 50).unwrap(), Some(0));
    let item = cache.get_item("k").unwrap();
    assert_eq!(item.value, b"0");
    let out = cache.compare_and_swap("k", "x", item.info.cas_token).unwrap();
    assert!(out.is_stored());
    let out = cache.compare_and_swap("k", "y", item.info.cas_token).unwrap();
    assert_eq!(out, SetOutcome::TokenMismatch);
    assert!(matches!(cache.increment("k", 1), Err(WriteError::NotANumber { .. })));
    cache.clear().unwrap();
    assert_eq!(cache.get("k"), None);
    let report = cache.check();
    assert!(report.is_sound(), "{report:#?}");
    println!("{:#?}", cache.stats());
}

#[test]
fn fills_and_evicts() {
    let (_dir, cache) = cache(4 << 20);
    for i in 0..100_000u32 {
        let len = (i.wrapping_mul(2654435761) >> 20) as usize % 600;
        cache.set(i.to_le_bytes(), vec![i as u8; len]).unwrap();
        assert_eq!(cache.get(i.to_le_bytes()).map(|v| v.len()), Some(len), "{i}");
    }
    let report = cache.check();
    assert!(report.is_sound(), "{report:#?}");
    for i in 0..300u32 {
        let len = 10_000 + (i.wrapping_mul(2654435761) >> 12) as usize % 60_000;
        cache.set(i.to_le_bytes(), vec![i as u8; len]).unwrap();
        assert_eq!(cache.get(i.to_le_bytes()).map(|v| v.len()), Some(len), "{i}");
    }
    let max = cache.max_value_len(4);
    cache.set([1, 2, 3, 4], vec![7; max]).unwrap();
    assert_eq!(cache.get([1, 2, 3, 4]).unwrap().len(), max);
    let report = cache.check();
    assert!(report.is_sound(), "{report:#?}");
    println!("{:#?}", cache.stats());
}

#[test]
fn expires() {
    let (_dir, cache) = cache(1 << 20);
    cache.set_with("k", "v", &SetOptions::new().ttl(Duration::from_millis(30))).unwrap();
    assert!(cache.contains("k"));
    std::thread::sleep(Duration::from_millis(50));
    assert!(!cache.contains("k"));
    let mut budget = MaintenanceBudget::default();
    budget.buckets = u32::MAX;
    let report = cache.maintain(&budget).unwrap();
    assert_eq!(report.expired, 1);
    assert!(cache.check().is_sound());
}

#[test]
fn many_threads() {
    let (_dir, cache) = cache(2 << 20);
    std::thread::scope(|s| {
        for t in 0..4u32 {
            let cache = cache.clone();
            s.spawn(move || {
                let mut x = t + 1;
                for _ in 0..200_000 {
                    x ^= x << 13;
                    x ^= x >> 17;
                    x ^= x << 5;
                    let key = (x % 64).to_le_bytes();
                    match x >> 28 {
                        0..=6 => {
                            cache.set(key, vec![(x % 64) as u8; (x >> 8) as usize % 300]).unwrap();
                        }
                        7 => {
                            cache.delete(key).unwrap();
                        }
                        8 => {
                            cache.add(key, vec![(x % 64) as u8; 10]).unwrap();
                        }
                        _ => {
                            if let Some(v) = cache.get(key) {
                                assert!(v.iter().all(|b| *b == (x % 64) as u8));
                            }
                        }
                    }
                }
            });
        }
    });
    let report = cache.check();
    assert!(report.is_sound(), "{report:#?}");
    println!("{:#?}", cache.stats());
}
