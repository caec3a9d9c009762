//! May this file or directory be trusted? Asked of an open descriptor, never of a path, so that
//! nobody can exchange the thing between the question and its use.
//!
//! A region's *contents* are never trusted by the code above. What is decided here is who can
//! write or truncate the file: the caller, root, and (by an explicit mode) a group of the
//! caller's.

use crate::error::{FileError, FileKind, OsError};
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Filesystems that keep shared mappings, `posix_fallocate` and byte locks coherent on one host.
/// Network and user-space ones are left out: they may do neither.
const FILESYSTEMS: [(u64, &str); 9] = [
    (TMPFS, "tmpfs"),
    (0x8584_58f6, "ramfs"),
    (0xef53, "ext2, ext3, ext4"),
    (0x5846_5342, "xfs"),
    (0x9123_683e, "btrfs"),
    (0x2fc1_2fc1, "zfs"),
    (0xf2f5_2010, "f2fs"),
    (0xca45_1a4e, "bcachefs"),
    // A file made through an overlay lies in its upper layer, a filesystem of its own.
    (0x794c_7630, "overlayfs"),
];

/// `f_type` of tmpfs.
const TMPFS: u64 = 0x0102_1994;

/// Who asks.
pub(crate) struct Caller {
    euid: u32,
    egid: u32,
    groups: Vec<u32>,
}

impl Caller {
    pub(crate) fn current() -> Self {
        // SAFETY: the calls take nothing and can't fail.
        let (euid, egid) = unsafe { (libc::geteuid(), libc::getegid()) };
        Self { euid, egid, groups: supplementary_groups() }
    }

    pub(crate) fn euid(&self) -> u32 {
        self.euid
    }

    pub(crate) fn egid(&self) -> u32 {
        self.egid
    }

    /// The effective group first, then the others by number.
    pub(crate) fn groups_in_order(mut self) -> Vec<u32> {
        self.groups.retain(|&gid| gid != self.egid);
        self.groups.sort_unstable();
        self.groups.dedup();
        self.groups.insert(0, self.egid);
        self.groups
    }

    pub(crate) fn belongs_to(&self, gid: u32) -> bool {
        self.egid == gid || self.groups.contains(&gid)
    }
}

/// The supplementary groups; none if the system won't say, which only refuses more.
fn supplementary_groups() -> Vec<u32> {
    // SAFETY: a size of 0 asks for the number alone and writes nothing.
    let count = unsafe { libc::getgroups(0, std::ptr::null_mut()) };
    let mut groups = vec![0; usize::try_from(count).unwrap_or(0)];
    let Ok(size) = libc::c_int::try_from(groups.len()) else { return Vec::new() };
    // SAFETY: `groups` is valid for writes of `size` ids.
    let count = unsafe { libc::getgroups(size, groups.as_mut_ptr()) };
    groups.truncate(usize::try_from(count).unwrap_or(0));
    groups
}

/// Checks a file that is to be used as a region. `asked`: a group that is trusted because the caller named it, member or
/// not (root is a member of few).
pub(crate) fn check_file(file: &File, path: &Path, asked: Option<u32>) -> Result<(), FileError> {
    let metadata = fstat(file, path)?;
    let path_buf = || path.to_path_buf();
    let kind = FileKind::from_mode(metadata.mode());
    if kind != FileKind::Regular {
        return Err(FileError::NotRegular { path: path_buf(), kind });
    }
    check_filesystem(file, path)?;
    let mode = metadata.mode() & 0o7777;
    check_owner_of(&metadata, path, is_shared_file(&metadata), asked)?;
    let refuse = |detail| FileError::BadMode { path: path_buf(), mode, detail };
    if mode & 0o002 != 0 {
        return Err(refuse("everybody may write it: use chmod o-w, or destroy the region"));
    }
    if has_attribute(file, c"system.posix_acl_access") {
        return Err(refuse("an access control list lets in further users: use setfacl -b"));
    }
    if metadata.nlink() != 1 {
        return Err(FileError::HardLinked { path: path_buf(), nlink: metadata.nlink() });
    }
    Ok(())
}

/// Refuses an open file whose owner is neither the caller nor root, nor shares it with a group of the caller's.
pub fn check_owner(file: &File, path: &Path) -> Result<(), FileError> {
    let metadata = fstat(file, path)?;
    check_owner_of(&metadata, path, is_shared_file(&metadata), None)
}

