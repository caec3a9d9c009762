//! A cache in the memory of one host, shared by many processes.
//!
//! Every process maps one file (in `/dev/shm`) and reads and writes the cache as memory: no socket, no server on
//! the data path.
//!
//! # Usage
//!
//! ```
//! use hostcache::{Cache, SetOptions};
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let name = dir.path().join("catalog").display().to_string();
//! // In one process:
//! let cache = Cache::builder(&name).capacity(16 << 20).open_or_create()?;
//! cache.set_with("user:7", "Ada", &SetOptions::new().ttl(Duration::from_secs(30)))?;
//! // In any other:
//! let cache = Cache::open(&name)?;
//! assert_eq!(cache.get("user:7").as_deref(), Some(&b"Ada"[..]));
//! # Ok(())
//! # }
//! ```
//!
//! # Consistency
//!
//! Operations on one key are linearizable over all processes: they happen in one order that fits real time. An item may end
//! at any moment between two operations, by eviction or expiry, and is counted in [`Stats`]; nothing older ever shows
//! again. A read gives exactly the bytes that one `set` wrote for exactly that key. [`Cache::clear`] is one event
//! for all keys.
//!
//! # Expiry and eviction
//!
//! Deadlines are milliseconds on the monotonic clock that all processes of a host share, and checked on every read; an
//! item never ends early, and up to a tick of the system's coarse clock (1 to 10 ms) late. Memory of expired items comes back by
//! [`Cache::maintain`], which `hostcache serve` repeats, or as it is needed. When memory is full, writers evict: the
//! least used of the items that the hand of their slab class meets.
//!
//! # In place
//!
//! [`Cache::pin`] holds an item where it is, unchanged, whatever becomes of its key; [`Cache::reserve`] gives memory to make a
//! value in, which [`Reservation::publish`] stores without a copy. Both are bounded: pins and reservations of all processes hold
//! at most a quarter of the capacity together (or a single larger value), and a dead process's count for nothing. A pinned item keeps its page of memory as it is:
//! many small pins held for long can leave no room for values of several pages.
//!
//! # A name and its region
//!
//! Where a region's file is removed while it is in use, its users go on with it, until another region has its name: then they go over
//! to that, looking at every write and every 64th read whether half a second has passed since the last look. What was in the old
//! region has ended.
//!
//! # Without a file
//!
//! [`CacheBuilder::memfd`] makes a region in memory that has no file in any directory, its size sealed; it is handed from process
//! to process as a descriptor ([`Cache::as_fd`], [`Cache::from_fd`]), or by a daemon over a Unix socket
//! ([`Cache::from_socket`]). It ends with the last process that has it.
//!
//! # Process death
//!
//! There is no lock in the region: whoever is stopped or killed, at any instruction, holds up nobody. What a dead process
//! held comes back by the daemon, by whoever attaches next, or by the next allocation that needs it. Death is
//! proven by a byte lock that the kernel drops, never by a time-out.
//!
//! # Caveats
//!
//! - A forked child attaches by itself at its first operation, to a private cache by the inherited descriptor. Fork and attach cost a few system calls.
//! - Code that closes all descriptors of a living process (`closefrom(3)`, daemonizing loops) drops its byte lock: it counts as
//!   dead, is recovered, and attaches anew at its next operation. An operation in the middle of that may be lost. Attach afterwards.
//! - Each thread that uses a region takes one participant slot, and so does every reservation, and every few dozen pins of a process;
//!   see [`CacheBuilder::participants`].
//! - Local filesystems only: locks and mappings of network filesystems are not coherent, and are refused.
//! - A process that may write the file may also truncate it, and the kernel then ends who touches the lost pages.
//! - Pickled or otherwise executable values are as trustworthy as whoever may write the region.
//!
//! # Features
//!
//! - `bincode`: [`TypedCache`] with [`Bincode`], its default codec.
//! - `json`: [`TypedCache`] with [`Json`].
//! - `shared_memory`: regions in named segments of the crate of that name, `CacheBuilder::named_segment`.
//!
//! # Performance
//!
//! A hit copies the value out behind two looks at its slot and header, without an atomic read-modify-write and without a
//! system call. A `set` over an existing key is three: naming, linking, retiring. A pin and its end cost as much as copying about two
//! kilobytes.

mod append;
mod attachment;
mod batch;
mod berths;
mod builder;
mod cache;
mod clock;
mod codec;
mod error;
mod follow;
mod found;
mod inspect;
mod item;
mod iterate;
mod last;
mod lifetime;
mod maintenance;
mod memfd;
mod office;
mod open;
mod options;
mod pages;
mod pin;
mod place;
mod private;
mod read;
mod renew;
mod reservation;
mod seat;
mod segment;
mod socket;
mod stats;
mod take;
mod typed;
mod write;

pub use builder::CacheBuilder;
pub use cache::Cache;
pub use clock::ManualClock;
pub use codec::{Bincode, Codec, Json};
pub use error::{Bound, OpenError, PinError, ReadError, WriteError};
pub use found::Found;
/// Version of the regions' byte format that this library reads and writes.
pub use hostcache_core::layout::LAYOUT_VERSION;
pub use hostcache_os::group_id;
pub use iterate::{Items, Keys};
pub use maintenance::Leadership;
pub use memfd::MemfdBuilder;
pub use options::{
    CasToken, Condition, CounterOptions, Item, ItemInfo, Lifetime, SetOptions, SetOutcome, encoding,
};
pub use pin::Pin;
pub use private::PrivateCache;
pub use reservation::Reservation;
pub use stats::{
    CheckReport, ClassInfo, HugePages, MaintenanceBudget, MaintenanceReport, ParticipantInfo,
    RegionEntry, RegionInfo, Stats,
};
pub use typed::{TypedCache, TypedError};

/// The README's example, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
