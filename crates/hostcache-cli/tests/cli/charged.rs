//! Whose memory a region is: control groups, in which containers run.
//!
//! Skipped, with a line, where no group may be made below that of the tests or of one above it.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use serde_json::json;

use crate::support::{Host, eventually};

const MIB: u64 = 1 << 20;

/// A control group with memory of its own; removed at the end.
struct Group {
    path: PathBuf,
    /// The file with its limit.
    limit: &'static str,
}

impl Group {
    /// Below the group of the tests, or the nearest one above it that lets it be.
    fn new(name: &str) -> Option<Self> {
        let text = fs::read_to_string("/proc/self/cgroup").ok()?;
        let of = |hierarchy: &str| {
            let mut lines = text.lines().map(|line| line.splitn(3, ':').collect::<Vec<_>>());
            lines.find_map(|parts| {
                (parts.len() == 3 && parts[1] == hierarchy).then(|| parts[2].to_owned())
            })
        };
        let roots = [
            ("memory", "/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            ("", "/sys/fs/cgroup", "memory.max"),
        ];
        roots.into_iter().find_map(|(hierarchy, root, limit)| {
            let own = Path::new(root).join(of(hierarchy)?.trim_start_matches('/'));
            own.ancestors().take_while(|above| above.starts_with(root)).find_map(|above| {
                let path = above.join(format!("hostcache-test-{}-{name}", std::process::id()));
                fs::create_dir(&path).ok()?;
                let group = Self { path, limit };
                group.path.join(limit).exists().then_some(group)
            })
        })
    }

    /// Bytes of shared memory that this group pays for.
    fn shared(&self) -> u64 {
        let stat = fs::read_to_string(self.path.join("memory.stat")).expect("memory.stat");
        let line = stat.lines().find_map(|line| line.strip_prefix("shmem "));
        line.expect("shmem").parse().expect("a number")
    }

    /// Runs `hostcache LINE` in it.
    fn run(&self, host: &Host, line: &str) -> ExitStatus {
        let mut command = Command::new("sh");
        let enter = "echo $$ > \"$GROUP/cgroup.procs\" && exec \"$0\" \"$@\"";
        command.args(["-c", enter, env!("CARGO_BIN_EXE_hostcache")]).args(line.split(' '));
        command.env("GROUP", &self.path).env("HOSTCACHE_DIR", host.directory());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().expect("start a shell")
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Whoever ran in it has been waited for.
        let _ = fs::remove_dir(&self.path);
    }
}

fn skipped() {
    println!("skipped: no control group may be made here, nobody is charged");
}

#[test]
fn who_creates_a_region_pays_for_all_of_it() {
    let (host, [creator, user]) = (Host::new(), ["creator", "user"].map(Group::new));
    let (Some(creator), Some(user)) = (creator, user) else { return skipped() };
    assert!(creator.run(&host, "create catalog --capacity 48MiB").success());
    let of_all = |mib: u64| mib * MIB..(mib + 2) * MIB;
    assert!(of_all(48).contains(&creator.shared()), "{} bytes", creator.shared());
    // Nobody else pays, however much of it they write and read.
    let dump = host.directory().join("dump");
    let dump = dump.to_str().expect("UTF-8");
    for n in 0..3 {
        host.run_with_input(["set", "catalog", &n.to_string()], &[b'x'; 8 << 20]).done_silently();
    }
    host.run(["dump", "catalog", dump]).done_silently();
    assert!(user.run(&host, "clear catalog").success());
    assert!(user.run(&host, &format!("load catalog {dump}")).success());
    assert!(user.run(&host, "check catalog").success());
    assert!(user.shared() < MIB, "{} bytes", user.shared());
    assert!(of_all(48).contains(&creator.shared()), "{} bytes", creator.shared());
    // The creator's container ends: the region stays, until it is destroyed.
    drop(creator);
    assert_eq!(host.json("check catalog")["items"], json!(3));
    assert!(user.run(&host, "destroy catalog").success());
}

#[test]
fn a_creator_whose_limit_is_too_low_is_ended_and_leaves_nothing() {
    let (host, group) = (Host::new(), Group::new("limited"));
    let Some(group) = group else { return skipped() };
    if fs::write(group.path.join(group.limit), (16 * MIB).to_string()).is_err() {
        return skipped();
    }
    let status = group.run(&host, "create catalog --capacity 64MiB");
    assert_eq!(status.signal(), Some(9), "ended by the kernel for want of memory: {status}");
    assert!(host.listed().is_empty(), "{:?}", host.listed());
    eventually("the memory is given back", || group.shared() == 0);
    // With room for it, it is made.
    assert!(group.run(&host, "create catalog --capacity 8MiB").success());
    assert!((8 * MIB..10 * MIB).contains(&group.shared()), "{} bytes", group.shared());
    host.run(["destroy", "catalog"]).done_silently();
    eventually("the memory is given back", || group.shared() == 0);
}
