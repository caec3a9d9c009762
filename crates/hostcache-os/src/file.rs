//! Files that hold regions: opening one that exists, and asking about it.
//!
//! Opening checks everything on the open descriptor (`trust`). The path is used
//! once, so exchanging what it names gains nothing. How a file is made is in `pending`.

use crate::directory::without_trailing_slash;
use crate::error::{FileError, FileKind, OsError};
use crate::trust;
use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

pub use crate::pending::PendingFile;

/// Opens an existing region's file, for reading alone or for reading and writing.
///
/// Refused, each with an error of its own: anything but a regular file (a symbolic link is not
/// followed), a filesystem that is not known to serve, an owner that is neither the caller nor root
/// nor shares the file with a group of the caller's, write permission for everybody, an access
/// control list, and a file with more than one name.
pub fn open_region_file(path: &Path, writable: bool) -> Result<File, FileError> {
    open_checked_file(path, writable, None)
}

pub(crate) fn open_checked_file(
    path: &Path,
    writable: bool,
    asked: Option<u32>,
) -> Result<File, FileError> {
    let path = without_trailing_slash(path);
    // O_NONBLOCK: a named pipe must not make the caller wait for its other end; regular files do
    // not care. O_NOCTTY: nor may a terminal become the process's own.
    let file = OpenOptions::new()
        .read(true)
        .write(writable)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
        .map_err(|error| match trust::refused_kind(path, FileKind::Regular) {
            Some(kind) => FileError::NotRegular { path: path.to_path_buf(), kind },
            None => FileError::from_io("open", path, error),
        })?;
    trust::check_file(&file, path, asked)?;
    Ok(file)
}

/// The file's length in bytes.
pub fn file_len(file: &File) -> Result<u64, OsError> {
    stat(file, MetadataExt::size)
}

/// Bytes that the filesystem has set aside for the file; less than [`file_len`] means holes.
pub fn allocated_bytes(file: &File) -> Result<u64, OsError> {
    // The unit is 512 bytes on every filesystem.
    stat(file, |metadata| metadata.blocks().saturating_mul(512))
}

/// The file's permission bits, and the group that it belongs to.
pub fn mode_and_group(file: &File) -> Result<(u32, u32), OsError> {
    stat(file, |metadata| (metadata.mode() & 0o7777, metadata.gid()))
}

/// How many names the file has; 0 once it has been unlinked.
pub fn link_count(file: &File) -> Result<u64, OsError> {
    stat(file, MetadataExt::nlink)
}

fn stat<T>(file: &File, field: impl Fn(&std::fs::Metadata) -> T) -> Result<T, OsError> {
    match file.metadata() {
        Ok(metadata) => Ok(field(&metadata)),
        Err(error) => Err(OsError::new("fstat", Path::new(""), error)),
    }
}

/// Whether the file has lost its last name. `false` too where the descriptor was closed by other code, or stands for
/// another file than it did: then nobody can tell.
pub fn is_unlinked(file: &File, identity: FileIdentity) -> bool {
    let seen = stat(file, |metadata| (FileIdentity::of(metadata), metadata.nlink()));
    seen.is_ok_and(|seen| seen == (identity, 0))
}

/// Does `path` still name this file? `false` if it names nothing, or something else by now.
pub fn same_file(file: &File, path: &Path) -> io::Result<bool> {
    let here = FileIdentity::of(&file.metadata()?);
    Ok(identity_at(path)? == Some(here))
}

/// What tells a file from every other one of this boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIdentity {
    device: u64,
    inode: u64,
}

impl FileIdentity {
    fn of(metadata: &std::fs::Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// Which file is open.
pub fn file_identity(file: &File) -> Result<FileIdentity, OsError> {
    stat(file, FileIdentity::of)
}

/// Which file `path` names, a symbolic link being one of its own; `None` if it names nothing.
pub fn identity_at(path: &Path) -> io::Result<Option<FileIdentity>> {
    match without_trailing_slash(path).symlink_metadata() {
        Ok(found) => Ok(Some(FileIdentity::of(&found))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A second descriptor of an open file, for a handle that a forked child inherited: an error if the number was closed by
/// other code, or stands for another file than it did.
pub fn duplicate(file: &File, identity: FileIdentity) -> Result<File, OsError> {
    let fail = |source| OsError::new("duplicate a descriptor", Path::new(""), source);
    let copy = file.try_clone().map_err(fail)?;
    if file_identity(&copy)? == identity {
        return Ok(copy);
    }
    Err(fail(io::Error::other(
        "other code of this process closed it, and its number is another file's by now",
    )))
}

/// Takes the lock on an open file or directory as a whole, which is no byte lock; `false`: somebody else has it. It goes
/// with the last descriptor and mapping of this opening.
pub(crate) fn try_lock(file: &impl AsFd) -> io::Result<bool> {
    let fd = file.as_fd().as_raw_fd();
    // SAFETY: the call takes and returns numbers.
    if unsafe { libc::flock(fd, libc::LOCK_EX | libc::LOCK_NB) } == 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    if error.kind() == io::ErrorKind::WouldBlock { Ok(false) } else { Err(error) }
}

/// Takes the name away. Processes that have the file mapped keep it.
pub fn unlink(path: &Path) -> Result<(), FileError> {
    std::fs::remove_file(path).map_err(|error| FileError::from_io("unlink", path, error))
}

/// Bytes that the caller may still take up on the filesystem of `path`; `u64::MAX` where there is
/// no limit.
pub fn available_bytes(path: &Path) -> Result<u64, OsError> {
    let name = c_path(path)?;
    // SAFETY: an all-zero `statvfs` is a valid one; it consists of integers.
    let mut statvfs: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: `name` ends with NUL, and `statvfs` is valid for writes.
    if unsafe { libc::statvfs(name.as_ptr(), &raw mut statvfs) } != 0 {
        return Err(OsError::last("statvfs", path));
    }
    // A tmpfs without a limit says that it has no blocks at all.
    if statvfs.f_blocks == 0 {
        return Ok(u64::MAX);
    }
    Ok(statvfs.f_bavail.saturating_mul(statvfs.f_frsize))
}

/// The path as the system wants it.
pub(crate) fn c_path(path: &Path) -> Result<CString, OsError> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|error| OsError::new("use of the path", path, io::Error::from(error)))
}
