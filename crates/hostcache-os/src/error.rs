//! What the operating system refused, and what this crate refused on its behalf.
//!
//! [`OsError`] is a failed call: which one, on what, with which answer. [`FileError`] adds the
//! refusals that the code above tells apart, because it says different things to its user.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A system call that failed.
#[derive(Debug)]
pub struct OsError {
    /// What was tried, named as the call or the step.
    pub operation: &'static str,
    /// On which file or directory; empty where there is none.
    pub path: PathBuf,
    /// What the system answered.
    pub source: io::Error,
}

impl OsError {
    /// An error with the system's answer at hand.
    pub fn new(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Self { operation, path: path.to_path_buf(), source }
    }

    /// An error from `errno`, to be called right after the failed call.
    pub(crate) fn last(operation: &'static str, path: &Path) -> Self {
        Self::new(operation, path, io::Error::last_os_error())
    }
}

impl fmt::Display for OsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.as_os_str().is_empty() {
            write!(f, "{} failed: {}", self.operation, self.source)
        } else {
            write!(f, "{} on {} failed: {}", self.operation, self.path.display(), self.source)
        }
    }
}

impl std::error::Error for OsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// What a path turned out to name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// A plain file, the only kind that can be a region.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link; it is never followed.
    Symlink,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A character or block device.
    Device,
    /// Something else.
    Other,
}

impl FileKind {
    /// The kind in a `st_mode`.
    pub(crate) fn from_mode(mode: u32) -> Self {
        match mode & libc::S_IFMT {
            libc::S_IFREG => Self::Regular,
            libc::S_IFDIR => Self::Directory,
            libc::S_IFLNK => Self::Symlink,
            libc::S_IFIFO => Self::Fifo,
            libc::S_IFSOCK => Self::Socket,
            libc::S_IFCHR | libc::S_IFBLK => Self::Device,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Regular => "a regular file",
            Self::Directory => "a directory",
            Self::Symlink => "a symbolic link",
            Self::Fifo => "a named pipe",
            Self::Socket => "a socket",
            Self::Device => "a device",
            Self::Other => "of an unknown kind",
        })
    }
}

/// Why a file or directory could not be made, opened or trusted.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileError {
    /// Nothing is there.
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// `publish` under a name that is taken.
    Exists {
        /// The path.
        path: PathBuf,
    },
    /// A region has to be a regular file.
    NotRegular {
        /// The path.
        path: PathBuf,
        /// What is there.
        kind: FileKind,
    },
    /// A directory was needed.
    NotADirectory {
        /// The path.
        path: PathBuf,
        /// What is there.
        kind: FileKind,
    },
    /// The owner is neither the caller nor root, and no common group was given access.
    ForeignOwner {
        /// The path.
        path: PathBuf,
        /// Its owner.
        uid: u32,
        /// The caller's effective user id.
        expected: u32,
    },
    /// Another group's than the one that was asked for.
    ForeignGroup {
        /// The path.
        path: PathBuf,
        /// Its group.
        gid: u32,
        /// The group that was asked for.
        expected: u32,
    },
    /// The mode lets more users in than may be trusted.
    BadMode {
        /// The path.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// What is wrong with them, and what would be right.
        detail: &'static str,
    },
    /// The file has other names than this one.
    HardLinked {
        /// The path.
        path: PathBuf,
        /// How many names it has (0: it was unlinked meanwhile).
        nlink: u64,
    },
    /// The filesystem does not keep shared mappings and byte locks coherent, or is not known to.
    UnsupportedFilesystem {
        /// The path.
        path: PathBuf,
        /// Its `f_type`.
        magic: u64,
    },
    /// The filesystem (or a quota) has no room.
    NoSpace {
        /// The directory.
        path: PathBuf,
        /// Bytes needed.
        needed: u64,
        /// Bytes available.
        available: u64,
    },
    /// A file that came as a descriptor can't be a region.
    BadDescriptor {
        /// What `/proc` shows of it.
        path: PathBuf,
        /// What is wrong, and what would be right.
        detail: String,
    },
    /// Any other failed call.
    Os(OsError),
}

impl FileError {
    /// Sorts a failed call into `Missing` or `Os`.
    pub(crate) fn from_io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        if source.raw_os_error() == Some(libc::ENOENT) {
            Self::Missing { path: path.to_path_buf() }
        } else {
            Self::Os(OsError::new(operation, path, source))
        }
    }
}

impl From<OsError> for FileError {
    fn from(error: OsError) -> Self {
        Self::Os(error)
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { path } => write!(f, "{} does not exist", path.display()),
            Self::Exists { path } => write!(f, "{} exists already", path.display()),
            Self::NotRegular { path, kind } => write!(
                f,
                "{} is {kind}, a region is a regular file: move it away or choose another name",
                path.display()
            ),
            Self::NotADirectory { path, kind } => write!(
                f,
                "{} is {kind}, not a directory: move it away or name another directory in \
                 HOSTCACHE_DIR",
                path.display()
            ),
            Self::ForeignOwner { path, uid, expected } => write!(
                f,
                "{} belongs to user {uid}, not to user {expected} or root, and is not shared with \
                 a group of the caller's: remove it if it is not meant to be there, or run as its \
                 owner",
                path.display()
            ),
            Self::ForeignGroup { path, gid, expected } => write!(
                f,
                "{} belongs to group {gid}, not to group {expected}: use chgrp, or name the group \
                 that it belongs to",
                path.display()
            ),
            Self::BadMode { path, mode, detail } => {
                write!(f, "{} has mode {mode:04o}: {detail}", path.display())
            }
            Self::HardLinked { path, nlink } => write!(
                f,
                "{} has {nlink} links where exactly 1 is trusted: remove the other names, or \
                 destroy the region and create it anew",
                path.display()
            ),
            Self::UnsupportedFilesystem { path, magic } => write!(
                f,
                "{} is on a filesystem of type {magic:#x}, which is not known to keep shared \
                 memory and byte locks coherent: use tmpfs (/dev/shm) or a local disk",
                path.display()
            ),
            Self::NoSpace { path, needed, available } => write!(
                f,
                "{} has no room: {needed} bytes needed, {available} available",
                path.display()
            ),
            Self::BadDescriptor { path, detail } => write!(f, "{} {detail}", path.display()),
            Self::Os(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Os(error) => Some(&error.source),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error;

    #[test]
    fn an_os_error_names_the_operation_the_path_and_the_answer() {
        let error =
            OsError::new("open", Path::new("/x/y"), io::Error::from_raw_os_error(libc::EACCES));
        let text = error.to_string();
        assert!(
            text.contains("open") && text.contains("/x/y") && text.contains("denied"),
            "{text}"
        );
        assert!(error.source().is_some());
    }

    #[test]
    fn an_os_error_without_a_path_leaves_it_out() {
        let error =
            OsError::new("getrandom", Path::new(""), io::Error::from_raw_os_error(libc::ENOSYS));
        assert!(error.to_string().starts_with("getrandom failed: "), "{error}");
    }

    #[test]
    fn a_missing_file_is_told_apart_from_a_refused_one() {
        let missing =
            FileError::from_io("open", Path::new("/x"), io::Error::from_raw_os_error(libc::ENOENT));
        assert!(matches!(missing, FileError::Missing { .. }));
        let denied =
            FileError::from_io("open", Path::new("/x"), io::Error::from_raw_os_error(libc::EACCES));
        assert!(matches!(denied, FileError::Os(_)));
        assert!(denied.source().is_some());
    }
}
