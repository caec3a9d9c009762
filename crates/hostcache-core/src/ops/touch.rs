//! `touch`, and get-and-touch: a new deadline, the same value and token.

use super::set::Deadline;
use super::store::{Change, Draft, Present, Verdict};
use super::take::Copied;
use crate::layout::ItemHead;
use crate::participant::Counter;
use crate::region::Host;
use crate::session::{Failure, Session};

struct Touch {
    deadline: Deadline,
    /// The item that was met last, with the deadline that it gets.
    seen: Option<ItemHead>,
    value: Vec<u8>,
}

impl Change for Touch {
    const READS_VALUE: bool = true;
    const IS_USE: bool = true;

    fn decide(&mut self, present: Option<Present<'_>>) -> Result<Verdict, Failure> {
        self.seen = present.as_ref().map(|present| present.head);
        let (Some(seen), Some(present)) = (&mut self.seen, present) else {
            return Ok(Verdict::Keep);
        };
        self.value.clear();
        self.value.extend_from_slice(present.value);
        if let Deadline::At(deadline) = self.deadline {
            seen.deadline = deadline;
        }
        // Nothing to change: the item was there with this deadline, at this instant.
        if seen.deadline == present.head.deadline {
            return Ok(Verdict::Keep);
        }
        Ok(Verdict::Put { revised: true })
    }

    fn draft(&self) -> Draft<'_> {
        let seen = self.seen.as_ref();
        Draft {
            value: &self.value,
            flags: seen.map_or(0, |head| head.flags),
            encoding: seen.map_or(0, |head| head.encoding),
            deadline: seen.and_then(|head| head.deadline),
            token: seen.map(|head| head.token),
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
        Ok(self.touch_item(key, Deadline::At(deadline))?.is_some())
    }

    /// [`Session::touch`] that also gives the value: of the very item whose deadline was changed, with the new
    /// deadline in its head. Counts as a get and a touch.
    ///
    /// # Errors
    ///
    /// As [`Session::touch`].
    pub fn get_and_touch(
        &mut self,
        key: &[u8],
        deadline: Deadline,
    ) -> Result<Option<Copied>, Failure> {
        let touched = self.touch_item(key, deadline)?;
        let counter = if touched.is_some() { Counter::GetHits } else { Counter::GetMisses };
        self.tally(counter, 1);
        Ok(touched)
    }

    fn touch_item(&mut self, key: &[u8], deadline: Deadline) -> Result<Option<Copied>, Failure> {
        let mut touch = Touch { deadline, seen: None, value: Vec::new() };
        self.apply(key, &mut touch)?;
        let counter = if touch.seen.is_some() { Counter::TouchHits } else { Counter::TouchMisses };
        self.tally(counter, 1);
        Ok(touch.seen.map(|head| Copied { head, value: touch.value }))
    }
}
