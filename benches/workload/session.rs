//! The measured loops: one subject, one workload, every answer checked.

use std::ops::Range;
use std::time::{Duration, Instant};

use crate::{Distribution, IndexStream, Key, Subject, ValueSize, value};

/// What the items are and how often each is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Workload {
    /// How many items.
    pub keys: u32,
    /// How often each is asked for.
    pub distribution: Distribution,
    /// How long their values are.
    pub sizes: ValueSize,
}

impl Workload {
    /// 1,000 keys asked for alike, 100 bytes each: what the goals are set on.
    pub const HOT: Self =
        Self { keys: 1_000, distribution: Distribution::Uniform, sizes: ValueSize::Fixed(100) };
    /// The same with 1,000,000 keys: memory latency and the translation of addresses.
    pub const LARGE: Self = Self { keys: 1_000_000, ..Self::HOT };
}

/// What a loop does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Copy out the value of a key that is there.
    GetHit,
    /// Look for a key that is not there.
    GetMiss,
    /// Set a key that is there to a new value of the same length.
    SetOver,
    /// Set a key that is not there. The keys are taken out again outside the measured time.
    SetNew,
    /// Twenty operations: one [`Self::SetOver`], nineteen [`Self::GetHit`].
    Mixed,
}

impl Operation {
    /// What the tables call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GetHit => "get hit",
            Self::GetMiss => "get miss",
            Self::SetOver => "set over existing",
            Self::SetNew => "set new",
            Self::Mixed => "95 get : 5 set",
        }
    }
}

/// [`Operation::Mixed`] is a set once in so many operations.
const SET_EVERY: u64 = 20;

/// A subject at work on a workload.
pub struct Session<S> {
    subject: S,
    workload: Workload,
    stream: IndexStream,
    version: u16,
    value: Vec<u8>,
    buf: Vec<u8>,
    /// Where [`Operation::SetNew`] goes on.
    next_new: u32,
}

impl<S: Subject> Session<S> {
    /// A session whose order of keys the seed replays.
    #[must_use]
    pub fn new(subject: S, workload: Workload, seed: u64) -> Self {
        let stream = IndexStream::new(workload.distribution, workload.keys, seed);
        Self {
            subject,
            workload,
            stream,
            version: seed as u16,
            value: Vec::new(),
            buf: Vec::with_capacity(workload.sizes.max_len()),
            next_new: 0,
        }
    }

    /// Sets every item once.
    pub fn fill(&mut self) {
        (0..self.workload.keys).for_each(|index| self.set(index));
    }

    /// Takes every item out again: what [`Operation::SetNew`] begins with, in memory that has been used.
    ///
    /// # Panics
    /// If an item is missing.
    pub fn empty(&mut self) {
        self.take_out(0..self.workload.keys);
    }

    /// Gets every item once and compares all of its bytes. Also brings all that a get needs into reach: page
    /// table entries of this process, and caches as far as the items fit.
    ///
    /// # Panics
    /// If an item is missing or has a wrong byte, as [`Self::run`].
    pub fn check_all(&mut self) {
        for index in 0..self.workload.keys {
            let hit = self.subject.get_into(&Key::present(index), &mut self.buf);
            if !hit || !value::correct(&self.buf, index, self.workload.sizes.len(index)) {
                wrong_answer(index, hit, &self.buf);
            }
        }
    }

    /// Does `operations` of one kind and returns how long they took.
    ///
    /// # Panics
    /// If an answer is wrong: a hit that should be a miss or the reverse, or a value whose length, first or
    /// last word is not the item's.
    pub fn run(&mut self, operation: Operation, operations: u64) -> Duration {
        let start = Instant::now();
        match operation {
            Operation::GetHit => self.get_hits(operations),
            Operation::GetMiss => self.get_misses(operations),
            Operation::SetOver => self.set_over(operations),
            Operation::Mixed => self.mixed(operations),
            Operation::SetNew => return self.set_new(operations),
        }
        start.elapsed()
    }

    #[inline(never)]
    fn get_hits(&mut self, operations: u64) {
        for _ in 0..operations {
            self.get_hit();
        }
    }

    #[inline(never)]
    fn get_misses(&mut self, operations: u64) {
        for _ in 0..operations {
            let index = self.stream.next_index();
            if self.subject.get_into(&Key::absent(index), &mut self.buf) {
                wrong_answer(index, true, &self.buf);
            }
        }
    }

