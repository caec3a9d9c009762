//! Sealed memory, and descriptors from others.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use hostcache_os::passing::{self, MAX_MESSAGE, Peer};
use hostcache_os::{UnsealedMemfd, allocated_bytes, file_identity, file_len, receive_region_file};

const LEN: u64 = 1 << 20;

fn unsealed() -> UnsealedMemfd {
    UnsealedMemfd::create("test", LEN, 0o600, None).expect("memory")
}

fn duplicate(file: &File) -> OwnedFd {
    file.try_clone().expect("a duplicate").into()
}

#[track_caller]
fn refusal(fd: OwnedFd, read_only: bool) -> String {
    receive_region_file(fd, read_only).expect_err("must be refused").to_string()
}

#[test]
fn a_sealed_one_has_its_memory_and_keeps_its_size() {
    let file = unsealed().seal().expect("sealed");
    assert_eq!(file_len(&file).expect("a length"), LEN);
    assert!(allocated_bytes(&file).expect("blocks") >= LEN);
    assert_eq!(file.metadata().expect("metadata").mode() & 0o7777, 0o600);
    for len in [0, LEN - 1, LEN + 1] {
        let refused = file.set_len(len).expect_err("sealed").raw_os_error();
        assert_eq!(refused, Some(libc::EPERM), "{len} bytes");
    }
    // SAFETY: the call takes and returns numbers.
    let more = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, libc::F_SEAL_WRITE) };
    assert_eq!(more, -1, "nobody can seal it against writing");
    (&file).write_all(b"cache").expect("it can be written");
}

#[test]
fn what_is_received_has_an_open_file_description_of_its_own() {
    let file = unsealed().seal().expect("sealed");
    let received = receive_region_file(duplicate(&file), false).expect("fit");
    assert!(received.writable);
    assert_eq!(
        file_identity(&received.file).expect("one"),
        file_identity(&file).expect("the other")
    );
    // A position belongs to a description.
    (&file).write_all(b"12345").expect("write");
    // SAFETY: the call takes and returns numbers.
    let position = unsafe { libc::lseek(received.file.as_raw_fd(), 0, libc::SEEK_CUR) };
    assert_eq!(position, 0);
    let read_only = receive_region_file(duplicate(&file), true).expect("fit");
    assert!(!read_only.writable && (&read_only.file).write_all(b"x").is_err());
}

#[test]
fn memory_that_somebody_could_shorten_is_refused() {
    let text = refusal(duplicate(unsealed().file()), false);
    for words in ["memfd:test", "the seals (none)", "F_SEAL_SHRINK", "SIGBUS", "F_ADD_SEALS"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let half = unsealed();
    // SAFETY: the call takes and returns numbers.
    unsafe { libc::fcntl(half.file().as_raw_fd(), libc::F_ADD_SEALS, libc::F_SEAL_GROW) };
    let text = refusal(duplicate(half.file()), true);
    assert!(text.contains("the seals F_SEAL_GROW,"), "{text}");
}

#[test]
fn memory_sealed_against_writing_can_be_read_alone() {
    let memory = unsealed();
    // SAFETY: the call takes and returns numbers.
    unsafe { libc::fcntl(memory.file().as_raw_fd(), libc::F_ADD_SEALS, libc::F_SEAL_FUTURE_WRITE) };
    let file = memory.seal().expect("sealed");
    let text = refusal(duplicate(&file), false);
    assert!(text.contains("F_SEAL_FUTURE_WRITE") && text.contains("attach it read-only"), "{text}");
    assert!(receive_region_file(duplicate(&file), true).is_ok());
}

#[test]
fn descriptors_of_other_kinds_are_refused_by_what_they_are() {
    let (socket, _other) = UnixStream::pair().expect("sockets");
    assert!(refusal(socket.into(), false).contains("is a socket, a region is"));
    let null = File::options().read(true).write(true).open("/dev/null").expect("open");
    assert!(refusal(null.into(), false).contains("/dev/null is a device"));
    let directory = tempfile::tempdir_in("/dev/shm").expect("a directory");
    let path = directory.path().join("file");
    let written = File::create(&path).expect("a file");
    assert!(refusal(written.into(), false).contains("is open with O_WRONLY"));
    let name = std::ffi::CString::new(path.to_str().expect("UTF-8")).expect("no NUL");
    // SAFETY: the name ends with NUL.
    let fd = unsafe { libc::open(name.as_ptr(), libc::O_PATH | libc::O_CLOEXEC) };
    // SAFETY: opened just now.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    assert!(refusal(fd, false).contains("is open with O_PATH"));
    // A file with a name is judged as a file.
    let open = || File::options().read(true).write(true).open(&path).expect("open").into();
    assert!(receive_region_file(open(), false).is_ok());
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    std::fs::set_permissions(&path, everybody).expect("chmod");
    assert!(refusal(open(), false).contains("everybody may write it"));
    let gone = open();
    std::fs::remove_file(&path).expect("unlink");
    assert!(refusal(gone, false).contains("has no name and the seals F_SEAL_SEAL,"));
}

#[test]
fn more_memory_than_there_is_is_refused_before_it_is_taken() {
    let error = UnsealedMemfd::create("test", 1 << 50, 0o600, None).expect_err("a pebibyte");
    let text = error.to_string();
    for words in
        ["posix_fallocate on memfd:test", "1125899906842624 bytes needed", "available", "smaller"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn a_message_carries_one_descriptor_or_none() {
    let (one, other) = UnixStream::pair().expect("sockets");
    let file = unsealed().seal().expect("sealed");
    passing::send(&one, "with", Some(std::os::fd::AsFd::as_fd(&file))).expect("sent");
    let (text, descriptor) = passing::receive(&other).expect("received");
    let received = File::from(descriptor.expect("a descriptor"));
    assert_eq!(text, "with");
    assert_eq!(file_identity(&received).expect("one"), file_identity(&file).expect("the other"));
    // SAFETY: the call takes and returns numbers.
    let flags = unsafe { libc::fcntl(received.as_raw_fd(), libc::F_GETFD) };
    assert_eq!(flags, libc::FD_CLOEXEC);
    passing::send(&one, &"é".repeat(MAX_MESSAGE), None).expect("sent, cut to size");
    let (text, descriptor) = passing::receive(&other).expect("received");
    assert!(descriptor.is_none());
    assert_eq!(text, "é".repeat(MAX_MESSAGE / 2));
    drop(one);
    assert_eq!(passing::receive(&other).expect("the end").0, "");
}

#[test]
fn neither_side_waits_without_a_bound() {
    let (one, other) = UnixStream::pair().expect("sockets");
    other.set_read_timeout(Some(Duration::from_millis(1))).expect("a timeout");
    let error = passing::receive(&other).expect_err("nothing was sent");
    assert_eq!(error.source.kind(), std::io::ErrorKind::WouldBlock);
    let full = (0..1_000_000).find_map(|_| passing::send(&one, &"x".repeat(500), None).err());
    assert!(full.is_some(), "nobody reads, and the sender is not held up");
}

#[test]
fn a_peer_is_who_it_is() {
    let (one, _other) = UnixStream::pair().expect("sockets");
    let peer = Peer::of(&one).expect("a peer");
    assert_eq!(peer.uid, passing::effective_user());
    // SAFETY: the call takes nothing and can't fail.
    assert!(peer.groups.contains(&unsafe { libc::getegid() }));
}
