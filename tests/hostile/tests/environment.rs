//! A system that is hostile: calls that fail, memory and descriptors that run out, a wall clock that is off by decades, a
//! region that is taken away. Every end is an error that is told, and what comes after finds nothing broken.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU64, Ordering};

use hostcache::Cache;
use hostcache_hostile as _;
use tempfile::TempDir;

const PROBE: &str = env!("CARGO_BIN_EXE_hostcache-hostile");

fn scratch() -> TempDir {
    let mut builder = tempfile::Builder::new();
    builder.prefix("hostcache-test-").tempdir_in("/dev/shm").expect("a directory")
}

/// The library that lets calls fail; `None`, with a line, where there is no C compiler.
fn preload(directory: &Path) -> Option<PathBuf> {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/preload/faults.c");
    let library = directory.join("faults.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).args([source, "-ldl"]);
    match compiler.status() {
        Ok(status) => assert!(status.success(), "compiling {source}: {status}"),
        Err(error) => {
            println!("skipped: no C compiler (cc): {error}");
            return None;
        }
    }
    Some(library)
}

fn probe(directory: &Path) -> Command {
    let mut command = Command::new(PROBE);
    command.arg("probe").arg(directory).env("HOSTCACHE_DIR", directory);
    command
}

/// Runs to the end, which must be an orderly one. What it said.
fn run(command: &mut Command, what: &str) -> Output {
    let output = command.output().expect("it starts");
    let (told, complaints) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let status = output.status;
    assert!(status.signal().is_none() && status.success(), "{what}: {status}\n{told}{complaints}");
    output
}

/// Where nothing fails, nothing is told: what went before has broken nothing.
fn assert_untroubled(directory: &Path, after: &str) {
    let output = run(&mut probe(directory), after);
    assert!(output.stdout.is_empty(), "{after}: {}", String::from_utf8_lossy(&output.stdout));
    let left: Vec<_> = fs::read_dir(directory).expect("the directory").flatten().collect();
    assert!(left.is_empty(), "{after}: {left:?}");
}

#[test]
fn any_call_to_the_system_may_fail_once_or_from_then_on() {
    let tools = scratch();
    let Some(library) = preload(tools.path()) else { return };
    let stride = std::env::var("HOSTCACHE_TEST_FAULT_STRIDE").ok();
    let stride: u64 = stride.map_or(4, |text| text.parse().expect("a number"));
    let directory = scratch();
    let faulty = |directory: &Path| {
        let mut command = probe(directory);
        command.env("LD_PRELOAD", &library);
        command
    };
    let output = run(&mut faulty(directory.path()), "counting");
    let counted = String::from_utf8_lossy(&output.stderr).into_owned();
    let calls = counted.lines().find_map(|line| line.strip_prefix("calls "));
    let calls: u64 = calls.and_then(|n| n.parse().ok()).expect("the library counts");
    assert!(calls > 100, "{calls} calls");
    let errors = [libc::ENOMEM, libc::ENOSPC, libc::EMFILE, libc::EIO, libc::EACCES, libc::EINTR];
    let (next, failures) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let directory = scratch();
                loop {
                    let case = next.fetch_add(1, Ordering::Relaxed) * stride;
                    let (at, kind) = (1 + case / 12, case % 12);
                    if at > calls {
                        return;
                    }
                    let error = errors[(kind / 2) as usize];
                    let sticky = kind % 2 == 1 && error != libc::EINTR;
                    let what = format!("call {at} fails with {error}, for good: {sticky}");
                    let mut command = faulty(directory.path());
                    command.env("HOSTCACHE_FAULT_AT", at.to_string());
                    command.env("HOSTCACHE_FAULT_ERRNO", error.to_string());
                    if sticky {
                        command.env("HOSTCACHE_FAULT_STICKY", "1");
                    }
                    let output = run(&mut command, &what);
                    failures.fetch_add(u64::from(!output.stdout.is_empty()), Ordering::Relaxed);
                    if case.is_multiple_of(7) {
                        assert_untroubled(directory.path(), &what);
                    }
                }
            });
        }
    });
    let cases = next.load(Ordering::Relaxed);
    let failures = failures.load(Ordering::Relaxed);
    println!("{calls} calls, about {cases} cases, {failures} of them told of an error");
    assert!(failures * 4 > cases, "faults were not seen");
}

