//! The log of one worker: a mapped file of records, written in order by that worker alone.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use memmap2::{MmapOptions, MmapRaw};

use super::record::{Call, Outcome, Record, WORDS, pack_call, pack_outcome, unpack};
use crate::clock;

/// A log, open for writing by its worker or for reading by the test.
#[derive(Debug)]
pub struct Log {
    map: MmapRaw,
    /// Records written by this handle.
    written: usize,
    capacity: usize,
}

/// The record of a call that has not returned.
#[derive(Debug)]
#[must_use = "the outcome of the call is to be recorded"]
pub struct Ticket(usize);

impl Log {
    /// Makes an empty log for `capacity` records. The file is sparse: unused records cost nothing.
    pub fn create(path: &Path, capacity: usize) -> io::Result<Log> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        file.set_len((capacity * WORDS * 8) as u64)?;
        Self::open(path)
    }

    /// Opens a log.
    pub fn open(path: &Path) -> io::Result<Log> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let map = MmapOptions::new().map_raw(&file)?;
        let capacity = map.len() / (WORDS * 8);
        Ok(Log { map, written: 0, capacity })
    }

    /// Records that a call begins now; `None` if the log is full.
    pub fn begin(&mut self, key: u32, call: Call) -> Option<Ticket> {
        if self.written == self.capacity {
            return None;
        }
        let index = self.written;
        self.written += 1;
        for (at, word) in pack_call(key, call).into_iter().enumerate() {
            self.word(index, 2 + at).store(word, Ordering::Relaxed);
        }
        // Release: whoever sees the start sees the call. Pairs with the load in `record`.
        self.word(index, 0).store(clock::now(), Ordering::Release);
        // The call's loads must not run before the clock was read, or the call would seem to begin
        // later than it did: the fence waits for the store above, the store for the clock.
        fence(Ordering::SeqCst);
        Some(Ticket(index))
    }

    /// Records that the call returned now.
    pub fn end(&self, ticket: Ticket, outcome: Outcome) {
        let end = clock::now();
        let (bits, seen) = pack_outcome(outcome);
        let codes = self.word(ticket.0, 2);
        codes.store(codes.load(Ordering::Relaxed) | bits, Ordering::Relaxed);
        if let Some(seen) = seen {
            self.word(ticket.0, 4).store(seen, Ordering::Relaxed);
        }
        // Release: whoever sees the end sees the outcome. Pairs with the load in `record`.
        self.word(ticket.0, 1).store(end, Ordering::Release);
    }

    /// Number of records. Found by bisection: every record before the last one has a start.
    #[must_use]
    pub fn len(&self) -> usize {
        let (mut low, mut high) = (0, self.capacity);
        while low < high {
            let middle = (low + high) / 2;
            match self.word(middle, 0).load(Ordering::Acquire) {
                0 => high = middle,
                _ => low = middle + 1,
            }
        }
        low
    }

    /// Whether nothing was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the last call has not returned: asked of a worker that is stopped or dead.
    #[must_use]
    pub fn is_inside_call(&self) -> bool {
        self.len().checked_sub(1).is_some_and(|last| self.record(last).event.end == 0)
    }

    /// Record number `index`, below [`Log::len`].
    #[must_use]
    pub fn record(&self, index: usize) -> Record {
        // Acquire: pairs with the Release stores of `begin` and `end`; the end is loaded before the
        // words that it vouches for.
        let start = self.word(index, 0).load(Ordering::Acquire);
        let end = self.word(index, 1).load(Ordering::Acquire);
        let [codes, new, seen] = [2, 3, 4].map(|at| self.word(index, at).load(Ordering::Relaxed));
        let record = unpack([start, end, codes, new, seen]);
        record.unwrap_or_else(|| panic!("record {index} of a log is not one: codes {codes:#x}"))
    }

    fn word(&self, index: usize, at: usize) -> &AtomicU64 {
        assert!(index < self.capacity && at < WORDS, "record {index} of {}", self.capacity);
        let pointer = self.map.as_mut_ptr().cast::<u64>();
        // SAFETY: the assertion keeps the word inside the mapping, which lives as long as `self`;
        // mappings are page aligned; every access to these words is a 64-bit atomic one.
        unsafe { AtomicU64::from_ptr(pointer.add(index * WORDS + at)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_and_a_call_without_an_end_is_pending() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut log = Log::create(&path, 40).unwrap();
        let calls = [
            (1, Call::Get, Outcome::Value(9)),
            (2, Call::Set { new: 5 }, Outcome::Done),
            (3, Call::Add { new: 6 }, Outcome::Present),
            (4, Call::Delete, Outcome::Absent),
            (5, Call::Swap { expected: 6, new: 7 }, Outcome::Present),
            (6, Call::Increment { by: 3 }, Outcome::Value(45)),
            (6, Call::Extend { new: 8, at_front: false }, Outcome::Value(2)),
            (6, Call::Extend { new: 8, at_front: true }, Outcome::Absent),
            (6, Call::Take, Outcome::Value(4)),
            (6, Call::Touch, Outcome::Value(5)),
            (super::super::ALL_KEYS, Call::Clear, Outcome::Done),
            (7, Call::Get, Outcome::Torn),
            (8, Call::Get, Outcome::Foreign(3)),
            (9, Call::Get, Outcome::Failed),
        ];
        for (key, call, outcome) in calls {
            let ticket = log.begin(key, call).unwrap();
            log.end(ticket, outcome);
        }
        let _killed = log.begin(10, Call::Set { new: 8 }).unwrap();

        let seen = Log::open(&path).unwrap();
        assert_eq!(seen.len(), calls.len() + 1);
        for (index, (key, call, outcome)) in calls.into_iter().enumerate() {
            let record = seen.record(index);
            assert_eq!((record.key, record.event.call, record.event.outcome), (key, call, outcome));
            assert!(record.event.start <= record.event.end);
        }
        let last = seen.record(calls.len());
        assert_eq!((last.event.end, last.event.outcome), (0, Outcome::Pending));
    }

    #[test]
    fn a_full_log_takes_no_more() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = Log::create(&directory.path().join("log"), 2).unwrap();
        assert!(log.begin(1, Call::Get).is_some());
        assert!(log.begin(1, Call::Get).is_some());
        assert!(log.begin(1, Call::Get).is_none());
        assert_eq!(log.len(), 2);
    }
}
