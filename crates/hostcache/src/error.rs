//! The error families: opening, writing, reading.
//!
//! Every text says what was tried, on which region, what the system answered and what to do.

use std::fmt;
use std::path::PathBuf;

/// Why a region could not be created, opened, listed or destroyed.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The name is not 1 to 30 characters of `[A-Za-z0-9._-]`, the first a letter or digit.
    InvalidName {
        /// What was given.
        name: String,
    },
    /// A setting is out of its range.
    InvalidSetting {
        /// Region name.
        region: String,
        /// Which setting, with the value and the allowed range.
        detail: String,
    },
    /// No region of that name, and nothing said how large to make it.
    Missing {
        /// Region name.
        region: String,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// `create` on a region that exists.
    Exists {
        /// Region name.
        region: String,
        /// Where it is.
        path: PathBuf,
    },
    /// `exact` was asked for and the region has another capacity.
    CapacityDiffers {
        /// Region name.
        region: String,
        /// What was asked for, in bytes.
        wanted: u64,
        /// What the region has, in bytes.
        actual: u64,
    },
    /// The filesystem has no room for the region.
    NoSpace {
        /// Region name.
        region: String,
        /// The directory that is full.
        path: PathBuf,
        /// Bytes needed.
        needed: u64,
        /// Bytes available there.
        available: u64,
    },
    /// The region's backing can't do what was asked for.
    Unsupported {
        /// Region name.
        region: String,
        /// Which backing.
        backing: &'static str,
        /// What was asked for.
        what: &'static str,
        /// What to do instead.
        remedy: &'static str,
    },
    /// The file is not a hostcache region.
    NotARegion {
        /// Region name.
        region: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The region has another layout version than this library.
    Incompatible {
        /// Region name.
        region: String,
        /// The file.
        path: PathBuf,
        /// Layout version of the region.
        found: u32,
        /// Layout version of this library.
        supported: u32,
    },
    /// The header contradicts itself or the file's size.
    Corrupt {
        /// Region name.
        region: String,
        /// The file.
        path: PathBuf,
        /// Which field, and what it says.
        detail: String,
    },
    /// The file's owner, mode or type forbids to trust it.
    Refused {
        /// Region name.
        region: String,
        /// The file or directory.
        path: PathBuf,
        /// What is wrong, and what would be right.
        detail: String,
    },
    /// Every participant slot is taken by a living process.
    TooManyParticipants {
        /// Region name.
        region: String,
        /// How many slots there are.
        slots: u32,
    },
    /// The operating system refused a call.
    System {
        /// Region name.
        region: String,
        /// What was tried.
        operation: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the system answered.
        source: std::io::Error,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidName { name } => write!(
                f,
                "invalid region name {name:?}: use 1 to 30 characters of A-Z a-z 0-9 . _ -, the \
                 first a letter or digit, or a path with a / in it"
            ),
            Self::InvalidSetting { region, detail } => write!(f, "region {region:?}: {detail}"),
            Self::Missing { region, path } => write!(
                f,
                "no region {region:?} at {}: make one with Cache::builder({region:?}).capacity(bytes).create(), \
                 .open_or_create(), or `hostcache create {region} --capacity 256MiB`",
                path.display()
            ),
            Self::Exists { region, path } => write!(
                f,
                "region {region:?} exists already at {}: open it, use open_or_create, or destroy it first",
                path.display()
            ),
            Self::CapacityDiffers { region, wanted, actual } => write!(
                f,
                "region {region:?} has a capacity of {actual} bytes, {wanted} were asked for exactly: \
                 drop exact() to attach as it is, or destroy it and create it anew"
            ),
            Self::NoSpace { region, path, needed, available } => write!(
                f,
                "no room for region {region:?} in {}: {needed} bytes needed, {available} available; \
                 ask for a smaller capacity, free space there, or enlarge it (containers: --shm-size; \
                 hosts: mount -o remount,size=… {})",
                path.display(),
                path.display()
            ),
            Self::Unsupported { region, backing, what, remedy } => write!(
                f,
                "region {region:?}: {what} is not supported by this backing ({backing}): {remedy}"
            ),
            Self::NotARegion { region, path, detail } => write!(
                f,
                "{} is not a hostcache region ({detail}): region {region:?} can't be opened; move the \
                 file away or choose another name",
                path.display()
            ),
            Self::Incompatible { region, path, found, supported } => write!(
                f,
                "region {region:?} at {} has layout version {found}, this library reads layout version \
                 {supported}: use a library of the same version, give this one a region of its own beside it ({region}.v{supported}), \
                 or destroy the region and create it anew",
                path.display()
            ),
            Self::Corrupt { region, path, detail } => write!(
                f,
                "region {region:?} at {} is corrupt: {detail}; destroy it and create it anew",
                path.display()
            ),
            Self::Refused { region, path, detail } => {
                write!(f, "region {region:?}: {} is refused: {detail}", path.display())
            }
            Self::TooManyParticipants { region, slots } => write!(
                f,
                "all {slots} participant slots of region {region:?} are held by living threads: end \
                 some of them, open read-only, or create the region with more (.participants(n))"
            ),
            Self::System { region, operation, path, source } => {
                write!(f, "region {region:?}: {operation} on {} failed: {source}", path.display())
            }
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::System { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Why a write did not happen.
#[derive(Debug)]
#[non_exhaustive]
pub enum WriteError {
    /// The key is empty or longer than 64 KiB.
    InvalidKey {
        /// Region name.
        region: String,
        /// Its length in bytes.
        len: usize,
    },
    /// The value is larger than the region's limit.
    TooLarge {
        /// Region name.
        region: String,
        /// Length of the value in bytes.
        len: usize,
        /// The largest value that the region takes with this key, in bytes.
        limit: usize,
    },
    /// No memory could be freed for the value: what is left is held by others; or the item that it follows from (`append`,
    /// `touch`, `replace` …) is so large that both have no room.
    NoRoom {
        /// Region name.
        region: String,
        /// Bytes that were needed.
        needed: u64,
        /// Bytes held by reservations, writers in flight, magazines, and stopped or dead participants.
        held: u64,
        /// Bytes held by pins.
        pinned: u64,
    },
    /// The value is not a counter of ASCII decimal digits.
    NotANumber {
        /// Region name.
        region: String,
    },
    /// The region was attached read-only.
    ReadOnly {
        /// Region name.
        region: String,
    },
    /// The region contradicts itself: an operation met its step bound.
    Corrupt {
        /// Region name.
        region: String,
        /// What was met.
        detail: String,
    },
    /// No participant slot could be had, or a forked child could not attach anew.
    Attach(Box<OpenError>),
    /// A reservation would hold more than it may, see [`Cache::reserve`](crate::Cache::reserve).
    OverBound {
        /// Region name.
        region: String,
        /// Bytes of the block that was asked for.
        wanted: u64,
        /// Bytes that count already.
        held: u64,
        /// Bytes that may be held.
        limit: u64,
        /// By whom.
        bound: Bound,
    },
    /// The process has as many reservations as it may.
    TooManyReservations {
        /// Region name.
        region: String,
        /// How many that is.
        limit: u64,
    },
    /// The reservation was inherited by a forked child, or its participant was recovered under a living process.
    ReservationLost {
        /// Region name.
        region: String,
    },
}

/// Whose holdings a bound is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bound {
    /// The reservations of one process.
    Process,
    /// All pins and reservations of the region.
    Region,
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Process => "the reservations of one process",
            Self::Region => "all pins and reservations together",
        })
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidKey { region, len } => write!(
                f,
                "region {region:?}: a key of {len} bytes is not allowed: keys have 1 to 65536 bytes"
            ),
            Self::TooLarge { region, len, limit } => write!(
                f,
                "region {region:?}: a value of {len} bytes is over the limit of {limit} bytes: split \
                 it, or create a region of larger capacity"
            ),
            Self::NoRoom { region, needed, held, pinned } => write!(
                f,
                "region {region:?}: no room for {needed} bytes: {held} bytes are held by reservations, \
                 writers in flight, and stopped or dead participants, {pinned} by pins, each of which keeps its page as it is; \
                 retry, drop pins, publish or cancel reservations, end stopped \
                 processes (`hostcache stats` names them), or create a region of larger capacity; a large item \
                 that is replaced for what it holds needs room beside it: delete it first, or use set"
            ),
            Self::NotANumber { region } => write!(
                f,
                "region {region:?}: the value is not a decimal number of at most 20 digits, so it \
                 can't be counted up or down: set it to one first"
            ),
            Self::ReadOnly { region } => write!(
                f,
                "region {region:?} is attached read-only: open it with Cache::open to write"
            ),
            Self::Corrupt { region, detail } => write!(
                f,
                "region {region:?} is corrupt: {detail}; run `hostcache check {region}`, then destroy \
                 it and create it anew"
            ),
            Self::Attach(e) => write!(f, "can't take part: {e}"),
            Self::OverBound { region, wanted, held, limit, bound } => write!(
                f,
                "region {region:?}: a reservation of {wanted} bytes is refused: {bound} may hold \
                 {limit} bytes, {held} are held; publish or cancel some first, or use set"
            ),
            Self::TooManyReservations { region, limit } => write!(
                f,
                "region {region:?}: this process has {limit} reservations, as many as it may: publish or \
                 cancel one first, or create the region with more participants"
            ),
            Self::ReservationLost { region } => write!(
                f,
                "region {region:?}: the reservation is another process's (it was inherited by fork, or \
                 this process's descriptors were closed under it): reserve anew"
            ),
        }
    }
}

