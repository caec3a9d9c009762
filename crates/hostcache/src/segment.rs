//! Regions in named segments of the crate `shared_memory`.
//!
//! A segment has no place for locks and is in no directory. So a small file stands where the region's file would: it names
//! the segment, and carries the byte locks that prove participants alive. It appears last, whole or not at all; a creator that
//! is killed before that leaves a segment that nobody can find and that stays until the system is restarted.
//!
//! The file is trusted as a region's file is. It also tells the seed of the region's hash, which nobody can know who could not
//! read the segment: one that somebody else has put under the same name in the meantime is refused.

use std::fs::File;
use std::os::unix::fs::FileExt;

use crate::OpenError;
use crate::place::Place;

/// What the file begins with, version included.
const MAGIC: &str = "hostcache segment 1";

/// Length of the file, filled up with zeros: less than any region has.
const LEN: usize = 128;

/// What an error calls this backing.
const BACKING: &str = "a named segment";

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    id: String,
    seed: u64,
    /// Bytes of the segment.
    pub(crate) capacity: u64,
}

impl Record {
    /// What an open file says, if it is such a file.
    pub(crate) fn read(file: &File) -> Option<Self> {
        if hostcache_os::file_len(file).ok()? != LEN as u64 {
            return None;
        }
        let mut bytes = [0; LEN];
        file.read_exact_at(&mut bytes, 0).ok()?;
        Self::parse(std::str::from_utf8(&bytes).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.trim_end_matches('\0').lines();
        (lines.next()? == MAGIC).then_some(())?;
        let id = lines.next()?;
        let seed = u64::from_str_radix(lines.next()?, 16).ok()?;
        let capacity = lines.next()?.parse().ok()?;
        let is_plain = id.strip_prefix('/').is_some_and(hostcache_os::valid_name);
        (is_plain && lines.next().is_none()).then(|| Self { id: id.to_owned(), seed, capacity })
    }

    #[cfg(any(test, feature = "shared_memory"))]
    fn text(&self) -> String {
        format!("{MAGIC}\n{}\n{:016x}\n{}\n", self.id, self.seed, self.capacity)
    }
}

/// What this backing can't do.
pub(crate) fn unsupported(place: &Place, what: &'static str, remedy: &'static str) -> OpenError {
    OpenError::Unsupported { region: place.name(), backing: BACKING, what, remedy }
}

#[cfg(not(feature = "shared_memory"))]
mod without {
    use super::*;
    use crate::attachment::Attachment;

    const REMEDY: &str = "build hostcache with its feature shared_memory";

    impl Attachment {
        pub(crate) fn map_segment(
            place: &Place,
            _: File,
            _: &Record,
            _: bool,
        ) -> Result<Self, OpenError> {
            Err(unsupported(place, "attaching without the feature", REMEDY))
        }
    }

    pub(crate) fn remove(place: &Place, _: &Record) -> Result<(), OpenError> {
        Err(unsupported(place, "removing without the feature", REMEDY))
    }
}

#[cfg(not(feature = "shared_memory"))]
pub(crate) use without::remove;

#[cfg(feature = "shared_memory")]
mod with {
    use hostcache_core::layout::Header;
    use hostcache_os::{FileError, Mapping, OsError, PendingFile, Segment};

    use super::*;
    use crate::CacheBuilder;
    use crate::attachment::Attachment;

