//! Directories that a group shares: `/dev/shm/hostcache-group-<gid>`, mode 2770.
//!
//! With the set-group-id bit, files made in it belong to the group. The directory appears with its group and mode, or
//! not at all: a member who looks never finds it half-made.

use crate::directory::{
    PREFIX, SHARED_MEMORY, named_directory, open_directory, without_trailing_slash,
};
use crate::error::{FileError, OsError};
use crate::file::{c_path, mode_and_group, open_checked_file};
use crate::pending::{rename, temporary_name};
use crate::trust::{self, Caller};
use std::ffi::CString;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

const MODE: u32 = 0o2770;

/// The caller's effective group.
pub fn effective_group() -> u32 {
    Caller::current().egid()
}

/// The caller's groups: the effective one first, then the others by number.
pub fn caller_groups() -> Vec<u32> {
    Caller::current().groups_in_order()
}

/// May the caller give files to the group? Members may, and root.
pub fn may_give_to_group(gid: u32) -> bool {
    let caller = Caller::current();
    caller.euid() == 0 || caller.belongs_to(gid)
}

/// The group of that name, or number; `None` if there is none.
pub fn group_id(name: &str) -> Option<u32> {
    if let Ok(gid) = name.parse() {
        return Some(gid);
    }
    let name = CString::new(name).ok()?;
    let mut len = 1024;
    // A group's list of members may be long.
    while len <= 1 << 20 {
        let mut text = vec![0 as libc::c_char; len];
        // SAFETY: an all-zero `group` is a valid one: integers, and null pointers.
        let mut group: libc::group = unsafe { std::mem::zeroed() };
        let mut found = std::ptr::null_mut();
        // SAFETY: `name` ends with NUL; the others are valid for writes, `text` of `len` bytes.
        let error = unsafe {
            let (text, len) = (text.as_mut_ptr(), text.len());
            libc::getgrnam_r(name.as_ptr(), &raw mut group, text, len, &raw mut found)
        };
        match error {
            0 => return (!found.is_null()).then_some(group.gr_gid),
            libc::ERANGE => len *= 4,
            _ => return None,
        }
    }
    None
}

/// The directory for regions of a group: `$HOSTCACHE_DIR`, else the group's own under `/dev/shm`.
pub fn group_directory(gid: u32) -> PathBuf {
    named_directory()
        .unwrap_or_else(|| Path::new(SHARED_MEMORY).join(format!("{PREFIX}group-{gid}")))
}

/// Makes the directory if it is missing, of the group and with mode 2770, and checks it as
/// [`check_group_directory`] does. Parents are not made: they decide who gets there.
pub fn ensure_group_directory(path: &Path, gid: u32) -> Result<(), FileError> {
    let path = without_trailing_slash(path);
    if path.symlink_metadata().is_err() {
        make(path, gid)?;
    }
    check_group_directory(path, gid)
}

/// Refuses a directory that does not belong to the group, in which the group can't make files, or in which
/// anybody else but its owner and root can. Any member may own it.
pub fn check_group_directory(path: &Path, gid: u32) -> Result<(), FileError> {
    let path = without_trailing_slash(path);
    let directory = open_directory(path)?;
    trust::check_directory(&directory, path, true, Some(gid))?;
    let (mode, found) = mode_and_group(&directory)?;
    check_group(path, found, gid)?;
    if mode & MODE != MODE {
        let detail = "a group's regions need a directory of mode 2770: use chmod 2770, or name \
                      another directory";
        return Err(FileError::BadMode { path: path.to_path_buf(), mode, detail });
    }
    Ok(())
}

/// Opens a group's region as [`open_region_file`](crate::open_region_file) does; a member of the group may own it, and it
/// must belong to the group.
pub fn open_group_file(path: &Path, gid: u32, writable: bool) -> Result<File, FileError> {
    let file = open_checked_file(path, writable, Some(gid))?;
    let (_, found) = mode_and_group(&file)?;
    check_group(path, found, gid)?;
    Ok(file)
}

fn check_group(path: &Path, gid: u32, expected: u32) -> Result<(), FileError> {
    if gid == expected {
        return Ok(());
    }
    Err(FileError::ForeignGroup { path: path.to_path_buf(), gid, expected })
}

/// Makes it under another name, which no region directory has, and renames it: somebody else may be faster. Whoever is
/// killed in between leaves an empty directory, which nothing removes.
fn make(path: &Path, gid: u32) -> Result<(), FileError> {
    let temporary = path.with_file_name(temporary_name()?);
    DirBuilder::new()
        .mode(0o700)
        .create(&temporary)
        .map_err(|error| OsError::new("mkdir", path, error))?;
    let answer = fit_out_and_rename(&temporary, path, gid);
    // Unless it was renamed. Nothing is in it, and nobody else knows of it.
    let _ = std::fs::remove_dir(&temporary);
    answer
}

fn fit_out_and_rename(temporary: &Path, path: &Path, gid: u32) -> Result<(), FileError> {
    let fail = |operation| move |error| OsError::new(operation, path, error);
    let handle = open_directory(temporary)?;
    fchown(&handle, None, Some(gid)).map_err(fail("fchown"))?;
    // After the owner: a change of group may take the bit away.
    handle.set_permissions(PermissionsExt::from_mode(MODE)).map_err(fail("fchmod"))?;
    let (from, to) = (c_path(temporary)?, c_path(path)?);
    match rename(libc::AT_FDCWD, &from, &to, libc::RENAME_NOREPLACE) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => Ok(other.map_err(fail("renameat2"))?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn a_group_is_known_by_name_and_by_number() {
        assert_eq!(group_id("root"), Some(0));
        assert_eq!(group_id("1900777"), Some(1_900_777));
        for none in ["", "no such group", "-1", "a\0b"] {
            assert_eq!(group_id(none), None, "{none:?}");
        }
    }

    #[test]
    fn the_effective_group_is_the_first_of_the_callers() {
        assert_eq!(caller_groups().first(), Some(&effective_group()));
    }

    #[test]
    fn a_group_directory_appears_whole_and_an_unfit_one_is_refused() {
        let parent = tempfile::tempdir_in("/dev/shm").expect("a directory");
        let path = parent.path().join("shared");
        let gid = effective_group();
        for _ in 0..2 {
            ensure_group_directory(&path, gid).expect("a group directory");
            let metadata = path.metadata().expect("its metadata");
            assert_eq!((metadata.mode() & 0o7777, metadata.gid()), (0o2770, gid));
        }
        let names = std::fs::read_dir(parent.path()).expect("a list").count();
        assert_eq!(names, 1, "nothing else is left");
        let foreign = check_group_directory(&path, gid + 1);
        assert!(matches!(foreign, Err(FileError::ForeignGroup { .. })), "{foreign:?}");
        for mode in [0o700, 0o770, 0o2750, 0o2772, 0o2777] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("chmod");
            let refused = ensure_group_directory(&path, gid);
            assert!(matches!(refused, Err(FileError::BadMode { .. })), "{mode:o}: {refused:?}");
        }
    }
}
