//! Who is measured, and how each comes to its items.

use std::{env, fs};

use clap::ValueEnum;
use hostcache_benches::settings::HUGE_DIR;
use hostcache_benches::store::{Attached, AttachedForSlices, InProcess, Inherited, Store};
use hostcache_benches::subject::{DashMapSubject, Floor, Nothing, Region};
use hostcache_benches::{Key, Operation, Workload};

use crate::heap::{Locked, Moka, Papaya, QuickCache, Unlocked};
use crate::lmdb::LmdbStore;
use crate::pin::PinStore;
use crate::server::{Kind, ServerStore};

/// Memory for a server's items where nothing is to be evicted, in MiB.
const ROOMY: u64 = 1024;
/// Bytes of memory that an item of a workload may take beside its key and value, where there is room for some only.
const OVERHEAD: u64 = 60;

/// Whether the directory is there, and is where such a filesystem is mounted.
fn has_huge_pages() -> bool {
    let Ok(directory) = env::var(HUGE_DIR) else { return false };
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    mounts.lines().any(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        words.get(1) == Some(&directory.as_str())
            && words.get(3).is_some_and(|options| options.contains("huge=always"))
    })
}

/// A subject, or a way to use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Peer {
    Hostcache,
    #[value(name = "hostcache get_slice")]
    Slice,
    #[value(name = "hostcache pin")]
    Pin,
    #[value(name = "hostcache huge")]
    Huge,
    Floor,
    Unlocked,
    Dashmap,
    Papaya,
    Mutex,
    #[value(name = "quick_cache")]
    QuickCache,
    Moka,
    Lmdb,
    Memcached,
    Redis,
    Loop,
}

/// How many items a store has room for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Room {
    /// Nothing is evicted.
    All,
    /// So many items, more or less.
    Items(u32),
}

impl Peer {
    /// What tables call it.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Those that say how fast the machine is, or what hostcache itself does: they are always measured.
    pub(crate) fn is_yardstick(self) -> bool {
        use Peer::{Dashmap, Floor, Hostcache, Huge, Loop, Pin, Slice, Unlocked};
        matches!(self, Hostcache | Slice | Pin | Huge | Floor | Unlocked | Dashmap | Loop)
    }

    pub(crate) fn server(self) -> Option<Kind> {
        match self {
            Self::Memcached => Some(Kind::Memcached),
            Self::Redis => Some(Kind::Redis),
            _ => None,
        }
    }

    /// Whether it can be measured here; `Err` says what is missing.
    pub(crate) fn require(self) -> Result<(), String> {
        match self {
            Self::Huge if !has_huge_pages() => {
                Err(format!("{HUGE_DIR} names no tmpfs that is mounted with huge=always"))
            }
            _ => self.server().map_or(Ok(()), Kind::require),
        }
    }

    /// Whether it says anything about `workload`, one worker at a time.
    pub(crate) fn suits(self, workload: &Workload, room: Room) -> bool {
        let large = workload.keys > Workload::HOT.keys;
        if matches!(room, Room::Items(_)) {
            use Peer::{Hostcache, Loop, Memcached, Moka, QuickCache, Redis};
            return matches!(self, Hostcache | QuickCache | Moka | Memcached | Redis | Loop);
        }
        match self {
            Self::Floor => workload.sizes.max_len() <= Floor::MAX_VALUE_LEN,
            // A pin shows where copying costs something.
            Self::Pin => workload.sizes.max_len() >= 64 << 10,
            Self::Huge => large,
            Self::Slice => !large && workload.sizes.max_len() == workload.sizes.len(0),
            // A socket costs the same whatever is behind it.
            Self::Memcached | Self::Redis => !large,
            _ => true,
        }
    }

    /// Whether it does `operation` in a way of its own.
    pub(crate) fn does(self, operation: Option<Operation>) -> bool {
        !matches!(self, Self::Slice | Self::Pin) || operation == Some(Operation::GetHit)
    }

    /// Whether two workers can share it, and show that they overlapped: a server's clients sleep.
    pub(crate) fn is_shared(self) -> bool {
        use Peer::{Dashmap, Floor, Hostcache, Lmdb, Moka, Mutex, Papaya, QuickCache};
        matches!(self, Hostcache | Floor | Dashmap | Papaya | Mutex | QuickCache | Moka | Lmdb)
    }

    /// Whether its items can be compared byte by byte.
    pub(crate) fn is_checked(self) -> bool {
        !matches!(self, Self::Loop | Self::Pin)
    }

    /// An empty store.
    pub(crate) fn create(self, workload: Workload, room: Room) -> Result<Box<dyn Store>, String> {
        let keys = workload.keys;
        // Caches divide their room among shards, and none may be full before the others.
        let items = match room {
            Room::All => keys * 2,
            Room::Items(items) => items,
        };
        let mebibytes = match room {
            Room::All => ROOMY,
            Room::Items(_) => Self::bytes(&workload, room).div_ceil(1 << 20),
        };
        let region = || {
            let name = match env::var(HUGE_DIR) {
                Ok(directory) if self == Self::Huge => format!("{directory}/bench"),
                _ => format!("bench-{}", self as u32),
            };
            let name = format!("{name}-{}", std::process::id());
            let region = Region::with_capacity(&name, &workload, Self::bytes(&workload, room));
            region.map_err(|error| error.to_string())
        };
        Ok(match self {
            Self::Hostcache | Self::Huge => Box::new(Attached(region()?, workload)),
            Self::Slice => Box::new(AttachedForSlices(region()?, workload)),
            Self::Pin => Box::new(PinStore(region()?, workload)),
            Self::Floor => {
                let floor = Floor::new(keys).map_err(|error| format!("a mapping: {error}"))?;
                Box::new(Inherited(floor, workload))
            }
            Self::Unlocked => Box::new(Inherited(Unlocked::new(keys), workload)),
            Self::Loop => Box::new(Inherited(Nothing(workload.sizes), workload)),
            Self::Dashmap => Box::new(InProcess(DashMapSubject::new(keys), workload)),
            Self::Papaya => Box::new(InProcess(Papaya::new(keys), workload)),
            Self::Mutex => Box::new(InProcess(Locked::new(keys), workload)),
            Self::QuickCache => Box::new(InProcess(QuickCache::new(items), workload)),
            Self::Moka => Box::new(InProcess(Moka::new(items), workload)),
            Self::Lmdb => Box::new(LmdbStore::create(workload)?),
            Self::Memcached => Box::new(ServerStore::create(Kind::Memcached, workload, mebibytes)?),
            Self::Redis => Box::new(ServerStore::create(Kind::Redis, workload, mebibytes)?),
        })
    }

    /// Bytes of memory for so much room.
    fn bytes(workload: &Workload, room: Room) -> u64 {
        match room {
            Room::All => Region::capacity_for(workload),
            Room::Items(items) => {
                u64::from(items) * (workload.sizes.max_len() as u64 + Key::LEN as u64 + OVERHEAD)
            }
        }
    }
}
