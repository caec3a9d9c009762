//! A handle without write access reads everything and writes nothing.

mod support;

use std::fs;
use std::path::Path;
use std::time::Duration;

use hostcache::{
    Cache, CasToken, CounterOptions, Lifetime, MaintenanceBudget, PinError, SetOptions, WriteError,
};
use support::Scratch;

/// The permissions of this process's mappings of a file.
fn mappings(path: &Path) -> Vec<String> {
    let path = path.display().to_string();
    let maps = fs::read_to_string("/proc/self/maps").expect("maps");
    let ours = maps.lines().filter(|line| line.ends_with(&path));
    ours.filter_map(|line| line.split(' ').nth(1).map(str::to_owned)).collect()
}

/// A quiescent region that nobody has mapped, with items of all sizes, an expired one, and a deleted one.
fn region(scratch: &Scratch) -> std::path::PathBuf {
    let cache = scratch.builder("test").capacity(4 << 20).create().expect("a region");
    for n in 0..200_usize {
        cache.set(format!("key:{n}"), vec![n as u8; n * 97]).expect("set");
    }
    cache.set("n", "41").expect("set");
    let over = SetOptions::new().ttl(Duration::ZERO);
    cache.set_with("expired", "gone", &over).expect("set");
    cache.delete("key:7").expect("delete");
    cache.get("key:8").expect("a hit");
    cache.path()
}

fn read_everything(reader: &Cache) {
    let mut buffer = Vec::new();
    for n in 0..200_usize {
        let key = format!("key:{n}");
        let expected = (n != 7).then(|| vec![n as u8; n * 97]);
        assert_eq!(reader.get(&key), expected);
        assert_eq!(reader.get_into(&key, &mut buffer), expected.is_some());
        let len = expected.as_ref().map(Vec::len);
        assert_eq!(reader.get_slice(&key, &mut [0; 64]), len);
        assert_eq!(reader.get_item(&key).map(|item| item.value), expected);
        assert_eq!(reader.item_info(&key).is_some(), reader.contains(&key));
    }
    assert_eq!(reader.get("expired"), None);
    assert_eq!(reader.get("absent"), None);
    assert_eq!(reader.get_many(&["n", "expired"]), [Some(b"41".to_vec()), None]);
    assert_eq!(reader.get_many_items(&["n"]).len(), 1);
    assert_eq!(reader.keys().count(), 200);
    assert_eq!(reader.items().prefix("key:").count(), 199);
    assert_eq!(reader.participants().len(), 0, "nobody takes part, the reader included");
    assert!(reader.check().is_sound());
    assert!(!reader.info().writable && !reader.slab_classes().is_empty());
    assert!(reader.stats().curr_items > 0 && !reader.is_led().expect("a lock's state"));
}

/// Whether every way to write is refused as such.
fn write_everything(reader: &Cache) {
    fn refused<T>(what: &str, answer: Result<T, WriteError>) {
        let error = answer.map(|_| ()).expect_err(what);
        assert!(matches!(error, WriteError::ReadOnly { .. }), "{what}: {error:?}");
    }
    let (options, counter) = (SetOptions::new(), CounterOptions::new());
    let token: CasToken = reader.get_item("n").expect("an item").info.cas_token;
    refused("set", reader.set("n", "1"));
    refused("set_with", reader.set_with("n", "1", &options));
    refused("add", reader.add("new", "1"));
    refused("replace", reader.replace("n", "1"));
    refused("compare_and_swap", reader.compare_and_swap("n", "1", token));
    refused("increment", reader.increment("n", 1));
    refused("decrement", reader.decrement("n", 1));
    refused("increment_with", reader.increment_with("n", 1, &counter));
    refused("decrement_with", reader.decrement_with("n", 1, &counter));
    refused("append", reader.append("n", "1"));
    refused("prepend", reader.prepend("n", "1"));
    refused("touch", reader.touch("n", Lifetime::Forever));
    refused("get_and_touch", reader.get_and_touch("n", Lifetime::Forever));
    refused("take", reader.take("n"));
    refused("delete", reader.delete("n"));
    refused("delete_prefix", reader.delete_prefix("key:"));
    refused("clear", reader.clear());
    refused("maintain", reader.maintain(&MaintenanceBudget::default()));
    refused("reserve", reader.reserve("n", 100, &options));
    for answer in reader.set_many(&[("n", "1")]) {
        refused("set_many", answer);
    }
    for answer in reader.delete_many(&["n"]) {
        refused("delete_many", answer);
    }
    assert!(matches!(reader.pin("n"), Err(PinError::ReadOnly { .. })));
}

#[test]
fn it_writes_nothing() {
    let scratch = Scratch::shared();
    let path = region(&scratch);
    assert_eq!(mappings(&path), Vec::<String>::new());
    let before = fs::read(&path).unwrap();
    let reader = scratch.builder("test").open_read_only().unwrap();
    assert_eq!(mappings(&path), ["r--s"]);
    read_everything(&reader);
    assert!(fs::read(&path).unwrap() == before, "reading wrote");
    write_everything(&reader);
    std::thread::scope(|scope| drop(scope.spawn(|| read_everything(&reader))));
    assert!(fs::read(&path).unwrap() == before, "a refused write, or another thread, wrote");
    assert_eq!(mappings(&path), ["r--s"]);
    drop(reader);
    assert!(fs::read(&path).unwrap() == before, "its end wrote");
    // The comparison sees what a handle with write access does.
    let writer = scratch.builder("test").open().unwrap();
    assert_eq!(mappings(&path), ["rw-s"]);
    writer.get("n").unwrap();
    assert!(fs::read(&path).unwrap() != before);
}

#[test]
fn its_hits_are_not_counted_and_its_stats_say_so() {
    let scratch = Scratch::shared();
    region(&scratch);
    let reader = scratch.builder("test").open_read_only().unwrap();
    let before = reader.stats();
    assert!(!before.counts_own_reads);
    (0..10).for_each(|_| assert!(reader.contains("n") && reader.get("n").is_some()));
    assert_eq!(reader.get("absent"), None);
    assert_eq!(reader.stats(), before);
    let writer = scratch.builder("test").open().unwrap();
    assert!(writer.stats().counts_own_reads);
    writer.get("n").unwrap();
    assert_eq!(reader.stats().get_hits, before.get_hits + 1);
}
