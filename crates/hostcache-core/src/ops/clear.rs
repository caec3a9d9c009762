//! `clear`: one step of the epoch ends every item (`docs/protocol.md` §6).

use crate::fuel::Fuel;
use crate::layout::{SLOTS, live};
use crate::ordering as ord;
use crate::participant::Counter;
use crate::region::{Host, Region};
use crate::session::{Failure, Session};
use crate::sync::Ordering;
use crate::table::{Position, Removal};
use crate::word::{ControlWord, SlotWord};

impl<H: Host> Session<'_, H> {
    /// Ends every item at one instant. O(1), except that once in 2^31 clears the items that earlier ones ended are
    /// unlinked first, so that no stamp is mistaken.
    ///
    /// # Errors
    ///
    /// A damaged region.
    pub fn clear(&mut self) -> Result<(), Failure> {
        let region = self.region;
        let epoch_word = region.word(live::EPOCH);
        let mut fuel = Fuel::operation();
        loop {
            fuel.burn()?;
            let epoch = region.epoch();
            let next = epoch.wrapping_add(1);
            if next.is_multiple_of(region.geometry.half_stamps()) {
                self.unlink_older(epoch)?;
            }
            let counts = region.live_counts();
            let advanced =
                epoch_word.compare_exchange(epoch, next, ord::epoch_advance(), Ordering::Relaxed);
            if advanced.is_ok() {
                if !cfg!(loom) {
                    region.word(live::CLEARED).store(counts.0, Ordering::Relaxed);
                    region.word(live::CLEARED + 1).store(counts.1, Ordering::Relaxed);
                }
                self.tally(Counter::CmdFlush, 1);
                return Ok(());
            }
        }
    }

    /// Makes sure that no older stamp is linked, or can be linked any more: an insertion under way fails at the bumped
    /// control word, a replacement at the item that is gone. The second walk finds what was committed before its
    /// control word was bumped, in a bucket that the first had passed. Ends early when the epoch moves on: then somebody
    /// else has done all this.
    fn unlink_older(&mut self, epoch: u64) -> Result<(), Failure> {
        for walk in 0..2 {
            for bucket in 0..self.region.geometry.shape.buckets {
                let mut fuel = Fuel::operation();
                for index in 0..SLOTS as u8 {
                    self.unlink_older_at(Position::new(bucket, index), epoch, &mut fuel)?;
                }
                if walk == 0 {
                    self.bump(bucket, &mut fuel)?;
                }
                if self.region.epoch() != epoch {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Makes every insertion with this primary that is under way scan again.
    fn bump(&mut self, bucket: u64, fuel: &mut Fuel) -> Result<(), Failure> {
        loop {
            fuel.burn()?;
            if let Some(control) = self.settled_control(bucket)
                && self.region.bump_control(bucket, control)
            {
                return Ok(());
            }
        }
    }

    fn unlink_older_at(
        &mut self,
        position: Position,
        epoch: u64,
        fuel: &mut Fuel,
    ) -> Result<(), Failure> {
        let region = self.region;
        while let Some(found) = region.committed_at(position) {
            // The epoch is looked at behind the item: unchanged, nothing newer than it was linked then.
            if !region.is_cleared(found.head.stamp(), epoch) || region.epoch() != epoch {
                break;
            }
            fuel.burn()?;
            if let Some(Some(owned)) = self.exchange(&found, SlotWord::EMPTY, Removal::Cleared) {
                self.put_back(owned);
            }
        }
        Ok(())
    }
}

impl Region {
    fn bump_control(&self, bucket: u64, control: ControlWord) -> bool {
        self.control(bucket)
            .compare_exchange(
                control.bits(),
                control.bumped().bits(),
                ord::control_commit(),
                Ordering::Relaxed,
            )
            .is_ok()
    }

    /// Items and bytes linked and not unlinked, those that clears ended included.
    #[must_use]
    fn live_counts(&self) -> (u64, u64) {
        if cfg!(loom) {
            return (0, 0);
        }
        let counters = self.counters();
        let difference = |added, removed| counters.get(added).saturating_sub(counters.get(removed));
        (
            difference(Counter::ItemsAdded, Counter::ItemsRemoved),
            difference(Counter::BytesAdded, Counter::BytesRemoved),
        )
    }

    /// Items and bytes present. Off by one item for every operation cut short by a kill
    /// or running beside a clear.
    #[must_use]
    pub fn present_counts(&self) -> (u64, u64) {
        let (items, bytes) = self.live_counts();
        let cleared = |at: u64| self.word(live::CLEARED + at).load(Ordering::Relaxed);
        (items.saturating_sub(cleared(0)), bytes.saturating_sub(cleared(1)))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::fixture::{Fixture, Still, plain};
    use crate::layout::Identity;
    use crate::{Lane, Session};

    #[test]
    fn items_and_bytes_are_counted_in_and_out() {
        let Fixture { region, .. } = &Fixture::new();
        let mut lane = Lane::attach(region, 0, &Identity::default());
        let mut session = Session::new(region, &mut lane, &Still);
        let set = |session: &mut Session<'_, Still>, key: &[u8], len: usize, until| {
            let value = vec![7; len];
            let request = plain(&value, until);
            session.set(key, &request).expect("there is room");
            region.present_counts()
        };
        assert_eq!(set(&mut session, b"one", 10, None), (1, 13));
        assert_eq!(set(&mut session, b"one", 100, None), (1, 103));
        assert_eq!(set(&mut session, b"three", 20_000, None), (2, 20_108));
        assert_eq!(set(&mut session, b"ended", 5, Some(1)), (3, 20_118));
        // The sweep meets what has ended.
        session.sweep(u64::MAX);
        assert_eq!(region.present_counts(), (2, 20_108));
        session.delete(b"one").expect("a sound region");
        assert_eq!(region.present_counts(), (1, 20_005));
        session.clear().expect("a sound region");
        assert_eq!(region.present_counts(), (0, 0));
        assert_eq!(set(&mut session, b"three", 1, None), (1, 6));
        // Twice what there is room for: of what is evicted nothing is left in the sums.
        for key in 0..2_000u32 {
            set(&mut session, &key.to_be_bytes(), 1_000, None);
        }
        let account = region.check(&Still, |_| false);
        let (items, bytes) = region.present_counts();
        assert!(items < 2_000 && items == account.items, "{items} items, {account:?}");
        assert!((items - 1) * 1_004 <= bytes && bytes <= items * 1_004, "{items} of {bytes} bytes");
    }
}
