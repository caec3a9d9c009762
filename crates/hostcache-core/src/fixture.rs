//! What unit tests share: a region over a vector, hosts on which time stands still or is moved, and a plain store.

use core::cell::Cell;
use core::ptr::NonNull;

use crate::layout::{Header, Shape};
use crate::word::{LaneId, SlotWord};
use crate::{Condition, Deadline, Host, Memory, Region, SetRequest};

/// A clock that stands still; nobody is dead.
pub(crate) struct Still;

impl Host for Still {
    fn now_ms(&self) -> u64 {
        1_000
    }

    fn claim_lane(&self, _: LaneId) -> bool {
        false
    }

    fn release_lane(&self, _: LaneId) {}
}

/// A clock that the test moves; nobody is dead.
pub(crate) struct Clock(pub(crate) Cell<u64>);

impl Host for Clock {
    fn now_ms(&self) -> u64 {
        self.0.get()
    }

    fn claim_lane(&self, _: LaneId) -> bool {
        false
    }

    fn release_lane(&self, _: LaneId) {}
}

/// A value and nothing else to store, whatever is there.
pub(crate) fn plain(value: &[u8], deadline: Option<u64>) -> SetRequest<'_> {
    let (deadline, condition) = (Deadline::At(deadline), Condition::Always);
    SetRequest { value, flags: 0, encoding: 0, deadline, condition }
}

/// An empty region of the smallest capacity.
pub(crate) struct Fixture {
    pub(crate) region: Region,
    /// The region's memory; not touched otherwise.
    _words: Vec<u64>,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with_generations(SlotWord::GENERATION_BITS)
    }

    /// Whose slots hold so many bits of the generations.
    pub(crate) fn with_generations(bits: u32) -> Self {
        let shape = Shape::new(Shape::MIN_CAPACITY, None, None, 1).expect("in range");
        let mut words = vec![0u64; shape.capacity as usize / 8];
        let base = NonNull::new(words.as_mut_ptr()).expect("a vector is not null");
        // SAFETY: the vector's memory lives as long as the region, which is dropped before it, and is not touched otherwise.
        let memory = unsafe { Memory::from_raw(base, words.len()) };
        let header = Header::plain(Shape { generation_bits: bits, ..shape });
        Self { region: Region::format(memory, &header).expect("valid"), _words: words }
    }
}
