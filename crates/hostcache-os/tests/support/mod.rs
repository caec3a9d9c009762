//! Children of every kind, and scratch directories in memory.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::io::{BufRead, BufReader, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

/// Tells a test that it runs as the child of itself, and with what argument.
const ROLE: &str = "HOSTCACHE_OS_TEST_ROLE";

/// A directory on tmpfs, removed when dropped.
pub(crate) fn scratch() -> TempDir {
    tempfile::Builder::new().prefix("test-hostcache-os-").tempdir_in("/dev/shm").unwrap()
}

/// May this process change owners, users and mounts?
pub(crate) fn is_root() -> bool {
    // SAFETY: the call takes nothing and can't fail.
    unsafe { libc::geteuid() == 0 }
}

/// The argument of the parent, if this is a child made by [`Peer::start`].
pub(crate) fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// Another process that runs the same test with a role.
pub(crate) struct Peer {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts the test called `test` anew; there [`role`] gives `argument`.
    pub(crate) fn start(test: &str, argument: &Path) -> Self {
        let mut child =
            command(test, argument).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output }
    }

    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// Reads what the child says up to a line with `word` in it, and gives the rest of that line.
    pub(crate) fn expect(&mut self, word: &str) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            let n = self.output.read_line(&mut line).unwrap();
            assert_ne!(n, 0, "the child ended before it said {word:?}");
            // The test runner's own words may stand before it.
            if let Some((_, rest)) = line.split_once(word) {
                return rest.trim().to_owned();
            }
        }
    }

    /// Lets a [`wait_for_parent`] in the child, or in one of its children, go on.
    pub(crate) fn go_on(&mut self) {
        self.input.as_mut().unwrap().write_all(b"\n").unwrap();
    }

    pub(crate) fn signal(&self, signal: i32) {
        // SAFETY: the call takes numbers; the child has not been reaped, so the number is its own.
        assert_eq!(unsafe { libc::kill(self.pid(), signal) }, 0);
    }

    /// Waits until the child has stopped or died, and leaves it unreaped.
    pub(crate) fn wait_until(&self, state: i32) {
        // SAFETY: an all-zero `siginfo_t` is a valid one.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        let pid = self.child.id();
        // SAFETY: `info` is valid for writes.
        let n = unsafe { libc::waitid(libc::P_PID, pid, &raw mut info, state | libc::WNOWAIT) };
        assert_eq!(n, 0, "{}", std::io::Error::last_os_error());
    }

    pub(crate) fn kill(&self) {
        self.signal(libc::SIGKILL);
        self.wait_until(libc::WEXITED);
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// In a child: says something to [`Peer::expect`].
pub(crate) fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).unwrap();
}

/// In a child: waits for [`Peer::go_on`]; `false` if the parent is gone instead.
pub(crate) fn wait_for_parent() -> bool {
    let mut byte = 0_u8;
    // SAFETY: `byte` is valid for a write of one byte.
    unsafe { libc::read(0, (&raw mut byte).cast(), 1) == 1 }
}

/// Runs `body`, the whole of a test, in a process that has no other thread: the child of a fork
/// may not wait for a lock that another test's thread held at that moment.
pub(crate) fn alone<F: FnOnce()>(body: F) {
    const DONE: &str = "the body ran to its end";
    if role().is_some() {
        body();
        say(DONE);
        return;
    }
    // `crate::test::{{closure}}`
    let test = std::any::type_name::<F>().split("::").nth(1).unwrap();
    let output = command(test, Path::new("alone")).stderr(Stdio::inherit()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains(DONE), "{}: {said}", output.status);
}

/// This test once more, in a process of its own with a single thread.
fn command(test: &str, role: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(ROLE, role);
    command
}

/// Ends a loop in another thread also when this one panics.
pub(crate) struct SetOnDrop<'a>(pub(crate) &'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Says why a test did nothing.
pub(crate) fn skip(reason: &str) {
    tell(&format!("skipped: {reason}"));
}

/// Writes a line that the test runner neither hides nor loses in a child.
fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// How a child is made.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// `fork()`, with its handlers.
    Fork,
    /// The bare system call, which runs no handlers.
    Clone,
}

/// Makes a child that runs `f` and exits; gives its process id.
pub(crate) fn spawn_copy(way: Way, f: impl FnOnce()) -> i32 {
    // SAFETY: the child runs `f` and leaves by `_exit`. The caller's process has one thread, or `f`
    // needs no lock that another thread may hold.
    let pid = unsafe {
        match way {
            Way::Fork => libc::fork(),
            Way::Clone => {
                let flags = i64::from(libc::SIGCHLD);
                i32::try_from(libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0)).unwrap()
            }
        }
    };
    assert!(pid >= 0, "{}", std::io::Error::last_os_error());
    if pid == 0 {
        // The test runner's own hook writes where nobody looks in a child.
        std::panic::set_hook(Box::new(|info| tell(&info.to_string())));
        let status = i32::from(catch_unwind(AssertUnwindSafe(f)).is_err());
        // SAFETY: ends the child without what the parent has registered to be run at its end.
        unsafe { libc::_exit(status) };
    }
    pid
}

/// Waits for the end of a child of [`spawn_copy`] and gives its raw status.
pub(crate) fn reap(pid: i32) -> i32 {
    let mut status = 0;
    // SAFETY: `status` is valid for writes.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    status
}

/// Runs `f` in a forked child, where it may change what belongs to the whole process. Its panics
/// fail the test. To be used [`alone`].
pub(crate) fn in_child(f: impl FnOnce()) {
    assert_eq!(reap(spawn_copy(Way::Fork, f)), 0, "the child failed, see above");
}

/// Becomes another user, for good; for a child.
pub(crate) fn become_user(uid: u32, gid: u32, groups: &[u32]) {
    // SAFETY: `groups` is valid for reads; the others take numbers.
    unsafe {
        assert_eq!(libc::setgroups(groups.len(), groups.as_ptr()), 0);
        assert_eq!(libc::setgid(gid), 0);
        assert_eq!(libc::setuid(uid), 0);
    }
}

/// Gives `path` an access control list with one more user in it; `false` if there are none here.
pub(crate) fn add_acl(path: &Path, attribute: &std::ffi::CStr) -> bool {
    let mut list = 2_u32.to_le_bytes().to_vec();
    let nobody = u32::MAX;
    // Owner, a named user, the group, the mask, the others: tag, permissions, id.
    for (tag, permissions, id) in
        [(1_u16, 6_u16, nobody), (2, 6, 12_345), (4, 0, nobody), (16, 6, nobody), (32, 0, nobody)]
    {
        list.extend(tag.to_le_bytes());
        list.extend(permissions.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    let path = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
    // SAFETY: both names end with NUL, and `list` is valid for reads of its length.
    let n = unsafe {
        libc::setxattr(path.as_ptr(), attribute.as_ptr(), list.as_ptr().cast(), list.len(), 0)
    };
    n == 0
}
