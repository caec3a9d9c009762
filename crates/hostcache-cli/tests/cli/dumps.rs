//! `dump` and `load`: a warm start.
//!
//! `HOSTCACHE_TEST_DUMP_ITEMS` says how many items the large one has (20,000).

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use hostcache::{Cache, SetOptions};
use serde_json::json;

use crate::support::{Host, eventually, read_all, wait};

/// A path for a dump, beside the regions.
fn path(host: &Host, name: &str) -> (PathBuf, String) {
    let path = host.directory().join(name);
    let text = path.to_str().expect("UTF-8").to_owned();
    (path, text)
}

fn open(host: &Host, name: &str) -> Cache {
    Cache::builder(name).directory(host.directory()).open().expect("open")
}

/// Items of all kinds by their number: sizes to 1 KiB, every encoding, flags, half of them with a deadline.
fn put(cache: &Cache, number: u64) {
    let key = format!("key:{number}\0\u{e9}");
    let mut options = SetOptions::new().flags(u32::try_from(number).expect("small"));
    options = options.encoding((number % 256).to_le_bytes()[0]);
    if number % 2 == 1 {
        options = options.ttl(Duration::from_secs(3600 + number));
    }
    let value: Vec<u8> = (0..number % 1024).map(|n| (n ^ number).to_le_bytes()[0]).collect();
    cache.set_with(key, value, &options).expect("set");
}

#[test]
fn a_loaded_region_equals_the_dumped_one() {
    let text = std::env::var("HOSTCACHE_TEST_DUMP_ITEMS").unwrap_or_else(|_| "20000".to_owned());
    let count: u64 = text.parse().expect("HOSTCACHE_TEST_DUMP_ITEMS is a number");
    let host = Host::new();
    let capacity = (16 << 20) + count * 1024;
    for name in ["before", "after"] {
        let line = format!("create {name} --capacity {capacity} --expected-item-size 400");
        host.json(&line);
    }
    let before = open(&host, "before");
    (0..count).for_each(|number| put(&before, number));
    let (dump, dump_name) = path(&host, "dump");
    let dumped = host.json(&format!("dump before {dump_name}"));
    assert_eq!((&dumped["items"], &dumped["contended"]), (&json!(count), &json!(0)));
    assert_eq!(dumped["bytes"], json!(dump.metadata().expect("the dump").len()));
    assert_eq!(dump.metadata().expect("the dump").permissions().mode() & 0o777, 0o600);
    let loaded = host.json(&format!("load after {dump_name}"));
    let all = json!({"loaded": count, "kept": 0, "expired": 0, "refused": 0, "evicted": 0});
    assert_eq!(loaded, all);

    let after = open(&host, "after");
    assert_eq!(after.stats().curr_items, count);
    let mut furthest = Duration::ZERO;
    for key in before.keys() {
        let [old, new] = [&before, &after].map(|cache| {
            cache.try_get_item(&key).expect("readable").unwrap_or_else(|| panic!("{key:?} is gone"))
        });
        assert_eq!(old.value, new.value, "{key:?}");
        let about = |item: &hostcache::Item| (item.info.flags, item.info.encoding);
        assert_eq!(about(&old), about(&new), "{key:?}");
        assert_eq!(old.info.ttl.is_some(), new.info.ttl.is_some(), "{key:?}");
        let left = |item: &hostcache::Item| item.info.ttl.unwrap_or_default();
        furthest = furthest.max(left(&old).abs_diff(left(&new)));
    }
    println!("{count} items, {} bytes; deadlines moved by {furthest:?} at most", dumped["bytes"]);
    // Not a timing: what is kept is the deadline itself.
    assert!(furthest < Duration::from_secs(1), "a deadline moved by {furthest:?}");
}

