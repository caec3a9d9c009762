//! Steps of operations one by one, for models that put a thread exactly where it matters. Each is the production
//! code's own; nothing is decided here.

use crate::fuel::Fuel;
use crate::region::{Host, Region};
use crate::session::Session;
use crate::table::{Found, Lookup, Probe, Removal};
use crate::word::{BlockState, BlockWord, PageState, PageWord, SlotWord};

/// An item that a thread has found and not yet done anything about.
#[derive(Debug, Clone, Copy)]
pub struct Aim(Found);

impl Aim {
    /// Where its block is.
    #[must_use]
    pub fn location(&self) -> u64 {
        self.0.location()
    }

    /// The header that was found there.
    #[must_use]
    pub fn header(&self) -> BlockWord {
        self.0.header
    }

    /// The flags that it was set with.
    #[must_use]
    pub fn flags(&self) -> u32 {
        self.0.head.flags
    }
}

impl Region {
    /// A lookup, up to what stands behind the second look at the slot.
    #[must_use]
    pub fn aim(&self, key: &[u8]) -> Option<Aim> {
        let probe = Probe::new(&self.geometry, key);
        match self.find(&probe, key, &mut Fuel::operation()) {
            Ok(Lookup::Found(found)) => Some(Aim(found)),
            _ => None,
        }
    }

    /// The rest of a read: copies the value; whether the copy counts.
    pub fn copy_aimed(&self, aim: &Aim, out: &mut [u8]) -> bool {
        self.memory.copy_out(aim.0.value_at(), out);
        self.still(aim.location(), aim.0.header)
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
        let Some(owned) = self.exchange(&aim.0, SlotWord::EMPTY, Removal::Deleted) else {
            return false;
        };
        if let Some(owned) = owned {
            self.put_back(owned);
        }
        true
    }

    /// From a block to the item in it, as walkers go.
    pub fn locate_block(&mut self, location: u64) -> Option<Aim> {
        let header = self.region.load_header(location);
        if header.state() != BlockState::Published {
            return None;
        }
        self.locate(location, header).map(Aim)
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
