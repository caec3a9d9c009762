//! The verbs that work on a whole region.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use serde_json::json;

use crate::support::Host;

#[test]
fn a_region_is_created_listed_described_and_destroyed() {
    let host = Host::new();
    assert!(host.listed().is_empty());
    let created = host.json("create catalog --capacity 2MiB --default-ttl 1h --participants 8");
    assert_eq!((&created["name"], &created["capacity"]), (&json!("catalog"), &json!(2 << 20)));
    let listed = host.listed();
    let [listed] = listed.as_slice() else { panic!("one region: {listed:?}") };
    assert_eq!((&listed["name"], &listed["capacity"]), (&json!("catalog"), &json!(2 << 20)));
    assert_eq!((&listed["mode"], &listed["problem"]), (&json!("0600"), &json!(null)));
    let table = host.run(["list"]).text();
    let directory = host.directory().display().to_string();
    let words = ["catalog", "2MiB", "0600", &directory];
    assert!(table.lines().any(|line| words.iter().all(|word| line.contains(word))), "{table}");
    let info = host.json("info catalog");
    assert_eq!((&info["capacity"], &info["default_ttl_ms"]), (&json!(2 << 20), &json!(3_600_000)));
    assert_eq!(info["max_ttl_ms"], json!(null));
    let text = host.run(["info", "catalog"]).text();
    assert!(text.contains("2MiB (2097152 bytes)") && text.contains("1h"), "{text}");
    host.run(["destroy", "catalog"]).done_silently();
    assert!(host.listed().is_empty());
    assert!(host.run(["destroy", "catalog"]).error().contains("no region \"catalog\""));
}

#[test]
fn an_existing_region_is_left_alone() {
    let host = Host::with_catalog();
    host.run(["set", "catalog", "k", "v"]).done_silently();
    let text = host.run(["create", "catalog", "--capacity", "16MiB"]).error();
    assert!(text.contains("exists already"), "{text}");
    let exact = ["create", "catalog", "--capacity", "2MiB", "--if-missing", "--exact"];
    assert!(host.run(exact).error().contains("16777216 bytes"));
    let attached = host.run(["create", "catalog", "--capacity", "16MiB", "--if-missing"]);
    attached.done_silently();
    assert_eq!(host.run(["get", "catalog", "k"]).text(), "v");
    let text = host.run(["create", "x", "--capacity", "2MiB", "--exact"]).error();
    assert!(text.contains("--if-missing"), "{text}");
}