impl std::error::Error for WriteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Attach(e) => Some(e),
            _ => None,
        }
    }
}

impl From<Box<WriteError>> for WriteError {
    fn from(error: Box<WriteError>) -> Self {
        *error
    }
}

/// Why a read could not be answered (a miss is no error).
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// The key is empty or longer than 64 KiB.
    InvalidKey {
        /// Region name.
        region: String,
        /// Its length in bytes.
        len: usize,
    },
    /// A forked child could not attach anew.
    Attach(Box<OpenError>),
    /// The item kept changing for as many copies as the step bound allows.
    Contended {
        /// Region name.
        region: String,
    },
    /// The region contradicts itself: an operation met its step bound.
    Corrupt {
        /// Region name.
        region: String,
        /// What was met.
        detail: String,
    },
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidKey { region, len } => write!(
                f,
                "region {region:?}: a key of {len} bytes is not allowed: keys have 1 to 65536 bytes"
            ),
            Self::Attach(e) => write!(f, "can't read: {e}"),
            Self::Contended { region } => write!(
                f,
                "region {region:?}: the item was replaced during every attempt to copy it: retry"
            ),
            Self::Corrupt { region, detail } => write!(
                f,
                "region {region:?} is corrupt: {detail}; run `hostcache check {region}`, then destroy \
                 it and create it anew"
            ),
        }
    }
}

