//! Moving an item to another chunk of its class: what a page that changes hands holds of use stays in the cache.
//!
//! To everybody else this is a replacement of an item by an equal one, under the protocol of any other (`docs/protocol.md`
//! §4, MOVED-ASIDE).

use super::{Kind, Owned};
use crate::ordering as ord;
use crate::region::{Host, Region};
use crate::session::Session;
use crate::sync::Ordering;
use crate::table::{Found, Removal};
use crate::word::{BlockState, BlockWord};

impl<H: Host> Session<'_, H> {
    /// Moves a used item aside; its old chunk, CLAIMED by this lane. `None`: it is not worth it, there is no other
    /// chunk for it, or it changed meanwhile.
    pub(crate) fn save(&mut self, found: &Found<'_>, class: usize) -> Option<Owned> {
        let used = Region::tells_use(self.region.mark(found.position));
        if !used || self.end_of(found).is_some() {
            return None;
        }
        let spare = self.spare_chunk(class)?;
        self.move_aside(found, spare)
    }

    /// A chunk of a class for an item that is there already: no page changes hands for it.
    pub(crate) fn spare_chunk(&mut self, class: usize) -> Option<Owned> {
        let bytes = self.region.geometry.classes.chunk_words(class)? * 8;
        let held = self.lane.magazine.take(class, bytes).map(Owned::from);
        let spare =
            held.or_else(|| self.refill(class, bytes)).or_else(|| self.evict_chunk(class))?;
        if self.may_link(&spare) {
            return Some(spare);
        }
        // Set aside: free, but found only by those who walk.
        self.free_block(spare, false);
        None
    }

    /// Puts an equal item, in the block given, into the slot of one that was found.
    pub(crate) fn move_aside(&mut self, found: &Found<'_>, mut spare: Owned) -> Option<Owned> {
        let region = self.region;
        let words = found.head.sizes().words();
        // The lengths may be damaged, or another's by now.
        let fits = match spare.kind {
            Kind::Chunk(class) => {
                region.geometry.classes.chunk_words(class).is_some_and(|most| words <= most)
            }
            Kind::Run(_) => false,
        };
        if !fits || region.item_bytes(found.location(), words as usize * 8).is_none() {
            self.put_back(spare);
            return None;
        }
        ord::writer_fence();
        for at in 1..words {
            let word = region.word(found.location() + at).load(Ordering::Relaxed);
            region.word(spare.location + at).store(word, Ordering::Relaxed);
        }
        if !found.is_whole() {
            self.put_back(spare);
            return None;
        }
        let id = self.lane.id;
        let sealed = BlockWord::new(BlockState::Published, id, spare.generation);
        region.header(spare.location).store(sealed.bits(), ord::header_seal());
        let short = region.geometry.short_generation(spare.generation);
        let next = found.word.replaced_by(short, spare.location);
        if !self.swap_word(found, next, Removal::Replaced) {
            self.break_seal(&mut spare);
            self.free_block(spare, true);
            return None;
        }
        let old = self.retire(found, Some(spare.entry));
        self.clear_old();
        if old.is_none() {
            self.vacate_entry(spare.entry);
        }
        old
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::fixture::{Fixture, Still};
    use crate::layout::Identity;
    use crate::table::{Lookup, Probe};
    use crate::word::PageState;
    use crate::{Condition, Counter, Deadline, Lane, Region, Session, SetRequest};

    const ITEMS: u32 = 200;

    fn key(number: u32) -> [u8; 4] {
        number.to_le_bytes()
    }

    fn value(number: u32) -> [u8; 300] {
        core::array::from_fn(|at| (number as usize * 7 + at) as u8)
    }

    /// Token, flags and deadline of an item that is there with its own value.
    fn read(region: &Region, number: u32) -> Option<(u64, u32, Option<u64>)> {
        let mut out = Vec::new();
        let mut head = None;
        let mut sink = |found: &crate::Value<'_>| {
            found.copy_to_vec(&mut out);
            head = Some(found.head());
        };
        region.get_quickly(&Still, &key(number), &mut sink)??;
        assert_eq!(out, value(number));
        head.map(|head| (head.token, head.flags, head.deadline))
    }

    /// Page of an item, without a use.
    fn page_of(region: &Region, number: u32) -> u64 {
        let probe = Probe::new(&region.geometry, &key(number));
        match region.glance(&probe, &key(number)) {
            Some(Lookup::Found(found)) => region.geometry.page_of(found.location()).expect("arena"),
            _ => panic!("{number} is not there"),
        }
    }

    #[test]
    fn what_is_used_in_a_page_that_is_emptied_is_moved_aside_as_it_was() {
        let Fixture { region, .. } = &Fixture::new();
        let mut lane = Lane::attach(region, 0, &Identity::default());
        for number in 0..ITEMS {
            let request = SetRequest {
                value: &value(number),
                flags: number,
                encoding: 0,
                deadline: Deadline::At((number % 3 == 0).then_some(5_000 + u64::from(number))),
                condition: Condition::Always,
            };
            let mut session = Session::new(region, &mut lane, &Still);
            session.set(&key(number), &request).expect("there is room");
        }
        let page = page_of(region, 50);
        let inside: Vec<u32> = (0..ITEMS).filter(|&n| page_of(region, n) == page).collect();
        let outside: Vec<u32> = (0..ITEMS).filter(|n| !inside.contains(n)).collect();
        assert!(inside.len() > 10 && outside.len() > inside.len());
        let (used, unused) = inside.split_at(inside.len() / 2);
        let before: Vec<_> = used.iter().map(|&n| read(region, n).expect("there")).collect();

        let mut session = Session::new(region, &mut lane, &Still);
        let owned = session.empty_page(page).expect("nobody holds a block");
        region.release_page(page, owned);
        assert_eq!(region.load_page(page).state(), PageState::Free);

        let after: Vec<_> = used.iter().map(|&n| read(region, n).expect("was used")).collect();
        assert_eq!(before, after);
        assert!(used.iter().all(|&n| page_of(region, n) != page));
        assert!(unused.iter().all(|&n| read(region, n).is_none()), "nobody used them");
        let evicted = region.counters().get(Counter::Evictions);
        let missing = outside.iter().filter(|&&n| read(region, n).is_none()).count();
        assert_eq!(evicted as usize, unused.len() + missing);
        let account = region.check(&Still, |_| false);
        assert!(account.problems.is_empty(), "{account:?}");
        assert_eq!(account.items as usize, ITEMS as usize - unused.len() - missing);
    }
}
