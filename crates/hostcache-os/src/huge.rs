//! Huge pages: asking for them, and seeing what was given.
//!
//! Nothing here is needed for correctness. The kernel may have none, be told to give none, or have no unbroken memory for them
//! at the moment.

use crate::error::OsError;
use crate::mapping::Mapping;
use std::fs;
use std::path::Path;

const SETTINGS: &str = "/sys/kernel/mm/transparent_hugepage";

/// Where the kernel does not say.
const USUAL_SIZE: usize = 2 << 20;

/// What the kernel says about huge pages in shared memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HugeSetting {
    /// Bytes of one huge page.
    pub size: usize,
    /// The word in force in `shmem_enabled` (`always`, `advise`, `never`, `deny` …); `None` if the kernel has no such
    /// thing.
    pub shmem: Option<String>,
}

impl HugeSetting {
    /// Asks the kernel.
    pub fn read() -> Self {
        let read = |name| fs::read_to_string(Path::new(SETTINGS).join(name)).ok();
        let size = read("hpage_pmd_size").and_then(|text| text.trim().parse().ok());
        let size = size.filter(|size: &usize| size.is_power_of_two() && *size >= 4096);
        let shmem = read("shmem_enabled").as_deref().and_then(word_in_brackets);
        Self { size: size.unwrap_or(USUAL_SIZE), shmem }
    }
}

fn word_in_brackets(text: &str) -> Option<String> {
    let (_, rest) = text.split_once('[')?;
    let (word, _) = rest.split_once(']')?;
    Some(word.to_owned())
}

impl Mapping {
    /// Asks for huge pages, for this mapping and by whatever the kernel does in the background.
    pub fn ask_for_huge_pages(&self) -> Result<(), OsError> {
        self.call("madvise(MADV_HUGEPAGE)", libc::MADV_HUGEPAGE, 0, self.len())
    }

    /// Makes huge pages of the file's memory at once, from `offset` on for `len` bytes, both whole huge pages.
    ///
    /// Needs Linux 6.1 and unbroken memory. The contents stay, and so do other mappings.
    pub fn collapse(&self, offset: usize, len: usize) -> Result<(), OsError> {
        const MADV_COLLAPSE: libc::c_int = 25;
        self.call("madvise(MADV_COLLAPSE)", MADV_COLLAPSE, offset, len)
    }

    /// Bytes that this process sees through huge pages at this moment.
    pub fn huge_bytes(&self) -> Result<u64, OsError> {
        let path = Path::new("/proc/self/smaps");
        let text = fs::read_to_string(path).map_err(|error| OsError::new("read", path, error))?;
        let start = self.as_ptr().as_ptr() as usize;
        Ok(huge_bytes_in(&text, start, start.saturating_add(self.len())))
    }
}

/// Sums over the mappings that begin in a range of addresses: advice may have split the first one.
fn huge_bytes_in(smaps: &str, start: usize, end: usize) -> u64 {
    let mut is_inside = false;
    let mut kilobytes = 0_u64;
    for line in smaps.lines() {
        let mut words = line.split_ascii_whitespace();
        let Some(first) = words.next() else { continue };
        let range = first.split_once('-').and_then(|(from, to)| {
            usize::from_str_radix(to, 16).ok().and(usize::from_str_radix(from, 16).ok())
        });
        if let Some(from) = range {
            is_inside = (start..end).contains(&from);
        } else if is_inside && matches!(first, "ShmemPmdMapped:" | "FilePmdMapped:") {
            let size: Option<u64> = words.next().and_then(|size| size.parse().ok());
            kilobytes = kilobytes.saturating_add(size.unwrap_or(0));
        }
    }
    kilobytes.saturating_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_in_force_is_the_one_in_brackets() {
        let text = "always within_size advise [never] deny force\n";
        assert_eq!(word_in_brackets(text).as_deref(), Some("never"));
        assert_eq!(word_in_brackets("never"), None);
        assert_eq!(word_in_brackets("[never"), None);
    }

    #[test]
    fn both_kinds_are_summed_over_the_range_alone() {
        let text = "\
7f0000000000-7f0000200000 rw-s 00000000 00:1a 7 /dev/shm/a
Rss:                2048 kB
ShmemPmdMapped:     2048 kB
FilePmdMapped:         0 kB
7f0000200000-7f0000800000 rw-s 00200000 00:1a 7 /dev/shm/a
ShmemPmdMapped:     4096 kB
FilePmdMapped:      2048 kB
7f0000800000-7f0000a00000 rw-s 00000000 00:1a 8 /dev/shm/b
ShmemPmdMapped:     2048 kB
";
        assert_eq!(huge_bytes_in(text, 0x7f00_0000_0000, 0x7f00_0080_0000), 8 << 20);
        assert_eq!(huge_bytes_in(text, 0x7f00_0080_0000, 0x7f00_00a0_0000), 2 << 20);
        assert_eq!(huge_bytes_in(text, 0x1000, 0x2000), 0);
    }

    #[test]
    fn an_aligned_mapping_is_the_file_and_goes_with_its_owner() {
        let dir = tempfile::tempdir_in("/dev/shm").expect("a directory");
        let pending = crate::PendingFile::create(dir.path(), 5 << 20, 0o600).expect("a file");
        let align = HugeSetting::read().size;
        let plain = Mapping::map(pending.file(), 5 << 20, true).expect("a mapping");
        let aligned = Mapping::map_aligned(pending.file(), 5 << 20, true, align).expect("another");
        let address = aligned.as_ptr().as_ptr() as usize;
        assert_eq!(address % align, 0);
        let last = (5 << 20) - 1;
        // SAFETY: both are mapped for 5 MiB, and this test alone uses them.
        unsafe {
            plain.as_ptr().add(last).write_volatile(7);
            assert_eq!(aligned.as_ptr().add(last).read_volatile(), 7);
        }
        assert!(aligned.is_writable() && aligned.len() == 5 << 20);
        let is_mapped = || {
            let maps = fs::read_to_string("/proc/self/maps").expect("maps");
            let start = format!("{address:x}-");
            maps.lines().any(|line| line.starts_with(&start) && line.contains("rw-s"))
        };
        assert!(is_mapped());
        let reader = Mapping::map_aligned(pending.file(), 5 << 20, false, align).expect("a reader");
        assert!(!reader.is_writable());
        drop(aligned);
        assert!(!is_mapped());
        for (offset, len) in [(0, 6 << 20), (usize::MAX, 2)] {
            assert!(reader.collapse(offset, len).is_err());
        }
    }
}
