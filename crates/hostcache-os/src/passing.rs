//! Descriptors over Unix sockets: who asks, and what is handed over.
//!
//! A connection carries one message: a line of text, with a descriptor or without. Nothing here waits without a bound:
//! both sides give the other a time, and the one that hands out never reads.

use crate::error::OsError;
use crate::file::try_lock;
use crate::trust::Caller;
use std::io;
use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// The longest message, in bytes.
pub const MAX_MESSAGE: usize = 512;

/// What a message begins with that hands a region over.
pub const ACCEPTED: &str = "hostcache 1 region ";

/// What a message begins with that says why not.
pub const REFUSED: &str = "hostcache 1 refused: ";

/// Room for the control message of one descriptor, and of one that nobody asked for.
const CONTROL_WORDS: usize = 8;

/// Supplementary groups of a peer that are looked through at most.
const MOST_GROUPS: usize = 1 << 16;

/// Who is at the other end of a connection, as the kernel noted it when the connection was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its effective user.
    pub uid: u32,
    /// Its effective and supplementary groups.
    pub groups: Vec<u32>,
}

impl Peer {
    /// The peer of a connection.
    pub fn of(stream: &UnixStream) -> Result<Self, OsError> {
        let mut found = libc::ucred { pid: 0, uid: 0, gid: 0 };
        let mut len = size_of::<libc::ucred>() as libc::socklen_t;
        let (fd, level) = (stream.as_raw_fd(), libc::SOL_SOCKET);
        let into = (&raw mut found).cast();
        // SAFETY: `found` is valid for writes of `len` bytes.
        if unsafe { libc::getsockopt(fd, level, libc::SO_PEERCRED, into, &raw mut len) } != 0 {
            return Err(OsError::last("getsockopt(SO_PEERCRED)", Path::new("")));
        }
        let mut groups = supplementary_groups(fd);
        groups.push(found.gid);
        Ok(Self { uid: found.uid, groups })
    }
}

/// None if the system won't say, which only refuses more.
fn supplementary_groups(fd: RawFd) -> Vec<u32> {
    let mut groups = vec![0_u32; 64];
    loop {
        let mut len = (groups.len() * size_of::<u32>()) as libc::socklen_t;
        let (level, into) = (libc::SOL_SOCKET, groups.as_mut_ptr().cast());
        // SAFETY: `groups` is valid for writes of `len` bytes.
        let failed =
            unsafe { libc::getsockopt(fd, level, libc::SO_PEERGROUPS, into, &raw mut len) } != 0;
        if !failed {
            groups.truncate(len as usize / size_of::<u32>());
            return groups;
        }
        let too_short = io::Error::last_os_error().raw_os_error() == Some(libc::ERANGE);
        if !too_short || groups.len() >= MOST_GROUPS {
            return Vec::new();
        }
        groups.resize(groups.len() * 4, 0);
    }
}

/// Connects to a listening socket; neither this nor what is read and written afterwards takes longer than `patience`.
pub fn connect(path: &Path, patience: Duration) -> Result<UnixStream, OsError> {
    let fail = |operation, source| OsError::new(operation, path, source);
    // SAFETY: an all-zero address is a valid one.
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    let bytes = path.as_os_str().as_bytes();
    if bytes.is_empty() || bytes.contains(&0) || bytes.len() >= address.sun_path.len() {
        let text = format!(
            "the path has {} bytes, a socket's has 1 to {} and no NUL: use a shorter one",
            bytes.len(),
            address.sun_path.len() - 1
        );
        return Err(fail("connect", io::Error::new(io::ErrorKind::InvalidInput, text)));
    }
    for (to, from) in address.sun_path.iter_mut().zip(bytes) {
        *to = *from as libc::c_char;
    }
    // SAFETY: the call takes and returns numbers.
    let fd = unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) };
    if fd < 0 {
        return Err(OsError::last("socket", path));
    }
    // SAFETY: `fd` was opened just now and is owned by nobody else.
    let stream = UnixStream::from(unsafe { OwnedFd::from_raw_fd(fd) });
    stream
        .set_write_timeout(Some(patience))
        .and_then(|()| stream.set_read_timeout(Some(patience)))
        .map_err(|source| fail("setsockopt", source))?;
    let len = size_of::<libc::sockaddr_un>() as libc::socklen_t;
    // SAFETY: `address` is valid for reads of `len` bytes.
    if unsafe { libc::connect(fd, (&raw const address).cast(), len) } != 0 {
        return Err(OsError::last("connect", path));
    }
    Ok(stream)
}

/// Waits until a listening socket has a connection, but not longer than `patience`, nor past a signal.
pub fn wait_readable(fd: BorrowedFd<'_>, patience: Duration) -> bool {
    let mut wanted = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let patience = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: `wanted` is valid for reads and writes, and is the one entry.
    unsafe { libc::poll(&raw mut wanted, 1, patience) > 0 }
}

