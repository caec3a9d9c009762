//! Steps of operations one by one, for models that put a thread exactly where it matters. Each is the production
//! code's own; nothing is decided here.

use crate::fuel::Fuel;
use crate::region::{Host, Region};
use crate::session::Session;
use crate::slab::Kind;
use crate::table::{Found, Lookup, Position, Probe, Removal};
use crate::word::{BlockState, BlockWord, PageState, PageWord, SlotWord};

/// An item that a thread has found and not yet done anything about.
#[derive(Debug, Clone, Copy)]
pub struct Aim {
    position: Position,
    word: SlotWord,
    header: BlockWord,
    flags: u32,
}

impl Aim {
    /// Where its block is.
    #[must_use]
    pub fn location(&self) -> u64 {
        self.word.location()
    }

    /// The header that was found there.
    #[must_use]
    pub fn header(&self) -> BlockWord {
        self.header
    }

    /// The flags that it was set with.
    #[must_use]
    pub fn flags(&self) -> u32 {
        self.flags
    }

    fn found<'a>(&self, region: &'a Region) -> Option<Found<'a>> {
        region.found_at(self.position, self.word, self.header)
    }
}

impl From<Found<'_>> for Aim {
    fn from(found: Found<'_>) -> Self {
        let Found { position, word, header, .. } = found;
        Self { position, word, header, flags: found.item_head().flags }
    }
}

impl Region {
    /// A lookup, up to what stands behind the second look at the slot.
    #[must_use]
    pub fn aim(&self, key: &[u8]) -> Option<Aim> {
        let probe = Probe::new(&self.geometry, key);
        match self.find(&probe, key, &mut Fuel::operation()) {
            Ok(Lookup::Found(found)) => Some(found.into()),
            _ => None,
        }
    }

    /// The rest of a read: copies the value; whether the copy counts.
    pub fn copy_aimed(&self, aim: &Aim, out: &mut [u8]) -> bool {
        let Some(found) = aim.found(self) else { return false };
        let fits = out.len().min(found.value.len());
        found.value.copy_to(&mut out[..fits]);
        found.is_whole()
    }

    /// A block's header word.
    #[must_use]
    pub fn block_word(&self, location: u64) -> BlockWord {
        self.load_header(location)
    }

    /// A page's word.
    #[must_use]
    pub fn page_word(&self, page: u64) -> PageWord {
        self.load_page(page)
    }
}

impl<H: Host> Session<'_, H> {
    /// The rest of a delete: name, look again, unlink, retire. Whether it did.
    pub fn shoot(&mut self, aim: &Aim) -> bool {
        let Some(found) = aim.found(self.region) else { return false };
        let Some(owned) = self.exchange(&found, SlotWord::EMPTY, Removal::Deleted) else {
            return false;
        };
        if let Some(owned) = owned {
            self.put_back(owned);
        }
        true
    }

    /// Moves an item to another chunk of its class, as a drain does that met it. Whether it did.
    pub fn shift(&mut self, aim: &Aim) -> bool {
        let Some(found) = aim.found(self.region) else { return false };
        let Some(Kind::Chunk(class)) = self.region.kind_of(aim.location()) else { return false };
        let Some(spare) = self.spare_chunk(class) else { return false };
        let Some(old) = self.move_aside(&found, spare) else { return false };
        self.put_back(old);
        true
    }

    /// From a block to the item in it, as walkers go.
    pub fn locate_block(&mut self, location: u64) -> Option<Aim> {
        let header = self.region.load_header(location);
        if header.state() != BlockState::Published {
            return None;
        }
        self.locate(location, header).map(Aim::from)
    }

    /// Claims a free page.
    pub fn take_page(&mut self) -> Option<(u64, PageWord)> {
        self.take_free_page()
    }

    /// Cuts an owned page.
    pub fn cut(&mut self, page: u64, owned: PageWord, class: usize) {
        self.cut_page(page, owned, class);
    }

    /// Empties a page and owns it.
    pub fn empty(&mut self, page: u64) -> Option<PageWord> {
        self.empty_page(page)
    }

    /// Lets an owned page go.
    pub fn release(&mut self, page: u64, owned: PageWord) {
        self.region.release_page(page, owned);
    }

    /// Claims a chunk as a walker does that met its page; it stays claimed, and named.
    pub fn claim(&mut self, page: u64, class: usize, chunk: u64) -> bool {
        let cut = self.region.load_page(page);
        cut.state() == PageState::Slab
            && cut.class() == class
            && self.claim_chunk(page, cut, chunk).is_some()
    }
}
