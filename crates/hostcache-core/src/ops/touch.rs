//! `touch`: a new deadline, the same value and token.

use super::store::{Change, Draft, Present, Verdict};
use crate::participant::Counter;
use crate::region::Host;
use crate::session::{Failure, Session};

struct Touch {
    deadline: Option<u64>,
    value: Vec<u8>,
    flags: u32,
    encoding: u8,
    token: u64,
}

impl Change for Touch {
    const READS_VALUE: bool = true;

    fn decide(&mut self, present: Option<Present<'_>>) -> Result<Verdict, Failure> {
        let Some(Present { head, value }) = present else {
            self.token = u64::MAX;
            return Ok(Verdict::Keep);
        };
        if head.deadline == self.deadline {
            // Nothing to change: the item was there with this deadline, at this instant.
            self.token = head.token;
            return Ok(Verdict::Keep);
        }
        self.value.clear();
        self.value.extend_from_slice(value);
        self.flags = head.flags;
        self.encoding = head.encoding;
        self.token = head.token;
        Ok(Verdict::Put { revised: true })
    }

    fn draft(&self) -> Draft<'_> {
        Draft {
            value: &self.value,
            flags: self.flags,
            encoding: self.encoding,
            deadline: self.deadline,
            token: Some(self.token),
        }
    }
}

impl<H: Host> Session<'_, H> {
    /// Gives an item a new deadline; false if there is none. The block is replaced, never changed in place.
    ///
    /// # Errors
    ///
    /// No room for the copy, or a damaged region.
    pub fn touch(&mut self, key: &[u8], deadline: Option<u64>) -> Result<bool, Failure> {
        let mut touch =
            Touch { deadline, value: Vec::new(), flags: 0, encoding: 0, token: u64::MAX };
        self.apply(key, &mut touch)?;
        // Tokens never have all bits set: set means that an item was seen.
        let touched = touch.token != u64::MAX;
        let counter = if touched { Counter::TouchHits } else { Counter::TouchMisses };
        self.tally(counter, 1);
        Ok(touched)
    }
}