/// Does a file's mode let its group in?
fn is_shared_file(metadata: &Metadata) -> bool {
    metadata.mode() & 0o060 != 0
}

/// The caller and root may own it, and where it `is_shared` with its group, anybody, if that is a group of the caller's or
/// the one that was `asked` for.
fn check_owner_of(
    metadata: &Metadata,
    path: &Path,
    is_shared: bool,
    asked: Option<u32>,
) -> Result<(), FileError> {
    let (caller, uid, gid) = (Caller::current(), metadata.uid(), metadata.gid());
    let is_own_group = || asked == Some(gid) || caller.belongs_to(gid);
    if uid == caller.euid || uid == 0 || is_shared && is_own_group() {
        return Ok(());
    }
    Err(FileError::ForeignOwner { path: path.to_path_buf(), uid, expected: caller.euid })
}

/// Checks a directory that regions are to be made in. `may_be_shared`: another member of a group
/// of the caller's, or of the group that it `asked` for, may own it, if its mode says so.
pub(crate) fn check_directory(
    directory: &File,
    path: &Path,
    may_be_shared: bool,
    asked: Option<u32>,
) -> Result<(), FileError> {
    let metadata = fstat(directory, path)?;
    let path_buf = || path.to_path_buf();
    let kind = FileKind::from_mode(metadata.mode());
    if kind != FileKind::Directory {
        return Err(FileError::NotADirectory { path: path_buf(), kind });
    }
    let mode = metadata.mode() & 0o7777;
    let is_group_directory = mode & 0o2020 == 0o2020;
    check_owner_of(&metadata, path, may_be_shared && is_group_directory, asked)?;
    let refuse = |detail| FileError::BadMode { path: path_buf(), mode, detail };
    if mode & 0o002 != 0 {
        return Err(refuse("everybody may put files there: use chmod 0700, or 2770 for a group"));
    }
    if mode & 0o020 != 0 && !is_group_directory {
        return Err(refuse("its group may put files there: use chmod 0700, or 2770 to share it"));
    }
    if has_attribute(directory, c"system.posix_acl_default") {
        return Err(refuse("a default access control list lets in further users: use setfacl -k"));
    }
    Ok(())
}

/// Refuses filesystems that are not known to serve.
pub(crate) fn check_filesystem(file: &File, path: &Path) -> Result<(), FileError> {
    let magic = filesystem_of(file, path)?;
    if FILESYSTEMS.iter().any(|&(known, _)| known == magic) {
        Ok(())
    } else {
        Err(FileError::UnsupportedFilesystem { path: path.to_path_buf(), magic })
    }
}

/// Does the file lie in memory?
pub(crate) fn is_on_tmpfs(file: &File, path: &Path) -> Result<bool, OsError> {
    Ok(filesystem_of(file, path)? == TMPFS)
}

fn filesystem_of(file: &File, path: &Path) -> Result<u64, OsError> {
    // SAFETY: an all-zero `statfs` is a valid one; it consists of integers.
    let mut statfs: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: `statfs` is valid for writes.
    if unsafe { libc::fstatfs(file.as_raw_fd(), &raw mut statfs) } != 0 {
        return Err(OsError::last("fstatfs", path));
    }
    // Signed with one C library and unsigned with another.
    Ok(u64::from_ne_bytes(statfs.f_type.to_ne_bytes()))
}

fn fstat(file: &File, path: &Path) -> Result<Metadata, OsError> {
    file.metadata().map_err(|source| OsError::new("fstat", path, source))
}

/// Does the file have the extended attribute? A filesystem without any has none.
fn has_attribute(file: &File, name: &std::ffi::CStr) -> bool {
    // SAFETY: `name` ends with NUL; a size of 0 asks for the length alone and writes nothing.
    let n = unsafe { libc::fgetxattr(file.as_raw_fd(), name.as_ptr(), std::ptr::null_mut(), 0) };
    // Any answer but "none" and "none here" counts as one.
    n >= 0
        || !matches!(
            io::Error::last_os_error().raw_os_error(),
            Some(libc::ENODATA | libc::EOPNOTSUPP)
        )
}

/// What an `open` that does not follow links was refused for: the kind of thing there, if that
/// explains it.
pub(crate) fn refused_kind(path: &Path, wanted: FileKind) -> Option<FileKind> {
    let metadata = std::fs::symlink_metadata(path).ok()?;
    let kind = FileKind::from_mode(metadata.mode());
    (kind != wanted).then_some(kind)
}
