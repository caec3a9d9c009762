//! Reading.

use core::mem::MaybeUninit;

use crate::fault::{Fault, planted};
use crate::fuel::{Exhausted, Fuel};
use crate::layout::{HeadWords, ItemHead};
use crate::memory::Bytes;
use crate::region::{Host, Region};
use crate::sync::{AtomicU64, Ordering};
use crate::table::{Lookup, Probe, Removal};

/// What a read ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Got<T> {
    /// The item, read whole.
    Hit(T),
    /// No such key.
    Miss,
    /// The item's deadline has passed.
    Expired,
}

/// An item in place, to copy from. What is copied counts only if the read ends with [`Got::Hit`].
#[derive(Debug)]
pub struct Value<'a> {
    words: &'a [AtomicU64; ItemHead::WORDS],
    /// The words that `bytes` follows from: not loaded again.
    head: HeadWords,
    bytes: Bytes<'a>,
}

/// Takes what a read finds: a closure, or what must be inlined into the read whatever its size.
pub trait Sink {
    /// What it makes of the item.
    type Taken;

    /// Copies what it wants; called once for every attempt.
    fn take(&mut self, value: &Value<'_>) -> Self::Taken;
}

impl<T, F: FnMut(&Value<'_>) -> T> Sink for F {
    type Taken = T;

    #[inline(always)]
    fn take(&mut self, value: &Value<'_>) -> T {
        self(value)
    }
}

/// Replaces the contents of a vector by the value.
#[derive(Debug)]
pub struct IntoVec<'a>(pub &'a mut Vec<u8>);

impl Sink for IntoVec<'_> {
    type Taken = ();

    #[inline(always)]
    fn take(&mut self, value: &Value<'_>) {
        value.copy_to_vec(self.0);
    }
}

/// Copies as much of the value as fits; takes its full length.
#[derive(Debug)]
pub struct IntoSlice<'a>(pub &'a mut [u8]);

impl Sink for IntoSlice<'_> {
    type Taken = usize;

    #[inline(always)]
    fn take(&mut self, value: &Value<'_>) -> usize {
        let fits = value.len().min(self.0.len());
        value.copy_to(&mut self.0[..fits]);
        value.len()
    }
}

impl<'a> Value<'a> {
    pub(crate) fn new(
        words: &'a [AtomicU64; ItemHead::WORDS],
        head: HeadWords,
        bytes: Bytes<'a>,
    ) -> Self {
        Self { words, head, bytes }
    }
}

impl Value<'_> {
    /// Length of the value in bytes.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it is empty.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What stands before the key.
    #[inline]
    #[must_use]
    pub fn head(&self) -> ItemHead {
        ItemHead::complete(self.head, self.words)
    }

    /// Copies the first bytes of the value.
    ///
    /// # Panics
    ///
    /// If `out` is longer than the value.
    #[inline]
    pub fn copy_to(&self, out: &mut [u8]) {
        self.bytes.copy_to(out);
    }

    /// [`Value::copy_to`] into memory that may hold anything: all of it is initialised.
    ///
    /// # Panics
    ///
    /// If `out` is longer than the value.
    #[inline]
    pub fn copy_to_uninit(&self, out: &mut [MaybeUninit<u8>]) {
        self.bytes.copy_to_uninit(out);
    }

    /// Replaces the contents of a vector by the value.
    #[inline(always)]
    pub fn copy_to_vec(&self, out: &mut Vec<u8>) {
        self.bytes.copy_to_vec(out);
    }
}

/// Copies that may fail before the item is held.
const COPIES: u32 = 8;

impl Region {
    /// [`Region::get`] of what is nearly always met: a live item in the first slot that looks like it, or
    /// nothing. `None`: ask [`Region::get`]; the sink may have been used.
    #[inline(always)]
    pub fn get_quickly<H: Host, S: Sink>(
        &self,
        host: &H,
        key: &[u8],
        sink: &mut S,
    ) -> Option<Option<S::Taken>> {
        let epoch = self.epoch();
        let probe = Probe::new(&self.geometry, key);
        // All live items are of this epoch, but those that a clear is overtaking.
        let is_of_epoch = |head: HeadWords| head.stamp() == self.geometry.stamp(epoch);
        let Some((found, line)) = self.glance_at(&probe, key, is_of_epoch)? else {
            return Some(None);
        };
        if !found.is_alive(host) {
            return None;
        }
        // Ahead of the copy, so that the mark's line is waited for together with the item's. A mark is a hint: it may go to an
        // item that is just being replaced.
        self.raise_mark_in(line, found.position.index());
        if planted(Fault::MarkInArena) {
            let word = self.word(found.location() + 1);
            word.store(word.load(Ordering::Relaxed) | 1 << 31, Ordering::Relaxed);
        }
        let taken = sink.take(&found.value());
        found.is_whole().then_some(Some(taken))
    }

    /// Reads a key's item into a sink.
    ///
    /// Lock-free: an attempt is repeated only because a writer replaced the item under it. Writes nothing but
    /// a use mark, and that only if `may_mark`. Who may write gives up after a few failed copies: it can hold the item in
    /// place and copy it once, see [`Region::pin`].
    ///
    /// # Errors
    ///
    /// The step bound was met.
    pub fn get<H: Host, S: Sink>(
        &self,
        host: &H,
        key: &[u8],
        may_mark: bool,
        sink: &mut S,
    ) -> Result<Got<S::Taken>, Exhausted> {
        let epoch = self.epoch();
        let probe = Probe::new(&self.geometry, key);
        let mut fuel = Fuel::operation();
        let mut copies = 0;
        loop {
            let Lookup::Found(found) = self.find(&probe, key, &mut fuel)? else {
                return Ok(Got::Miss);
            };
            let got = match self.end_at(host, &found, epoch) {
                Some(Removal::Expired) => Got::Expired,
                Some(_) => Got::Miss,
                None => Got::Hit(sink.take(&found.value())),
            };
            if found.is_whole() {
                if may_mark {
                    self.raise_mark(found.position);
                }
                return Ok(got);
            }
            copies += 1;
            if may_mark && copies == COPIES {
                return Err(Exhausted);
            }
        }
    }
}