impl From<Box<ReadError>> for ReadError {
    fn from(error: Box<ReadError>) -> Self {
        *error
    }
}

impl std::error::Error for ReadError {}

/// Why an item could not be held in place (a miss is no error).
#[derive(Debug)]
#[non_exhaustive]
pub enum PinError {
    /// The key is empty or longer than 64 KiB.
    InvalidKey {
        /// Region name.
        region: String,
        /// Its length in bytes.
        len: usize,
    },
    /// The region was attached read-only: a pin is a record in it.
    ReadOnly {
        /// Region name.
        region: String,
    },
    /// All pins and reservations together would hold more than a quarter of the capacity.
    OverBound {
        /// Region name.
        region: String,
        /// Bytes of the item's block.
        wanted: u64,
        /// Bytes that pins and reservations of all processes hold already.
        held: u64,
        /// Bytes that they may hold together.
        limit: u64,
    },
    /// The process has as many pins as it may.
    TooManyPins {
        /// Region name.
        region: String,
        /// How many that is.
        limit: u64,
    },
    /// No participant slot could be had, or a forked child could not attach anew.
    Attach(Box<OpenError>),
    /// The item was replaced at every attempt to hold it, for as many as the step bound allows.
    Contended {
        /// Region name.
        region: String,
    },
}

impl fmt::Display for PinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidKey { region, len } => write!(
                f,
                "region {region:?}: a key of {len} bytes is not allowed: keys have 1 to 65536 bytes"
            ),
            Self::ReadOnly { region } => write!(
                f,
                "region {region:?} is attached read-only, and a pin is a record in it: open it with \
                 Cache::open, or copy the value out"
            ),
            Self::OverBound { region, wanted, held, limit } => write!(
                f,
                "region {region:?}: a pin of {wanted} bytes is refused: all pins and reservations together \
                 may hold {limit} bytes, {held} are held; drop some (`hostcache ps` names the holders), \
                 or copy the value out"
            ),
            Self::TooManyPins { region, limit } => write!(
                f,
                "region {region:?}: this process has {limit} pins, as many as it may: drop some, copy \
                 the value out, or create the region with more participants"
            ),
            Self::Attach(e) => write!(f, "can't pin: {e}"),
            Self::Contended { region } => write!(
                f,
                "region {region:?}: the item was replaced during every attempt to hold it: retry"
            ),
        }
    }
}

impl std::error::Error for PinError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Attach(e) => Some(e),
            _ => None,
        }
    }
}
