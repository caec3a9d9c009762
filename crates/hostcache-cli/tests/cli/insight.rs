//! What `stats` and `check` say about a region beside its figures.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use serde_json::json;

use crate::support::{HUNG, Host, wait};

/// Metric names with their kinds, and samples with their values.
type Page = (HashMap<String, String>, HashMap<String, u64>);

/// Reads a page as Prometheus' text format 0.0.4 is defined, in the part of it that is used here.
fn parse(text: &str) -> Page {
    let (mut kinds, mut samples) = (HashMap::new(), HashMap::new());
    let mut helped = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a text");
            assert!(!help.is_empty() && !kinds.contains_key(name), "{line}");
            helped = Some(name.to_owned());
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a kind");
            assert_eq!(helped.as_deref(), Some(name), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert!(matches!(kind, "counter" | "gauge"), "{line}");
            kinds.insert(name.to_owned(), kind.to_owned());
        } else {
            let (series, value) = line.rsplit_once(' ').expect("a value");
            let (name, labels) = series.split_once('{').expect("labels");
            assert!(name.starts_with("hostcache_") && labels.ends_with('}'), "{line}");
            assert!(labels.starts_with("region=\"catalog\""), "{line}");
            assert_eq!(helped.as_deref(), Some(name), "samples stand below their type: {line}");
            let value = value.parse().expect("a number");
            assert_eq!(samples.insert(series.to_owned(), value), None, "twice: {line}");
        }
    }
    (kinds, samples)
}

#[test]
fn prometheus_gets_every_figure_and_the_slab_classes() {
    let host = Host::with_catalog();
    for n in 0..10 {
        host.run(["set", "catalog", &format!("k{n}"), "v"]).done_silently();
    }
    host.run(["get", "catalog", "k1"]).done();
    host.run(["get", "catalog", "nokey"]).negative();
    let text = host.run(["stats", "catalog", "--format", "prometheus"]).text();
    assert!(text.ends_with('\n'));
    let (kinds, samples) = parse(&text);
    let sample = |name: &str, labels: &str| {
        let series = format!("{name}{{region=\"catalog\"{labels}}}");
        *samples.get(&series).unwrap_or_else(|| panic!("{series} is missing in {text}"))
    };
    let stats = host.json("stats catalog");
    for (name, value) in stats.as_object().expect("an object") {
        let Some(value) = value.as_u64() else { continue };
        let counter = format!("hostcache_{}_total", name.strip_prefix("total_").unwrap_or(name));
        let gauge = format!("hostcache_{name}");
        let name = if kinds.contains_key(&counter) { counter } else { gauge };
        assert_eq!(sample(&name, ""), value, "{name}");
    }
    assert_eq!(sample("hostcache_get_hits_total", ""), 1);
    assert_eq!(kinds["hostcache_curr_items"], "gauge");
    let used: u64 = samples
        .iter()
        .filter(|(series, _)| series.contains("slab_chunks") && series.contains("used"))
        .map(|(_, value)| value)
        .sum();
    assert_eq!(used, 10);
    assert_eq!(sample("hostcache_participant_states", ",state=\"dead\""), 0);
}

#[test]
fn only_stats_speaks_prometheus() {
    let host = Host::with_catalog();
    for verb in ["info", "top", "keys", "check"] {
        let text = host.run([verb, "catalog", "--format", "prometheus"]).error();
        assert!(text.contains("understood by stats only"), "{text}");
    }
}

