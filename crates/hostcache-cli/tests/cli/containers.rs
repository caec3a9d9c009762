//! Containers: processes with mounts and process ids of their own, as `unshare` makes them.
//!
//! Skipped, with a line, where `unshare` is not permitted.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;
use tempfile::TempDir;

use crate::process::Daemon;
use crate::support::{Host, wait};

/// As root it needs nothing; anybody else becomes root in a user namespace.
fn unshare() -> Option<Command> {
    let try_with = |more: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(more).args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]);
        command
    };
    [&[][..], &["--user", "--map-root-user"]].into_iter().find_map(|more| {
        let probe = try_with(more)
            .args(["mount", "-t", "tmpfs", "tmpfs", "/dev/shm"])
            .stderr(Stdio::null())
            .status();
        probe.is_ok_and(|status| status.success()).then(|| try_with(more))
    })
}

/// A container: its own `/dev/shm` of 64 MiB, as container engines give it.
struct Container {
    /// Where it sees the volume; the same directory of the host under another path in each.
    mount_point: TempDir,
}

impl Container {
    fn new() -> Self {
        // Not in /dev/shm, which the container does not see.
        Self { mount_point: tempfile::tempdir_in("/tmp").expect("a mount point") }
    }

    /// Runs a shell script with arguments in it, with `volume` mounted.
    fn run<I>(&self, volume: &Path, script: &str, arguments: I) -> Option<Command>
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        let script = format!(
            "set -e; mount --bind \"$VOLUME\" \"$MOUNT_POINT\"; \
             mount -t tmpfs -o size=64m tmpfs /dev/shm; {script}"
        );
        let mut command = unshare()?;
        command
            .args(["sh", "-c", &script, env!("CARGO_BIN_EXE_hostcache")])
            .args(arguments)
            .env("VOLUME", volume)
            .env("MOUNT_POINT", self.mount_point.path())
            .env_remove("HOSTCACHE_DIR")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Some(command)
    }

    /// `hostcache ARGUMENTS…` on the regions of the volume.
    fn hostcache<'a>(&self, volume: &Path, line: &'a str) -> Option<Command> {
        let script = "export HOSTCACHE_DIR=\"$MOUNT_POINT\"; exec \"$0\" \"$@\"";
        self.run(volume, script, line.split(' ').collect::<Vec<&'a str>>())
    }
}

/// Exit code, standard output, standard error.
fn end_of(mut command: Command) -> (Option<i32>, String, String) {
    let output = command.output().expect("start the container");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn skipped() {
    println!("skipped: unshare is not permitted here, nothing is run in containers");
}

#[test]
fn two_containers_share_a_region_by_a_volume() {
    let volume = Host::new();
    let (first, second) = (Container::new(), Container::new());
    let Some(create) = first.hostcache(volume.directory(), "create catalog --capacity 96MiB")
    else {
        return skipped();
    };
    // More than its own /dev/shm holds.
    assert_eq!(end_of(create).0, Some(0));
    let run = |container: &Container, line: &str| {
        end_of(container.hostcache(volume.directory(), line).expect("permitted before"))
    };
    assert_eq!(run(&first, "set catalog k from-the-first").0, Some(0));
    assert_eq!(run(&second, "get catalog k").1, "from-the-first");
    assert_eq!(run(&second, "incr catalog n --initial 41").1, "41\n");
    assert_eq!(run(&first, "incr catalog n").1, "42\n");
    assert_eq!(run(&first, "get catalog nokey").0, Some(1));
    // In its container each daemon is process 1: the lock tells them apart, and their deaths.
    let serve = |container: &Container| {
        Daemon::of(container.hostcache(volume.directory(), "serve catalog").expect("permitted"))
    };
    let mut leader = serve(&first);
    let leading = leader.expect_line("leading region=catalog");
    assert!(leading.ends_with("pid=1"), "{leading}");
    let standby = serve(&second);
    assert!(standby.expect_line("standing-by region=catalog").ends_with("pid=1"));
    leader.child.kill().expect("kill the first container");
    wait(&mut leader.child);
    standby.expect_line("leading region=catalog reason=former-daemon-ended");
    drop(standby);
    let report = volume.json("check catalog");
    assert_eq!((&report["sound"], &report["items"]), (&json!(true), &json!(2)), "{report}");
}

#[test]
fn a_small_shm_is_an_error_that_names_the_line_to_change() {
    let volume = Host::new();
    let container = Container::new();
    // $0 is the program. Each step's code is printed; nothing may be left of the region that failed.
    let script = "set +e; \
        \"$0\" create catalog --capacity 256MiB; echo \"too large: $?\"; \
        ls /dev/shm/*/ | wc -l; \
        \"$0\" create catalog --capacity 32MiB; echo \"fits: $?\"; \
        head -c 200m /dev/zero > /dev/shm/filler 2>/dev/null; \
        head -c 1m /dev/urandom | \"$0\" set catalog k; echo \"full filesystem: $?\"; \
        \"$0\" get catalog k | wc -c; rm /dev/shm/filler; \
        mount -o remount,size=512m /dev/shm; \
        \"$0\" create larger --capacity 256MiB; echo \"enlarged: $?\"";
    let Some(command) = container.run(volume.directory(), script, [""; 0]) else {
        return skipped();
    };
    let (code, stdout, stderr) = end_of(command);
    let expected = "too large: 2\n0\nfits: 0\nfull filesystem: 0\n1048576\nenlarged: 0\n";
    assert_eq!((code, stdout.as_str()), (Some(0), expected), "{stderr}");
    for words in ["no room for region \"catalog\"", "(268435456 bytes) needed", "--shm-size"] {
        assert!(stderr.contains(words), "{words:?} in {stderr}");
    }
}
