//! Two stores that are bad on purpose: what finds nothing wrong with them is blind.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use memmap2::MmapRaw;

use crate::content::{KEYS, LEN};
use crate::subject::Shared;

const WORDS: usize = LEN / 8;

/// A mapped file: a lock, and a place for each key.
#[repr(C)]
struct Contents {
    lock: AtomicU32,
    places: [Place; KEYS as usize],
}

/// Its value is there if it has a length.
#[repr(C)]
struct Place {
    len: AtomicU64,
    words: [AtomicU64; WORDS],
}

/// Writes in place, the length first taken away and then set before the value is whole.
pub(crate) struct Toy {
    map: MmapRaw,
    /// Everybody spins on a lock that dies with nobody.
    locked: bool,
}

impl Toy {
    pub(crate) fn create(directory: &Path, locked: bool) -> Result<Self, String> {
        let file = File::create_new(directory.join("toy"));
        let sized = file.and_then(|file| file.set_len(size_of::<Contents>() as u64));
        sized.map_err(|error| format!("making a toy in {}: {error}", directory.display()))?;
        Self::open(directory, locked)
    }

    pub(crate) fn open(directory: &Path, locked: bool) -> Result<Self, String> {
        let file = File::options().read(true).write(true).open(directory.join("toy"));
        let map = file.and_then(|file| MmapRaw::map_raw(&file));
        let map = map.map_err(|error| format!("a toy in {}: {error}", directory.display()))?;
        if map.len() < size_of::<Contents>() {
            return Err(format!("the toy in {} is cut off", directory.display()));
        }
        Ok(Self { map, locked })
    }

    fn contents(&self) -> &Contents {
        // SAFETY: the mapping begins on a page, is long enough and lives as long as this; all in it are atomics, for which
        // any bytes are valid.
        unsafe { &*self.map.as_ptr().cast::<Contents>() }
    }

    fn place(&self, key: &str) -> Result<&Place, String> {
        let index = key.rsplit('-').next().and_then(|digits| digits.parse::<usize>().ok());
        let place = index.and_then(|index| self.contents().places.get(index));
        place.ok_or_else(|| format!("a toy has no place for {key}"))
    }

    fn while_locked<T>(&self, work: impl FnOnce() -> T) -> T {
        if !self.locked {
            return work();
        }
        let lock = &self.contents().lock;
        while lock.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_err() {
            thread::sleep(Duration::from_micros(500));
        }
        let result = work();
        lock.store(0, Ordering::Release);
        result
    }
}

impl Shared for Toy {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, String> {
        let place = self.place(key)?;
        let read = || {
            let is_there = place.len.load(Ordering::Acquire) != 0;
            let words = place.words.iter();
            is_there.then(|| {
                words.flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes()).collect()
            })
        };
        Ok(self.while_locked(read))
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), String> {
        let place = self.place(key)?;
        let (chunks, []) = value.as_chunks::<8>() else {
            return Err("a toy holds whole words".to_owned());
        };
        self.while_locked(|| {
            let half = WORDS / 2;
            place.len.store(0, Ordering::Release);
            for (at, (word, chunk)) in place.words.iter().zip(chunks).enumerate() {
                if at == half {
                    place.len.store(value.len() as u64, Ordering::Release);
                }
                word.store(u64::from_ne_bytes(*chunk), Ordering::Release);
            }
        });
        Ok(())
    }
}