#[test]
fn time_between_dump_and_load_counts() {
    let host = Host::with_catalog();
    host.run(["set", "catalog", "short", "v", "--ttl", "1ms"]).done_silently();
    host.run(["set", "catalog", "middling", "v", "--ttl", "300ms"]).done_silently();
    host.run(["set", "catalog", "long", "v", "--ttl", "1h"]).done_silently();
    host.run(["set", "catalog", "for-ever", "v"]).done_silently();
    let gone = |key: &str| host.run(["get", "catalog", key]).status.code() == Some(1);
    eventually("the first has expired", || gone("short"));
    let (_, dump) = path(&host, "dump");
    host.run(["dump", "catalog", &dump]).done_silently();
    eventually("the second has expired", || gone("middling"));
    // An item may end up to a tick of the coarse clock late, a dump's deadline is exact.
    host.run(["destroy", "catalog"]).done_silently();
    let loaded = host.json(&format!("load catalog {dump} --capacity 16MiB"));
    let dumped = loaded["loaded"].as_u64().expect("a number")
        + loaded["expired"].as_u64().expect("a number");
    assert!(dumped == 2 || dumped == 3, "{loaded}");
    assert_eq!(loaded["loaded"], json!(2), "{loaded}");
    assert!(gone("middling") && !gone("long") && !gone("for-ever"));
    assert_eq!(host.run(["ttl", "catalog", "for-ever"]).text(), "no expiry\n");
}

#[test]
fn an_item_for_ever_stays_so_in_a_region_with_a_default_ttl() {
    let host = Host::with_catalog();
    host.run(["set", "catalog", "k", "v"]).done_silently();
    let (_, dump) = path(&host, "dump");
    host.run(["dump", "catalog", &dump]).done_silently();
    host.json("create other --capacity 1MiB --default-ttl 1m");
    host.run(["load", "other", &dump]).done_silently();
    assert_eq!(host.run(["ttl", "other", "k"]).text(), "no expiry\n");
}

#[test]
fn a_dump_passes_through_pipes() {
    let host = Host::with_catalog();
    let value: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    host.run_with_input(["set", "catalog", "photo"], &value).done_silently();
    let dump = host.run(["dump", "catalog"]).done().stdout;
    host.run(["clear", "catalog"]).done_silently();
    host.run_with_input(["load", "catalog", "-"], &dump).done_silently();
    assert!(host.run(["get", "catalog", "photo"]).done().stdout == value);
    assert!(host.run(["dump", "catalog", "-"]).done().stdout.len() == dump.len());
    let json = host.run(["dump", "catalog", "--format", "json"]).error();
    assert!(json.contains("needs a FILE"), "{json}");
}

#[test]
fn what_is_in_the_region_is_newer_unless_told_otherwise() {
    let host = Host::with_catalog();
    host.run(["set", "catalog", "k", "old", "--flags", "7"]).done_silently();
    let (_, dump) = path(&host, "dump");
    host.run(["dump", "catalog", &dump]).done_silently();
    host.run(["set", "catalog", "k", "new"]).done_silently();
    let loaded = host.json(&format!("load catalog {dump}"));
    assert_eq!((&loaded["loaded"], &loaded["kept"]), (&json!(0), &json!(1)));
    assert_eq!(host.run(["get", "catalog", "k"]).text(), "new");
    host.json(&format!("load catalog {dump} --replace"));
    let found = host.json("get catalog k");
    assert_eq!((&found["value"], &found["flags"]), (&json!("old"), &json!(7)));
}

#[test]
fn a_damaged_or_cut_dump_is_an_error_that_names_the_place() {
    let host = Host::with_catalog();
    for n in 0..3 {
        host.run(["set", "catalog", &format!("key:{n}"), "12345678"]).done_silently();
    }
    let dump = host.run(["dump", "catalog"]).done().stdout;
    // Header, then three records of 40 + 5 + 8 + 8 bytes, then the end.
    assert_eq!(dump.len(), 32 + 3 * 61 + 40);
    let load = |bytes: &[u8]| {
        host.run(["clear", "catalog"]).done_silently();
        let text = host.run_with_input(["load", "catalog"], bytes).error();
        (text, host.json("stats catalog")["curr_items"].clone())
    };
    let (text, items) = load(&dump[..32 + 61 + 50]);
    assert!(text.contains("at offset 143: the dump is cut short"), "{text}");
    assert!(text.ends_with("; 1 item loaded before"), "{text}");
    assert_eq!(items, json!(1));
    let mut damaged = dump.clone();
    damaged[32 + 2 * 61 + 47] ^= 1;
    let (text, items) = load(&damaged);
    assert!(text.contains("at offset 154: an item is damaged"), "{text}");
    assert_eq!(items, json!(2));
    let (text, _) = load(b"not a dump");
    assert!(
        text.contains("can't load standard input: at offset 10: the dump is cut short"),
        "{text}"
    );
    let (text, _) = load(&[b'x'; 1000]);
    assert!(text.contains("at offset 0: this is no dump"), "{text}");
    let mut newer = dump.clone();
    newer[8] = 9;
    let (text, _) = load(&newer);
    assert!(text.contains("format version 9, this program reads version 1"), "{text}");
}

