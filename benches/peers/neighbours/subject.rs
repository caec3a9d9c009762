//! Whose writers are killed and stopped.

use std::path::Path;

use clap::ValueEnum;
use hostcache::Cache;

use crate::lmdb::Lmdb;
use crate::toy::Toy;

/// A store that processes share.
pub(crate) trait Shared {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, String>;
    fn set(&self, key: &str, value: &[u8]) -> Result<(), String>;
}

/// A subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    Hostcache,
    Lmdb,
    LmdbWriteMap,
    ToyLocked,
    ToyInPlace,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hostcache => "hostcache",
            Self::Lmdb => "lmdb",
            Self::LmdbWriteMap => "lmdb-write-map",
            Self::ToyLocked => "toy-locked",
            Self::ToyInPlace => "toy-in-place",
        }
    }

    /// Makes an empty store in an empty directory.
    pub(crate) fn create(self, directory: &Path) -> Result<Box<dyn Shared>, String> {
        Ok(match self {
            Self::Hostcache => {
                let builder = Cache::builder(REGION).directory(directory).capacity(CAPACITY);
                Box::new(builder.create().map_err(|error| error.to_string())?)
            }
            Self::Lmdb => Box::new(Lmdb::create(directory, false)?),
            Self::LmdbWriteMap => Box::new(Lmdb::create(directory, true)?),
            Self::ToyLocked => Box::new(Toy::create(directory, true)?),
            Self::ToyInPlace => Box::new(Toy::create(directory, false)?),
        })
    }

    /// Opens what another process made.
    pub(crate) fn open(self, directory: &Path) -> Result<Box<dyn Shared>, String> {
        Ok(match self {
            Self::Hostcache => {
                let cache = Cache::builder(REGION).directory(directory).open();
                Box::new(cache.map_err(|error| error.to_string())?)
            }
            Self::Lmdb => Box::new(Lmdb::open(directory, false)?),
            Self::LmdbWriteMap => Box::new(Lmdb::open(directory, true)?),
            Self::ToyLocked => Box::new(Toy::open(directory, true)?),
            Self::ToyInPlace => Box::new(Toy::open(directory, false)?),
        })
    }
}

const REGION: &str = "neighbours";
/// Far more than the items need: nothing is evicted.
const CAPACITY: u64 = 4 << 20;

impl Shared for Cache {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, String> {
        self.try_get(key).map_err(|error| error.to_string())
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), String> {
        Cache::set(self, key, value).map(drop).map_err(|error| error.to_string())
    }
}
