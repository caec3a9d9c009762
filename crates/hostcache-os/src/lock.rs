//! Which process is alive: byte locks that end with their holder.
//!
//! Each participant of a region holds a lock on one byte of the region's own file (an *open file
//! description lock*, `F_OFD_SETLK`; the byte lies beyond the end of the file and need not exist).
//! The kernel drops it when the last descriptor of that description is closed, and so at the
//! holder's death by any cause, before its parent reaps it. A stopped process keeps it. It knows
//! no process ids, so pid namespaces and reused numbers can't mislead it.
//!
//! What it does not do by itself, and where that is answered:
//!
//! * **Two threads of one process** share the description, and the kernel would let both have the
//!   byte. [`ByteLocks::try_lock`] keeps a private mark for each byte and lets one in.
//! * **A query is no proof.** Between [`ByteLocks::held_by_other`] and what is done about it the
//!   byte may be taken. Only who *holds* the byte of a dead participant may recover it.
//! * **A forked child inherits the locks**, being a second holder of the description. Its fork
//!   handler closes its copy at once (see [`crate::fork`]), all calls on an inherited handle are
//!   refused, and dropping it unlocks nothing. The child opens its own.
//! * **A living process may lose its locks** to code that closes descriptors that it did not open.
//!   A second descriptor with a high number survives a loop over low numbers (`for fd in 3..256`).
//!   It does not survive `closefrom(3)` or `close_range(3, ~0)`: the process then counts as dead
//!   and is recovered while alive. [`ByteLocks::is_intact`] tells, and the next call fails.
//! * **exec** closes the descriptors, and a process that executes another program is dead to the
//!   region.

use crate::descriptor::{Descriptor, link_of};
use crate::error::OsError;
use crate::fork::{fork_epoch, forks_if_quiet};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use std::time::Duration;

/// Offset in the file of byte 0: far beyond any region's end, so that no lock on real bytes by
/// other tools gets in the way.
pub const BASE: u64 = 1 << 40;

/// How many bytes there are to lock, numbered from 0.
pub const BYTES: u64 = 1 << 16;

/// Where the second descriptor goes: above what daemonizing loops commonly close, and below the
/// usual limit of 1024.
const HIGH_DESCRIPTOR: RawFd = 512;

/// How often opening waits or starts anew because another thread forks meanwhile. After that the
/// descriptor is taken as it is: should a child hold it, a death is seen later, never wrongly.
const FORK_ROUNDS: u32 = 1000;

/// How long a wait is for a fork under way; copying a large process takes some milliseconds.
const FORK_PAUSE: Duration = Duration::from_micros(50);

/// The byte locks of one process on one region, over an open file description of its own.
#[derive(Debug)]
pub struct ByteLocks {
    first: Descriptor,
    /// `None` where the limit of descriptors leaves no high number.
    second: Option<Descriptor>,
    /// One bit for each byte: held, or being taken or released, by a thread of this process.
    held: Box<[AtomicU64]>,
    epoch: u64,
    path: PathBuf,
}

impl ByteLocks {
    /// Opens the file behind `file` once more, so that these locks are shared with no other
    /// handle. `path` is for messages only: the way is by `/proc/self/fd`, which leads to the same
    /// file also when it was unlinked, replaced or never had a name.
    ///
    /// With `writable` false nothing can be locked, but [`ByteLocks::held_by_other`] answers.
    pub fn open(file: &File, path: &Path, writable: bool) -> Result<Self, OsError> {
        let fail = |source| OsError::new("open for byte locks", path, source);
        // The first call also registers the fork handlers, which `forks_if_quiet` relies on.
        let epoch = fork_epoch();
        let link = link_of(file);
        let mut round = 0;
        let (first, second) = loop {
            let before = forks_if_quiet();
            if before.is_some() || round == FORK_ROUNDS {
                let own =
                    OpenOptions::new().read(true).write(writable).open(&link).map_err(fail)?;
                let first = Descriptor::note(own.into()).map_err(fail)?;
                let second = first.duplicate(HIGH_DESCRIPTOR).ok();
                if forks_if_quiet() == before || round == FORK_ROUNDS {
                    break (first, second);
                }
            }
            round += 1;
            std::thread::sleep(FORK_PAUSE);
        };
        let held = (0..BYTES / 64).map(|_| AtomicU64::new(0)).collect();
        Ok(Self { first, second, held, epoch, path: path.to_path_buf() })
    }

    /// Takes `byte` if it is free. `false`: another process has it, or another handle or thread of
    /// this one, or this very caller already. Never waits.
    pub fn try_lock(&self, byte: u64) -> Result<bool, OsError> {
        const OPERATION: &str = "fcntl(F_OFD_SETLK, F_WRLCK)";
        let (word, bit) = self.mark(OPERATION, byte)?;
        let fd = self.descriptor(OPERATION)?;
        // Acquire: pairs with the Release in `unlock`; what the last holder did is seen.
        if word.fetch_or(bit, AcqRel) & bit != 0 {
            return Ok(false);
        }
        let answer = set_lock(fd, libc::F_WRLCK, BASE + byte, 1);
        if !matches!(answer, Ok(true)) {
            word.fetch_and(!bit, Release);
        }
        answer.map_err(|source| OsError::new(OPERATION, &self.path, source))
    }

