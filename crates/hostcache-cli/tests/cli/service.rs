//! `serve` under a service manager: notices, and the unit that starts it.

use std::fs;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::process::Command;

use crate::process::Daemon;
use crate::support::{HUNG, Host, eventually, wait};

/// The end of the socket that a service manager reads.
struct Manager(UnixDatagram);

impl Manager {
    fn on(socket: UnixDatagram) -> Self {
        socket.set_read_timeout(Some(HUNG)).expect("a timeout");
        Self(socket)
    }

    /// Reads notices up to one with this line; gives those before it.
    #[track_caller]
    fn expect(&self, line: &str) -> Vec<String> {
        let mut before = Vec::new();
        loop {
            let notice = self.next().unwrap_or_else(|e| panic!("no {line:?} in {before:?}: {e}"));
            if notice.lines().any(|found| found == line) {
                return before;
            }
            before.push(notice);
        }
    }

    fn next(&self) -> io::Result<String> {
        let mut buffer = [0; 4096];
        // A call with a time limit is not taken up again by the kernel.
        let length = loop {
            match self.0.recv(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                received => break received?,
            }
        };
        Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
    }
}

fn start(host: &Host, arguments: &[&str], socket: &str) -> Daemon {
    Daemon::start_with(host, arguments, |command| {
        command.env("NOTIFY_SOCKET", socket).env("WATCHDOG_USEC", "100000");
        command.env_remove("WATCHDOG_PID");
    })
}

/// From its start to its end, whatever kind of socket it is.
fn follow(manager: &Manager, socket: &str) {
    let host = Host::with_catalog();
    let settings = host.directory().join("settings.toml");
    fs::write(&settings, "recover_every = \"100ms\"\n").expect("write the settings");
    let settings = settings.to_str().expect("UTF-8");
    let mut daemon = start(&host, &["--settings", settings], socket);
    manager.expect("STATUS=maintains region catalog");
    for _ in 0..3 {
        manager.expect("WATCHDOG=1");
    }
    daemon.signal("HUP");
    manager.expect("RELOADING=1");
    manager.expect("READY=1");
    daemon.signal("TERM");
    let before = manager.expect("STOPPING=1");
    assert!(before.iter().all(|notice| notice == "WATCHDOG=1"), "{before:?}");
    assert_eq!(wait(&mut daemon.child).code(), Some(0));
}

#[test]
fn a_service_manager_is_told_over_a_socket_with_a_path() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("notify");
    let manager = Manager::on(UnixDatagram::bind(&path).expect("bind"));
    follow(&manager, path.to_str().expect("UTF-8"));
}

#[test]
fn a_service_manager_is_told_over_an_abstract_socket() {
    let name = format!("test-of-hostcache-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("a name");
    let manager = Manager::on(UnixDatagram::bind_addr(&address).expect("bind"));
    follow(&manager, &format!("@{name}"));
}

#[test]
fn a_standby_is_ready_too_and_says_when_it_leads() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("notify");
    let manager = Manager::on(UnixDatagram::bind(&path).expect("bind"));
    let host = Host::with_catalog();
    let mut first = Daemon::start(&host, &[]);
    first.expect_line("leading");
    let _second = start(&host, &[], path.to_str().expect("UTF-8"));
    let first_notice = manager.next().expect("a notice");
    let standing_by = "READY=1\nSTATUS=stands by: another daemon maintains region catalog";
    assert_eq!(first_notice, standing_by);
    manager.expect("WATCHDOG=1");
    first.child.kill().expect("kill the first daemon");
    wait(&mut first.child);
    let before = manager.expect("STATUS=maintains region catalog");
    assert!(before.iter().all(|notice| notice == "WATCHDOG=1"), "{before:?}");
}

#[test]
fn a_service_manager_that_is_gone_is_no_reason_to_stop_working() {
    let host = Host::with_catalog();
    let daemon = start(&host, &[], "/nonexistent/notify");
    daemon.expect_line("notice-lost notice=\"READY=1");
    host.run(["set", "catalog", "k", "v", "--ttl", "1ms"]).done_silently();
    eventually("the item is reclaimed", || host.json("stats catalog")["expired"] == 1);
}

#[test]
fn the_unit_is_valid() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hostcache-daemon/systemd");
    let unit = fs::read_to_string(here.join("hostcache@.service")).expect("the unit");
    for line in ["Type=notify", "WatchdogSec=30s", "ExecReload=/bin/kill -HUP $MAINPID"] {
        assert!(unit.lines().any(|found| found == line), "{line}");
    }
    // Only programs that are there are valid.
    let program = "/usr/bin/hostcache ";
    assert!(unit.contains(program), "the unit starts {program}");
    let installed = unit.replace(program, concat!(env!("CARGO_BIN_EXE_hostcache"), " "));
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("hostcache@.service");
    fs::write(&path, installed).expect("write");
    let verify = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&path).output();
    let Ok(verify) = verify else {
        println!("skipped: systemd-analyze is not installed, the unit is not verified");
        return;
    };
    let said = String::from_utf8_lossy(&verify.stderr);
    assert!(verify.status.success() && said.is_empty(), "{said}");
}
