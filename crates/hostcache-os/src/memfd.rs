//! Memory without a name that nobody can shorten: a sealed `memfd`.
//!
//! It is handed from process to process as a descriptor. Who receives one can't know who else has it, and whoever
//! may write a plain file may also truncate it, which ends every process that touches the lost pages (SIGBUS). So a
//! region of this kind is *sealed*: its size is fixed for good, and the kernel keeps it so. It is never sealed
//! against writing, being a cache.
//!
//! A hole punched by a process that may write is no danger but lost contents: the pages come back as zeros.

use crate::descriptor::link_of;
use crate::error::{FileError, FileKind, OsError};
use crate::pending::{allocate, check_size};
use crate::process::available_memory;
use crate::trust;
use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What fixes the size for good.
const SEALS: libc::c_int = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;

/// What forbids a new mapping to write.
const WRITE_SEALS: libc::c_int = libc::F_SEAL_WRITE | libc::F_SEAL_FUTURE_WRITE;

/// What `/proc` calls a memfd, before its name.
const LINK_PREFIX: &str = "/memfd:";

/// A memfd that is being filled, and that nobody else sees yet; gone when dropped.
#[derive(Debug)]
pub struct UnsealedMemfd {
    file: File,
    path: PathBuf,
}

impl UnsealedMemfd {
    /// Makes one of `len` bytes, all zero and all allocated, that the owner, or by `mode` and `group` others too, may
    /// open once more. `name` is for people to read, in messages and in `/proc`.
    ///
    /// Memory that is not there is an error now, as far as the system tells; a container's memory limit is only met
    /// while the memory is taken.
    pub fn create(name: &str, len: u64, mode: u32, group: Option<u32>) -> Result<Self, FileError> {
        let path = shown(name);
        let file = create(name).map_err(|source| OsError::new("memfd_create", &path, source))?;
        let memfd = Self { file, path };
        memfd.allocate(len)?;
        if let Some(group) = group {
            std::os::unix::fs::fchown(&memfd.file, None, Some(group))
                .map_err(|source| OsError::new("fchown", &memfd.path, source))?;
        }
        memfd
            .file
            .set_permissions(PermissionsExt::from_mode(mode))
            .map_err(|source| OsError::new("fchmod", &memfd.path, source))?;
        Ok(memfd)
    }

    /// The file, open for reading and writing.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Fixes the size for good: no process can shorten, lengthen or unseal it any more.
    pub fn seal(self) -> Result<File, FileError> {
        // SAFETY: the call takes and returns numbers.
        if unsafe { libc::fcntl(self.file.as_raw_fd(), libc::F_ADD_SEALS, SEALS) } != 0 {
            return Err(OsError::last("fcntl(F_ADD_SEALS)", &self.path).into());
        }
        Ok(self.file)
    }

    fn allocate(&self, len: u64) -> Result<(), OsError> {
        let fail = |source| OsError::new("posix_fallocate", &self.path, source);
        check_size(len).map_err(fail)?;
        // No filesystem's limit stops it: it would go on until the kernel kills somebody.
        if let Some(available) = available_memory().filter(|available| *available < len) {
            let text = format!(
                "{len} bytes needed, {available} bytes of the host's memory available: ask for a smaller capacity, \
                 or end what takes the memory"
            );
            return Err(fail(io::Error::new(io::ErrorKind::StorageFull, text)));
        }
        allocate(&self.file, len).map_err(fail)
    }
}

fn create(name: &str) -> io::Result<File> {
    let name = CString::new(name)?;
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    // Data is not to be executed; kernels before 6.3 do not know the flag, and newer ones may insist on it.
    match memfd_create(&name, flags | libc::MFD_NOEXEC_SEAL) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => memfd_create(&name, flags),
        other => other,
    }
}

