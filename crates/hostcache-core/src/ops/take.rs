//! `take`: get and delete in one.

use super::delete::Removed;
use crate::layout::ItemHead;
use crate::participant::Counter;
use crate::region::Host;
use crate::session::{Failure, Session};

/// An item, copied out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// What stood before the key.
    pub head: ItemHead,
    /// The value's bytes.
    pub value: Vec<u8>,
}

impl<H: Host> Session<'_, H> {
    /// Ends a key's item and gives it back: the very item that was unlinked, so that of all who take it at once
    /// exactly one gets it. Linearizable and lock-free. Counts as a get and a delete.
    ///
    /// # Errors
    ///
    /// A damaged region.
    pub fn take(&mut self, key: &[u8]) -> Result<Option<Copied>, Failure> {
        let mut value = Vec::new();
        // The unlinking compare-exchange expects the incarnation that was copied: its header was found unchanged
        // behind the copy, and is compared once more behind the name (HAZARD).
        let removed = self.remove(key, |found| found.value.copy_to_vec(&mut value))?;
        let (get, delete) = match removed {
            Removed::Live(_) => (Counter::GetHits, Counter::DeleteHits),
            Removed::Expired => (Counter::GetExpired, Counter::DeleteMisses),
            Removed::Nothing => (Counter::GetMisses, Counter::DeleteMisses),
        };
        self.tally(get, 1);
        self.tally(delete, 1);
        Ok(match removed {
            Removed::Live(head) => Some(Copied { head, value }),
            Removed::Expired | Removed::Nothing => None,
        })
    }
}
