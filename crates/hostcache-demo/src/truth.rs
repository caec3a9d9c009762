//! Which versions of a product may be answered at which moment.
//!
//! A file of three words per product, mapped by every process of the demonstration:
//!
//! * *announced*: the highest version that any updater was about to commit (raised before COMMIT);
//! * *committed*: the highest version known to be in the database (raised after COMMIT);
//! * *invalidated*: the highest version whose update has deleted the page from the cache (raised
//!   after the delete).
//!
//! An updater raises them in this order, so at any moment announced ≥ database ≥ committed ≥
//! invalidated. A request loads the two lower bounds before it starts and the upper bound after it
//! has its answer; [`judge`] compares. All three start at 0, the version of a fresh row, so a file
//! of zeros is a valid table.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::{MmapOptions, MmapRaw};

use crate::DemoError;

/// Words per product, and which is which.
const WORDS: usize = 3;
const ANNOUNCED: usize = 0;
const COMMITTED: usize = 1;
const INVALIDATED: usize = 2;

/// The table of versions, shared by all processes of one demonstration.
#[derive(Debug)]
pub(crate) struct Truth {
    map: MmapRaw,
    products: u64,
}

/// What was certain when a request began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Floor {
    committed: u64,
    invalidated: u64,
}

/// What an answer's version is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// The row had this version at some moment of the request.
    Fresh,
    /// Older than the row was when the request began, but the updater had not yet deleted the page:
    /// cache-aside allows it.
    UnderWay,
    /// Older than a version whose update had deleted the page before the request began: an old page
    /// came back after its delete.
    Outlived,
    /// Newer than anything that was ever about to be committed: nobody wrote it.
    NeverWritten,
}

/// Compares an answer's version with the bounds before and after its request.
pub(crate) fn judge(version: u64, before: Floor, announced_after: u64) -> Freshness {
    if version > announced_after {
        Freshness::NeverWritten
    } else if version < before.invalidated {
        Freshness::Outlived
    } else if version < before.committed {
        Freshness::UnderWay
    } else {
        Freshness::Fresh
    }
}

