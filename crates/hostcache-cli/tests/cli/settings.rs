//! `serve --settings`: a file, read at the start and at SIGHUP.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::process::Daemon;
use crate::support::{Host, wait};

/// Writes a settings file beside the regions.
fn write(host: &Host, text: &str) -> PathBuf {
    let path = host.directory().join("settings.toml");
    fs::write(&path, text).expect("write the settings");
    path
}

fn start(host: &Host, path: &Path, more: &[&str]) -> Daemon {
    let arguments = ["--settings", path.to_str().expect("UTF-8")];
    Daemon::start(host, &[&arguments, more].concat())
}

#[test]
fn a_settings_file_makes_the_region_and_is_read_anew_at_sighup() {
    let host = Host::new();
    let path = write(&host, "capacity = \"2MiB\"\nrecover_every = \"100ms\"\n");
    let mut daemon = start(&host, &path, &[]);
    daemon.expect_line("leading region=catalog");
    assert_eq!(host.json("info catalog")["capacity"], json!(2 << 20));

    daemon.signal("HUP");
    daemon.expect_line("settings-unchanged region=catalog reason=read-anew");

    write(&host, "capacity = \"4MiB\"\nrecover_every = \"50ms\"\nevictions_per_step = 9\n");
    daemon.signal("HUP");
    let ignored = daemon.expect_line("setting-ignored region=catalog capacity=4194304");
    assert!(ignored.contains("keeps its 2097152 bytes"), "{ignored}");
    daemon.expect_line("setting-changed region=catalog evictions_per_step=4096->9");
    daemon.expect_line("setting-changed region=catalog recover_every=100ms->50ms");

    for (mistake, words) in [
        ("recover_every = \"50ms\"\nevictions = 9\n", "settings.toml:2: unknown field `evictions`"),
        ("idle_pause = \"1ms\"\n", "must not be longer than idle_pause"),
        ("recover_every = ", "settings.toml:1: "),
    ] {
        write(&host, mistake);
        daemon.signal("HUP");
        let kept = daemon.expect_line("settings-kept region=catalog");
        assert!(kept.contains(words), "{words:?} in {kept}");
    }
    fs::remove_file(&path).expect("remove");
    daemon.signal("HUP");
    let kept = daemon.expect_line("settings-kept region=catalog");
    assert!(kept.contains("can't read the settings file"), "{kept}");

    write(&host, "recover_every = \"50ms\"\n");
    daemon.signal("HUP");
    daemon.expect_line("setting-changed region=catalog evictions_per_step=9->4096");
    daemon.signal("TERM");
    assert_eq!(wait(&mut daemon.child).code(), Some(0));
}

#[test]
fn a_standby_reads_its_settings_anew_too() {
    let host = Host::with_catalog();
    let first = Daemon::start(&host, &[]);
    first.expect_line("leading");
    let path = write(&host, "lead_every = \"100ms\"\n");
    let second = start(&host, &path, &[]);
    second.expect_line("standing-by");
    write(&host, "lead_every = \"50ms\"\n");
    second.signal("HUP");
    second.expect_line("setting-changed region=catalog lead_every=100ms->50ms");
}

#[test]
fn a_flag_is_stronger_than_the_file() {
    let host = Host::with_catalog();
    let path = write(&host, "recover_every = \"100ms\"\nevictions_per_step = 1\n");
    let daemon = start(&host, &path, &["--recover-every", "30ms"]);
    daemon.expect_line("leading");
    write(&host, "recover_every = \"200ms\"\nevictions_per_step = 2\n");
    daemon.signal("HUP");
    let changed = daemon.expect_line("setting-changed");
    assert!(changed.contains("evictions_per_step=1->2"), "only the file's own: {changed}");
    daemon.signal("HUP");
    daemon.expect_line("settings-unchanged");
}

#[test]
fn the_region_stays_out_of_core_dumps_on_request() {
    let host = Host::with_catalog();
    let path = write(&host, "core_dumps = false\n");
    for (flags, left_out) in [(&[][..], true), (&["--core-dumps", "true"], false)] {
        let daemon = start(&host, &path, flags);
        daemon.expect_line("leading");
        let smaps = fs::read_to_string(format!("/proc/{}/smaps", daemon.pid())).expect("smaps");
        let region = smaps.split("catalog\n").nth(1).expect("the daemon maps the region");
        let flags = region.lines().find_map(|line| line.strip_prefix("VmFlags:"));
        let flags = flags.expect("the kernel tells the flags");
        assert_eq!(flags.split_whitespace().any(|flag| flag == "dd"), left_out, "{flags}");
    }
}

#[test]
fn a_mistake_in_the_file_is_an_error_at_the_start() {
    let host = Host::with_catalog();
    let run = |path: &Path| {
        let path = path.to_str().expect("UTF-8");
        host.run(["serve", "catalog", "--once", "--settings", path]).error()
    };
    let path = write(&host, "# comment\n\nsweep = \"1s\"\n");
    let text = run(&path);
    assert!(text.contains("settings.toml:3: unknown field `sweep`, expected one of"), "{text}");
    write(&host, "idle_pause = \"1ms\"\n");
    let text = run(&path);
    assert!(text.contains("pressed_pause and busy_pause must not be longer"), "{text}");
    fs::remove_file(&path).expect("remove");
    let text = run(&path);
    assert!(text.contains("can't read the settings file"), "{text}");
}

#[test]
fn the_example_settings_are_the_defaults() {
    let host = Host::with_catalog();
    let example =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../hostcache-daemon/systemd/settings.toml");
    let text = fs::read_to_string(example).expect("the example");
    let path = write(&host, "");
    let daemon = start(&host, &path, &[]);
    daemon.expect_line("leading");
    write(&host, &text);
    daemon.signal("HUP");
    daemon.expect_line("setting-ignored region=catalog capacity=268435456");
    daemon.expect_line("settings-unchanged");
}

/// Whether whoever started the tests ignores SIGHUP (`nohup`, some services): then so do all children.
fn sighup_is_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").expect("this process's status");
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = u64::from_str_radix(ignored.expect("a mask").trim(), 16).expect("a mask");
    ignored & 1 == 1
}

#[test]
fn without_a_settings_file_sighup_ends_the_daemon_as_it_ends_any_program() {
    if sighup_is_ignored() {
        println!("skipped: SIGHUP is ignored here, and children inherit that");
        return;
    }
    let host = Host::with_catalog();
    let mut daemon = Daemon::start(&host, &[]);
    daemon.expect_line("leading");
    daemon.signal("HUP");
    assert_eq!(wait(&mut daemon.child).code(), None, "ended by the signal");
}
