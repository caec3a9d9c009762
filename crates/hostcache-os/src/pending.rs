//! How a file appears whole or not at all.
//!
//! It is made without a name (`O_TMPFILE`), gets all its memory, is filled by the caller, and only
//! then gets its name, by a link that replaces nothing. So nobody opens a half-made file, of two
//! creators one wins, and one that is killed leaves nothing behind.
//!
//! A file needs a temporary name where the filesystem has none without, and to take the place of
//! another. Its maker holds the lock on it ([`try_lock`]) for as long as it has that name. So what
//! has such a name and can be locked is what a killed maker left, and the next one removes it.

use crate::descriptor::link_of;
use crate::error::{FileError, OsError};
use crate::file::{available_bytes, link_count, try_lock};
use crate::random::random_bytes;
use crate::trust;
use std::ffi::{CStr, CString, OsStr};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// How much is allocated at a time: few enough calls, each short enough to get done between two
/// signals of a profiler's timer.
const ALLOCATION_STEP: u64 = 16 << 20;

/// What temporary names begin with. No region's name begins with a dot.
const TEMPORARY: &str = ".hostcache-";

/// How many temporary names are tried that others take away.
const TRIES: u32 = 100;

/// How often one step may be cut short by a signal before that becomes an error.
const INTERRUPTS: u32 = 1000;

/// A file that nobody else can see yet; gone when dropped.
#[derive(Debug)]
pub struct PendingFile {
    /// Only where the filesystem has no files without a name. Stands first, to be dropped before
    /// the directory that it needs.
    name: Option<TemporaryName>,
    file: File,
    directory: Directory,
}

/// The directory that the name will appear in, held open so that it can't be exchanged.
#[derive(Debug)]
struct Directory {
    handle: File,
    path: PathBuf,
}

/// A name to be taken away again. Once the file has been renamed there is nothing to take away,
/// and the attempt does no harm: the name is too random to be anybody else's.
#[derive(Debug)]
struct TemporaryName {
    directory: RawFd,
    name: CString,
}

impl Drop for TemporaryName {
    fn drop(&mut self) {
        // SAFETY: `name` ends with NUL. `directory` is open: it belongs to the `PendingFile` that
        // holds this too, and drops this first.
        unsafe { libc::unlinkat(self.directory, self.name.as_ptr(), 0) };
    }
}

impl PendingFile {
    /// Makes a file of `len` bytes, all zero and all allocated, in `dir`, with exactly the
    /// permissions `mode` whatever the umask.
    ///
    /// Memory that is not there is an error now ([`FileError::NoSpace`]) instead of a SIGBUS in
    /// whichever process first touches a page.
    pub fn create(dir: &Path, len: u64, mode: u32) -> Result<Self, FileError> {
        let directory = Directory::open(dir)?;
        directory.remove_leftovers();
        let (file, name) = match directory.create_unnamed() {
            Ok(file) => (file, None),
            Err(error) if lacks_unnamed_files(&error) => {
                let (file, name) = directory.create_named()?;
                (file, Some(name))
            }
            Err(error) => return Err(directory.explain("open(O_TMPFILE)", error, len)),
        };
        Self { name, file, directory }.fit_out(len, mode)
    }

    fn fit_out(self, len: u64, mode: u32) -> Result<Self, FileError> {
        let path = &self.directory.path;
        trust::check_filesystem(&self.file, path)?;
        self.file
            .set_permissions(PermissionsExt::from_mode(mode))
            .map_err(|error| FileError::from_io("fchmod", path, error))?;
        self.allocate(len)?;
        Ok(self)
    }

    /// The file, open for reading and writing.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Gives the file to a group of the caller's (root: to any), before anybody can see it.
    pub fn give_to_group(&self, gid: u32) -> Result<(), FileError> {
        std::os::unix::fs::fchown(&self.file, None, Some(gid))
            .map_err(|error| FileError::from_io("fchown", &self.directory.path, error))
    }

    /// Keeps the file without a name: it is gone with its last descriptor and mapping.
    pub fn into_unnamed(self) -> File {
        self.file
    }