impl Truth {
    /// Makes the table for so many products; the file must not exist.
    pub(crate) fn create(path: &Path, products: u64) -> Result<Self, DemoError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(DemoError::system("creating the table of versions", path))?;
        file.set_len(Self::file_len(products) as u64)
            .map_err(DemoError::system("sizing the table of versions", path))?;
        Self::map(&file, path, products)
    }

    /// Maps the table that another process created.
    pub(crate) fn open(path: &Path, products: u64) -> Result<Self, DemoError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(DemoError::system("opening the table of versions", path))?;
        let found =
            file.metadata().map_err(DemoError::system("sizing the table of versions", path))?.len();
        if found != Self::file_len(products) as u64 {
            return Err(DemoError::WorkerArguments {
                detail: format!(
                    "{} has {found} bytes, which is no table of {products} products",
                    path.display()
                ),
            });
        }
        Self::map(&file, path, products)
    }

    fn file_len(products: u64) -> usize {
        products as usize * WORDS * size_of::<u64>()
    }

    fn map(file: &File, path: &Path, products: u64) -> Result<Self, DemoError> {
        let map = MmapOptions::new()
            .len(Self::file_len(products))
            .map_raw(file)
            .map_err(DemoError::system("mapping the table of versions", path))?;
        Ok(Self { map, products })
    }

    fn word(&self, product: u64, word: usize) -> &AtomicU64 {
        assert!(product < self.products, "product {product} of {}", self.products);
        let index = product as usize * WORDS + word;
        // SAFETY: The assertion keeps the index inside the mapping, which `map` made `file_len`
        // bytes long and which lives as long as `self`; a mapping starts at a page, so the word is
        // aligned. Every process reads and writes the file through this function only, so all
        // accesses are atomic; nobody shortens the file, which lies in the parent's own directory.
        unsafe { AtomicU64::from_ptr(self.map.as_mut_ptr().cast::<u64>().add(index)) }
    }

    // Updates of one product can overlap after their COMMITs, so every word is raised by `fetch_max`
    // and never goes back.
    fn raise(&self, product: u64, word: usize, version: u64) {
        // Release: pairs with the Acquire in `load`, so that whoever sees the version also sees
        // what its updater did before.
        self.word(product, word).fetch_max(version, Ordering::Release);
    }

    fn load(&self, product: u64, word: usize) -> u64 {
        // Acquire: pairs with the Release in `raise`.
        self.word(product, word).load(Ordering::Acquire)
    }

    /// An updater is about to commit this version.
    pub(crate) fn announce(&self, product: u64, version: u64) {
        self.raise(product, ANNOUNCED, version);
    }

    /// This version is in the database.
    pub(crate) fn commit(&self, product: u64, version: u64) {
        self.raise(product, COMMITTED, version);
    }

    /// The page was deleted from the cache after this version was committed.
    pub(crate) fn invalidate(&self, product: u64, version: u64) {
        self.raise(product, INVALIDATED, version);
    }

    /// What is certain now: no later answer should be older.
    pub(crate) fn floor(&self, product: u64) -> Floor {
        Floor {
            committed: self.load(product, COMMITTED),
            invalidated: self.load(product, INVALIDATED),
        }
    }

    /// The highest version that an earlier answer may have had.
    pub(crate) fn announced(&self, product: u64) -> u64 {
        self.load(product, ANNOUNCED)
    }

    /// Products with an update that has been announced but not yet ended, and its version.
    pub(crate) fn unfinished(&self) -> Vec<(u64, u64)> {
        (0..self.products)
            .map(|product| (product, self.announced(product)))
            .filter(|&(product, announced)| self.load(product, INVALIDATED) < announced)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> (tempfile::TempDir, Truth) {
        let directory = tempfile::tempdir().expect("a scratch directory");
        let truth = Truth::create(&directory.path().join("truth"), 10).expect("a table");
        (directory, truth)
    }

    #[test]
    fn an_answer_is_judged_by_what_was_certain_before_and_announced_after() {
        let before = Floor { committed: 5, invalidated: 4 };
        let verdicts = [
            (3, Freshness::Outlived),
            (4, Freshness::UnderWay),
            (5, Freshness::Fresh),
            (6, Freshness::Fresh),
            (7, Freshness::Fresh),
            (8, Freshness::NeverWritten),
        ];
        for (version, expected) in verdicts {
            assert_eq!(judge(version, before, 7), expected, "version {version}");
        }
    }

    #[test]
    fn a_fresh_row_may_be_answered_and_the_next_version_not_yet() {
        let (_directory, truth) = table();
        let before = truth.floor(0);
        assert_eq!(judge(0, before, truth.announced(0)), Freshness::Fresh);
        assert_eq!(judge(1, before, truth.announced(0)), Freshness::NeverWritten);
    }

    #[test]
    fn each_step_of_an_update_moves_the_verdict_on_the_old_and_the_new_page() {
        let (_directory, truth) = table();
        let verdicts = |truth: &Truth| [0, 1].map(|v| judge(v, truth.floor(3), truth.announced(3)));
        truth.announce(3, 1);
        assert_eq!(verdicts(&truth), [Freshness::Fresh, Freshness::Fresh]);
        truth.commit(3, 1);
        assert_eq!(verdicts(&truth), [Freshness::UnderWay, Freshness::Fresh]);
        truth.invalidate(3, 1);
        assert_eq!(verdicts(&truth), [Freshness::Outlived, Freshness::Fresh]);
    }

    #[test]
    fn an_update_that_ends_during_the_request_does_not_make_it_stale() {
        let (_directory, truth) = table();
        let before = truth.floor(3);
        for raise in [Truth::announce, Truth::commit, Truth::invalidate] {
            raise(&truth, 3, 1);
        }
        assert_eq!(judge(0, before, truth.announced(3)), Freshness::Fresh);
    }

    #[test]
    fn words_never_go_back() {
        let (_directory, truth) = table();
        truth.commit(2, 9);
        truth.commit(2, 8);
        assert_eq!(truth.floor(2).committed, 9);
    }

    #[test]
    fn unfinished_updates_are_found_and_finished_ones_not() {
        let (_directory, truth) = table();
        truth.announce(1, 1);
        truth.announce(4, 7);
        truth.commit(4, 7);
        truth.announce(5, 2);
        truth.commit(5, 2);
        truth.invalidate(5, 2);
        assert_eq!(truth.unfinished(), [(1, 1), (4, 7)]);
    }

    #[test]
    fn another_mapping_sees_the_same_words_and_a_wrong_size_is_refused() {
        let (directory, truth) = table();
        let path = directory.path().join("truth");
        truth.announce(9, 4);
        assert_eq!(Truth::open(&path, 10).expect("same size").announced(9), 4);
        assert!(Truth::open(&path, 11).is_err());
    }
}
