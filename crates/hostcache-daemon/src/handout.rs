//! Hands a region's descriptor out over a Unix socket, by a thread of its own.
//!
//! Who connects says nothing: the kernel tells who it is, one message with the descriptor goes out, and the connection
//! ends. The message fits into an empty connection, so nobody who is slow, stopped or malicious can hold the thread up,
//! and maintenance never knows of it.
//!
//! The socket is made under a name that nobody knows, gets its mode, and only then its place; so it is never there with
//! another mode than it shall have. What stands in its place is replaced only if it is a socket that nobody listens on.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hostcache::Cache;
use hostcache_os::passing::{self, Peer};
use hostcache_os::{FileIdentity, identity_at};

use crate::{DaemonError, StopFlag};

/// How soon the thread hears that it is to end.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long somebody else may take to put up a socket in the same directory, or one found there to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Between two attempts at what another process has.
const RETRY: Duration = Duration::from_millis(5);

/// After a connection that could not be taken, for lack of descriptors mostly.
const SETBACK: Duration = Duration::from_millis(50);

/// Who may have the region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// This process's user.
    User,
    /// And all members of a group, given by its number.
    Group(u32),
}

impl Access {
    /// Permission bits of the socket, and of the memory.
    #[must_use]
    pub fn mode(self) -> u32 {
        match self {
            Self::User => 0o600,
            Self::Group(_) => 0o660,
        }
    }

    fn admits(self, peer: &Peer, own: u32) -> bool {
        peer.uid == own || matches!(self, Self::Group(group) if peer.groups.contains(&group))
    }
}

/// A region being handed out; dropping it takes the socket away.
#[derive(Debug)]
pub struct Handout {
    path: PathBuf,
    /// The socket's file as it was made.
    made: Option<FileIdentity>,
    stop: StopFlag,
    thread: Option<JoinHandle<()>>,
}

impl Handout {
    /// Puts up a socket at `path` and hands the region's descriptor to whoever `access` admits, until dropped.
    ///
    /// The socket has mode 0600, or 0660 and the group. A socket there that nobody listens on is replaced; anything else
    /// is left alone. Put it in a directory where nobody else may exchange it.
    ///
    /// # Errors
    ///
    /// [`DaemonError::Socket`]: what stands there, or what the system answered.
    pub fn start(cache: &Cache, path: &Path, access: Access) -> Result<Self, DaemonError> {
        let fail = |operation, detail: String| DaemonError::Socket {
            path: path.to_owned(),
            operation,
            detail,
        };
        let descriptor =
            cache.as_fd().map_err(|error| fail("take the descriptor", error.to_string()))?;
        let descriptor = descriptor.try_clone_to_owned();
        let descriptor =
            descriptor.map_err(|error| fail("duplicate the descriptor", error.to_string()))?;
        let (listener, made) =
            put_up(path, access).map_err(|(operation, detail)| fail(operation, detail))?;
        let stop = StopFlag::new();
        let desk = Desk {
            region: cache.name().to_owned(),
            listener,
            descriptor,
            access,
            own: passing::effective_user(),
            stop: stop.clone(),
        };
        let mut handout = Self { path: path.to_owned(), made, stop, thread: None };
        let thread = std::thread::Builder::new().name("hostcache-handout".to_owned());
        let thread = thread
            .spawn(move || desk.serve())
            .map_err(|e| fail("start a thread", e.to_string()))?;
        handout.thread = Some(thread);
        log::info!(
            "handing-out region={} socket={} mode={:04o}",
            cache.name(),
            path.display(),
            access.mode()
        );
        Ok(handout)
    }
}