    /// Releases `byte`; nothing happens if this handle does not hold it.
    ///
    /// To be called by the thread that took it: the mark is one for the whole process.
    pub fn unlock(&self, byte: u64) -> Result<(), OsError> {
        const OPERATION: &str = "fcntl(F_OFD_SETLK, F_UNLCK)";
        let (word, bit) = self.mark(OPERATION, byte)?;
        let fd = self.descriptor(OPERATION)?;
        if word.load(Acquire) & bit == 0 {
            return Ok(());
        }
        // The kernel first: a thread that finds the mark gone must find the byte free.
        set_lock(fd, libc::F_UNLCK, BASE + byte, 1)
            .map_err(|source| OsError::new(OPERATION, &self.path, source))?;
        word.fetch_and(!bit, Release);
        Ok(())
    }

    /// Is `byte` held over another open file description, in whatever process?
    ///
    /// Never sees this handle's own locks, and is never a proof: the answer may be out of date
    /// before it arrives. Act only on a byte that [`ByteLocks::try_lock`] took.
    pub fn held_by_other(&self, byte: u64) -> Result<bool, OsError> {
        const OPERATION: &str = "fcntl(F_OFD_GETLK)";
        self.mark(OPERATION, byte)?;
        let mut lock = flock(libc::F_WRLCK, BASE + byte, 1);
        let fd = self.descriptor(OPERATION)?;
        // SAFETY: `lock` is valid for reads and writes, and the command takes such a pointer.
        if unsafe { libc::fcntl(fd, libc::F_OFD_GETLK, &raw mut lock) } != 0 {
            return Err(OsError::last(OPERATION, &self.path));
        }
        Ok(i32::from(lock.l_type) != libc::F_UNLCK)
    }

    /// Does this handle hold `byte` (or is a thread just taking or releasing it)?
    pub fn holds(&self, byte: u64) -> bool {
        self.mark("", byte).is_ok_and(|(word, bit)| word.load(Acquire) & bit != 0)
    }

    /// Is the description still open in this process, and was it opened by this process? If not,
    /// the locks are gone or belong to the parent, and the handle is of no further use.
    pub fn is_intact(&self) -> bool {
        self.descriptor("").is_ok()
    }

    /// In a forked child: closes the inherited copy, so that the parent's death can be seen, and
    /// unlocks nothing. In the process that opened it: nothing.
    ///
    /// The fork handler has done it already, except in the child of a raw `clone`.
    pub fn forget_in_child(&self) {
        if fork_epoch() != self.epoch {
            self.first.close_early();
            if let Some(second) = &self.second {
                second.close_early();
            }
        }
    }

    /// The word and the bit that mark `byte` within this process.
    fn mark(&self, operation: &'static str, byte: u64) -> Result<(&AtomicU64, u64), OsError> {
        usize::try_from(byte / 64)
            .ok()
            .and_then(|word| self.held.get(word))
            .map(|word| (word, 1 << (byte % 64)))
            .ok_or_else(|| {
                let text = format!("there is no lock byte {byte}, only 0 to {}", BYTES - 1);
                OsError::new(
                    operation,
                    &self.path,
                    io::Error::new(io::ErrorKind::InvalidInput, text),
                )
            })
    }

    fn descriptor(&self, operation: &'static str) -> Result<RawFd, OsError> {
        let refuse = |text: &str| OsError::new(operation, &self.path, io::Error::other(text));
        if fork_epoch() != self.epoch {
            return Err(refuse("the handle was inherited by fork; the child has to open its own"));
        }
        self.first.fd().or_else(|| self.second.as_ref()?.fd()).ok_or_else(|| {
            refuse(
                "the descriptors of the byte locks were closed by other code of this process \
                 (closefrom, a daemonizing loop); attach anew after it",
            )
        })
    }
}

impl Drop for ByteLocks {
    fn drop(&mut self) {
        // Closing would do, but for a child that inherited the description unseen. In a child the
        // locks are the parent's and stay.
        if let Ok(fd) = self.descriptor("") {
            // A failure leaves it to the closing.
            let _ = set_lock(fd, libc::F_UNLCK, BASE, BYTES);
        }
    }
}

/// Sets or clears a lock without waiting; `false` if another description is in the way.
fn set_lock(fd: RawFd, kind: libc::c_int, start: u64, len: u64) -> io::Result<bool> {
    let lock = flock(kind, start, len);
    // SAFETY: `lock` is valid for reads, and the command takes such a pointer.
    if unsafe { libc::fcntl(fd, libc::F_OFD_SETLK, &raw const lock) } == 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::EAGAIN | libc::EACCES) => Ok(false),
        _ => Err(error),
    }
}

fn flock(kind: libc::c_int, start: u64, len: u64) -> libc::flock {
    libc::flock {
        // The kinds are 0 to 2, and `start` and `len` at most `BASE + BYTES`.
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: start.cast_signed(),
        l_len: len.cast_signed(),
        // The kernel wants 0 here for this family of locks.
        l_pid: 0,
    }
}