    /// Gives the file its name, one component without a slash; [`FileError::Exists`] if it is
    /// taken, by whatever.
    pub fn publish(self, name: impl AsRef<OsStr>) -> Result<File, FileError> {
        let (path, c_name) = self.plain_name(name.as_ref(), "publish")?;
        let (operation, answer) = match &self.name {
            None => ("linkat", self.directory.link(&self.file, &c_name)),
            // Not a link and an unlink: in between the file would have two names, which whoever
            // opens it refuses.
            Some(temporary) => {
                let answer =
                    rename(temporary.directory, &temporary.name, &c_name, libc::RENAME_NOREPLACE);
                ("renameat2", answer)
            }
        };
        match answer {
            Ok(()) => Ok(self.file),
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) => {
                Err(FileError::Exists { path })
            }
            Err(error) => Err(FileError::Os(OsError::new(operation, &path, error))),
        }
    }

    /// Takes the name over from the file that has it, in one step: it names either file at every
    /// moment. Whoever is killed right before that step leaves a file with a temporary name, until
    /// the next file is made in the directory.
    pub fn replace(mut self, name: impl AsRef<OsStr>) -> Result<File, FileError> {
        let (path, c_name) = self.plain_name(name.as_ref(), "replace")?;
        let fail = |operation, source| FileError::Os(OsError::new(operation, &path, source));
        // A link replaces nothing, a rename does.
        let temporary = match self.name.take() {
            Some(temporary) => temporary,
            None => {
                let temporary = self.directory.temporary_name()?;
                // Nobody else has it open.
                try_lock(&self.file).map_err(|error| fail("flock", error))?;
                self.directory
                    .link(&self.file, &temporary.name)
                    .map_err(|error| fail("linkat", error))?;
                temporary
            }
        };
        rename(temporary.directory, &temporary.name, &c_name, 0)
            .map_err(|error| fail("renameat2", error))?;
        Ok(self.file)
    }

    fn plain_name(
        &self,
        name: &OsStr,
        operation: &'static str,
    ) -> Result<(PathBuf, CString), FileError> {
        let path = self.directory.path.join(name);
        let is_plain = !name.as_bytes().contains(&b'/') && name != "." && name != "..";
        let c_name = CString::new(name.as_bytes()).ok().filter(|_| is_plain && !name.is_empty());
        match c_name {
            Some(c_name) => Ok((path, c_name)),
            None => {
                let text = "not a file name: it must be one component, without / and NUL";
                let source = io::Error::new(io::ErrorKind::InvalidInput, text);
                Err(FileError::Os(OsError::new(operation, &path, source)))
            }
        }
    }

    fn allocate(&self, len: u64) -> Result<(), FileError> {
        let fail = |error| self.directory.explain("posix_fallocate", error, len);
        check_size(len).map_err(fail)?;
        // To fill a tmpfs up, if only for a moment, is a SIGBUS for others on it.
        if trust::is_on_tmpfs(&self.file, &self.directory.path)?
            && available_bytes(&self.directory.path)? < len
        {
            return Err(fail(io::Error::from_raw_os_error(libc::ENOSPC)));
        }
        allocate(&self.file, len).map_err(fail)
    }
}