#[test]
fn the_mode_is_the_files() {
    let host = Host::new();
    host.run(["create", "shared", "--capacity", "1MiB", "--mode", "0640"]).done_silently();
    let path = host.json("info shared")["path"].as_str().map(str::to_owned).expect("a path");
    let mode = fs::metadata(path).expect("the region's file").permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn a_groups_region_is_made_in_a_directory_of_the_group() {
    let host = Host::new();
    fs::set_permissions(host.directory(), fs::Permissions::from_mode(0o2770)).expect("chmod");
    let gid = fs::metadata(host.directory()).expect("the directory").gid();
    let own = host.json("create shared --capacity 1MiB --group");
    let path = own["path"].as_str().expect("a path");
    assert_eq!(fs::metadata(path).expect("the file").permissions().mode() & 0o7777, 0o660);
    host.json(&format!("create numbered --capacity 1MiB --mode 0640 --group={gid}"));
    let listed = host.listed();
    let found: Vec<_> = listed.iter().map(|r| (&r["name"], &r["mode"], &r["gid"])).collect();
    let gid = json!(gid);
    let expected =
        [(&json!("numbered"), &json!("0640"), &gid), (&json!("shared"), &json!("0660"), &gid)];
    assert_eq!(found, expected);
    host.run(["set", "shared", "k", "v"]).done_silently();
    assert_eq!(host.run(["get", "shared", "k"]).text(), "v");
    let text = host.run(["create", "x", "--capacity", "1MiB", "--group=no-such-group"]).error();
    assert!(text.contains("there is no group \"no-such-group\""), "{text}");
    fs::set_permissions(host.directory(), fs::Permissions::from_mode(0o700)).expect("chmod");
    let text = host.run(["create", "x", "--capacity", "1MiB", "--group"]).error();
    assert!(text.contains("chmod 2770"), "{text}");
}

#[test]
fn info_tells_what_became_of_huge_pages() {
    let host = Host::new();
    host.run(["create", "small", "--capacity", "4MiB"]).done_silently();
    host.run(["create", "huge", "--capacity", "5MiB", "--huge-pages"]).done_silently();
    let small = host.json("info small");
    assert_eq!(
        (&small["huge_pages_asked"], &small["huge_pages_bytes"]),
        (&json!(false), &json!(0))
    );
    let huge = host.json("info huge");
    assert_eq!(huge["huge_pages_asked"], json!(true));
    // Not all of it can be in huge pages.
    let reason = huge["huge_pages_reason"].as_str().expect("a reason");
    assert!(host.run(["info", "small"]).text().contains("not asked for"));
    let text = host.run(["info", "huge"]).text();
    assert!(text.contains(reason), "{reason:?} is missing in {text}");
}

#[test]
fn wrong_arguments_are_refused_with_what_would_be_right() {
    let host = Host::new();
    for (arguments, words) in [
        (&["get", "nobody", "k"][..], "no region \"nobody\""),
        (&["get", "nobody", "k"], "hostcache create nobody --capacity"),
        (&["stats", "nobody"], "no region \"nobody\""),
        (&["serve", "nobody", "--once"], "no region \"nobody\""),
        (&["create", "-", "--capacity", "1MiB"], "invalid region name"),
        (&["create", ".hidden", "--capacity", "1MiB"], "invalid region name"),
        (&["create", "tiny", "--capacity", "1KiB"], "tiny"),
        (&["create", "x", "--capacity", "1M"], "256MiB"),
        (&["create", "x"], "--capacity"),
        (&["create", "x", "--capacity", "1MiB", "--mode", "8"], "octal"),
        (&["create", "x", "--capacity", "1MiB", "--default-ttl", "soon"], "1500ms"),
        (&["set", "x"], "KEY"),
        (&["set", "x", "k", "v", "--encoding", "yaml"], "msgpack"),
        (&["get", "x", "abc", "--hex-key"], "hexadecimal"),
        (&["stats", "x", "--every", "0"], "1ms"),
        (&["frobnicate", "x"], "frobnicate"),
        (&["demo", "--format", "json"], "text only"),
        (&["demo", "--workers", "0"], "--workers 0"),
    ] {
        let text = host.run(arguments).error();
        assert!(text.contains(words), "{arguments:?} should say {words:?}, says {text:?}");
    }
}

#[test]
fn a_key_or_value_out_of_bounds_is_refused_with_the_bound() {
    let host = Host::with_catalog();
    assert!(host.run(["set", "catalog", "", "v"]).error().contains("1 to 65536 bytes"));
    assert!(host.run(["get", "catalog", ""]).error().contains("1 to 65536 bytes"));
    let long = "k".repeat(65_537);
    assert!(host.run(["delete", "catalog", &long]).error().contains("key of 65537 bytes"));
    let longest = &long[1..];
    host.run(["set", "catalog", longest, "v"]).done_silently();
    assert_eq!(host.run(["get", "catalog", longest]).text(), "v");
    let huge = vec![b'x'; 16 << 20];
    let text = host.run_with_input(["set", "catalog", "k"], &huge).error();
    assert!(text.contains("over the limit"), "{text}");
}

#[test]
fn clear_ends_every_item() {
    let host = Host::with_catalog();
    for key in ["a", "b", "c"] {
        host.run(["set", "catalog", key, "x"]).done_silently();
    }
    host.run(["clear", "catalog"]).done_silently();
    host.run(["get", "catalog", "b"]).negative();
    host.run(["keys", "catalog"]).done_silently();
    host.run(["set", "catalog", "b", "anew"]).done_silently();
    assert_eq!(host.run(["get", "catalog", "b"]).text(), "anew");
}

#[test]
fn stats_count_what_happened() {
    let host = Host::with_catalog();
    assert_eq!(host.json("stats catalog")["hit_ratio"], json!(null));
    host.run(["set", "catalog", "k", "value"]).done_silently();
    for _ in 0..3 {
        host.run(["get", "catalog", "k"]).done();
    }
    host.run(["get", "catalog", "nokey"]).negative();
    host.run(["delete", "catalog", "nokey"]).negative();
    host.run(["get", "catalog", "k", "--read-only"]).done();
    host.run(["ttl", "catalog", "k"]).done();
    let stats = host.json("stats catalog");
    for (name, value) in [
        ("region", json!("catalog")),
        ("cmd_set", json!(1)),
        ("get_hits", json!(3)),
        ("get_misses", json!(1)),
        ("hit_ratio", json!(0.75)),
        ("delete_misses", json!(1)),
        ("curr_items", json!(1)),
        ("bytes", json!(6)),
        ("limit_maxbytes", json!(16 << 20)),
    ] {
        assert_eq!(stats[name], value, "{name} in {stats}");
    }
    let text = host.run(["stats", "catalog"]).text();
    assert_eq!(stats["counts_read_only_gets"], json!(false));
    let not_counted = "read_only_gets not counted";
    for words in
        ["traffic", "get_hits 3", "hit_ratio 0.7500", not_counted, "limit_maxbytes 16777216 16MiB"]
    {
        let mut lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        assert!(lines.any(|line| line.join(" ") == words), "{words:?} in {text}");
    }
}

#[test]
fn reports_repeat_as_often_as_asked() {
    let host = Host::with_catalog();
    let every = ["--every", "1ms", "--count", "3"];
    let text = host.run(["stats", "catalog"].iter().chain(&every)).text();
    assert_eq!(text.matches("region catalog").count(), 3);
    let lines = host.run(["top", "catalog", "--format", "json"].iter().chain(&every)).text();
    assert_eq!(lines.lines().count(), 3);
    for line in lines.lines() {
        let rates: serde_json::Value = serde_json::from_str(line).expect("JSON on every line");
        assert_eq!(rates["curr_items"], json!(0), "{line}");
    }
    let table = host.run(["top", "catalog"].iter().chain(&every)).text();
    assert_eq!((table.lines().count(), table.contains("GETS/S")), (4, true));
}

#[test]
fn a_used_region_is_sound() {
    let host = Host::with_catalog();
    for n in 0..20 {
        let (key, value) = (format!("key:{n}"), "x".repeat(n * 997));
        host.run(["set", "catalog", &key, &value]).done_silently();
    }
    host.run(["delete", "catalog", "key:7"]).done_silently();
    let report = host.json("check catalog");
    assert_eq!((&report["sound"], &report["items"]), (&json!(true), &json!(19)), "{report}");
    assert_eq!((&report["unaccounted_bytes"], &report["problems"]), (&json!(0), &json!([])));
    let text = host.run(["check", "catalog"]).text();
    assert!(text.ends_with("sound\n"), "{text}");
}

#[test]
fn a_region_full_of_nonsense_is_called_unsound_and_ends_no_command_early() {
    let host = Host::with_catalog();
    host.run(["set", "catalog", "k", "v"]).done_silently();
    let info = host.json("info catalog");
    let path = info["path"].as_str().expect("a path");
    let mut file = File::options().write(true).open(path).expect("the region's file");
    // Leaves the header, so that the region is opened.
    file.seek(SeekFrom::Start(64 << 10)).expect("seek");
    file.write_all(&vec![0xa5; (16 << 20) - (64 << 10)]).expect("write");
    let check = host.run(["check", "catalog"]);
    assert!(matches!(check.status.code(), Some(1 | 2)), "{check:?}");
    for verb in ["get", "delete", "ttl", "incr"] {
        let answer = host.run([verb, "catalog", "k"]);
        assert!(matches!(answer.status.code(), Some(0..=2)), "{answer:?}");
    }
    for verb in ["keys", "stats", "info", "ps"] {
        let answer = host.run([verb, "catalog"]);
        assert!(matches!(answer.status.code(), Some(0..=2)), "{answer:?}");
    }
    host.run(["destroy", "catalog"]).done_silently();
}

#[test]
fn a_file_that_is_no_region_is_refused_by_name() {
    let host = Host::with_catalog();
    let info = host.json("info catalog");
    let path = info["path"].as_str().expect("a path").to_owned();
    fs::write(&path, "not a region").expect("write");
    let text = host.run(["get", "catalog", "k"]).error();
    assert!(text.contains("catalog"), "{text}");
    let problem = host.listed()[0]["problem"].clone();
    assert!(
        problem.as_str().is_some_and(|text| text.contains("not a hostcache region")),
        "{problem}"
    );
}

#[test]
fn a_region_of_another_layout_version_is_refused_with_what_to_do() {
    let host = Host::with_catalog();
    let info = host.json("info catalog");
    let path = info["path"].as_str().expect("a path");
    let file = File::options().write(true).open(path).expect("the region's file");
    // The version is the second word of every layout.
    file.write_all_at(&77_u64.to_le_bytes(), 8).expect("write");
    for arguments in [
        &["get", "catalog", "k"][..],
        &["set", "catalog", "k", "v"],
        &["stats", "catalog"],
        &["serve", "catalog", "--capacity", "16MiB"],
        &["create", "catalog", "--capacity", "16MiB", "--if-missing"],
        &["dump", "catalog", "/nonexistent/dump"],
    ] {
        let text = host.run(arguments).error();
        let own = format!("layout version {}", info["layout_version"]);
        for words in ["layout version 77", &own, "hostcache destroy catalog", "dump"] {
            assert!(text.contains(words), "{words:?} in {text}");
        }
    }
    // The one that the error proposes is made beside it, and both are told.
    host.json("create catalog.v1 --capacity 1MiB");
    host.run(["set", "catalog.v1", "k", "v"]).done_silently();
    let mut listed = host.listed();
    listed.sort_by_key(|region| region["name"].to_string());
    let names: Vec<_> = listed.iter().map(|region| region["name"].as_str()).collect();
    assert_eq!(names, [Some("catalog"), Some("catalog.v1")]);
    let problem = &listed[0]["problem"];
    assert!(problem.as_str().is_some_and(|text| text.contains("layout version 77")), "{problem}");
    assert_eq!(listed[1]["problem"], json!(null));
    host.run(["destroy", "catalog"]).done_silently();
}