#[test]
fn a_wall_clock_that_is_off_by_thirty_years_changes_no_lifetime() {
    let tools = scratch();
    let Some(library) = preload(tools.path()) else { return };
    let directory = scratch();
    for years in [-30i64, 30] {
        let ahead = (years * 365 * 86_400).to_string();
        let mut command = probe(directory.path());
        command.env("LD_PRELOAD", &library).env("HOSTCACHE_FAULT_CLOCK", &ahead);
        let output = run(&mut command, "a shifted clock");
        assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn a_tmpfs_of_any_size_is_an_error_and_never_a_signal() {
    let directory = scratch();
    let probe_in = "mount -t tmpfs -o mode=700,size=\"$0\"k none \"$1\" && HOSTCACHE_DIR=\"$1\" exec \"$2\" probe \"$1\"";
    let mut told = 0;
    for kib in (4..2048).step_by(4 * 29) {
        let mut command = Command::new("unshare");
        let script = ["--mount", "sh", "-c", probe_in, &kib.to_string()];
        command.args(script).arg(directory.path()).arg(PROBE);
        match command.output() {
            Ok(output) if output.status.success() => told += usize::from(!output.stdout.is_empty()),
            Ok(output) if output.status.signal().is_none() && kib == 4 => {
                let why = String::from_utf8_lossy(&output.stderr);
                println!("skipped: no mount namespace: {why}");
                return;
            }
            other => panic!("{kib} KiB: {other:?}"),
        }
    }
    assert!((5..17).contains(&told), "{told} sizes were too small");
}

#[test]
fn limits_on_descriptors_and_file_sizes_are_errors() {
    let directory = scratch();
    for limit in ["-n 4", "-n 5", "-n 6", "-n 7", "-n 9", "-n 12", "-f 0", "-f 100"] {
        let script = format!("ulimit {limit} && exec \"$0\" probe \"$1\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, PROBE]).arg(directory.path());
        command.env("HOSTCACHE_DIR", directory.path());
        let output = run(&mut command, limit);
        assert!(!output.stdout.is_empty() || limit.ends_with('9') || limit.ends_with("12"));
    }
    assert_untroubled(directory.path(), "limits");
}

/// A region that was cut off anywhere before it is opened is refused, or read right.
#[test]
fn a_file_that_was_cut_off_at_any_page_is_refused() {
    let directory = scratch();
    let builder = || Cache::builder("cut").directory(directory.path());
    let cache = builder().capacity(1 << 20).create().expect("a region");
    cache.set("k", "v").expect("set");
    let path = cache.path();
    drop(cache);
    let whole = fs::read(&path).expect("the file");
    for page in 0..=whole.len() / 4096 {
        for len in [(page * 4096).saturating_sub(1), page * 4096, page * 4096 + 1] {
            if len >= whole.len() {
                continue;
            }
            let mut bytes = whole.clone();
            bytes.resize(len, 0);
            fs::write(&path, bytes).expect("written");
            assert!(builder().open().is_err(), "{len} bytes were opened");
            assert!(builder().open_read_only().is_err(), "{len} bytes were opened read-only");
        }
    }
    fs::write(&path, whole).expect("written");
    assert_eq!(builder().open().expect("whole again").get("k").as_deref(), Some(&b"v"[..]));
}

#[test]
fn every_bit_of_the_header_counts() {
    let directory = scratch();
    let builder = || Cache::builder("bits").directory(directory.path());
    let cache = builder().capacity(1 << 20).create().expect("a region");
    let path = cache.path();
    drop(cache);
    let whole = fs::read(&path).expect("the file");
    for bit in 0..16 * 64 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, bytes).expect("written");
        assert!(builder().open_read_only().is_err(), "bit {bit} changed unseen");
    }
}

/// A program that is executed has nothing of the region, and does not keep its dead parent alive.
#[test]
fn an_executed_program_keeps_no_participant() {
    let directory = scratch();
    let builder = || Cache::builder("exec").directory(directory.path());
    let cache = builder().capacity(1 << 20).create().expect("a region");
    let path = cache.path();
    cache.set("k", "v").expect("set");
    // Opens of this process are closed on execution: the child finds none of them.
    let listed = Command::new("ls").args(["-l", "/proc/self/fd"]).output().expect("ls runs");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(!listed.contains(&path.display().to_string()), "{listed}");
}