    impl CacheBuilder {
        /// Makes the segment, and the file that names it.
        pub(crate) fn make_segment(&self, place: &Place, header: &Header) -> Result<(), OpenError> {
            self.check_segment(place)?;
            place.ensure_directory()?;
            if place.path().symlink_metadata().is_ok() {
                return Err(OpenError::Exists { region: place.name(), path: place.path() });
            }
            let fail = |error: FileError| place.file_error(error);
            let capacity = header.shape.capacity;
            let mut segment = Segment::create(capacity as usize).map_err(fail)?;
            // Formatted through a mapping of its own: the first one is the segment's life.
            let mapping = Mapping::of_segment(Segment::open(segment.id()).map_err(fail)?);
            Attachment::format_mapping(place, &mapping, header)?;
            let id = segment.id().to_owned();
            let record = Record { id, seed: header.shape.seed, capacity };
            let pending =
                PendingFile::create(place.directory(), LEN as u64, 0o600).map_err(fail)?;
            pending
                .file()
                .write_all_at(record.text().as_bytes(), 0)
                .map_err(|source| place.os_error(OsError::new("write", &place.path(), source)))?;
            pending.publish(place.file_name()).map_err(fail)?;
            segment.keep();
            Ok(())
        }

        fn check_segment(&self, place: &Place) -> Result<(), OpenError> {
            if self.group.is_some() {
                let remedy = "drop .group(), or .named_segment(): a file can be a group's";
                return Err(unsupported(place, "a group", remedy));
            }
            if self.mode != 0o600 {
                let remedy =
                    "drop .mode(), or .named_segment(): a file can have another mode than 0600";
                return Err(unsupported(place, "a mode", remedy));
            }
            if !self.unreserved {
                let remedy = "say .unreserved() if this system never runs out of shared memory (the kernel ends who \
                              touches a page that is not to be had), or drop .named_segment(): a file is reserved";
                return Err(unsupported(place, "reserving memory", remedy));
            }
            Ok(())
        }
    }

    impl Attachment {
        /// Maps the segment that an open file names.
        pub(crate) fn map_segment(
            place: &Place,
            file: File,
            record: &Record,
            writable: bool,
        ) -> Result<Self, OpenError> {
            if !writable {
                let remedy =
                    "open it for writing, or make the region in a file (without .named_segment())";
                return Err(unsupported(place, "read-only attaching", remedy));
            }
            let refuse = |detail: &str| OpenError::Refused {
                region: place.name(),
                path: place.path(),
                detail: format!(
                    "its segment {} {detail}: destroy the region and create it anew",
                    record.id
                ),
            };
            let segment = Segment::open(&record.id).map_err(|error| match error {
                FileError::Missing { .. } => refuse("is gone (removed, or lost in a reboot)"),
                error => place.file_error(error),
            })?;
            let attachment = Self::over(place, file, Mapping::of_segment(segment), true)?;
            if attachment.header.shape.seed != record.seed {
                return Err(refuse("is another one than when the region was made"));
            }
            if attachment.is_of_another_boot() {
                return Err(refuse("was made before the last reboot"));
            }
            Ok(attachment)
        }
    }

    /// Removes the segment. Whoever is killed behind this leaves the file, which can be destroyed again.
    pub(crate) fn remove(place: &Place, record: &Record) -> Result<(), OpenError> {
        match Segment::remove(&record.id) {
            Ok(()) | Err(FileError::Missing { .. }) => Ok(()),
            Err(error) => Err(place.file_error(error)),
        }
    }
}

#[cfg(feature = "shared_memory")]
pub(crate) use with::remove;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_says_what_was_written_and_nothing_else_is_one() {
        let record =
            Record { id: "/hostcache-0123456789abcdef".into(), seed: u64::MAX, capacity: 1 << 40 };
        let text = record.text();
        assert!(text.len() <= LEN, "{text}");
        assert_eq!(Record::parse(&format!("{text:\0<LEN$}")), Some(record));
        for (from, to) in [
            (MAGIC, "hostcache segment 2"),
            ("/hostcache", "hostcache"),
            ("/hostcache", "/../x"),
            ("/hostcache", "/"),
            ("ffffffffffffffff", "10000000000000000"),
            ("1099511627776", "-1"),
            ("1099511627776\n", ""),
            ("1099511627776\n", "1099511627776\nmore\n"),
        ] {
            let changed = text.replace(from, to);
            assert_ne!(changed, text);
            assert_eq!(Record::parse(&changed), None, "{changed:?}");
        }
    }
}
