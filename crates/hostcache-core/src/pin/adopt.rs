//! From PUBLISHED with the pin bit to ORPHAN, and from there to whoever finds it held by nobody.

use crate::participant::Entry;
use crate::region::Region;
use crate::session::Session;
use crate::slab::Owned;
use crate::word::{BlockState, BlockWord, LaneId};

impl<H> Session<'_, H> {
    /// Retires a block that this lane unlinked and that may be held; whether it is CLAIMED by this lane now. If not, it is
    /// its holders', or a recoverer took it first.
    #[cold]
    pub(crate) fn retire_pinned(
        &self,
        location: u64,
        header: BlockWord,
        claimed: BlockWord,
    ) -> bool {
        let region = self.region;
        // The bit is set only once: a header that was loaded without it has it now, or is another's.
        let pinned = header.with_pin(true);
        // ORPHAN first, then the scan: whoever comes to hold it later would see that.
        header.state() == BlockState::Published
            && region.change_header(location, pinned, pinned.orphaned())
            && !region.is_pinned(location)
            && region.change_header(location, pinned.orphaned(), claimed)
    }

    /// Takes an ORPHAN that a walker met and nobody holds.
    #[cold]
    pub(crate) fn adopt(&mut self, location: u64, orphan: BlockWord) -> Option<Owned> {
        let region = self.region;
        if orphan.state() != BlockState::Orphan || region.is_pinned(location) {
            return None;
        }
        let kind = region.kind_of(location)?;
        let entry: Entry = self.lane.magazine.reserve()?;
        self.name_entry(entry, location);
        let generation = BlockWord::free(orphan.generation() + 1).generation();
        let claimed = BlockWord::new(BlockState::Claimed, self.lane.id, generation);
        if !region.change_header(location, orphan, claimed) {
            self.vacate_entry(entry);
            return None;
        }
        Some(Owned { location, generation, kind, entry })
    }
}

impl Region {
    /// Frees whatever ORPHAN is at a location, if nobody holds it. A run passes through the hands of `lane`: the caller's
    /// own, or one that it recovers.
    #[cold]
    pub(crate) fn adopt_at(&self, location: u64, lane: LaneId) -> bool {
        match self.block_at(location) {
            Some(header) if header.state() == BlockState::Orphan => {
                self.free_orphan(location, header, lane)
            }
            _ => false,
        }
    }

    /// Ends a PUBLISHED incarnation that is in no slot and may be held; whether its memory is free.
    pub(crate) fn free_pinned(&self, location: u64, header: BlockWord, lane: LaneId) -> bool {
        let pinned = header.with_pin(true);
        self.change_header(location, pinned, pinned.orphaned())
            && self.free_orphan(location, pinned.orphaned(), lane)
    }

    fn free_orphan(&self, location: u64, orphan: BlockWord, lane: LaneId) -> bool {
        !self.is_pinned(location) && self.free_seen(location, orphan, lane)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::fixture::{Fixture, Still, plain};
    use crate::layout::{Identity, record};
    use crate::participant::Lane;
    use crate::region::Region;
    use crate::session::Session;
    use crate::sync::Ordering;
    use crate::{Got, PinLane};

    fn set(region: &Region, lane: &mut Lane, key: &str, len: usize) {
        let value = vec![7; len];
        let request = plain(&value, None);
        let stored = Session::new(region, lane, &Still).set(key.as_bytes(), &request);
        stored.expect("there is room");
    }

    /// Not even by a dead holder: the record was lost, as in a damaged region.
    #[test]
    fn walkers_adopt_what_waits_for_nobody() {
        // Chunks met by the hand of their class, chunks of a page that is emptied, and a run.
        for (len, then) in [(300, 300), (300, 3_000), (60_000, 300), (60_000, 200_000)] {
            let Fixture { region, .. } = &Fixture::new();
            let mut lane = Lane::attach(region, 0, &Identity::default());
            let pins = Lane::attach(region, 1, &Identity::default()).into_pins(region);
            for number in 0..8 {
                let key = format!("held-{number}");
                set(region, &mut lane, &key, len);
                let pinned =
                    region.pin(&Still, key.as_bytes(), pins.slot(number), |_| Ok::<_, ()>(()));
                assert!(matches!(pinned, Ok(Got::Hit(_))));
                Session::new(region, &mut lane, &Still).delete(key.as_bytes()).expect("sound");
            }
            let bytes = 8 * len as u64;
            let account = region.check(&Still, |_| false);
            assert!(account.pinned >= bytes && account.problems.is_empty(), "{account:?}");
            for slot in 0..u64::from(PinLane::SLOTS) {
                region.lane_word(1, record::PINS + slot).store(0, Ordering::Relaxed);
            }
            let account = region.check(&Still, |_| false);
            assert_eq!(account.problems.len(), 8, "{account:?}");
            // A class gives its page only when it has long taken nothing.
            let sets = 3 * (1 << 20) / then + if then == 3_000 { 5_000 } else { 0 };
            for number in 0..sets {
                // Runs of one length would keep to their places.
                let other = if then == 200_000 { number * 7_000 } else { 0 };
                set(region, &mut lane, &format!("new-{number}"), then + other);
            }
            let account = region.check(&Still, |_| false);
            assert!(
                account.pinned == 0 && account.problems.is_empty(),
                "{len}, {then}: {account:?}"
            );
        }
    }
}
