//! `dump` and `load` killed half-way.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use hostcache::{Cache, Item, SetOptions};

use crate::support::{Host, eventually, wait};

/// Items of a region: enough that a dump takes many writes.
const ITEMS: u64 = 20_000;

fn open(host: &Host, name: &str) -> Cache {
    Cache::builder(name).directory(host.directory()).open().expect("open")
}

fn create(host: &Host, name: &str) -> Cache {
    host.json(&format!("create {name} --capacity 48MiB"));
    open(host, name)
}

/// A region of [`ITEMS`] items: a kilobyte each, flags, an encoding, half of them with a deadline.
fn filled(host: &Host) -> Cache {
    let cache = create(host, "catalog");
    for number in 0..ITEMS {
        let mut options = SetOptions::new().flags(number.to_le_bytes()[0].into()).encoding(3);
        if number % 2 == 1 {
            options = options.ttl(Duration::from_secs(7200));
        }
        let value = number.to_le_bytes().repeat(128);
        cache.set_with(format!("key:{number}"), value, &options).expect("set");
    }
    cache
}

type Contents = BTreeMap<Vec<u8>, (Vec<u8>, u32, u8, bool)>;

fn contents(cache: &Cache) -> Contents {
    let of =
        |item: Item| (item.value, item.info.flags, item.info.encoding, item.info.ttl.is_some());
    cache.items().map(|(key, item)| (key, of(item))).collect()
}

fn end(mut child: Child) {
    child.kill().expect("kill");
    wait(&mut child);
}

/// What stands before the place of the cut is there, whole; the error names the place.
#[track_caller]
fn loads_in_part(host: &Host, all: &Contents, dump: &[u8]) -> usize {
    let half = create(host, "half");
    let text = host.run_with_input(["load", "half"], dump).error();
    assert!(text.contains("the dump is cut short"), "{text}");
    let found = contents(&half);
    for (key, item) in &found {
        assert_eq!(Some(item), all.get(key), "{key:?}");
    }
    assert!(host.json("check half")["sound"] == true);
    host.run(["destroy", "half"]).done_silently();
    found.len()
}

#[test]
fn what_a_killed_dump_has_written_is_refused_behind_its_last_whole_item() {
    let host = Host::new();
    let all = contents(&filled(&host));
    for wanted in [40, 5_000, 1 << 20, 7_000_001] {
        let mut child = host.command(["dump", "catalog"]).spawn().expect("start hostcache");
        let mut pipe = child.stdout.take().expect("piped");
        let mut dump = vec![0; wanted];
        pipe.read_exact(&mut dump).expect("so much of it");
        // It stands in a write to a full pipe.
        end(child);
        pipe.read_to_end(&mut dump).expect("what was in the pipe");
        assert!(dump.len() < ITEMS as usize * 1024, "killed half-way");
        let items = loads_in_part(&host, &all, &dump);
        // An item has less than 1,100 bytes there.
        assert!((items + 1) * 1100 > dump.len(), "{items} items of {} bytes", dump.len());
    }
    assert!(host.json("check catalog")["sound"] == true);
}

#[test]
fn a_dump_to_a_file_that_is_killed_leaves_the_one_before_and_hinders_none_after_it() {
    let host = Host::new();
    let catalog = filled(&host);
    let at = |name: &str| host.directory().join(name).to_str().expect("UTF-8").to_owned();
    let (dump, partial) = (at("dump"), at("dump.partial"));
    host.run(["dump", "catalog", &dump]).done_silently();
    let before = fs::read(&dump).expect("the dump");
    catalog.set("key:0", "anew").expect("set");
    let all = contents(&catalog);
    let whole = host.run(["dump", "catalog"]);
    assert_eq!(whole.status.code(), Some(0), "{whole:?}");
    let length = |path: &str| Path::new(path).metadata().map_or(0, |found| found.len());
    let mut half_way = 0;
    for _ in 0..50 {
        let mut child = host.command(["dump", "catalog", &dump]).spawn().expect("start hostcache");
        eventually("it has begun to write, or has ended", || {
            length(&partial) > 0 || child.try_wait().expect("wait").is_some()
        });
        end(child);
        if Path::new(&partial).exists() {
            assert!(fs::read(&dump).expect("the dump") == before, "the dump before is as it was");
            let bytes = fs::read(&partial).expect("what is left");
            let is_whole = bytes.len() == before.len();
            half_way += u32::from(!is_whole);
            if !is_whole && half_way == 1 {
                loads_in_part(&host, &all, &bytes);
            }
        } else {
            // It was too fast: the new one has taken its place, whole.
            assert_eq!(length(&dump), whole.stdout.len() as u64, "the dump before is gone");
            fs::write(&dump, &before).expect("write");
        }
        if half_way == 5 {
            break;
        }
    }
    assert!(half_way > 0, "none of 50 was killed half-way");
    host.run(["dump", "catalog", &dump]).done_silently();
    assert!(!Path::new(&partial).exists());
    let loaded = create(&host, "loaded");
    host.run(["load", "loaded", &dump]).done_silently();
    assert!(contents(&loaded) == all);
}

#[test]
fn a_load_that_is_killed_leaves_whole_items_and_can_be_done_again() {
    let host = Host::new();
    let all = contents(&filled(&host));
    let dump = host.run(["dump", "catalog"]).done().stdout;
    for share in [2, 3, 5, 17] {
        let name = format!("load-{share}");
        let cache = create(&host, &name);
        let mut child = {
            let mut command = host.command(["load", &name]);
            command.stdin(Stdio::piped()).spawn().expect("start hostcache")
        };
        let mut stdin = child.stdin.take().expect("piped");
        // A pipe holds less than this: when it is written, items are being loaded.
        stdin.write_all(&dump[..dump.len() / share]).expect("it reads");
        end(child);
        drop(stdin);
        let found = contents(&cache);
        assert!((1..all.len()).contains(&found.len()), "{} items: killed half-way", found.len());
        for (key, item) in &found {
            assert_eq!(Some(item), all.get(key), "{key:?}");
        }
        assert!(host.json(&format!("check {name}"))["sound"] == true);
        // What it held comes back, and what is missing is loaded.
        let pass = host.run(["serve", &name, "--once"]);
        assert_eq!(pass.status.code(), Some(0), "{pass:?}");
        assert!(pass.stderr.contains("recovered_participants=1"), "{pass:?}");
        assert_eq!(host.json(&format!("check {name}"))["dead_held_bytes"], 0);
        let again = {
            let command = ["load", &name, "--format", "json"];
            host.run_with_input(command, &dump).object()
        };
        assert_eq!(
            (&again["kept"], &again["evicted"]),
            (&found.len().into(), &0.into()),
            "{again}"
        );
        assert!(contents(&cache) == all, "equal to what was dumped");
        host.run(["destroy", &name]).done_silently();
    }
}