impl Drop for Handout {
    fn drop(&mut self) {
        self.stop.raise();
        if let Some(thread) = self.thread.take() {
            // It has nothing to tell, and it does not panic.
            let _ = thread.join();
        }
        // Another daemon's socket may stand there by now.
        if identity_at(&self.path).is_ok_and(|found| found == self.made) {
            // What can't be removed is found to be stale by the next one.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// What the thread has.
struct Desk {
    region: String,
    listener: UnixListener,
    descriptor: OwnedFd,
    access: Access,
    own: u32,
    stop: StopFlag,
}

impl Desk {
    fn serve(&self) {
        while !self.stop.is_raised() {
            if !passing::wait_readable(self.listener.as_fd(), LOOK_EVERY) {
                continue;
            }
            match self.listener.accept() {
                Ok((stream, _)) => self.answer(&stream),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    log::warn!("handout-failed region={} reason=\"accept: {error}\"", self.region);
                    std::thread::sleep(SETBACK);
                }
            }
        }
    }

    /// Never waits: the message finds an empty connection, or goes nowhere.
    fn answer(&self, stream: &UnixStream) {
        let sent = Peer::of(stream).and_then(|peer| {
            if self.access.admits(&peer, self.own) {
                let text = format!("{}{}", passing::ACCEPTED, self.region);
                return passing::send(stream, &text, Some(self.descriptor.as_fd()));
            }
            log::warn!("handout-refused region={} uid={}", self.region, peer.uid);
            passing::send(stream, &self.refusal(peer.uid), None)
        });
        if let Err(error) = sent {
            log::debug!("handout-failed region={} reason=\"{error}\"", self.region);
        }
    }

    fn refusal(&self, uid: u32) -> String {
        let members = match self.access {
            Access::User => String::new(),
            Access::Group(group) => format!(" and members of group {group}"),
        };
        format!(
            "{}region {} is for user {}{members}, not for user {uid}: run as that user, or start the daemon with \
             --memfd-group",
            passing::REFUSED,
            self.region,
            self.own
        )
    }
}

type Problem = (&'static str, String);

/// A listening socket in its place, and what its file is.
fn put_up(path: &Path, access: Access) -> Result<(UnixListener, Option<FileIdentity>), Problem> {
    let fail = |operation| move |error: io::Error| (operation, error.to_string());
    let parent = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return Err(("bind", "a socket needs a file name".to_owned())),
    };
    let random = hostcache_os::random_bytes().map_err(|e| ("make a name", e.to_string()))?;
    let hidden = Unlinked(parent.join(format!(".hostcache-{:016x}", u64::from_ne_bytes(random))));
    let listener = UnixListener::bind(&hidden.0).map_err(fail("bind"))?;
    listener.set_nonblocking(true).map_err(fail("set non-blocking"))?;
    if let Access::Group(group) = access {
        chown(&hidden.0, None, Some(group)).map_err(fail("chown"))?;
    }
    fs::set_permissions(&hidden.0, Permissions::from_mode(access.mode())).map_err(fail("chmod"))?;
    let made = identity_at(&hidden.0).map_err(fail("stat"))?;
    // Of two daemons that find the same stale socket, one replaces it and the other finds a listener.
    let _lock = lock(parent)?;
    if let Ok(found) = path.symlink_metadata() {
        if !found.file_type().is_socket() {
            let text = "what stands there is no socket and is left alone: choose another path, or remove it";
            return Err(("replace", text.to_owned()));
        }
        if passing::has_listener(path, PATIENCE).map_err(|e| ("connect", e.to_string()))? {
            let text = "another process listens there: end it, choose another path, or serve unix:SOCKET to stand by";
            return Err(("replace", text.to_owned()));
        }
        log::info!("stale-socket-replaced socket={}", path.display());
    }
    fs::rename(&hidden.0, path).map_err(fail("rename"))?;
    Ok((listener, made))
}

/// A name to be taken away again, wherever it is still there.
struct Unlinked(PathBuf);

impl Drop for Unlinked {
    fn drop(&mut self) {
        // It may have been renamed, or never been made.
        let _ = fs::remove_file(&self.0);
    }
}

/// The lock under which sockets are exchanged in a directory; it goes with the file.
fn lock(directory: &Path) -> Result<File, Problem> {
    let fail = |error: io::Error| ("lock the directory", error.to_string());
    let file = File::open(directory).map_err(fail)?;
    let start = Instant::now();
    while !passing::try_lock_directory(&file).map_err(fail)? {
        if start.elapsed() > PATIENCE {
            let text = "another process holds it: choose a directory of the daemon's own";
            return Err(("lock the directory", text.to_owned()));
        }
        std::thread::sleep(RETRY);
    }
    Ok(file)
}
