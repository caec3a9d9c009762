//! The one loop behind every operation that stores: look, decide, fill a private block, make one change.

use super::publish::InPlace;
use crate::fault::{Fault, planted};
use crate::fuel::Fuel;
use crate::layout::{ItemHead, ItemSizes};
use crate::ordering as ord;
use crate::participant::{Counter, Entry, Held};
use crate::region::Host;
use crate::session::{Failure, Session};
use crate::slab::{Kind, Owned};
use crate::table::{Found, Lookup, Placed, Probe, Removal};
use crate::word::{BlockState, BlockWord, ControlWord};

/// What an operation wants done with a key.
pub(crate) trait Change {
    /// Whether `decide` needs the present value's bytes.
    const READS_VALUE: bool;
    /// Whether it counts as a use of the present item, as a read does.
    const IS_USE: bool = false;

    /// Decides on the item as it is now; asked again whenever it has changed.
    fn decide(&mut self, present: Option<Present<'_>>) -> Result<Verdict, Failure>;

    /// Whether what is stored follows from the present item: then it is not evicted to make room for its successor.
    fn needs_present(&self) -> bool {
        true
    }

    /// What to store.
    fn draft(&self) -> Draft<'_>;
}

/// A live item, read whole.
pub(crate) struct Present<'a> {
    pub(crate) head: ItemHead,
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
    /// Not looked at where the block holds its value already.
    pub(crate) value: &'a [u8],
    pub(crate) flags: u32,
    pub(crate) encoding: u8,
    pub(crate) deadline: Option<u64>,
    /// `None`: a new one.
    pub(crate) token: Option<u64>,
}

impl Draft<'_> {
    #[inline(always)]
    pub(super) fn sizes(&self, key: &[u8]) -> ItemSizes {
        ItemSizes::new(key.len(), self.value.len() as u64, self.deadline.is_some())
    }

    /// Words of the item. No slice is so long that this sum wraps.
    #[inline(always)]
    pub(super) fn words(&self, key: &[u8]) -> u64 {
        let words = |bytes: &[u8]| (bytes.len() as u64 + 7) >> 3;
        self.sizes(key).key_offset() + words(key) + words(self.value)
    }
}

/// The operation's own block.
pub(super) struct Private {
    pub(super) owned: Owned,
    /// Where a reserved block holds its value.
    pub(super) in_place: Option<InPlace>,
    sealed: Option<Sealed>,
    placed: Option<Placed>,
}

impl Private {
    pub(super) fn new(owned: Owned, in_place: Option<InPlace>) -> Self {
        Self { owned, in_place, sealed: None, placed: None }
    }
}

/// What a sealed block holds.
#[derive(Clone, Copy)]
pub(super) struct Sealed {
    stamp: u64,
    pub(super) token: u64,
    /// Bytes of key and value.
    bytes: u64,
}

/// What one attempt ends with.
enum Attempt {
    /// Something changed meanwhile: look again.
    Again,
    /// The change wants nothing done.
    Kept,
    /// Stored under this token.
    Stored(u64),
}

