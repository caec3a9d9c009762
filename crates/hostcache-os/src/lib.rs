//! Mapping, backing, byte locks, fork detection and time: every system call, and nothing about
//! caching.
//!
//! The idea: the code above this crate works on a mapped range of bytes and decides by atomics
//! alone. What it needs from the operating system is little, and each piece stands in one module:
//!
//! | Module | Answers |
//! |---|---|
//! | [`directory`] | Where do regions live, and may that directory be trusted? |
//! | [`group`] | Which directory does a group share, and who is in it? |
//! | [`mod@file`] | How does a file appear whole or not at all, and may an existing one be trusted? |
//! | [`memfd`] | May a file that came as a descriptor be trusted? (sealed, its size is fixed for good) |
//! | [`passing`] | Who asks for a descriptor over a socket, and how is it handed over? |
//! | [`mapping`] | Where are the bytes in this process, and may it write them? |
//! | [`truncation`] | What if the file is cut off while it is mapped? (a handler, on request) |
//! | [`huge`] | Were huge pages given? |
//! | `segment` | The same without a file, in a named segment (feature `shared_memory`). |
//! | [`lock`] | Which process is alive? (a byte lock that ends with its holder) |
//! | [`fork`] | Is this still the process that opened the handle? |
//! | [`time`] | What time is it, the same for every process of the host? |
//! | [`random`] | Bytes that nobody can guess. |
//! | [`process`] | Names for people to read; nothing is decided by them. |
//!
//! No call here waits for another process, but those of [`passing`], and these not without a bound.
//! Every refusal names the path and what to do about it ([`error`]).
//!
//! Platform: Linux 4.14 or newer (older kernels, and sandboxes without `MADV_WIPEONFORK`, lose the
//! detection of a raw `clone`, see [`fork`]), with `/proc` mounted.

#[cfg(not(target_os = "linux"))]
compile_error!("hostcache-os is written against Linux: OFD locks, O_TMPFILE, MADV_WIPEONFORK");

mod descriptor;
pub mod directory;
pub mod error;
pub mod file;
pub mod fork;
pub mod group;
pub mod huge;
pub mod lock;
pub mod mapping;
pub mod memfd;
pub mod passing;
mod pending;
pub mod process;
pub mod random;
#[cfg(feature = "shared_memory")]
pub mod segment;
pub mod time;
pub mod truncation;
mod trust;

pub use directory::{
    check_directory, default_directory, ensure_directory, named_directory, region_directories,
    valid_name,
};
pub use error::{FileError, FileKind, OsError};
pub use file::{
    FileIdentity, PendingFile, allocated_bytes, available_bytes, duplicate, file_identity,
    file_len, identity_at, is_unlinked, link_count, mode_and_group, open_region_file, same_file,
    unlink,
};
pub use fork::{ProcessMark, fork_epoch};
pub use group::{
    caller_groups, check_group_directory, effective_group, ensure_group_directory, group_directory,
    group_id, may_give_to_group, open_group_file,
};
pub use huge::HugeSetting;
pub use lock::ByteLocks;
pub use mapping::Mapping;
pub use memfd::{ReceivedFile, UnsealedMemfd, descriptor_path, receive_region_file};
pub use process::{available_memory, command_name, pid, yield_now};
pub use random::random_bytes;
#[cfg(feature = "shared_memory")]
pub use segment::Segment;
pub use time::{boot_id, now_coarse_ms, now_ms, unix_ms};
pub use truncation::TruncationGuard;
pub use trust::check_owner;
