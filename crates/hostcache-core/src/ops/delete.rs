//! `delete`.

use crate::fuel::Fuel;
use crate::layout::ItemHead;
use crate::ordering as ord;
use crate::participant::Counter;
use crate::region::Host;
use crate::session::{Failure, Session};
use crate::table::{Found, Lookup, Probe, Removal};
use crate::word::SlotWord;

/// What became of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// It was there and is gone.
    Gone,
    /// It was not there.
    Missing,
}

/// What [`Session::remove`] met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Removed {
    /// A live item, which it ended.
    Live(ItemHead),
    /// One whose deadline had passed.
    Expired,
    /// None, or one that a clear had ended.
    Nothing,
}

impl<H: Host> Session<'_, H> {
    /// Ends a key's item. Linearizable and lock-free.
    ///
    /// # Errors
    ///
    /// A damaged region.
    #[inline]
    pub fn delete(&mut self, key: &[u8]) -> Result<Deleted, Failure> {
        let (deleted, counter) = match self.remove(key, |_| ())? {
            Removed::Live(_) => (Deleted::Gone, Counter::DeleteHits),
            Removed::Expired | Removed::Nothing => (Deleted::Missing, Counter::DeleteMisses),
        };
        self.tally(counter, 1);
        Ok(deleted)
    }

    /// Unlinks a key's item. `read` may copy it before; the last call is for the incarnation that was unlinked.
    #[inline]
    pub(super) fn remove(
        &mut self,
        key: &[u8],
        mut read: impl FnMut(&Found<'_>),
    ) -> Result<Removed, Failure> {
        let region = self.region;
        let probe = Probe::new(&region.geometry, key);
        let mut fuel = Fuel::operation();
        loop {
            fuel.burn()?;
            let epoch = region.epoch();
            let Some(control) = self.settled_control(probe.primary) else { continue };
            let found = match region.find(&probe, key, &mut fuel)? {
                Lookup::Found(found) => found,
                // "Absent" counts if no insertion with this primary committed since before the scan.
                Lookup::Absent => {
                    let now = region.control(probe.primary).load(ord::control_load());
                    if now == control.bits() {
                        return Ok(Removed::Nothing);
                    }
                    continue;
                }
            };
            let end = region.end_at(self.host, &found, epoch);
            let head = found.item_head();
            read(&found);
            if !found.is_whole() {
                continue;
            }
            let removal = end.unwrap_or(Removal::Deleted);
            let Some(owned) = self.exchange(&found, SlotWord::EMPTY, removal) else { continue };
            if let Some(owned) = owned {
                self.put_back(owned);
            }
            return Ok(match end {
                None => Removed::Live(head),
                Some(Removal::Expired) => Removed::Expired,
                Some(_) => Removed::Nothing,
            });
        }
    }
}