#[test]
fn no_region_is_made_for_what_is_no_dump() {
    let host = Host::new();
    let (_, file) = path(&host, "file");
    fs::write(&file, "something else, long enough to be looked at").expect("write");
    host.run(["load", "fresh", &file, "--capacity", "1MiB"]).error();
    host.run(["info", "fresh"]).error();
    let text = host.run(["load", "fresh", "/nonexistent/dump", "--capacity", "1MiB"]).error();
    assert!(text.contains("can't read /nonexistent/dump"), "{text}");
}

#[test]
fn a_smaller_region_takes_what_it_can() {
    let host = Host::with_catalog();
    host.run_with_input(["set", "catalog", "huge"], &[b'x'; 1 << 20]).done_silently();
    host.run(["set", "catalog", "small", "v"]).done_silently();
    let (_, dump) = path(&host, "dump");
    host.run(["dump", "catalog", &dump]).done_silently();
    let answer = host.run(["load", "tiny", &dump, "--capacity", "1MiB", "--format", "json"]);
    assert_eq!(answer.status.code(), Some(1), "{answer:?}");
    let loaded = answer.object();
    assert_eq!((&loaded["loaded"], &loaded["refused"]), (&json!(1), &json!(1)));
    assert_eq!(host.run(["get", "tiny", "small"]).text(), "v");
}

#[test]
fn a_dump_that_fails_leaves_the_one_before() {
    let host = Host::with_catalog();
    host.run(["set", "catalog", "k", "v"]).done_silently();
    let (dump, dump_name) = path(&host, "dump");
    host.run(["dump", "catalog", &dump_name]).done_silently();
    let before = fs::read(&dump).expect("the dump");
    // Somebody else's dump is under way.
    let partial = File::create(host.directory().join("dump.partial")).expect("create");
    partial.lock().expect("lock");
    let text = host.run(["dump", "catalog", &dump_name]).error();
    assert!(text.contains("dump.partial: another dump is writing there"), "{text}");
    assert_eq!(fs::read(&dump).expect("the dump"), before);
    // Killed half-way: what it left is taken over.
    drop(partial);
    fs::write(host.directory().join("dump.partial"), [b'x'; 10_000]).expect("write");
    host.run(["dump", "catalog", &dump_name]).done_silently();
    assert_eq!(fs::read(&dump).expect("the dump").len(), before.len());
    assert!(!host.directory().join("dump.partial").exists());
    let text = host.run(["dump", "catalog", "/nonexistent/dump"]).error();
    assert!(text.contains("can't write /nonexistent/dump.partial"), "{text}");
    let text = host.run(["dump", "catalog", "/dev/full"]).error();
    assert!(text.contains("can't write /dev/full: No space left"), "{text}");
}

#[test]
fn a_dump_under_load_has_whole_items() {
    let host = Host::with_catalog();
    let cache = open(&host, "catalog");
    let value = |n: u64| vec![n.to_le_bytes()[0]; usize::try_from(n % 3000).expect("small")];
    let mut command = host.command(["dump", "catalog"]);
    (0..2000_u64).for_each(|n| drop(cache.set(format!("{}", n % 200), value(n))));
    let mut child = command.stdout(Stdio::piped()).spawn().expect("start hostcache");
    let stdout = read_all(child.stdout.take());
    let mut n = 0_u64;
    while child.try_wait().expect("wait").is_none() {
        cache.set(format!("{}", n % 200), value(n)).expect("set");
        n += 1;
    }
    assert!(wait(&mut child).success());
    let mut complaint = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut complaint).expect("stderr");
    assert_eq!(complaint, "");
    let dump = stdout.join().expect("reader").expect("stdout");
    host.run(["clear", "catalog"]).done_silently();
    host.run_with_input(["load", "catalog"], &dump).done_silently();
    assert_eq!(cache.keys().count(), 200);
    for key in cache.keys() {
        let found = cache.get(&key).expect("present");
        assert!(found.windows(2).all(|pair| pair[0] == pair[1]), "torn: {key:?}");
    }
}
