//! A few words that a test and its workers share, to tell each other where they are.
//!
//! ```text
//! word 0  go     word 1  stop     word 2  allowance     word 3  arrivals
//! word 8 + 8 * lane + n  word n of a lane, see [`Word`]
//! ```
//! Every worker has a lane of its own. The board is a mapped file beside the region.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use memmap2::{MmapOptions, MmapRaw};

/// Lanes of a board.
const LANES: usize = 64;

const LANE_WORDS: usize = 8;

/// How long [`wait_for`] waits for what should take milliseconds: a hang, not a measurement.
const HANG: Duration = Duration::from_secs(60);

/// What a word of a lane says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Nonzero once the worker has attached: its process id as it sees it.
    Ready,
    /// Operations done.
    Progress,
    /// Values read back right after they were set, and found.
    Hits,
    /// Nonzero once the worker has done all it was to do.
    Finished,
}

/// The board, mapped by this process.
#[derive(Debug)]
pub struct Board {
    map: MmapRaw,
    path: PathBuf,
}

impl Board {
    /// Makes a board, all words 0.
    pub fn create(path: &Path) -> io::Result<Board> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        file.set_len(((1 + LANES) * LANE_WORDS * 8) as u64)?;
        Self::open(path)
    }

    /// Maps a board that the test made.
    pub fn open(path: &Path) -> io::Result<Board> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Board { map: MmapOptions::new().map_raw(&file)?, path: path.to_owned() })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lets the workers begin.
    pub fn go(&self) {
        self.word(0).store(1, Ordering::Release);
    }

    /// Waits for [`Board::go`].
    pub fn wait_for_go(&self) {
        wait_for("the test to say go", || self.word(0).load(Ordering::Acquire) != 0);
    }

    /// Asks the workers to end.
    pub fn stop(&self) {
        self.word(1).store(1, Ordering::Release);
    }

    /// Whether the workers are to end.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.word(1).load(Ordering::Relaxed) != 0
    }

    /// Lets every lane do `operations` in all, for workers that ask [`Board::may_go_on`].
    pub fn allow(&self, operations: u64) {
        self.word(2).store(operations, Ordering::Relaxed);
    }

    /// Waits until the lane has not used up its allowance; false once the workers are to end.
    #[must_use]
    pub fn may_go_on(&self, lane: usize) -> bool {
        while !self.is_stopped() {
            if self.get(lane, Word::Progress) < self.word(2).load(Ordering::Relaxed) {
                return true;
            }
            std::thread::sleep(Duration::from_micros(50));
        }
        false
    }

    /// Counts one more process that has done its part of a step.
    pub fn arrive(&self) {
        self.word(3).fetch_add(1, Ordering::AcqRel);
    }

    /// Waits until so many have arrived in all.
    pub fn wait_for_arrivals(&self, arrivals: u64) {
        let begin = Instant::now();
        while self.word(3).load(Ordering::Acquire) < arrivals {
            assert!(begin.elapsed() < HANG, "waited {HANG:?} in vain for arrival {arrivals}");
            std::thread::yield_now();
        }
    }

    /// A word of a lane.
    #[must_use]
    pub fn get(&self, lane: usize, word: Word) -> u64 {
        self.lane_word(lane, word).load(Ordering::Acquire)
    }

    /// Changes a word of a lane.
    pub fn put(&self, lane: usize, word: Word, value: u64) {
        self.lane_word(lane, word).store(value, Ordering::Release);
    }

    /// Adds one to a word of a lane.
    pub fn count(&self, lane: usize, word: Word) {
        self.lane_word(lane, word).fetch_add(1, Ordering::AcqRel);
    }

    /// Waits until the worker of a lane has attached.
    pub fn wait_until_ready(&self, lane: usize) {
        wait_for(&format!("worker {lane} to attach"), || self.get(lane, Word::Ready) != 0);
    }

    /// Waits until the worker of a lane has done `more` operations than now.
    pub fn wait_for_progress(&self, lane: usize, more: u64) {
        let goal = self.get(lane, Word::Progress) + more;
        let what = format!("worker {lane} to do {more} operations");
        wait_for(&what, || self.get(lane, Word::Progress) >= goal);
    }

    fn lane_word(&self, lane: usize, word: Word) -> &AtomicU64 {
        assert!(lane < LANES, "lane {lane} of {LANES}");
        self.word((1 + lane) * LANE_WORDS + word as usize)
    }

    fn word(&self, index: usize) -> &AtomicU64 {
        assert!((index + 1) * 8 <= self.map.len(), "word {index} of a board");
        // SAFETY: the assertion keeps the word inside the mapping, which lives as long as `self`;
        // mappings are page aligned; every access to these words is a 64-bit atomic one.
        unsafe { AtomicU64::from_ptr(self.map.as_mut_ptr().cast::<u64>().add(index)) }
    }
}

/// Waits until `condition` holds; panics naming `what` if it looks like never.
pub fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let begin = Instant::now();
    let mut pause = Duration::from_micros(20);
    while !condition() {
        assert!(begin.elapsed() < HANG, "waited {HANG:?} in vain for {what}");
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(2));
    }
}