    #[inline(never)]
    fn set_over(&mut self, operations: u64) {
        for _ in 0..operations {
            let index = self.stream.next_index();
            self.set(index);
        }
    }

    /// Gets every item once and counts those that are there, every byte of which must be right: what can be checked
    /// where items are evicted.
    ///
    /// # Panics
    /// If a value has a wrong byte.
    pub fn count_right(&mut self) -> u32 {
        let mut count = 0;
        for index in 0..self.workload.keys {
            if self.subject.get_into(&Key::present(index), &mut self.buf) {
                if !value::correct(&self.buf, index, self.workload.sizes.len(index)) {
                    wrong_answer(index, true, &self.buf);
                }
                count += 1;
            }
        }
        count
    }

    /// Gets keys that are there in calls of `batch`, and returns what `operations` keys took. Only the calls are timed.
    ///
    /// # Panics
    /// As [`Self::run`].
    pub fn run_many(&mut self, batch: usize, operations: u64) -> Duration {
        let mut time = Duration::ZERO;
        let calls = operations.div_ceil(batch as u64);
        for _ in 0..calls {
            let indices: Vec<u32> = (0..batch).map(|_| self.stream.next_index()).collect();
            let keys: Vec<Key> = indices.iter().map(|&index| Key::present(index)).collect();
            let begin = Instant::now();
            let values = self.subject.get_many(&keys);
            time += begin.elapsed();
            assert_eq!(values.len(), batch, "an answer for each key");
            for (value, index) in values.iter().zip(indices) {
                let len = self.workload.sizes.len(index);
                if !value.as_ref().is_some_and(|value| value::plausible(value, index, len)) {
                    wrong_answer(index, value.is_some(), value.as_deref().unwrap_or_default());
                }
            }
        }
        time.mul_f64(operations as f64 / (calls * batch as u64) as f64)
    }

    /// [`Operation::Mixed`] with the clock read around every get; `note` is told the nanoseconds.
    ///
    /// # Panics
    /// As [`Self::run`].
    pub fn time_each_get(&mut self, operations: u64, note: &mut dyn FnMut(u64)) {
        for turn in 0..operations {
            if turn % SET_EVERY == 0 {
                let index = self.stream.next_index();
                self.set(index);
            } else {
                let begin = Instant::now();
                self.get_hit();
                note(begin.elapsed().as_nanos() as u64);
            }
        }
    }

    #[inline(never)]
    fn mixed(&mut self, operations: u64) {
        for turn in 0..operations {
            if turn % SET_EVERY == 0 {
                let index = self.stream.next_index();
                self.set(index);
            } else {
                self.get_hit();
            }
        }
    }

    /// Sets runs of keys that are not there, in the order of their indices.
    #[inline(never)]
    fn set_new(&mut self, operations: u64) -> Duration {
        let mut measured = Duration::ZERO;
        let mut left = operations;
        while left > 0 {
            let first = self.next_new;
            let count = left.min(u64::from(self.workload.keys - first)) as u32;
            let start = Instant::now();
            (first..first + count).for_each(|index| self.set(index));
            measured += start.elapsed();
            self.take_out(first..first + count);
            self.next_new = (first + count) % self.workload.keys;
            left -= u64::from(count);
        }
        measured
    }

    fn take_out(&mut self, indices: Range<u32>) {
        for index in indices.rev() {
            if !self.subject.take_out(&Key::present(index)) {
                wrong_answer(index, false, &[]);
            }
        }
    }

    #[inline]
    fn get_hit(&mut self) {
        let index = self.stream.next_index();
        let hit = self.subject.get_into(&Key::present(index), &mut self.buf);
        if !hit || !value::plausible(&self.buf, index, self.workload.sizes.len(index)) {
            wrong_answer(index, hit, &self.buf);
        }
    }

    #[inline]
    fn set(&mut self, index: u32) {
        // A new version each time, so that no write stores what is there already.
        self.version = self.version.wrapping_add(1);
        value::fill(&mut self.value, index, self.version, self.workload.sizes.len(index));
        self.subject.set(&Key::present(index), &self.value);
    }
}

#[cold]
fn wrong_answer(index: u32, hit: bool, value: &[u8]) -> ! {
    panic!("wrong answer for item {index}: hit {hit}, {} bytes {value:02x?}", value.len())
}