/// One operation under way.
struct Work<'a, C> {
    key: &'a [u8],
    probe: Probe,
    change: &'a mut C,
    private: Option<Private>,
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
        self.apply_with(key, change, None)
    }

    /// [`Session::apply`] that begins with a block.
    pub(super) fn apply_with<C: Change>(
        &mut self,
        key: &[u8],
        change: &mut C,
        private: Option<Private>,
    ) -> Result<Option<u64>, Failure> {
        let region = self.region;
        let probe = Probe::new(&region.geometry, key);
        let mut work = Work { key, probe, change, private };
        let mut fuel = Fuel::operation();
        let result = loop {
            match self.attempt(&mut work, &mut fuel) {
                Ok(Attempt::Again) => {}
                Ok(Attempt::Kept) => break Ok(None),
                Ok(Attempt::Stored(token)) => break Ok(Some(token)),
                Err(failure) => break Err(failure),
            }
        };
        if let Some(private) = work.private {
            self.abandon(private);
        }
        result.map_err(|failure| self.refuse(failure))
    }

    fn attempt<C: Change>(
        &mut self,
        work: &mut Work<'_, C>,
        fuel: &mut Fuel,
    ) -> Result<Attempt, Failure> {
        fuel.burn()?;
        let epoch = self.region.epoch();
        let Some(control) = self.settled_control(work.probe.primary) else {
            return Ok(Attempt::Again);
        };
        match self.region.find(&work.probe, work.key, fuel)? {
            Lookup::Found(found) => self.replace(work, epoch, &found),
            Lookup::Absent => self.insert(work, epoch, control),
        }
    }

    /// One compare-exchange from a found item to the private block.
    fn replace<C: Change>(
        &mut self,
        work: &mut Work<'_, C>,
        epoch: u64,
        found: &Found<'_>,
    ) -> Result<Attempt, Failure> {
        let region = self.region;
        // EPOCH: a newer item is never replaced under an older stamp.
        if self.is_newer(found, epoch) {
            return Ok(Attempt::Again);
        }
        let end = region.end_at(self.host, found, epoch);
        let revised = match self.consider(work.change, found, end)? {
            None => return Ok(Attempt::Again),
            Some(Verdict::Keep) => return Ok(Attempt::Kept),
            Some(Verdict::Put { revised }) => revised,
        };
        if planted(Fault::IncrementInPlace)
            && let value = work.change.draft().value
            && (C::READS_VALUE && value.len() == found.value.len())
        {
            found.value.store(value);
            return Ok(Attempt::Stored(found.item_head().token));
        }
        self.unplace(&mut work.private);
        let spares = end.is_none() && work.change.needs_present();
        self.lane.spared = spares.then_some(found.location());
        let sealed = self.prepare(work, region.geometry.stamp(epoch), revised);
        self.lane.spared = None;
        let sealed = sealed?;
        // EPOCH: looked at after the slot was loaded.
        if region.epoch() != epoch {
            return Ok(Attempt::Again);
        }
        let Some(private) = &work.private else { return Ok(Attempt::Again) };
        let Owned { location, generation, entry, .. } = private.owned;
        let next = found.word.replaced_by(region.geometry.short_generation(generation), location);
        let removal = end.unwrap_or(Removal::Replaced);
        if !self.swap_word(found, next, removal) {
            return Ok(Attempt::Again);
        }
        work.private = None;
        if let Some(deadline) = work.change.draft().deadline {
            region.note_deadline(found.position.bucket(), deadline);
        }
        self.linked_over(found, removal, entry, &sealed);
        Ok(Attempt::Stored(sealed.token))
    }

    /// What follows a replacement: the new block is everybody's, and its entry is free for the old one.
    fn linked_over(&mut self, found: &Found<'_>, removal: Removal, entry: Entry, sealed: &Sealed) {
        let leak = planted(Fault::ReplacedNotRetired);
        let old = if leak { None } else { self.retire(found, Some(entry)) };
        self.clear_old();
        match old {
            Some(old) => self.put_back(old),
            None => self.vacate_entry(entry),
        }
        self.count_removal(found, removal);
        self.count_addition(sealed);
    }

    /// Gives a sealed block back that was lent and not linked.
    #[cold]
    #[inline(never)]
    pub(super) fn take_back(&mut self, class: u32, location: u64, generation: u64, entry: Entry) {
        let words = self.region.geometry.classes.chunk_words(class as usize).unwrap_or_default();
        self.lane.magazine.keep_lent(words * 8);
        let sealed = Some(Sealed { stamp: 0, token: 0, bytes: 0 });
        let owned = Held { location, generation, class, entry }.into();
        self.abandon(Private { sealed, ..Private::new(owned, None) });
    }

    /// Places and commits the private block of an absent key.
    fn insert<C: Change>(
        &mut self,
        work: &mut Work<'_, C>,
        epoch: u64,
        control: ControlWord,
    ) -> Result<Attempt, Failure> {
        let Verdict::Put { revised } = work.change.decide(None)? else { return Ok(Attempt::Kept) };
        let stamp = self.region.geometry.stamp(epoch);
        let other_draft = work
            .private
            .as_ref()
            .and_then(|private| private.sealed)
            .is_some_and(|sealed| sealed.stamp != stamp || revised);
        if other_draft {
            self.unplace(&mut work.private);
        }
        let sealed = self.prepare(work, stamp, revised)?;
        let Some(private) = &mut work.private else { return Ok(Attempt::Again) };
        if private.placed.is_none() {
            private.placed = self.place(&work.probe, &private.owned)?;
        }
        let Some(placed) = private.placed else { return Ok(Attempt::Again) };
        // EPOCH: looked at after the control word was loaded.
        if self.region.epoch() != epoch || !self.commit(&work.probe, control, &placed) {
            return Ok(Attempt::Again);
        }
        if let Some(private) = work.private.take() {
            self.vacate_entry(private.owned.entry);
        }
        if let Some(deadline) = work.change.draft().deadline {
            self.region.note_deadline(placed.position.bucket(), deadline);
        }
        self.count_addition(&sealed);
        Ok(Attempt::Stored(sealed.token))
    }

    fn is_newer(&self, found: &Found<'_>, epoch: u64) -> bool {
        let geometry = &self.region.geometry;
        let distance = geometry.stamp(found.head.stamp().wrapping_sub(epoch));
        distance != 0 && distance < geometry.half_stamps()
    }

    /// Asks the change about a found item, which is dead if it has an end. `None`: it changed meanwhile, look again.
    fn consider<C: Change>(
        &mut self,
        change: &mut C,
        found: &Found<'_>,
        end: Option<Removal>,
    ) -> Result<Option<Verdict>, Failure> {
        let head = found.item_head();
        if C::READS_VALUE && end.is_none() {
            let value = &mut self.lane.scratch;
            found.value.copy_to_vec(value);
        }
        if !found.is_whole() {
            return Ok(None);
        }
        if C::IS_USE && end.is_none() {
            self.region.raise_mark(found.position);
        }
        let value = if C::READS_VALUE { self.lane.scratch.as_slice() } else { &[] };
        let present = end.is_none().then_some(Present { head, value });
        change.decide(present).map(Some)
    }

    #[inline(always)]
    pub(super) fn count_addition(&mut self, sealed: &Sealed) {
        self.tally(Counter::ItemsAdded, 1);
        self.tally(Counter::BytesAdded, sealed.bytes);
    }

    /// Makes the private block hold the draft, sealed under this stamp.
    fn prepare<C: Change>(
        &mut self,
        work: &mut Work<'_, C>,
        stamp: u64,
        revised: bool,
    ) -> Result<Sealed, Failure> {
        let draft = work.change.draft();
        if work.private.is_some()
            && let Some(sealed) = self.reuse(&mut work.private, work.key, &draft, stamp, revised)
        {
            return Ok(sealed);
        }
        let private = match &mut work.private {
            Some(private) => private,
            none => {
                let owned = self.allocate(draft.sizes(work.key).words())?;
                none.insert(Private::new(owned, None))
            }
        };
        let sealed = match &mut private.in_place {
            None => self.fill(&private.owned, work.key, &draft, stamp),
            Some(in_place) => {
                self.complete(&mut private.owned, in_place, work.key, &draft, stamp)?
            }
        };
        private.sealed = Some(sealed);
        Ok(sealed)
    }

    /// From an earlier attempt: the private block as it is if it holds the draft, else emptied, or given back if the
    /// draft does not fit.
    #[cold]
    fn reuse(
        &mut self,
        private: &mut Option<Private>,
        key: &[u8],
        draft: &Draft<'_>,
        stamp: u64,
        revised: bool,
    ) -> Option<Sealed> {
        let work = private.as_mut()?;
        if let Some(sealed) = work.sealed
            && !revised
            && sealed.stamp == stamp
        {
            return Some(sealed);
        }
        self.unseal(private);
        let words = draft.sizes(key).words();
        let is_useless =
            |work: &mut Private| work.in_place.is_none() && !self.fits(&work.owned, words);
        if let Some(work) = private.take_if(is_useless) {
            self.abandon(work);
        }
        None
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
    #[inline(always)]
    pub(super) fn fill(
        &mut self,
        owned: &Owned,
        key: &[u8],
        draft: &Draft<'_>,
        stamp: u64,
    ) -> Sealed {
        let region = self.region;
        let sizes = draft.sizes(key);
        ord::writer_fence();
        let body_at = owned.location + sizes.key_offset();
        let body_len = key.len().next_multiple_of(8) + draft.value.len();
        let (its_key, its_value) = region.memory.bytes(body_at, body_len).split(key.len());
        its_key.store(key);
        its_value.store(draft.value);
        self.seal(owned, sizes, draft, stamp)
    }

    /// Writes what stands before the key, and seals the block: key and value are there.
    #[inline(always)]
    pub(super) fn seal(
        &mut self,
        owned: &Owned,
        sizes: ItemSizes,
        draft: &Draft<'_>,
        stamp: u64,
    ) -> Sealed {
        let region = self.region;
        let token = draft.token.unwrap_or_else(|| self.lane.token(region));
        let Draft { flags, encoding, deadline, .. } = *draft;
        let words = region.memory.array(owned.location);
        ItemHead { sizes, encoding, flags, stamp, token, deadline }.store(words);
        let published = BlockWord::new(BlockState::Published, self.lane.id, owned.generation);
        if !planted(Fault::LinkedUnsealed) {
            words[0].store(published.bits(), ord::header_seal());
        }
        Sealed { stamp, token, bytes: sizes.bytes() }
    }

    /// Takes a sealed block that is in no slot back, to be filled again.
    fn unseal(&mut self, private: &mut Option<Private>) {
        let Some(work) = private.as_mut() else { return };
        if work.sealed.take().is_none() {
            return;
        }
        self.break_seal(&mut work.owned);
        // A block that holds its value is changed for another where it is completed.
        let is_useless =
            |work: &mut Private| work.in_place.is_none() && !self.may_link(&work.owned);
        if let Some(work) = private.take_if(is_useless) {
            self.free_block(work.owned, false);
        }
    }

    /// Withdraws a placed word; the block takes a new generation (T7: a helper may still hold the old word).
    fn unplace(&mut self, private: &mut Option<Private>) {
        let placed = private.as_mut().and_then(|work| work.placed.take());
        if let Some(placed) = placed {
            self.withdraw(placed);
            self.unseal(private);
        }
    }

    /// Gives an unused private block back.
    #[cold]
    fn abandon(&mut self, work: Private) {
        let mut private = Some(work);
        self.unplace(&mut private);
        self.unseal(&mut private);
        if let Some(work) = private {
            self.put_back(work.owned);
        }
    }
}
