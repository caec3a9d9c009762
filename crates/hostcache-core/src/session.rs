//! A session: one thread, in one operation, with what it needs.

use crate::fuel::Exhausted;
use crate::participant::Lane;
use crate::region::Region;

/// A lane at work on a region.
#[derive(Debug)]
pub struct Session<'a, H> {
    pub(crate) region: &'a Region,
    pub(crate) lane: &'a mut Lane,
    pub(crate) host: &'a H,
}

impl<'a, H> Session<'a, H> {
    /// Puts the three together.
    #[inline]
    pub fn new(region: &'a Region, lane: &'a mut Lane, host: &'a H) -> Self {
        Self { region, lane, host }
    }
}

/// Why a write did not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// No memory could be freed.
    NoRoom,
    /// A step bound was met: the region contradicts itself.
    Damaged,
    /// The value is not a number.
    NotANumber,
    /// The value would become longer than the region takes.
    TooLarge {
        /// Bytes that it would have.
        len: u64,
        /// The most it may have.
        limit: u64,
    },
}

impl From<Exhausted> for Failure {
    fn from(_: Exhausted) -> Self {
        Self::Damaged
    }
}
