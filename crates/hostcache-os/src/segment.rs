//! Named segments, as the crate `shared_memory` makes them: memory with a name of the system's, on every platform that the
//! crate knows.
//!
//! What the crate can't do decides what this backing is: it maps for reading and writing alone, gives a segment to its
//! maker's user alone, and reserves no memory, so that a system without any ends who touches a page first (SIGBUS). A
//! segment stays until it is removed; one whose maker is killed right after making it stays without anybody who knows
//! its name.

use crate::directory::SHARED_MEMORY;
use crate::error::{FileError, OsError};
use crate::file::available_bytes;
use crate::pending::check_size;
use crate::random::random_bytes;
use shared_memory::{Shmem, ShmemConf, ShmemError};
use std::fmt;
use std::io;
use std::path::Path;
use std::ptr::NonNull;

/// How many names are tried that are taken.
const TRIES: u32 = 8;

/// One process's mapping of a segment. A new one is removed when it is dropped, unless [`Segment::keep`] was called.
pub struct Segment {
    memory: Shmem,
    address: NonNull<u8>,
}

impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Segment").field("id", &self.id()).finish_non_exhaustive()
    }
}

impl Segment {
    /// Makes a segment of `len` bytes, all zero, under a name that nobody can guess.
    pub fn create(len: usize) -> Result<Self, FileError> {
        let directory = Path::new(SHARED_MEMORY);
        check_size(len as u64).map_err(|error| OsError::new("shm_open", directory, error))?;
        // No reservation, but what is not there already need not be tried.
        let available = available_bytes(directory).unwrap_or(u64::MAX);
        if available < len as u64 {
            return Err(FileError::NoSpace {
                path: directory.to_path_buf(),
                needed: len as u64,
                available,
            });
        }
        let mut tries = 0;
        let memory = loop {
            let id = format!("/hostcache-{:016x}", u64::from_ne_bytes(random_bytes()?));
            match ShmemConf::new().os_id(&id).size(len).create() {
                Err(ShmemError::MappingIdExists) if tries < TRIES => tries += 1,
                other => break other.map_err(|error| failed("shm_open", &id, error))?,
            }
        };
        Ok(Self::of(memory)?)
    }

    /// Maps a segment that exists.
    pub fn open(id: &str) -> Result<Self, FileError> {
        let opened = ShmemConf::new().os_id(id).open();
        let memory = opened.map_err(|error| {
            let OsError { operation, path, source } = failed("shm_open", id, error);
            FileError::from_io(operation, &path, source)
        })?;
        Ok(Self::of(memory)?)
    }

    /// Takes a segment's name away. Processes that have it mapped keep it.
    pub fn remove(id: &str) -> Result<(), FileError> {
        let mut segment = Self::open(id)?;
        segment.memory.set_owner(true);
        Ok(())
    }

    fn of(memory: Shmem) -> Result<Self, OsError> {
        let address = NonNull::new(memory.as_ptr()).ok_or_else(|| {
            let error = io::Error::other("the system chose address 0");
            OsError::new("mmap", Path::new(memory.get_os_id()), error)
        })?;
        Ok(Self { memory, address })
    }

    /// Its name, as the system has it.
    pub fn id(&self) -> &str {
        self.memory.get_os_id()
    }

    /// The segment stays when this mapping goes.
    pub fn keep(&mut self) {
        self.memory.set_owner(false);
    }

    pub(crate) fn address(&self) -> NonNull<u8> {
        self.address
    }

    pub(crate) fn len(&self) -> usize {
        self.memory.len()
    }
}

fn failed(operation: &'static str, id: &str, error: ShmemError) -> OsError {
    let source = match error {
        ShmemError::MapCreateFailed(errno)
        | ShmemError::MapOpenFailed(errno)
        | ShmemError::UnknownOsError(errno) => io::Error::from_raw_os_error(errno.cast_signed()),
        other => io::Error::other(other.to_string()),
    };
    OsError::new(operation, Path::new(id), source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mapping;

    fn is_there(id: &str) -> bool {
        Path::new(SHARED_MEMORY).join(id.trim_start_matches('/')).exists()
    }

    #[test]
    fn a_new_segment_goes_unless_it_is_kept_and_until_it_is_removed() {
        let dropped = Segment::create(1 << 20).unwrap();
        let id = dropped.id().to_owned();
        assert!(id.len() <= 31, "as long as every system allows: {id}");
        assert!(is_there(&id));
        drop(dropped);
        assert!(!is_there(&id));

        let mut kept = Segment::create(1 << 20).unwrap();
        let id = kept.id().to_owned();
        kept.keep();
        drop(kept);
        assert!(is_there(&id));
        drop(Segment::open(&id).unwrap());
        assert!(is_there(&id), "who opens it is not its maker");
        Segment::remove(&id).unwrap();
        assert!(!is_there(&id));
        for gone in [Segment::remove(&id), Segment::open(&id).map(drop)] {
            assert!(matches!(gone, Err(FileError::Missing { .. })), "{gone:?}");
        }
    }

    #[test]
    fn two_mappings_see_the_same_bytes() {
        let segment = Segment::create(8192).unwrap();
        let other = Mapping::of_segment(Segment::open(segment.id()).unwrap());
        let mapping = Mapping::of_segment(segment);
        assert_eq!((mapping.len(), other.len()), (8192, 8192));
        assert!(mapping.is_writable() && mapping.is_named_segment());
        assert_ne!(mapping.as_ptr(), other.as_ptr());
        // SAFETY: the offset is within both mappings, and nobody refers to the bytes.
        unsafe {
            mapping.as_ptr().as_ptr().add(5000).write_volatile(7);
            assert_eq!(other.as_ptr().as_ptr().add(5000).read_volatile(), 7);
        }
        mapping.populate(0, 8192).unwrap();
        assert!(mapping.populate(4096, 8192).is_err(), "beyond the end");
    }

    #[test]
    fn more_than_there_is_is_refused_with_both_numbers() {
        let refused = Segment::create(1 << 50);
        let Err(FileError::NoSpace { needed, available, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert!(needed == 1 << 50 && available < needed);
    }
}