impl Directory {
    fn open(path: &Path) -> Result<Self, FileError> {
        // An empty parent is that of a bare file name.
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        // O_PATH: being allowed to make files there needs no permission to list them.
        let handle = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_PATH | libc::O_DIRECTORY)
            .open(path)
            .map_err(|error| FileError::from_io("open directory", path, error))?;
        Ok(Self { handle, path: path.to_path_buf() })
    }

    fn create_unnamed(&self) -> io::Result<File> {
        open_at(&self.handle, c".", libc::O_TMPFILE)
    }

    fn temporary_name(&self) -> Result<TemporaryName, FileError> {
        let name = CString::new(temporary_name()?)
            .map_err(|error| FileError::from_io("make a name", &self.path, error.into()))?;
        Ok(TemporaryName { directory: self.handle.as_raw_fd(), name })
    }

    fn create_named(&self) -> Result<(File, TemporaryName), FileError> {
        let fail = |operation| move |error| FileError::from_io(operation, &self.path, error);
        let flags = libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW;
        for _ in 0..TRIES {
            let name = self.temporary_name()?;
            let file = open_at(&self.handle, &name.name, flags).map_err(fail("open(O_CREAT)"))?;
            // Until now it looked as if its maker were dead.
            if try_lock(&file).map_err(fail("flock"))? && link_count(&file)? == 1 {
                return Ok((file, name));
            }
        }
        let text = "another process takes every new file's name away";
        Err(fail("open(O_CREAT)")(io::Error::other(text)))
    }

    /// Removes the files of killed makers, as far as the caller may: nobody else can hold the lock
    /// of a file that this one locks, and no maker is without it.
    fn remove_leftovers(&self) {
        for entry in std::fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let is_file = || entry.file_type().is_ok_and(|kind| kind.is_file());
            if is_temporary(name.as_bytes())
                && is_file()
                && let Ok(name) = CString::new(name.into_vec())
                && let Ok(file) = open_at(
                    &self.handle,
                    &name,
                    libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY,
                )
                && try_lock(&file).unwrap_or(false)
            {
                drop(TemporaryName { directory: self.handle.as_raw_fd(), name });
            }
        }
    }

    fn link(&self, file: &File, name: &CString) -> io::Result<()> {
        let from = CString::new(link_of(file))?;
        let (here, to) = (self.handle.as_raw_fd(), name.as_ptr());
        // Linking the descriptor itself (AT_EMPTY_PATH) needs a capability; this way does not.
        // SAFETY: both names end with NUL.
        check(unsafe {
            libc::linkat(libc::AT_FDCWD, from.as_ptr(), here, to, libc::AT_SYMLINK_FOLLOW)
        })
    }

    fn explain(&self, operation: &'static str, error: io::Error, needed: u64) -> FileError {
        match error.raw_os_error() {
            Some(libc::ENOSPC | libc::EDQUOT) => FileError::NoSpace {
                path: self.path.clone(),
                needed,
                available: available_bytes(&self.path).unwrap_or(0),
            },
            _ => FileError::from_io(operation, &self.path, error),
        }
    }
}

/// A name for what is not ready yet, too random to be anybody else's.
pub(crate) fn temporary_name() -> Result<String, OsError> {
    let unique = u128::from_ne_bytes(random_bytes()?);
    Ok(format!("{TEMPORARY}{unique:032x}"))
}

fn is_temporary(name: &[u8]) -> bool {
    let unique = name.strip_prefix(TEMPORARY.as_bytes());
    unique.is_some_and(|unique| unique.len() == 32 && unique.iter().all(u8::is_ascii_hexdigit))
}

/// Renames within a directory; replaces what has the name, unless the flags say otherwise.
pub(crate) fn rename(
    directory: RawFd,
    from: &CStr,
    to: &CStr,
    flags: libc::c_uint,
) -> io::Result<()> {
    // SAFETY: both names end with NUL.
    check(unsafe { libc::renameat2(directory, from.as_ptr(), directory, to.as_ptr(), flags) })
}

fn open_at(directory: &File, name: &CStr, flags: libc::c_int) -> io::Result<File> {
    let flags = flags | libc::O_RDWR | libc::O_CLOEXEC;
    let mode: libc::mode_t = 0o600;
    // SAFETY: `name` ends with NUL; the flags ask for the mode that is given.
    let fd = unsafe { libc::openat(directory.as_raw_fd(), name.as_ptr(), flags, mode) };
    check(fd.min(0))?;
    // SAFETY: `fd` was opened just now and is owned by nobody else.
    Ok(unsafe { File::from_raw_fd(fd) })
}

/// Filesystems without `O_TMPFILE` say so in one of these ways: the kernels before it saw the
/// flag as an attempt to open a directory for writing.
fn lacks_unnamed_files(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EOPNOTSUPP | libc::EISDIR | libc::EINVAL))
}

/// Refuses a length that no file can have.
pub(crate) fn check_size(len: u64) -> io::Result<()> {
    if len == 0 || i64::try_from(len).is_err() {
        let text = format!("a length of {len} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    // Past this limit the kernel would not only refuse but send SIGXFSZ, which kills.
    if len > file_size_limit() {
        return Err(io::Error::from_raw_os_error(libc::EFBIG));
    }
    Ok(())
}

/// Takes all memory of the file, in steps.
pub(crate) fn allocate(file: &File, len: u64) -> io::Result<()> {
    let mut done = 0;
    while done < len {
        let step = ALLOCATION_STEP.min(len - done);
        allocate_step(file.as_raw_fd(), done, step)?;
        done += step;
    }
    Ok(())
}

fn allocate_step(fd: RawFd, offset: u64, len: u64) -> io::Result<()> {
    let (offset, len) = (offset.cast_signed(), len.cast_signed());
    let mut error = 0;
    for _ in 0..INTERRUPTS {
        // SAFETY: the call takes numbers; the caller keeps `fd` open. It gives back the error
        // instead of setting `errno`.
        error = unsafe { libc::posix_fallocate(fd, offset, len) };
        match error {
            0 => return Ok(()),
            libc::EINTR => {}
            _ => break,
        }
    }
    Err(io::Error::from_raw_os_error(error))
}

fn file_size_limit() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: `limit` is valid for writes. On failure it stays as it is.
    unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) };
    limit.rlim_cur
}

