//! What goes to which stream, in which form, and what happens when a stream fails.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::support::{Host, read_all, wait};

#[test]
fn every_verb_answers_in_json_with_one_object() {
    let host = Host::new();
    for line in [
        "create catalog --capacity 16MiB",
        "list",
        "info catalog",
        "info catalog --classes",
        "set catalog k 41",
        "get catalog k",
        "get catalog k --info",
        "get catalog nokey",
        "add catalog k x",
        "cas catalog k 0 x",
        "incr catalog k",
        "decr catalog nokey",
        "touch catalog k 1h",
        "ttl catalog k",
        "ttl catalog nokey",
        "keys catalog",
        "stats catalog",
        "top catalog --every 1ms --count 1",
        "ps catalog",
        "check catalog",
        "delete catalog k",
        "delete catalog k",
        "delete catalog --prefix k",
        "serve catalog --once",
        "clear catalog",
        "destroy catalog",
    ] {
        let object = host.json(line);
        let names = object.as_object().expect("an object").keys();
        let snake = |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        assert!(names.clone().all(|name| snake(name)), "{line}: {object}");
    }
}

#[test]
fn help_and_version_are_no_errors() {
    let host = Host::new();
    let help = host.run(["--help"]).text();
    for verb in ["create", "get", "serve", "demo", "replay"] {
        assert!(help.contains(&format!("\n  {verb} ")), "{verb} in {help}");
    }
    assert!(!help.contains("__"), "hidden verbs are hidden: {help}");
    assert!(host.run(["get", "--help"]).text().contains("Example:\n  hostcache get"));
    assert!(host.run(["--version"]).text().starts_with("hostcache "));
}

#[test]
fn a_replay_shows_simulated_policies_beside_the_cache() {
    let host = Host::new();
    let trace = std::env::temp_dir().join(format!("hostcache-cli-compare-{}", std::process::id()));
    // Three times as many bytes as there is room for, in a loop, which no recency keeps.
    let lines: String = (0..90_000).map(|at| format!("{},100,g,0\n", at % 30_000)).collect();
    std::fs::write(&trace, lines).expect("a trace");
    let compared = |policies: &str| {
        let path = trace.to_str().expect("a path in UTF-8");
        let size = ["--capacity", "1MiB", "--format", "json"];
        host.run([&["replay", path, "--compare", policies][..], &size].concat())
    };
    let answer = compared("s3fifo,lru");
    let wrong = compared("mru");
    std::fs::remove_file(&trace).expect("the trace goes");
    let object: serde_json::Value = serde_json::from_slice(&answer.stdout).expect("an object");
    let rows = object["compared"].as_array().expect("rows");
    assert_eq!(rows.len(), 2, "{object}");
    assert_eq!((&rows[0]["policy"], &rows[1]["policy"]), (&"s3fifo".into(), &"lru".into()));
    for row in rows {
        assert_eq!(row["miss_ratio"].as_f64(), Some(1.0), "{object}");
    }
    assert_eq!(wrong.status.code(), Some(2));
    assert!(wrong.stderr.contains("choose from lru, fifo, clock, s3fifo, gdsf"), "{wrong:?}");
}

#[test]
fn a_missing_verb_is_an_error_with_the_help_text() {
    let answer = Host::new().run([""; 0]);
    assert_eq!(answer.status.code(), Some(2), "{answer:?}");
    assert!(answer.stdout.is_empty() && answer.stderr.contains("Usage: hostcache"), "{answer:?}");
}

#[test]
fn a_reader_that_goes_away_ends_the_command_quietly() {
    let host = Host::with_catalog();
    let mut command = host.command(["stats", "catalog", "--every", "1ms", "--format", "json"]);
    let mut child = command.spawn().expect("start hostcache");
    let stderr = read_all(child.stderr.take());
    let mut first = String::new();
    let stdout = child.stdout.take().expect("stdout is piped");
    BufReader::new(stdout).read_line(&mut first).expect("one line");
    assert!(first.starts_with('{'), "{first}");
    // The pipe is closed by now.
    let status = wait(&mut child);
    let complaint = stderr.join().expect("reader").expect("stderr");
    assert_eq!((status.code(), complaint.len()), (Some(0), 0), "{complaint:?}");
}

#[test]
fn a_full_disk_is_an_error() {
    let host = Host::with_catalog();
    let full = File::options().write(true).open("/dev/full").expect("/dev/full");
    let mut child = host
        .command(["stats", "catalog"])
        .stdout(Stdio::from(full))
        .spawn()
        .expect("start hostcache");
    let stderr = read_all(child.stderr.take());
    assert_eq!(wait(&mut child).code(), Some(2));
    let text = String::from_utf8(stderr.join().expect("reader").expect("stderr")).expect("UTF-8");
    assert!(text.starts_with("hostcache: can't write to standard output"), "{text}");
}
