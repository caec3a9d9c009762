//! The one loop behind every operation that stores: look, decide, fill a private block, make one change.

use crate::fuel::Fuel;
use crate::layout::{ItemHead, ItemSizes};
use crate::ordering as ord;
use crate::participant::Counter;
use crate::region::Host;
use crate::session::{Failure, Session};
use crate::slab::{Kind, Owned};
use crate::sync::Ordering;
use crate::table::{Found, Lookup, Placed, Probe, Removal};
use crate::word::{BlockState, BlockWord};

/// What an operation wants done with a key.
pub(crate) trait Change {
    /// Whether `decide` needs the present value's bytes.
    const READS_VALUE: bool;
    /// Whether it counts as a use of the present item, as a read does.
    const IS_USE: bool = false;

    /// Decides on the item as it is now; asked again whenever it has changed.
    fn decide(&mut self, present: Option<Present<'_>>) -> Result<Verdict, Failure>;

    /// What to store.
    fn draft(&self) -> Draft<'_>;
}

/// A live item, read whole.
pub(crate) struct Present<'a> {
    pub(crate) head: &'a ItemHead,
    /// Empty unless the change reads values.
    pub(crate) value: &'a [u8],
}

/// What becomes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing.
    Keep,
    /// The draft is stored. `revised`: it differs from the draft of the verdict before.
    Put { revised: bool },
}

/// An item to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draft<'a> {
    pub(crate) value: &'a [u8],
    pub(crate) flags: u32,
    pub(crate) encoding: u8,
    pub(crate) deadline: Option<u64>,
    /// `None`: a new one.
    pub(crate) token: Option<u64>,
}

/// The operation's own block.
struct Private {
    owned: Owned,
    /// Sealed with this head.
    sealed: Option<ItemHead>,
    placed: Option<Placed>,
}

