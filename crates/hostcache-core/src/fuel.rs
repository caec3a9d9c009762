//! Step bounds: on a region that contradicts itself every loop ends.

use crate::fault::{Fault, planted};

/// Steps that one operation may still take. In a sound region a step is repeated only because somebody else's
/// operation succeeded; the bound is beyond what contention reaches.
#[derive(Debug)]
pub(crate) struct Fuel(u32);

/// The bound was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted;

impl Fuel {
    /// For one operation on one key: under contention an attempt takes a tenth of a microsecond, so this is
    /// about a tenth of a second of losing every race. Fewer where models or fuzzers go to the end of it all the time.
    pub(crate) fn operation() -> Self {
        Self(if cfg!(loom) {
            64
        } else if cfg!(fuzzing) {
            1 << 10
        } else {
            1 << 20
        })
    }

    /// Takes a step.
    #[inline(always)]
    pub(crate) fn burn(&mut self) -> Result<(), Exhausted> {
        if planted(Fault::FuelNeverBurns) {
            return Ok(());
        }
        match self.0.checked_sub(1) {
            Some(rest) => {
                self.0 = rest;
                Ok(())
            }
            None => Err(Exhausted),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::Fuel;

    #[test]
    fn every_operation_runs_out_of_steps() {
        let mut fuel = Fuel::operation();
        assert!((0..=1 << 20).any(|_| fuel.burn().is_err()));
        assert!(fuel.burn().is_err());
    }
}
