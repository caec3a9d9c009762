//! Reading.

use crate::fuel::{Exhausted, Fuel};
use crate::layout::ItemHead;
use crate::region::{Host, Region};
use crate::table::{Found, Lookup, Probe};

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
    region: &'a Region,
    found: &'a Found,
}

impl<'a> Value<'a> {
    pub(crate) fn new(region: &'a Region, found: &'a Found) -> Self {
        Self { region, found }
    }
}

impl Value<'_> {
    /// Length of the value in bytes.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.found.head.sizes.value_len as usize
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
    pub fn head(&self) -> &ItemHead {
        &self.found.head
    }

    /// Copies the first bytes of the value.
    ///
    /// # Panics
    ///
    /// If `out` is longer than the value.
    #[inline]
    pub fn copy_to(&self, out: &mut [u8]) {
        assert!(out.len() <= self.len(), "copy beyond the value");
        self.region.memory.copy_out(self.found.value_at(), out);
    }
}

/// Copies that may fail before the item is held.
const COPIES: u32 = 8;

impl Region {
    /// Reads a key's item through `copy`, which is called once for every attempt.
    ///
    /// Lock-free: an attempt is repeated only because a writer replaced the item under it. Writes nothing but
    /// a use mark, and that only if `may_mark`. Who may write gives up after a few failed copies: it can hold the item in
    /// place and copy it once, see [`Region::pin`].
    ///
    /// # Errors
    ///
    /// The step bound was met.
    #[inline(always)]
    pub fn get<H: Host, T>(
        &self,
        host: &H,
        key: &[u8],
        may_mark: bool,
        mut copy: impl FnMut(&Value<'_>) -> T,
    ) -> Result<Got<T>, Exhausted> {
        let epoch = self.epoch();
        let probe = Probe::new(&self.geometry, key);
        let mut fuel = Fuel::operation();
        let mut copies = 0;
        loop {
            let found = match self.find(&probe, key, &mut fuel)? {
                Lookup::Absent => return Ok(Got::Miss),
                Lookup::Found(found) => found,
            };
            let got = if self.is_cleared(&found.head, epoch) {
                Got::Miss
            } else if found.head.deadline.is_some_and(|deadline| deadline <= host.now_ms()) {
                Got::Expired
            } else {
                Got::Hit(copy(&Value { region: self, found: &found }))
            };
            if self.still(found.location(), found.header) {
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

    /// Whether a clear has ended an item, as seen from an epoch.
    #[inline]
    pub(crate) fn is_cleared(&self, head: &ItemHead, epoch: u64) -> bool {
        let distance = self.geometry.stamp(head.stamp.wrapping_sub(epoch));
        distance >= self.geometry.half_stamps()
    }
}
