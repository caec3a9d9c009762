//! The verbs that work on a key.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use serde_json::json;

use crate::support::{Host, eventually};

/// The time left that `ttl` prints, in seconds.
fn seconds_left(host: &Host, key: &str) -> f64 {
    let text = host.run(["ttl", "catalog", key]).text();
    let number = text.strip_suffix("s\n").expect("seconds");
    number.parse().expect("a number of seconds")
}

#[test]
fn a_value_is_set_got_and_deleted() {
    let host = Host::with_catalog();
    host.run(["get", "catalog", "user:1"]).negative();
    host.run(["set", "catalog", "user:1", "Ada"]).done_silently();
    assert_eq!(host.run(["get", "catalog", "user:1"]).text(), "Ada", "no line end is added");
    host.run(["set", "catalog", "user:1", "Grace"]).done_silently();
    assert_eq!(host.run(["get", "catalog", "user:1"]).text(), "Grace");
    host.run(["delete", "catalog", "user:1"]).done_silently();
    host.run(["delete", "catalog", "user:1"]).negative();
    host.run(["get", "catalog", "user:1"]).negative();
}

#[test]
fn any_bytes_pass_from_standard_input_to_standard_output() {
    let host = Host::with_catalog();
    let value: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    host.run_with_input(["set", "catalog", "photo"], &value).done_silently();
    assert!(host.run(["get", "catalog", "photo"]).done().stdout == value);
    host.run_with_input(["set", "catalog", "photo", "-"], b"a\0b\n").done_silently();
    assert_eq!(host.run(["get", "catalog", "photo"]).done().stdout, b"a\0b\n");
    host.run(["set", "catalog", "empty", ""]).done_silently();
    host.run(["get", "catalog", "empty"]).done_silently();
    host.run_with_input(["set", "catalog", "also-empty"], b"").done_silently();
    host.run(["get", "catalog", "also-empty"]).done_silently();
}

#[test]
fn any_bytes_are_a_key() {
    let host = Host::with_catalog();
    let key = OsStr::from_bytes(b"\xff\xfe");
    let arguments = |verb: &'static str| [OsStr::new(verb), OsStr::new("catalog"), key];
    host.run(arguments("set").into_iter().chain([OsStr::new("bytes")])).done_silently();
    assert_eq!(host.run(arguments("get")).text(), "bytes");
    assert_eq!(host.run(["get", "catalog", "fffe", "--hex-key"]).text(), "bytes");
    host.run(["set", "catalog", "00", "zero", "--hex-key"]).done_silently();
    assert_eq!(host.run(["get", "catalog", "--hex-key", "00"]).text(), "zero");
    host.run(["set", "catalog", "--", "-x", "-y"]).done_silently();
    assert_eq!(host.run(["get", "catalog", "--", "-x"]).text(), "-y");
    let mut keys = host.json("keys catalog")["keys"].as_array().expect("a list").clone();
    keys.sort_by_key(ToString::to_string);
    assert_eq!(json!(keys), json!(["-x", "\u{0}", {"hex": "fffe"}]));
    let found = host.json("get catalog fffe --hex-key");
    assert_eq!(found["key"], json!({"hex": "fffe"}));
}

#[test]
fn flags_encoding_and_token_come_back() {
    let host = Host::with_catalog();
    let line = "set catalog k {} --flags 7 --encoding json";
    let stored = host.json(line);
    assert_eq!((&stored["stored"], &stored["outcome"]), (&json!(true), &json!("stored")));
    let found = host.json("get catalog k");
    assert_eq!(found["value"], "{}");
    assert_eq!((&found["flags"], &found["encoding"]), (&json!(7), &json!(5)));
    assert_eq!(found["cas_token"], stored["cas_token"]);
    assert_eq!(found["ttl_ms"], json!(null));
    let about = host.run(["get", "catalog", "k", "--info"]).text();
    for words in ["size 2", "flags 7", "encoding json (5)", "ttl no expiry"] {
        let line = about.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        assert!(line.clone().any(|line| line == words), "{words:?} in {about}");
    }
    let about = host.json("get catalog k --info");
    assert_eq!((&about["size"], about.get("value")), (&json!(2), None));
    host.run(["get", "catalog", "nokey", "--info"]).negative();
}

#[test]
fn a_condition_that_is_not_met_stores_nothing() {
    let host = Host::with_catalog();
    host.run(["set", "catalog", "k", "x", "--if-present"]).negative();
    host.run(["set", "catalog", "k", "first", "--if-absent"]).done_silently();
    host.run(["set", "catalog", "k", "x", "--if-absent"]).negative();
    host.run(["add", "catalog", "k", "x"]).negative();
    assert_eq!(host.run(["get", "catalog", "k"]).text(), "first");
    host.run(["set", "catalog", "k", "second", "--if-present"]).done_silently();
    host.run(["add", "catalog", "other", "added", "--ttl", "1h"]).done_silently();
    assert_eq!(host.run(["get", "catalog", "other"]).text(), "added");
    assert_eq!(host.json("add catalog k x")["outcome"], "exists");
    assert_eq!(host.json("set catalog nokey x --if-present")["outcome"], "missing");
    let two = ["set", "catalog", "k", "x", "--if-absent", "--if-present"];
    assert!(host.run(two).error().contains("cannot be used with"));
}