#[test]
fn a_region_that_is_too_small_is_told_so_with_the_remedy() {
    let host = Host::new();
    host.json("create catalog --capacity 1MiB");
    let cache = hostcache::Cache::builder("catalog").directory(host.directory());
    let cache = cache.open().expect("open");
    // Twice as much as there is room for, asked for in turn: each is gone before its turn comes again.
    for _ in 0..5 {
        for n in 0..500 {
            let key = format!("key:{n}");
            if cache.get(&key).is_none() {
                cache.set(key, [b'x'; 4000]).expect("set");
            }
        }
    }
    let text = host.run(["stats", "catalog"]).text();
    let (_, advice) = text.split_once("\nadvice\n").expect("advice");
    assert!(advice.contains("items of 3.9KiB on average are evicted"), "{advice}");
    assert!(advice.contains("MiB would hold them"), "{advice}");
    assert!(advice.contains("no daemon runs"), "{advice}");
    let findings = |object: serde_json::Value| -> Vec<String> {
        let list = object["advice"].as_array().expect("a list").clone();
        list.iter().map(|one| one["finding"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(findings(host.json("stats catalog")), ["too_small", "no_daemon"]);
    // A daemon that leads is seen by whoever looks, without write access too.
    let leadership = cache.try_lead().expect("ask for the office").expect("free");
    assert_eq!(findings(host.json("stats catalog")), ["too_small"]);
    drop(leadership);
    // The second round goes by what happened since the first: nothing.
    let rounds = ["stats", "catalog", "--format", "json", "--every", "1ms", "--count", "2"];
    let rounds = host.run(rounds).text();
    let last = rounds.lines().nth(1).expect("two lines");
    assert_eq!(serde_json::from_str::<serde_json::Value>(last).expect("JSON")["advice"], json!([]));
}

#[test]
fn keys_with_a_prefix_are_deleted() {
    let host = Host::with_catalog();
    for key in ["user:1", "user:2", "post:1", "user"] {
        host.run(["set", "catalog", key, "x"]).done_silently();
    }
    host.run(["delete", "catalog", "--prefix", "user:"]).done_silently();
    host.run(["delete", "catalog", "--prefix", "user:"]).negative();
    assert_eq!(host.json("stats catalog")["curr_items"], json!(2));
    let hex = host.json("delete catalog --hex-key --prefix 706f7374");
    assert_eq!(hex, json!({"deleted": true, "keys": 1}));
    assert_eq!(host.json("delete catalog user"), json!({"deleted": true, "keys": 1}));
    let text = host.run(["delete", "catalog", "--prefix", ""]).error();
    assert!(text.contains("hostcache clear catalog"), "{text}");
    host.run(["delete", "catalog"]).error();
    host.run(["delete", "catalog", "k", "--prefix", "k"]).error();
}

/// What arrives at a terminal, by and by.
fn pieces(mut screen: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(length @ 1..) = screen.read(&mut piece) {
            // The test may have seen enough.
            let _ = sender.send(String::from_utf8_lossy(&piece[..length]).into_owned());
        }
    });
    receiver
}

#[test]
fn the_live_screen_takes_the_terminal_and_gives_it_back() {
    let host = Host::with_catalog();
    host.run(["set", "catalog", "k", "v"]).done_silently();
    // `script` gives it a terminal; keys come through a pipe.
    let top = format!("{} top catalog --every 250ms", env!("CARGO_BIN_EXE_hostcache"));
    let child = Command::new("script")
        .args(["--quiet", "--return", "--command", &top, "/dev/null"])
        .env("HOSTCACHE_DIR", host.directory())
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else {
        println!("skipped: script(1) is not installed, the live screen is not tried");
        return;
    };
    let mut keys = child.stdin.take().expect("stdin is piped");
    let screen = pieces(child.stdout.take().expect("stdout is piped"));
    let mut shown = String::new();
    // Each screen is looked for from where the one before was found.
    let mut until = |words: &str| {
        while !shown.contains(words) {
            match screen.recv_timeout(HUNG) {
                Ok(piece) => shown += &piece,
                Err(error) => panic!("{words:?} is not in {shown:?}: {error}"),
            }
        }
        shown = shown.split_off(shown.find(words).expect("found") + words.len());
    };
    until("\u{1b}[?1049h");
    until("1 of ");
    keys.write_all(b"p").expect("a key");
    until("paused");
    keys.write_all(b"p+").expect("keys");
    until("every 500ms");
    host.run(["destroy", "catalog"]).done_silently();
    until("destroyed");
    keys.write_all(b"q").expect("a key");
    until("\u{1b}[?1049l");
    assert!(wait(&mut child).success());
}
