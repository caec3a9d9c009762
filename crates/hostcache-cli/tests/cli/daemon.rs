//! `serve`: the daemon as a process.

use serde_json::json;

use crate::process::Daemon;
use crate::support::{Host, eventually, wait};

#[test]
fn sigterm_and_sigint_end_the_daemon_in_order() {
    for signal in ["TERM", "INT"] {
        let host = Host::with_catalog();
        let mut daemon = Daemon::start(&host, &[]);
        daemon.expect_line("leading region=catalog");
        daemon.signal(signal);
        assert_eq!(wait(&mut daemon.child).code(), Some(0), "{signal}");
        let summary = daemon.expect_line("ended region=catalog");
        assert!(summary.contains("reason=stopped led=true"), "{summary}");
    }
}

#[test]
fn a_second_daemon_stands_by_and_takes_over() {
    let host = Host::with_catalog();
    let mut first = Daemon::start(&host, &[]);
    first.expect_line("leading region=catalog");
    let mut second = Daemon::start(&host, &[]);
    second.expect_line("standing-by region=catalog reason=another-daemon-leads");
    first.child.kill().expect("kill the first daemon");
    wait(&mut first.child);
    second.expect_line("leading region=catalog reason=former-daemon-ended");
    second.signal("TERM");
    assert_eq!(wait(&mut second.child).code(), Some(0));
}

#[test]
fn a_standby_ends_by_signal_too() {
    let host = Host::with_catalog();
    let first = Daemon::start(&host, &[]);
    first.expect_line("leading");
    let mut second = Daemon::start(&host, &["--format", "json"]);
    second.expect_line("standing-by");
    second.signal("TERM");
    assert_eq!(wait(&mut second.child).code(), Some(0));
    let summary = second.expect_line("ended region=catalog");
    assert!(summary.contains("led=false"), "{summary}");
}

#[test]
fn the_daemon_reclaims_what_has_expired_and_says_so() {
    let host = Host::with_catalog();
    let daemon = Daemon::start(&host, &[]);
    daemon.expect_line("leading");
    for n in 0..5 {
        let key = format!("key:{n}");
        host.run(["set", "catalog", &key, "v", "--ttl", "1ms"]).done_silently();
    }
    host.run(["set", "catalog", "stays", "v"]).done_silently();
    let stats = || host.json("stats catalog");
    eventually("five items are reclaimed", || stats()["expired"] == json!(5));
    assert_eq!(stats()["curr_items"], json!(1));
    daemon.expect_line("reason=deadline-passed");
}

#[test]
fn one_pass_reclaims_everything_that_has_expired() {
    let host = Host::with_catalog();
    for n in 0..50 {
        let key = format!("key:{n}");
        host.run(["set", "catalog", &key, "v", "--ttl", "1ms"]).done_silently();
    }
    let missing = || host.run(["get", "catalog", "key:49"]).status.code() == Some(1);
    eventually("the last item has expired", missing);
    let summary = host.json("serve catalog --once");
    assert_eq!((&summary["end"], &summary["led"]), (&json!("pass-done"), &json!(false)));
    assert_eq!(summary["expired"], json!(50), "{summary}");
    assert_eq!(host.json("stats catalog")["curr_items"], json!(0));
    let again = host.json("serve catalog --once");
    assert_eq!(again["expired"], json!(0), "{again}");
}

#[test]
fn the_daemon_creates_a_missing_region_if_it_knows_how_large() {
    let host = Host::new();
    let daemon = Daemon::start(&host, &["--capacity", "2MiB"]);
    daemon.expect_line("leading region=catalog");
    assert_eq!(host.json("info catalog")["capacity"], json!(2 << 20));
}

#[test]
fn the_daemon_ends_when_its_region_is_destroyed() {
    let host = Host::with_catalog();
    let mut daemon = Daemon::start(&host, &[]);
    daemon.expect_line("leading");
    host.run(["destroy", "catalog"]).done_silently();
    assert_eq!(wait(&mut daemon.child).code(), Some(0));
    assert!(daemon.expect_line("ended").contains("reason=region-gone"));
}
