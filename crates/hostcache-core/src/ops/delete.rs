//! `delete`.

use crate::fuel::Fuel;
use crate::ordering as ord;
use crate::participant::Counter;
use crate::region::Host;
use crate::session::{Failure, Session};
use crate::table::{Lookup, Probe, Removal};
use crate::word::SlotWord;

/// What became of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// It was there and is gone.
    Gone,
    /// It was not there.
    Missing,
}

impl<H: Host> Session<'_, H> {
    /// Ends a key's item. Linearizable and lock-free.
    ///
    /// # Errors
    ///
    /// A damaged region.
    #[inline]
    pub fn delete(&mut self, key: &[u8]) -> Result<Deleted, Failure> {
        let deleted = self.remove(key)?;
        let counter = match deleted {
            Deleted::Gone => Counter::DeleteHits,
            Deleted::Missing => Counter::DeleteMisses,
        };
        self.tally(counter, 1);
        Ok(deleted)
    }

    fn remove(&mut self, key: &[u8]) -> Result<Deleted, Failure> {
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
                        return Ok(Deleted::Missing);
                    }
                    continue;
                }
            };
            let end = self.end_at(&found, epoch);
            if !found.is_whole() {
                continue;
            }
            let removal = end.unwrap_or(Removal::Deleted);
            let Some(owned) = self.exchange(&found, SlotWord::EMPTY, removal) else { continue };
            if let Some(owned) = owned {
                self.put_back(owned);
            }
            return Ok(if end.is_some() { Deleted::Missing } else { Deleted::Gone });
        }
    }
}
