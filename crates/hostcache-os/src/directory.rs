//! Where regions live: a directory of the user's own, so that nobody else can take a name first
//! or lay a trap under it.
//!
//! `$HOSTCACHE_DIR` if set, else `/dev/shm/hostcache-<uid>`, mode 0700. What a group shares is in
//! `group`.

use crate::error::{FileError, FileKind};
use crate::trust::{self, Caller};
use std::ffi::CString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

pub(crate) const SHARED_MEMORY: &str = "/dev/shm";
pub(crate) const PREFIX: &str = "hostcache-";

/// The longest name of a region.
pub const MAX_NAME: usize = 30;

/// Is `name` 1 to 30 characters of `[A-Za-z0-9._-]`, the first a letter or digit?
pub fn valid_name(name: &str) -> bool {
    let rest_is_plain =
        || name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    (1..=MAX_NAME).contains(&name.len())
        && name.as_bytes()[0].is_ascii_alphanumeric()
        && rest_is_plain()
}

/// The directory for regions given by name: `$HOSTCACHE_DIR` (made absolute), else the user's own
/// under `/dev/shm`.
///
/// A program that runs with more rights than its caller (set-user-id) does not heed the variable.
pub fn default_directory() -> PathBuf {
    named_directory().unwrap_or_else(own_directory)
}

/// `$HOSTCACHE_DIR`, made absolute, if it is set and heeded.
pub fn named_directory() -> Option<PathBuf> {
    // SAFETY: the call takes a number and returns one.
    let has_raised_rights = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
    match std::env::var_os("HOSTCACHE_DIR") {
        Some(dir) if !dir.is_empty() && !has_raised_rights => {
            Some(std::path::absolute(&dir).unwrap_or_else(|_| PathBuf::from(dir)))
        }
        _ => None,
    }
}

fn own_directory() -> PathBuf {
    Path::new(SHARED_MEMORY).join(format!("{PREFIX}{}", Caller::current().euid()))
}

/// Makes the directory if it is missing, mode 0700, and checks it as [`check_directory`] does.
///
/// Missing parents are made too, but never `/dev/shm` itself.
pub fn ensure_directory(path: &Path) -> Result<(), FileError> {
    let path = without_trailing_slash(path);
    let mut builder = DirBuilder::new();
    builder.mode(0o700).recursive(path.parent().is_some_and(|p| p != Path::new(SHARED_MEMORY)));
    let made = match path.symlink_metadata() {
        Ok(_) => false,
        Err(_) => match builder.create(path) {
            Ok(()) => true,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(FileError::from_io("mkdir", path, error)),
        },
    };
    let directory = open_checked(path)?;
    if made {
        // A umask may have taken bits away from the owner.
        directory
            .set_permissions(PermissionsExt::from_mode(0o700))
            .map_err(|error| FileError::from_io("fchmod", path, error))?;
    }
    Ok(())
}

/// Refuses a directory in which users that are not trusted could make or exchange files.
///
/// Its owner must be the caller or root; nobody else may write, except the group of a directory
/// with the set-group-id bit. Such a group directory may also belong to another user if the caller
/// is in the group, unless it stands where the caller's own is expected. It must not be a symbolic
/// link, nor have a default access control list.
pub fn check_directory(path: &Path) -> Result<(), FileError> {
    open_checked(without_trailing_slash(path)).map(drop)
}

fn open_checked(path: &Path) -> Result<File, FileError> {
    let directory = open_directory(path)?;
    trust::check_directory(&directory, path, path != own_directory(), None)?;
    Ok(directory)
}

/// Opens what must be a directory, and no link to one.
pub(crate) fn open_directory(path: &Path) -> Result<File, FileError> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW)
        .open(path)
        .map_err(|error| match trust::refused_kind(path, FileKind::Directory) {
            Some(kind) => FileError::NotADirectory { path: path.to_path_buf(), kind },
            None => FileError::from_io("open directory", path, error),
        })
}

/// The directories to look for regions in, those that exist and that the caller may read: the
/// default one first, then all of `/dev/shm/hostcache-*` in the order of their names.
///
/// To list is not to trust: a region is checked when it is opened.
pub fn region_directories() -> Vec<PathBuf> {
    let default = default_directory();
    let mut others: Vec<PathBuf> = std::fs::read_dir(SHARED_MEMORY)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().as_bytes().starts_with(PREFIX.as_bytes()))
        .map(|entry| entry.path())
        .filter(|path| *path != default)
        .collect();
    others.sort();
    let mut all = vec![default];
    all.append(&mut others);
    all.retain(|path| path.symlink_metadata().is_ok_and(|m| m.is_dir()) && may_read(path));
    all
}

fn may_read(path: &Path) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    let (mode, flags) = (libc::R_OK | libc::X_OK, libc::AT_EACCESS);
    // SAFETY: `path` ends with NUL.
    unsafe { libc::faccessat(libc::AT_FDCWD, path.as_ptr(), mode, flags) == 0 }
}

/// `O_NOFOLLOW` does not hold for a link with a slash behind it.
pub(crate) fn without_trailing_slash(path: &Path) -> &Path {
    path.components().as_path()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        for good in ["a", "7", "catalog", "a.b_c-D9", &"x".repeat(30)] {
            assert!(valid_name(good), "{good:?}");
        }
        for bad in ["", ".", "..", ".a", "-a", "_a", "a/b", "a b", "ä", "a\0", &"x".repeat(31)] {
            assert!(!valid_name(bad), "{bad:?}");
        }
    }
}