fn check(answer: libc::c_int) -> io::Result<()> {
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pending file as on a filesystem without `O_TMPFILE`.
    fn create_with_temporary_name(dir: &Path) -> PendingFile {
        let directory = Directory::open(dir).unwrap();
        let (file, name) = directory.create_named().unwrap();
        PendingFile { name: Some(name), file, directory }.fit_out(4096, 0o640).unwrap()
    }

    fn names_in(dir: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(dir).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_temporary_name_is_no_regions_name_and_goes_with_the_file() {
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        let pending = create_with_temporary_name(dir.path());
        let names = names_in(dir.path());
        assert_eq!(names.len(), 1);
        assert!(!crate::valid_name(&names[0]), "{names:?}");
        drop(pending);
        assert!(names_in(dir.path()).is_empty());
    }

    #[test]
    fn a_temporary_name_becomes_the_only_one_and_replaces_nothing() {
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        let file = create_with_temporary_name(dir.path()).publish("region").unwrap();
        let metadata = file.metadata().unwrap();
        assert_eq!((metadata.len(), metadata.permissions().mode() & 0o7777), (4096, 0o640));
        assert_eq!(crate::link_count(&file).unwrap(), 1);
        let second = create_with_temporary_name(dir.path()).publish("region");
        assert!(matches!(second, Err(FileError::Exists { .. })), "{second:?}");
        assert_eq!(names_in(dir.path()), ["region"]);
        assert!(crate::same_file(&file, &dir.path().join("region")).unwrap());
    }

    #[test]
    fn a_file_takes_a_name_over_and_leaves_no_other() {
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        drop(PendingFile::create(dir.path(), 4096, 0o600).unwrap().publish("region").unwrap());
        for is_named in [false, true] {
            let pending = match is_named {
                true => create_with_temporary_name(dir.path()),
                false => PendingFile::create(dir.path(), 4096, 0o600).unwrap(),
            };
            let file = pending.replace("region").unwrap();
            assert_eq!(names_in(dir.path()), ["region"]);
            assert!(crate::same_file(&file, &dir.path().join("region")).unwrap());
            assert_eq!(crate::link_count(&file).unwrap(), 1);
        }
        let pending = PendingFile::create(dir.path(), 4096, 0o600).unwrap();
        std::fs::create_dir(dir.path().join("directory")).unwrap();
        assert!(matches!(pending.replace("directory"), Err(FileError::Os(_))));
        let mut names = names_in(dir.path());
        names.sort();
        assert_eq!(names, ["directory", "region"], "a failure leaves nothing");
    }

    #[test]
    fn what_a_killed_maker_left_is_removed_and_a_living_ones_file_is_not() {
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        let living = create_with_temporary_name(dir.path());
        let kept = names_in(dir.path());
        // Killed: the locks are gone, the name is still there.
        let left = create_with_temporary_name(dir.path());
        let PendingFile { name, file, directory } = left;
        std::mem::forget(name);
        drop((file, directory));
        std::fs::write(dir.path().join(".hostcache-settings"), "somebody's").unwrap();
        assert_eq!(names_in(dir.path()).len(), 3);
        drop(PendingFile::create(dir.path(), 4096, 0o600).unwrap());
        let mut names = names_in(dir.path());
        names.sort();
        assert_eq!(names, [&kept[0], ".hostcache-settings"]);
        drop(living.publish("region").unwrap());
        assert!(dir.path().join("region").exists());
    }

    #[test]
    fn a_full_disk_and_a_full_quota_are_told_with_both_numbers() {
        let directory = Directory::open(Path::new("/dev/shm")).unwrap();
        for errno in [libc::ENOSPC, libc::EDQUOT] {
            let error = io::Error::from_raw_os_error(errno);
            let told = directory.explain("posix_fallocate", error, 77);
            assert!(matches!(told, FileError::NoSpace { needed: 77, .. }), "{told:?}");
        }
    }
}
