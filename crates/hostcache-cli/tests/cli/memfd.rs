//! `serve --memfd`: a region without a file, handed out at a socket.

use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;

use serde_json::json;
use tempfile::TempDir;

use crate::process::Daemon;
use crate::support::{Host, eventually, wait};

/// Some user who is not this one.
const STRANGER: u32 = 65_534;

struct Desk {
    host: Host,
    /// Where the socket is.
    directory: TempDir,
    socket: PathBuf,
    /// What goes where a region's name goes.
    name: String,
}

impl Desk {
    fn new() -> Self {
        let host = Host::new();
        let directory = tempfile::tempdir_in("/dev/shm").expect("a directory");
        let socket = directory.path().join("socket");
        let name = format!("unix:{}", socket.display());
        Self { host, directory, socket, name }
    }

    fn serve(&self, more: &[&str]) -> Daemon {
        let socket = self.socket.to_str().expect("UTF-8");
        let arguments = ["--memfd", socket, "--capacity", "2MiB"];
        let arguments: Vec<&str> = arguments.iter().chain(more).copied().collect();
        let daemon = Daemon::start(&self.host, &arguments);
        daemon.expect_line("handing-out region=catalog");
        daemon
    }

    fn mode(&self) -> u32 {
        fs::symlink_metadata(&self.socket).expect("the socket").permissions().mode() & 0o7777
    }
}

#[test]
fn verbs_take_the_socket_for_a_name() {
    let desk = Desk::new();
    let mut daemon = desk.serve(&[]);
    let (host, name) = (&desk.host, desk.name.as_str());
    host.run(["set", name, "k", "v"]).done_silently();
    assert_eq!(host.run(["get", name, "k"]).text(), "v");
    assert_eq!(host.run(["get", name, "k", "--read-only"]).text(), "v");
    host.run(["get", name, "absent"]).negative();
    assert_eq!(host.run(["incr", name, "n", "--initial", "41"]).text().trim(), "41");
    let info = host.json(&format!("info {name}"));
    assert_eq!((&info["name"], &info["capacity"]), (&json!("catalog"), &json!(2 << 20)));
    assert!(host.listed().is_empty(), "it is in no directory");
    assert_eq!(desk.mode(), 0o600);
    // A second daemon keeps the region going, and hands nothing out.
    let standby = Daemon::of(host.command(["serve", name]));
    standby.expect_line("standing-by region=catalog");
    daemon.signal("TERM");
    assert_eq!(wait(&mut daemon.child).code(), Some(0));
    assert!(desk.socket.symlink_metadata().is_err(), "the socket is removed");
    standby.expect_line("leading region=catalog reason=former-daemon-ended");
    let text = host.run(["get", name, "k"]).error();
    assert!(text.contains("no region") && text.contains(name), "{text}");
}

#[test]
fn a_stale_socket_is_replaced_and_nothing_else() {
    let desk = Desk::new();
    let mut killed = desk.serve(&[]);
    killed.child.kill().expect("kill");
    wait(&mut killed.child);
    assert!(desk.socket.symlink_metadata().expect("it is left").file_type().is_socket());
    let text = desk.host.run(["get", &desk.name, "k"]).error();
    assert!(text.contains("nobody listens there"), "{text}");
    let daemon = desk.serve(&[]);
    let socket = desk.socket.to_str().expect("UTF-8");
    let second = ["serve", "catalog", "--memfd", socket, "--capacity", "2MiB"];
    let text = desk.host.run(second).stderr;
    assert!(text.contains("another process listens there"), "{text}");
    desk.host.run(["set", &desk.name, "k", "v"]).done_silently();
    drop(daemon);
    fs::remove_file(&desk.socket).expect("it is left");
    fs::write(&desk.socket, "precious").expect("a file");
    let text = desk.host.run(second).stderr;
    assert!(text.contains("no socket and is left alone"), "{text}");
    assert_eq!(fs::read(&desk.socket).expect("the file"), b"precious");
    let hidden = fs::read_dir(desk.directory.path()).expect("a directory").count();
    assert_eq!(hidden, 1, "nothing is left behind");
}

