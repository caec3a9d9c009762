//! Counters: values of ASCII decimal digits, as Memcached's.

use super::store::{Change, Draft, Present, Verdict};
use crate::participant::Counter;
use crate::region::Host;
use crate::session::{Failure, Session};

/// Up or down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    /// Wraps at 2^64.
    Increment(u64),
    /// Stops at 0.
    Decrement(u64),
}

/// What an absent key becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Initial {
    /// Its value.
    pub value: u64,
    /// The kind of its bytes.
    pub encoding: u8,
    /// When it ends.
    pub deadline: Option<u64>,
}

/// What became of a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// It has this value now.
    Value(u64),
    /// No such key.
    Missing,
}

/// Longest text of a 64-bit number.
const DIGITS: usize = 20;

struct Count {
    arithmetic: Arithmetic,
    initial: Option<Initial>,
    result: u64,
    text: [u8; DIGITS],
    start: usize,
    flags: u32,
    encoding: u8,
    deadline: Option<u64>,
}

impl Count {
    fn put(&mut self, value: u64) -> Verdict {
        self.result = value;
        let mut rest = value;
        self.start = DIGITS;
        loop {
            self.start -= 1;
            self.text[self.start] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        Verdict::Put { revised: true }
    }
}

/// Parses 1 to 20 digits.
fn parse(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > DIGITS {
        return None;
    }
    text.iter().try_fold(0u64, |value, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

impl Change for Count {
    const READS_VALUE: bool = true;

    fn decide(&mut self, present: Option<Present<'_>>) -> Result<Verdict, Failure> {
        let Some(present) = present else {
            let Some(initial) = self.initial else { return Ok(Verdict::Keep) };
            // A round before may have met an item.
            (self.flags, self.encoding, self.deadline) = (0, initial.encoding, initial.deadline);
            return Ok(self.put(initial.value));
        };
        let value = parse(present.value).ok_or(Failure::NotANumber)?;
        self.flags = present.head.flags;
        self.encoding = present.head.encoding;
        self.deadline = present.head.deadline;
        Ok(match self.arithmetic {
            Arithmetic::Increment(by) => self.put(value.wrapping_add(by)),
            Arithmetic::Decrement(by) => self.put(value.saturating_sub(by)),
        })
    }

    fn draft(&self) -> Draft<'_> {
        Draft {
            value: &self.text[self.start..],
            flags: self.flags,
            encoding: self.encoding,
            deadline: self.deadline,
            token: None,
        }
    }
}

impl<H: Host> Session<'_, H> {
    /// Counts up or down; an absent key becomes `initial`, if given.
    ///
    /// # Errors
    ///
    /// Not a number, no room, or a damaged region.
    pub fn count(
        &mut self,
        key: &[u8],
        arithmetic: Arithmetic,
        initial: Option<Initial>,
    ) -> Result<Counted, Failure> {
        let mut count = Count {
            arithmetic,
            initial,
            result: 0,
            text: [0; DIGITS],
            start: DIGITS,
            flags: 0,
            encoding: 0,
            deadline: None,
        };
        let stored = self.apply(key, &mut count)?.is_some();
        let counter = match (arithmetic, stored) {
            (Arithmetic::Increment(_), true) => Counter::IncrHits,
            (Arithmetic::Increment(_), false) => Counter::IncrMisses,
            (Arithmetic::Decrement(_), true) => Counter::DecrHits,
            (Arithmetic::Decrement(_), false) => Counter::DecrMisses,
        };
        self.tally(counter, 1);
        Ok(if stored { Counted::Value(count.result) } else { Counted::Missing })
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn only_decimal_digits_within_64_bits_are_numbers() {
        assert_eq!(parse(b"0"), Some(0));
        assert_eq!(parse(b"0041"), Some(41));
        assert_eq!(parse(b"18446744073709551615"), Some(u64::MAX));
        for bad in [
            &b""[..],
            b" 1",
            b"1 ",
            b"-1",
            b"+1",
            b"1.0",
            b"x",
            b"18446744073709551616",
            b"000000000000000000001",
        ] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }
}
