//! File descriptors that a forked child closes, and that notice when somebody else closed them.
//!
//! A byte lock belongs to the open file description, and a forked child holds that description
//! too. So each descriptor that carries locks is noted in a list that the fork handler walks in
//! the child ([`close_all_in_child`]). The handler runs where locks and the allocator may be in
//! any state, so the list is made of atomics and never shrinks; nodes are used again.
//!
//! A program may also close descriptors that are not its own (`closefrom`, daemonizing loops).
//! The number may then belong to another file, or to another open description of the same file:
//! most likely that of the next handle on the same region. So each description is marked by a file
//! position of its own, which nothing else uses, and every use and every close checks first that
//! the number still stands for that file and that mark.

use std::io;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU64};

/// The node belongs to no [`Descriptor`].
const FREE: RawFd = -1;
/// The node's [`Descriptor`] was closed early, mostly by the fork handler.
const CLOSED: RawFd = -2;
/// The node is being filled in.
const CLAIMED: RawFd = -3;

struct Node {
    /// The descriptor's number, or one of the states above.
    fd: AtomicI32,
    /// What the number stood for when it was noted.
    device: AtomicU64,
    inode: AtomicU64,
    position: AtomicU64,
    /// Set before the node is pushed, and never again.
    next: *const Node,
}

// SAFETY: `next` points to a node that is never freed and does not change once the node is
// shared; the rest are atomics.
unsafe impl Send for Node {}
// SAFETY: as above.
unsafe impl Sync for Node {}

/// What tells one open file description from another.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    position: u64,
}

/// The last mark given out. Within the length that every filesystem allows a file, and far from
/// where anybody who reads a region as a file would stop. A child goes on counting from its
/// parent's, so their marks differ too.
static LAST_POSITION: AtomicU64 = AtomicU64::new(1 << 36);

/// The newest node; nodes are only ever pushed.
static NEWEST: AtomicPtr<Node> = AtomicPtr::new(ptr::null_mut());

/// An owned descriptor that a forked child closes by itself.
#[derive(Debug)]
pub(crate) struct Descriptor {
    node: &'static Node,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node").field("fd", &self.fd).finish_non_exhaustive()
    }
}

impl Descriptor {
    /// Takes `fd` over and marks its description, which must be new. A child that was forked
    /// between its opening and now keeps it open: see [`crate::fork::forks_if_quiet`].
    pub(crate) fn note(fd: OwnedFd) -> io::Result<Self> {
        let mark = LAST_POSITION.fetch_add(1, Relaxed) + 1;
        // SAFETY: the call takes and returns numbers.
        if unsafe { libc::lseek(fd.as_raw_fd(), mark.cast_signed(), libc::SEEK_SET) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Self::note_marked(fd)
    }

    fn note_marked(fd: OwnedFd) -> io::Result<Self> {
        let identity = identity(fd.as_raw_fd()).ok_or_else(io::Error::last_os_error)?;
        let node = claim_node();
        node.device.store(identity.device, Relaxed);
        node.inode.store(identity.inode, Relaxed);
        node.position.store(identity.position, Relaxed);
        // Release: pairs with the Acquire in `Node::close` and `Node::fd`, which read the identity.
        node.fd.store(fd.into_raw_fd(), Release);
        Ok(Self { node })
    }

    /// The number, if it still stands for the description that was noted.
    pub(crate) fn fd(&self) -> Option<RawFd> {
        self.node.fd()
    }

    /// A second descriptor of the same open file description, numbered `at_least` or higher.
    pub(crate) fn duplicate(&self, at_least: RawFd) -> io::Result<Self> {
        use std::os::fd::FromRawFd;
        let fd = self.fd().ok_or_else(|| io::Error::from_raw_os_error(libc::EBADF))?;
        // SAFETY: the call takes and returns numbers.
        let copy = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, at_least) };
        if copy < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `copy` was made just now and is owned by nobody else.
        Self::note_marked(unsafe { OwnedFd::from_raw_fd(copy) })
    }

    /// Closes the descriptor before its time; [`Descriptor::fd`] gives `None` from then on.
    pub(crate) fn close_early(&self) {
        self.node.close(CLOSED);
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        self.node.close(FREE);
    }
}

impl Node {
    fn fd(&self) -> Option<RawFd> {
        let fd = self.fd.load(Acquire);
        (fd >= 0 && self.is_still(fd)).then_some(fd)
    }

    fn is_still(&self, fd: RawFd) -> bool {
        identity(fd)
            == Some(Identity {
                device: self.device.load(Relaxed),
                inode: self.inode.load(Relaxed),
                position: self.position.load(Relaxed),
            })
    }

    /// Closes the descriptor if there is one and it is still ours, and leaves `state`.
    ///
    /// The state goes first: a child forked in between keeps an open descriptor, which is better
    /// than one that closes a number that was given to somebody else meanwhile.
    fn close(&self, state: RawFd) {
        let fd = self.fd.load(Acquire);
        // The identity is read before the node is free to be claimed by another thread.
        let ours = fd >= 0 && self.is_still(fd);
        self.fd.store(state, Release);
        if ours {
            // SAFETY: the number is owned by this node, which forgot it just now.
            unsafe { libc::close(fd) };
        }
    }
}

/// Closes every noted descriptor; for the fork handler, in the child.
pub(crate) fn close_all_in_child() {
    let mut node: *const Node = NEWEST.load(Acquire);
    // SAFETY: nodes are never freed, and `next` is null or another node.
    while let Some(current) = unsafe { node.as_ref() } {
        if current.fd.load(Relaxed) >= 0 {
            current.close(CLOSED);
        }
        node = current.next;
    }
}

/// A node in the state [`CLAIMED`], an old one if there is a free one.
fn claim_node() -> &'static Node {
    let mut node: *const Node = NEWEST.load(Acquire);
    // SAFETY: nodes are never freed, and `next` is null or another node.
    while let Some(current) = unsafe { node.as_ref() } {
        // Acquire: pairs with the Release of the last owner in `Node::close`.
        if current.fd.compare_exchange(FREE, CLAIMED, Acquire, Relaxed).is_ok() {
            return current;
        }
        node = current.next;
    }
    let fresh = Box::leak(Box::new(Node {
        fd: AtomicI32::new(CLAIMED),
        device: AtomicU64::new(0),
        inode: AtomicU64::new(0),
        position: AtomicU64::new(0),
        next: ptr::null(),
    }));
    let mut newest = NEWEST.load(Acquire);
    loop {
        fresh.next = newest;
        // AcqRel: publishes `next`, and sees the older nodes that it leads to.
        match NEWEST.compare_exchange_weak(newest, fresh, AcqRel, Acquire) {
            Ok(_) => return fresh,
            Err(current) => newest = current,
        }
    }
}

/// What leads to the file of an open descriptor, whatever its name is by now.
pub(crate) fn link_of(fd: &impl AsRawFd) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

fn identity(fd: RawFd) -> Option<Identity> {
    // SAFETY: an all-zero `stat` is a valid one; it consists of integers.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: `stat` is valid for writes.
    if unsafe { libc::fstat(fd, &raw mut stat) } != 0 {
        return None;
    }
    // SAFETY: the call takes and returns numbers; it changes nothing.
    let position = unsafe { libc::lseek(fd, 0, libc::SEEK_CUR) };
    // What has no position, such as a pipe, is not ours.
    let position = u64::try_from(position).ok()?;
    Some(Identity { device: stat.st_dev, inode: stat.st_ino, position })
}