#[test]
fn of_daemons_that_race_for_a_socket_one_hands_out() {
    const RACERS: usize = 4;
    let desk = Desk::new();
    let socket = desk.socket.to_str().expect("UTF-8");
    for round in 0..8 {
        // First for a place where nothing is, then for what a killed daemon left.
        let start = |_| {
            let serve = ["serve", "catalog", "--memfd", socket, "--capacity", "2MiB"];
            Daemon::of(desk.host.command(serve))
        };
        let mut daemons: Vec<Daemon> = (0..RACERS).map(start).collect();
        let mut losers = Vec::new();
        eventually("all but one end", || {
            let ended = |daemon: &mut Daemon| daemon.child.try_wait().expect("a child").is_some();
            losers.extend(daemons.extract_if(.., ended));
            daemons.len() <= 1
        });
        let [winner] = &mut daemons[..] else { panic!("round {round}: all ended") };
        winner.expect_line("handing-out region=catalog");
        for loser in &mut losers {
            assert_eq!(wait(&mut loser.child).code(), Some(2));
            // It listens there, or is about to.
            loser.expect_line("another process");
        }
        assert!(winner.child.try_wait().expect("a child").is_none(), "round {round}");
        desk.host.run(["set", &desk.name, "k", "v"]).done_silently();
    }
}

#[test]
fn somebody_elses_socket_is_not_removed_at_the_end() {
    let desk = Desk::new();
    let mut daemon = desk.serve(&[]);
    fs::remove_file(&desk.socket).expect("remove");
    let _other = UnixListener::bind(&desk.socket).expect("bind");
    daemon.signal("TERM");
    assert_eq!(wait(&mut daemon.child).code(), Some(0));
    assert!(desk.socket.symlink_metadata().is_ok());
}

#[test]
fn those_who_connect_and_say_nothing_hold_nobody_up() {
    let desk = Desk::new();
    let mut daemon = desk.serve(&[]);
    let silent: Vec<UnixStream> =
        (0..100).map(|_| UnixStream::connect(&desk.socket).expect("connect")).collect();
    desk.host.run(["set", &desk.name, "k", "v"]).done_silently();
    daemon.signal("TERM");
    assert_eq!(wait(&mut daemon.child).code(), Some(0));
    drop(silent);
}

#[test]
fn another_user_is_refused_unless_of_the_group() {
    let desk = Desk::new();
    let daemon = desk.serve(&[]);
    let open = |mode| {
        let of = |path: &std::path::Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("chmod");
        };
        of(desk.directory.path(), 0o755);
        of(&desk.socket, mode);
    };
    open(0o666);
    // A copy where everybody may execute it.
    let program = desk.directory.path().join("program");
    fs::copy(env!("CARGO_BIN_EXE_hostcache"), &program).expect("a copy");
    let as_stranger = |group: u32| {
        let mut command = std::process::Command::new(&program);
        command.args(["get", &desk.name, "k"]).current_dir("/");
        command.uid(STRANGER).gid(group);
        // A child that another test has just forked may have the copy's descriptor until it executes its own program.
        let mut output = command.output();
        eventually("nobody has the copy open", || {
            let is_busy = |e: &std::io::Error| e.kind() == std::io::ErrorKind::ExecutableFileBusy;
            if output.as_ref().is_err_and(is_busy) {
                output = command.output();
            }
            !output.as_ref().is_err_and(is_busy)
        });
        output
    };
    let Ok(output) = as_stranger(STRANGER) else {
        println!("skipped: only root can run a process as another user");
        return;
    };
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("not for user 65534") && text.contains("--memfd-group"), "{text}");
    daemon.expect_line("handout-refused region=catalog uid=65534");
    drop(daemon);
    let _daemon = desk.serve(&["--memfd-group", "4711"]);
    assert_eq!(desk.mode(), 0o660);
    desk.host.run(["set", &desk.name, "k", "v"]).done_silently();
    let output = as_stranger(4711).expect("run");
    assert_eq!(output.stdout, b"v", "{}", String::from_utf8_lossy(&output.stderr));
    let output = as_stranger(STRANGER).expect("run");
    assert_eq!(output.status.code(), Some(2), "the socket's mode keeps others out");
}

#[test]
fn what_can_not_be_is_said_at_once() {
    let desk = Desk::new();
    let socket = desk.socket.to_str().expect("UTF-8");
    let error = |arguments: &[&str]| desk.host.run(arguments).error();
    let text = error(&["serve", "catalog", "--memfd", socket]);
    assert!(text.contains("add --capacity 256MiB"), "{text}");
    let text = error(&["destroy", &desk.name]);
    assert!(text.contains("is the socket of a daemon"), "{text}");
    let text = error(&["create", &desk.name, "--capacity", "1MiB"]);
    assert!(text.contains("is the socket of a daemon"), "{text}");
    let group = ["serve", "x", "--memfd", socket, "--memfd-group", "no such group"];
    let text = desk.host.run(group).stderr;
    assert!(text.contains("there is no group \"no such group\""), "{text}");
    let text = error(&["get", "unix:/nonexistent/socket", "k"]);
    assert!(text.contains("unix:/nonexistent/socket"), "{text}");
}