fn memfd_create(name: &CString, flags: libc::c_uint) -> io::Result<File> {
    // SAFETY: `name` ends with NUL.
    let fd = unsafe { libc::memfd_create(name.as_ptr(), flags) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `fd` was opened just now and is owned by nobody else.
    Ok(unsafe { File::from_raw_fd(fd) })
}

fn shown(name: &str) -> PathBuf {
    PathBuf::from(format!("memfd:{name}"))
}

/// A file that came as a descriptor, found fit to be a region, and opened once more.
#[derive(Debug)]
pub struct ReceivedFile {
    /// An open file description of its own.
    pub file: File,
    /// Whether it is open for writing too.
    pub writable: bool,
}

/// Judges an open descriptor and opens its file once more: for reading alone if the descriptor is read-only or `read_only`
/// asks for it.
///
/// Accepted are a memfd whose size is sealed, whoever made it, and a file that [`open_region_file`] would accept by its
/// path. All else is refused with what was found: an unsealed memfd above all.
///
/// [`open_region_file`]: crate::file::open_region_file
pub fn receive_region_file(fd: OwnedFd, read_only: bool) -> Result<ReceivedFile, FileError> {
    let path = descriptor_path(fd.as_fd());
    let flags = status_flags(fd.as_fd(), &path)?;
    let refuse = |detail: String| Err(FileError::BadDescriptor { path: path.clone(), detail });
    if flags & libc::O_PATH != 0 || flags & libc::O_ACCMODE == libc::O_WRONLY {
        let how = if flags & libc::O_PATH != 0 { "O_PATH" } else { "O_WRONLY" };
        return refuse(format!(
            "is open with {how} and can't be mapped: open it with O_RDWR, or with O_RDONLY to attach read-only"
        ));
    }
    let writable = !read_only && flags & libc::O_ACCMODE == libc::O_RDWR;
    let file = File::from(fd);
    let metadata = file.metadata().map_err(|source| OsError::new("fstat", &path, source))?;
    let kind = FileKind::from_mode(metadata.mode());
    if kind != FileKind::Regular {
        return refuse(format!("is {kind}, a region is a sealed memfd or a regular file"));
    }
    match seals(&file) {
        Some(seals) if seals & SEALS == SEALS => {
            if writable && seals & WRITE_SEALS != 0 {
                return refuse(format!(
                    "has the seals {}, so that it can't be mapped for writing: attach it read-only, or make it without \
                     F_SEAL_WRITE and F_SEAL_FUTURE_WRITE",
                    seal_names(seals)
                ));
            }
        }
        // Every file on a tmpfs answers, as one that nobody may seal; what has a name is judged as a file.
        Some(seals) if metadata.nlink() == 0 => {
            return refuse(format!(
                "has no name and the seals {}, where F_SEAL_SHRINK, F_SEAL_GROW and F_SEAL_SEAL are needed: whoever may \
                 truncate it can end every process that uses it (SIGBUS); seal it with fcntl(F_ADD_SEALS) or let the \
                 library make it",
                seal_names(seals)
            ));
        }
        _ => trust::check_file(&file, &path, None)?,
    }
    let again = reopen(&file, writable, &path)?;
    Ok(ReceivedFile { file: again, writable })
}

/// The file behind a descriptor over an open file description of its own, which is what byte locks belong to.
fn reopen(file: &File, writable: bool, path: &Path) -> Result<File, FileError> {
    OpenOptions::new().read(true).write(writable).open(link_of(file)).map_err(|error| {
        let advice = match error.kind() {
            io::ErrorKind::NotFound => {
                "/proc is not mounted, and is the one way to open a descriptor once more, as byte locks need: mount it \
                 (mount -t proc proc /proc)"
            }
            io::ErrorKind::PermissionDenied => {
                "its mode does not let this user in: make it with a group and mode 0660, or 0640 to be read"
            }
            _ => "its descriptor can't be opened once more, as byte locks need",
        };
        let source = io::Error::new(error.kind(), format!("{error}: {advice}"));
        FileError::Os(OsError::new("open through /proc/self/fd", path, source))
    })
}

/// What `/proc` shows of a descriptor, for messages: `memfd:NAME`, or a path.
pub fn descriptor_path(fd: BorrowedFd<'_>) -> PathBuf {
    let unknown = || PathBuf::from(format!("descriptor {}", fd.as_raw_fd()));
    let Ok(link) = std::fs::read_link(link_of(&fd)) else { return unknown() };
    let Some(text) = link.to_str() else { return link };
    // Whoever made it chose the name: only a plain one is repeated.
    match text.strip_prefix(LINK_PREFIX).and_then(|rest| rest.strip_suffix(" (deleted)")) {
        Some(name) if crate::directory::valid_name(name) => shown(name),
        Some(_) => shown("(unnamed)"),
        None => link,
    }
}

fn status_flags(fd: BorrowedFd<'_>, path: &Path) -> Result<libc::c_int, OsError> {
    // SAFETY: the call takes and returns numbers.
    let flags = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) };
    if flags < 0 { Err(OsError::last("fcntl(F_GETFL)", path)) } else { Ok(flags) }
}

/// `None`: a file of a kind that knows no seals.
fn seals(file: &File) -> Option<libc::c_int> {
    // SAFETY: the call takes and returns numbers.
    let seals = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GET_SEALS) };
    (seals >= 0).then_some(seals)
}

fn seal_names(seals: libc::c_int) -> String {
    let names: Vec<&str> = [
        (libc::F_SEAL_SEAL, "F_SEAL_SEAL"),
        (libc::F_SEAL_SHRINK, "F_SEAL_SHRINK"),
        (libc::F_SEAL_GROW, "F_SEAL_GROW"),
        (libc::F_SEAL_WRITE, "F_SEAL_WRITE"),
        (libc::F_SEAL_FUTURE_WRITE, "F_SEAL_FUTURE_WRITE"),
    ]
    .into_iter()
    .filter_map(|(seal, name)| (seals & seal != 0).then_some(name))
    .collect();
    if names.is_empty() { "(none)".to_owned() } else { names.join(", ") }
}
