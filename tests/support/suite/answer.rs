//! What an operation answered, in a form in which cache and model can be compared.

use std::fmt;

use hostcache::{Item, ItemInfo, ReadError, SetOutcome, WriteError};

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Done,
    Flag(bool),
    Number(Option<u64>),
    Bytes(Option<Vec<u8>>),
    /// The value's length and as much of it as was wanted.
    Part(Option<(usize, Vec<u8>)>),
    Item(Option<Seen>),
    Stored(Option<u64>),
    NotStored(SetOutcome),
    /// An error, by its kind.
    Refused(&'static str),
}

/// An item; where the value was not asked for it is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) value: Vec<u8>,
    pub(super) len: usize,
    pub(super) flags: u32,
    pub(super) encoding: u8,
    /// Milliseconds left.
    pub(super) ttl: Option<u64>,
    /// `None`: the model does not know it.
    pub(super) token: Option<u64>,
}

impl fmt::Display for Answer {
    /// Beginning and end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{self:?}");
        match (text.get(..80), text.get(text.len().saturating_sub(150)..)) {
            (Some(start), Some(end)) if text.len() > 230 => write!(f, "{start} … {end}"),
            _ => f.write_str(&text),
        }
    }
}

impl Answer {
    /// Whether an answer of the cache is what the model expected, which may not know the token.
    pub(super) fn agrees_with(&self, expected: &Answer) -> bool {
        match (self, expected) {
            (Answer::Item(Some(real)), Answer::Item(Some(expected))) => {
                let mut expected = expected.clone();
                expected.token = expected.token.or(real.token);
                *real == expected
            }
            (Answer::Stored(Some(_)), Answer::Stored(None)) => true,
            _ => self == expected,
        }
    }

    /// The token of the item that is there now.
    pub(super) fn token(&self) -> Option<u64> {
        match self {
            Answer::Item(seen) => seen.as_ref()?.token,
            Answer::Stored(token) => *token,
            _ => None,
        }
    }
}

/// How the remaining time is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Precision {
    /// To the millisecond: the clock stands still.
    Exact,
    /// To the nearest hour: the clock runs, and all lifetimes are whole hours.
    Hours,
}

/// Milliseconds of an hour.
pub(super) const HOUR: u64 = 3_600_000;

pub(super) fn info(info: &ItemInfo, precision: Precision) -> Seen {
    let ttl = info.ttl.map(|ttl| ttl.as_millis() as u64);
    Seen {
        value: Vec::new(),
        len: info.value_len,
        flags: info.flags,
        encoding: info.encoding,
        ttl: match precision {
            Precision::Exact => ttl,
            Precision::Hours => ttl.map(|ttl| (ttl + HOUR / 2) / HOUR * HOUR),
        },
        token: Some(info.cas_token.0),
    }
}

/// No room for a value of many pages.
pub(super) const NO_ROOM: &str = "no room";

pub(super) fn item(item: Option<Item>, precision: Precision) -> Answer {
    Answer::Item(item.map(|item| Seen { value: item.value, ..info(&item.info, precision) }))
}

pub(super) fn written<T>(
    result: Result<T, WriteError>,
    answer: impl FnOnce(T) -> Answer,
) -> Answer {
    match result {
        Ok(value) => answer(value),
        Err(WriteError::InvalidKey { .. }) => Answer::Refused("invalid key"),
        Err(WriteError::TooLarge { .. }) => Answer::Refused("too large"),
        Err(WriteError::NotANumber { .. }) => Answer::Refused("not a number"),
        // Where it may be, is the suite's to say.
        Err(WriteError::NoRoom { .. }) => Answer::Refused(NO_ROOM),
        Err(error) => panic!("no operation of this suite may end so: {error}"),
    }
}

pub(super) fn read<T>(result: Result<T, ReadError>, answer: impl FnOnce(T) -> Answer) -> Answer {
    match result {
        Ok(value) => answer(value),
        Err(ReadError::InvalidKey { .. }) => Answer::Refused("invalid key"),
        Err(error) => panic!("no operation of this suite may end so: {error}"),
    }
}

pub(super) fn stored(result: Result<SetOutcome, WriteError>) -> Answer {
    written(result, |outcome| match outcome {
        SetOutcome::Stored(token) => Answer::Stored(Some(token.0)),
        other => Answer::NotStored(other),
    })
}