#[test]
fn compare_and_swap_goes_by_the_token() {
    let host = Host::with_catalog();
    let text = host.run(["cas", "catalog", "k", "new"]).error();
    assert!(
        text.contains("invalid value 'new' for '<TOKEN>'") && text.contains("get NAME KEY --info"),
        "{text}"
    );
    let token = host.json("set catalog k old")["cas_token"].to_string();
    host.run(["cas", "catalog", "k", &token, "new"]).done_silently();
    host.run(["cas", "catalog", "k", &token, "newer"]).negative();
    host.run(["set", "catalog", "k", "newer", "--if-token", &token]).negative();
    assert_eq!(host.run(["get", "catalog", "k"]).text(), "new");
    let again = host.run(["cas", "catalog", "k", &token, "x", "--format", "json"]);
    assert_eq!(again.status.code(), Some(1));
    let refused = json!({"stored": false, "outcome": "token_mismatch", "cas_token": null});
    assert_eq!(again.object(), refused);
    assert_eq!(host.json(&format!("cas catalog nokey {token} x"))["outcome"], "missing");
    let token = host.json("get catalog k")["cas_token"].to_string();
    host.run_with_input(["cas", "catalog", "k", &token], b"from a pipe").done_silently();
    assert_eq!(host.run(["get", "catalog", "k"]).text(), "from a pipe");
}

#[test]
fn counters_are_decimal_text() {
    let host = Host::with_catalog();
    host.run(["incr", "catalog", "n"]).negative();
    assert_eq!(host.json("incr catalog n"), json!({"found": false, "value": null}));
    assert_eq!(host.run(["incr", "catalog", "n", "5", "--initial", "10"]).text(), "10\n");
    assert_eq!(host.run(["incr", "catalog", "n", "5"]).text(), "15\n");
    assert_eq!(host.run(["incr", "catalog", "n"]).text(), "16\n");
    assert_eq!(host.run(["decr", "catalog", "n", "20"]).text(), "0\n", "stops at zero");
    host.run(["set", "catalog", "n", "18446744073709551615"]).done_silently();
    assert_eq!(host.json("incr catalog n 2"), json!({"found": true, "value": 1}));
    assert_eq!(host.run(["get", "catalog", "n"]).text(), "1");
    host.run(["incr", "catalog", "m", "--initial", "1", "--ttl", "1h"]).done();
    assert!(seconds_left(&host, "m") > 0.0);
    host.run(["set", "catalog", "word", "abc"]).done_silently();
    assert!(host.run(["incr", "catalog", "word"]).error().contains("not a decimal number"));
}

#[test]
fn a_ttl_runs_down_and_can_be_changed() {
    let host = Host::with_catalog();
    host.run(["ttl", "catalog", "k"]).negative();
    host.run(["set", "catalog", "k", "v"]).done_silently();
    assert_eq!(host.run(["ttl", "catalog", "k"]).text(), "no expiry\n");
    assert_eq!(host.json("ttl catalog k"), json!({"found": true, "ttl_ms": null}));
    host.run(["touch", "catalog", "k", "1h"]).done_silently();
    let left = seconds_left(&host, "k");
    // A deadline may be rounded up by the clock's resolution.
    assert!(left > 0.0 && left < 3601.0, "{left}");
    host.run(["set", "catalog", "k", "w", "--keep-ttl"]).done_silently();
    assert!(seconds_left(&host, "k") <= left);
    host.run(["set", "catalog", "k", "x"]).done_silently();
    assert_eq!(host.run(["ttl", "catalog", "k"]).text(), "no expiry\n");
    host.run(["touch", "catalog", "k", "1d"]).done_silently();
    host.run(["touch", "catalog", "k", "forever"]).done_silently();
    assert_eq!(host.run(["ttl", "catalog", "k"]).text(), "no expiry\n");
    host.run(["touch", "catalog", "nokey", "1h"]).negative();
}

#[test]
fn an_item_ends_at_its_deadline() {
    let host = Host::with_catalog();
    host.run(["set", "catalog", "k", "v", "--ttl", "1ms"]).done_silently();
    let missing = || host.run(["get", "catalog", "k"]).status.code() == Some(1);
    eventually("k has expired", missing);
    host.run(["set", "catalog", "k", "v", "--ttl", "0"]).done_silently();
    host.run(["get", "catalog", "k"]).negative();
}

#[test]
fn keys_are_listed_by_prefix_and_up_to_a_limit() {
    let host = Host::with_catalog();
    host.run(["keys", "catalog"]).done_silently();
    for key in ["user:1", "user:2", "user:3", "post:1"] {
        host.run(["set", "catalog", key, "x"]).done_silently();
    }
    let sorted = |arguments: &[&str], separator: char| {
        let text = host.run(["keys", "catalog"].iter().chain(arguments)).text();
        assert!(text.is_empty() || text.ends_with(separator), "{text:?}");
        let mut keys: Vec<String> = text.split_terminator(separator).map(str::to_owned).collect();
        keys.sort();
        keys
    };
    assert_eq!(sorted(&[], '\n'), ["post:1", "user:1", "user:2", "user:3"]);
    assert_eq!(sorted(&["--prefix", "user:", "--null"], '\0'), ["user:1", "user:2", "user:3"]);
    assert_eq!(sorted(&["--prefix", "user:", "--limit", "2"], '\n').len(), 2);
    assert_eq!(sorted(&["--prefix", "nobody"], '\n'), [""; 0]);
    assert_eq!(host.json("keys catalog --prefix post"), json!({"keys": ["post:1"]}));
}