impl<H: Host> Session<'_, H> {
    /// Applies a change to a key; the token of what was stored.
    ///
    /// Lock-free: goes round again only because another operation on these buckets succeeded.
    pub(crate) fn apply<C: Change>(
        &mut self,
        key: &[u8],
        change: &mut C,
    ) -> Result<Option<u64>, Failure> {
        let mut private = None;
        let result = self.apply_with(key, change, &mut private);
        if let Some(private) = private {
            self.abandon(private);
        }
        result
    }

    #[inline]
    fn apply_with<C: Change>(
        &mut self,
        key: &[u8],
        change: &mut C,
        private: &mut Option<Private>,
    ) -> Result<Option<u64>, Failure> {
        let region = self.region;
        let probe = Probe::new(&region.geometry, key);
        let mut fuel = Fuel::operation();
        loop {
            fuel.burn()?;
            let epoch = region.epoch();
            let Some(control) = self.settled_control(probe.primary) else { continue };
            let lookup = region.find(&probe, key, &mut fuel)?;
            let verdict = match &lookup {
                Lookup::Absent => Some(change.decide(None)?),
                Lookup::Found(found) => self.consider(change, found, epoch)?,
            };
            let revised = match verdict {
                None => continue,
                Some(Verdict::Keep) => return Ok(None),
                Some(Verdict::Put { revised }) => revised,
            };
            let stamp = region.geometry.stamp(epoch);
            if let Lookup::Found(found) = &lookup {
                self.unplace(private);
                let head = self.prepare(private, key, &change.draft(), stamp, revised)?;
                // EPOCH: looked at after the slot was loaded.
                if region.epoch() != epoch {
                    continue;
                }
                if self.replace(found, private, &head) {
                    return Ok(Some(head.token));
                }
                continue;
            }
            let restamped = private
                .as_ref()
                .and_then(|p| p.sealed)
                .is_some_and(|head| head.stamp != stamp || revised);
            if restamped {
                self.unplace(private);
            }
            let head = self.prepare(private, key, &change.draft(), stamp, revised)?;
            let Some(work) = private.as_mut() else { continue };
            if work.placed.is_none() {
                work.placed = self.place(&probe, &work.owned)?;
            }
            let Some(placed) = work.placed else { continue };
            // EPOCH: looked at after the control word was loaded.
            if region.epoch() == epoch && self.commit(&probe, control, &placed) {
                self.linked(private, &head);
                return Ok(Some(head.token));
            }
        }
    }

    /// Asks the change about a found item. `None`: it changed meanwhile, look again.
    #[inline]
    fn consider<C: Change>(
        &mut self,
        change: &mut C,
        found: &Found,
        epoch: u64,
    ) -> Result<Option<Verdict>, Failure> {
        let region = self.region;
        let newer = region.geometry.stamp(found.head.stamp.wrapping_sub(epoch)) != 0
            && !region.is_cleared(&found.head, epoch);
        let dead = self.end_at(&found.head, epoch);
        let mut value = std::mem::take(&mut self.lane.scratch);
        value.clear();
        if C::READS_VALUE && dead.is_none() {
            value.resize(found.head.sizes.value_len as usize, 0);
            region.memory.copy_out(found.value_at(), &mut value);
        }
        let verdict = if !region.still(found.location(), found.header) || newer {
            // EPOCH: a newer item is never replaced under an older stamp.
            Ok(None)
        } else {
            if C::IS_USE && dead.is_none() {
                region.raise_mark(found.position);
            }
            let present = dead.is_none().then_some(Present { head: &found.head, value: &value });
            change.decide(present).map(Some)
        };
        self.lane.scratch = value;
        verdict
    }

    fn end_at(&self, head: &ItemHead, epoch: u64) -> Option<Removal> {
        if self.region.is_cleared(head, epoch) {
            return Some(Removal::Cleared);
        }
        head.deadline.filter(|&deadline| deadline <= self.host.now_ms()).map(|_| Removal::Expired)
    }

    /// One compare-exchange from the found item to the private block.
    #[inline]
    fn replace(&mut self, found: &Found, private: &mut Option<Private>, head: &ItemHead) -> bool {
        let Some(work) = private.as_ref() else { return false };
        let generation = self.region.geometry.short_generation(work.owned.generation);
        let word = crate::word::SlotWord::tentative(
            found.word.tag(),
            generation,
            found.word.is_alternate(),
            work.owned.location,
        );
        let removal = self.end_of(&found.head).unwrap_or(Removal::Replaced);
        let Some(old) = self.exchange(found, word.committed(), removal) else { return false };
        self.linked(private, head);
        if let Some(old) = old {
            self.put_back(old);
        }
        true
    }

    /// The private block is everybody's.
    #[inline]
    fn linked(&mut self, private: &mut Option<Private>, head: &ItemHead) {
        if let Some(work) = private.take() {
            self.vacate_entry(work.owned.entry);
        }
        self.lane.count(self.region, Counter::ItemsAdded, 1);
        self.lane.count(self.region, Counter::BytesAdded, head.sizes.bytes());
    }

    /// Makes the private block hold the draft, sealed under this stamp; the head that it has then.
    #[inline]
    fn prepare(
        &mut self,
        private: &mut Option<Private>,
        key: &[u8],
        draft: &Draft<'_>,
        stamp: u64,
        revised: bool,
    ) -> Result<ItemHead, Failure> {
        if let Some(Private { sealed: Some(head), .. }) = private
            && !revised
            && head.stamp == stamp
        {
            return Ok(*head);
        }
        let sizes = ItemSizes::new(key.len(), draft.value.len() as u64, draft.deadline.is_some());
        if let Some(work) = private.take_if(|work| !self.fits(&work.owned, sizes.words())) {
            self.abandon(work);
        }
        let work = match private {
            Some(work) => work,
            None => {
                let owned = self.allocate(sizes.words())?;
                private.insert(Private { owned, sealed: None, placed: None })
            }
        };
        let token = match draft.token {
            Some(token) => token,
            None => self.lane.token(self.region),
        };
        let head = ItemHead {
            sizes,
            encoding: draft.encoding,
            flags: draft.flags,
            stamp,
            token,
            deadline: draft.deadline,
        };
        self.fill(work, key, &head, draft.value);
        Ok(head)
    }

    fn fits(&self, owned: &Owned, words: u64) -> bool {
        let geometry = &self.region.geometry;
        match owned.kind {
            Kind::Chunk(class) => geometry.classes.class_of(words) == Some(class),
            Kind::Run(pages) => {
                geometry.classes.class_of(words).is_none()
                    && words.div_ceil(geometry.shape.page_words) == pages
            }
        }
    }

    /// Writes a CLAIMED block and seals it.
    #[inline]
    fn fill(&mut self, work: &mut Private, key: &[u8], head: &ItemHead, value: &[u8]) {
        let region = self.region;
        let Owned { location, generation, .. } = work.owned;
        if work.sealed.is_some() {
            self.reopen(work);
        }
        ord::writer_fence();
        head.store(&region.memory, location);
        region.memory.copy_in(location + head.sizes.key_offset(), key);
        region.memory.copy_in(location + head.sizes.value_offset(), value);
        let published = BlockWord::new(BlockState::Published, self.lane.id, generation);
        region.header(location).store(published.bits(), ord::header_seal());
        work.sealed = Some(*head);
    }

    /// Back to CLAIMED: the block is in no slot, and nobody else may touch it.
    fn reopen(&mut self, work: &mut Private) {
        let claimed = BlockWord::new(BlockState::Claimed, self.lane.id, work.owned.generation);
        self.region.header(work.owned.location).store(claimed.bits(), Ordering::Relaxed);
        work.sealed = None;
    }

    /// Withdraws a placed word; the block takes a new generation (T7: a helper may still hold the old word).
    fn unplace(&mut self, private: &mut Option<Private>) {
        let Some(work) = private.as_mut() else { return };
        let Some(placed) = work.placed.take() else { return };
        self.withdraw(placed);
        work.owned.generation = BlockWord::free(work.owned.generation + 1).generation();
        self.reopen(work);
        if !self.may_link(&work.owned)
            && let Some(work) = private.take()
        {
            self.free_block(work.owned, false);
        }
    }

    /// Gives an unused private block back.
    fn abandon(&mut self, work: Private) {
        let mut private = Some(work);
        self.unplace(&mut private);
        if let Some(mut work) = private {
            self.reopen(&mut work);
            self.put_back(work.owned);
        }
    }
}
