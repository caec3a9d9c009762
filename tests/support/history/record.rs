//! One operation of a history, and its 40 bytes in a log.
//!
//! ```text
//! word 0  start     nanoseconds; written last at the start of the call: 0 means, no record
//! word 1  end       nanoseconds; written last after the call: 0 means, pending
//! word 2  key << 32 | outcome << 8 | call
//! word 3  the new value's id, or the addend
//! word 4  the expected value's id, or the value seen
//! ```

use crate::value::Id;

/// Words of a record.
pub(super) const WORDS: usize = 5;

/// The key number of a `clear`, which is an event in the history of every key.
pub const ALL_KEYS: u32 = u32::MAX;

/// What a worker asked for. Values of counters are named by the number itself, others by their [`Id`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Read.
    Get,
    /// Store `new`.
    Set {
        /// The value.
        new: Id,
    },
    /// Store `new` if the key is absent.
    Add {
        /// The value.
        new: Id,
    },
    /// End the item.
    Delete,
    /// Store `new` if the item is still the `expected` one.
    Swap {
        /// The value whose token is shown.
        expected: Id,
        /// The value.
        new: Id,
    },
    /// Count up.
    Increment {
        /// The addend.
        by: u64,
    },
    /// End every item.
    Clear,
    /// Add a record to a chain.
    Extend {
        /// The record.
        new: Id,
        /// At which end.
        at_front: bool,
    },
    /// Read and end the item.
    Take,
    /// Read, and give a new lifetime.
    Touch,
}

impl Call {
    /// Whether it changes nothing that a history tells of.
    #[must_use]
    pub fn only_reads(self) -> bool {
        matches!(self, Self::Get | Self::Touch)
    }
}

/// What it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing: the worker was killed first. The call took effect once or never.
    Pending,
    /// The change was made.
    Done,
    /// No such key.
    Absent,
    /// The key is present (add), or with another value than the expected one (swap).
    Present,
    /// The value read, what the counter became, or how many records a chain has.
    Value(Id),
    /// A value that nobody wrote.
    Torn,
    /// A value of another key.
    Foreign(Id),
    /// An error. The call took effect once or never.
    Failed,
}

impl Outcome {
    /// Whether the call may also not have taken effect.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Failed)
    }
}

/// One operation on one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// When the call began.
    pub start: u64,
    /// When it returned. For a pending call: when it could no longer take effect.
    pub end: u64,
    /// What was asked.
    pub call: Call,
    /// What came of it.
    pub outcome: Outcome,
}

/// One operation with the key it is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// The key's number, [`ALL_KEYS`] for a `clear`.
    pub key: u32,
    /// The operation.
    pub event: Event,
}

/// Words 2, 3 and 4 of a record whose call has not returned.
pub(super) fn pack_call(key: u32, call: Call) -> [u64; 3] {
    let (code, new, expected) = match call {
        Call::Get => (0, 0, 0),
        Call::Set { new } => (1, new, 0),
        Call::Add { new } => (2, new, 0),
        Call::Delete => (3, 0, 0),
        Call::Swap { expected, new } => (4, new, expected),
        Call::Increment { by } => (5, by, 0),
        Call::Clear => (6, 0, 0),
        Call::Extend { new, at_front } => (7 + u64::from(at_front), new, 0),
        Call::Take => (9, 0, 0),
        Call::Touch => (10, 0, 0),
    };
    [u64::from(key) << 32 | code, new, expected]
}

/// The bits to be added to word 2 for an outcome, and word 4 where the outcome has a value.
pub(super) fn pack_outcome(outcome: Outcome) -> (u64, Option<u64>) {
    let (code, seen) = match outcome {
        Outcome::Pending => (0, None),
        Outcome::Done => (1, None),
        Outcome::Absent => (2, None),
        Outcome::Present => (3, None),
        Outcome::Value(id) => (4, Some(id)),
        Outcome::Torn => (5, None),
        Outcome::Foreign(id) => (6, Some(id)),
        Outcome::Failed => (7, None),
    };
    (code << 8, seen)
}

/// The record that five words hold; `None` for words that no log holds.
pub(super) fn unpack(words: [u64; WORDS]) -> Option<Record> {
    let [start, end, codes, new, seen] = words;
    let call = match codes & 0xff {
        0 => Call::Get,
        1 => Call::Set { new },
        2 => Call::Add { new },
        3 => Call::Delete,
        4 => Call::Swap { expected: seen, new },
        5 => Call::Increment { by: new },
        6 => Call::Clear,
        code @ (7 | 8) => Call::Extend { new, at_front: code == 8 },
        9 => Call::Take,
        10 => Call::Touch,
        _ => return None,
    };
    let outcome = match codes >> 8 & 0xff {
        // A worker may die between writing the outcome and the end: then nobody was told.
        _ if end == 0 => Outcome::Pending,
        1 => Outcome::Done,
        2 => Outcome::Absent,
        3 => Outcome::Present,
        4 => Outcome::Value(seen),
        5 => Outcome::Torn,
        6 => Outcome::Foreign(seen),
        7 => Outcome::Failed,
        _ => return None,
    };
    Some(Record { key: (codes >> 32) as u32, event: Event { start, end, call, outcome } })
}
