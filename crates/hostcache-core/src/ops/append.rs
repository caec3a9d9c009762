//! `append` and `prepend`: bytes at an end of the present value, everything else as it was.

use super::store::{Change, Draft, Present, Verdict};
use crate::participant::Counter;
use crate::region::Host;
use crate::session::{Failure, Session};

/// At which end of a value bytes are added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Before the first byte.
    Front,
    /// Behind the last byte.
    Back,
}

struct Extend<'a> {
    addition: &'a [u8],
    end: End,
    limit: u64,
    value: Vec<u8>,
    flags: u32,
    encoding: u8,
    deadline: Option<u64>,
}

impl Change for Extend<'_> {
    const READS_VALUE: bool = true;
    const IS_USE: bool = true;

    fn decide(&mut self, present: Option<Present<'_>>) -> Result<Verdict, Failure> {
        let Some(Present { head, value }) = present else { return Ok(Verdict::Keep) };
        let len = value.len() + self.addition.len();
        if len as u64 > self.limit {
            return Err(Failure::TooLarge { len: len as u64, limit: self.limit });
        }
        self.value.clear();
        self.value.reserve_exact(len);
        let (first, second) = match self.end {
            End::Front => (self.addition, value),
            End::Back => (value, self.addition),
        };
        self.value.extend_from_slice(first);
        self.value.extend_from_slice(second);
        self.flags = head.flags;
        self.encoding = head.encoding;
        self.deadline = head.deadline;
        Ok(Verdict::Put { revised: true })
    }

    fn draft(&self) -> Draft<'_> {
        Draft {
            value: &self.value,
            flags: self.flags,
            encoding: self.encoding,
            deadline: self.deadline,
            token: None,
        }
    }
}

impl<H: Host> Session<'_, H> {
    /// Adds bytes to an item's value; its new length, `None` if there is no item. Deadline, flags and encoding
    /// stay, the token is a new one. Linearizable and lock-free; the block is replaced, never changed in place.
    ///
    /// # Errors
    ///
    /// A value that became longer than the region takes, no room, or a damaged region.
    pub fn extend(
        &mut self,
        key: &[u8],
        addition: &[u8],
        end: End,
    ) -> Result<Option<u64>, Failure> {
        self.tally(Counter::CmdSet, 1);
        let limit = self.region.geometry.max_value_len(key.len());
        let mut extend = Extend {
            addition,
            end,
            limit,
            value: Vec::new(),
            flags: 0,
            encoding: 0,
            deadline: None,
        };
        let stored = self.apply(key, &mut extend)?.is_some();
        let counter = if stored { Counter::AppendHits } else { Counter::AppendMisses };
        self.tally(counter, 1);
        Ok(stored.then_some(extend.value.len() as u64))
    }
}