/// Sends one message, with a descriptor or without, at once or not at all.
pub fn send(
    stream: &UnixStream,
    text: &str,
    descriptor: Option<BorrowedFd<'_>>,
) -> Result<(), OsError> {
    let mut end = text.len().min(MAX_MESSAGE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut part = libc::iovec { iov_base: text.as_ptr().cast_mut().cast(), iov_len: end };
    let mut control = [0_u64; CONTROL_WORDS];
    let mut message = message(&mut part, &mut control);
    match descriptor {
        None => message.msg_controllen = 0,
        Some(descriptor) => {
            let size = size_of::<RawFd>() as libc::c_uint;
            // SAFETY: the buffer is aligned, and has room for a header and a descriptor: `CMSG_SPACE(4)` is 24
            // bytes of 64. The kernel only reads it.
            unsafe {
                message.msg_controllen = libc::CMSG_SPACE(size) as _;
                let header = libc::CMSG_FIRSTHDR(&raw const message);
                (*header).cmsg_level = libc::SOL_SOCKET;
                (*header).cmsg_type = libc::SCM_RIGHTS;
                (*header).cmsg_len = libc::CMSG_LEN(size) as _;
                libc::CMSG_DATA(header).cast::<RawFd>().write_unaligned(descriptor.as_raw_fd());
            }
        }
    }
    let flags = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT;
    // SAFETY: `message` leads to buffers that are valid for reads.
    let sent = unsafe { libc::sendmsg(stream.as_raw_fd(), &raw const message, flags) };
    match usize::try_from(sent) {
        Err(_) => Err(OsError::last("sendmsg", Path::new(""))),
        Ok(sent) if sent == end => Ok(()),
        Ok(sent) => {
            let text = format!("{sent} of {end} bytes were sent");
            Err(OsError::new("sendmsg", Path::new(""), io::Error::other(text)))
        }
    }
}

/// Receives one message of at most [`MAX_MESSAGE`] bytes, and the first descriptor that came with it; all others are
/// closed. An empty text is the end of the connection.
pub fn receive(stream: &UnixStream) -> Result<(String, Option<OwnedFd>), OsError> {
    let mut text = [0_u8; MAX_MESSAGE];
    let mut part = libc::iovec { iov_base: text.as_mut_ptr().cast(), iov_len: text.len() };
    let mut control = [0_u64; CONTROL_WORDS];
    let mut message = message(&mut part, &mut control);
    // SAFETY: `message` leads to buffers that are valid for writes.
    let got =
        unsafe { libc::recvmsg(stream.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) };
    let Ok(len) = usize::try_from(got) else {
        return Err(OsError::last("recvmsg", Path::new("")));
    };
    // Owned at once: an early return closes them.
    let descriptors = descriptors(&message);
    let text = String::from_utf8_lossy(&text[..len]).into_owned();
    Ok((text, descriptors.into_iter().next()))
}

fn message(part: &mut libc::iovec, control: &mut [u64; CONTROL_WORDS]) -> libc::msghdr {
    // SAFETY: an all-zero `msghdr` is a valid one: no address, no parts, no control message.
    let mut message: libc::msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    (message.msg_iov, message.msg_iovlen) = (part, 1);
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of::<[u64; CONTROL_WORDS]>() as _;
    message
}

#[allow(clippy::unnecessary_cast)] // with musl the length has another width
fn descriptors(message: &libc::msghdr) -> Vec<OwnedFd> {
    let mut found = Vec::new();
    // SAFETY: the kernel filled the control buffer and set its length; the macros stay within it. Each
    // descriptor was made for this process by the call and is owned by nobody else.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(message);
        while let Some(current) = header.as_ref() {
            if (current.cmsg_level, current.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
                let bytes = (current.cmsg_len as usize).saturating_sub(libc::CMSG_LEN(0) as usize);
                let data = libc::CMSG_DATA(header).cast::<RawFd>();
                for at in 0..bytes / size_of::<RawFd>() {
                    found.push(OwnedFd::from_raw_fd(data.add(at).read_unaligned()));
                }
            }
            header = libc::CMSG_NXTHDR(message, header);
        }
    }
    found
}

/// Does anybody listen on the socket? A socket file outlives its listener.
pub fn has_listener(path: &Path, patience: Duration) -> Result<bool, OsError> {
    match connect(path, patience) {
        Ok(_) => Ok(true),
        Err(error) => match error.source.kind() {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => Ok(false),
            // So many wait to be let in that there is no more room.
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Ok(true),
            _ => Err(error),
        },
    }
}

/// Takes the lock on an open directory under which names in it are exchanged; `false`: another process has it. It goes with
/// the descriptor.
pub fn try_lock_directory(directory: &impl AsFd) -> io::Result<bool> {
    try_lock(directory)
}

/// This process's effective user.
pub fn effective_user() -> u32 {
    Caller::current().euid()
}
