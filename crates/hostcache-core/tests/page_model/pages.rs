//! Pages: emptied and cut.

use crate::state::{Block, CELLS, Header, Kind, NONE, Op, PAGES, Pc};
use crate::step::{Step, Stepper};

impl Stepper<'_> {
    /// Back to who wanted the page empty.
    pub(crate) fn emptied(&mut self, done: bool) -> Step {
        self.me().done = done;
        match self.me().emptied {
            Pc::Idle => self.finish(),
            next => self.go(next),
        }
    }

    /// Makes a page exclusively this lane's.
    pub(crate) fn empty(&mut self) -> Step {
        let me = *self.me();
        let me_id = self.p as u8;
        let page = usize::from(me.page);
        let place = me.place();
        match me.pc {
            Pc::EmptyLoad => {
                let word = self.page_word(me.page);
                self.me().cut = word;
                match word.kind {
                    Kind::Free => self.go(Pc::EmptyTake),
                    Kind::Slab => self.go(Pc::EmptyDrain),
                    // The one run begins in the first page.
                    Kind::RunHead | Kind::RunTail => self.go(Pc::RunPage),
                    Kind::Owned | Kind::Drain => self.emptied(false),
                }
            }
            Pc::EmptyTake => {
                let taken = self.change_page(me.page, me.cut, Kind::Owned, 0);
                self.me().owned[page] = taken;
                self.emptied(taken.is_some())
            }
            Pc::EmptyDrain => {
                let kind =
                    if self.config.mutations.drains_unmarked { Kind::Slab } else { Kind::Drain };
                let Some(drain) = self.change_page(me.page, me.cut, kind, me.cut.class) else {
                    return self.emptied(false);
                };
                let me = self.me();
                me.cut = drain;
                me.cell = 0;
                me.highest = 0;
                self.go(Pc::EmptyChunk)
            }
            Pc::EmptyChunk => {
                let header = self.state.cells[place];
                self.me().header = header;
                match header.map(|header| header.block) {
                    Some(Block::Free) => self.go(Pc::EmptyClaim),
                    Some(Block::Published) => {
                        self.me().unlinked = Pc::EmptyUnlinked;
                        self.go(Pc::UnlinkSlot)
                    }
                    _ => self.go(Pc::BackLoad).map(|()| self.me().scan = 0),
                }
            }
            Pc::EmptyClaim => {
                let Some(header) = me.header else { return Err("data is drained") };
                let claimed = Header::claimed(me_id, header.generation);
                if self.change_header(place, header, claimed) {
                    return self.drained(header.generation);
                }
                self.go(Pc::EmptyChunk)
            }
            Pc::EmptyUnlinked if me.done => self.go(Pc::EmptyVacate),
            Pc::EmptyUnlinked => {
                // Sealed and not yet linked, or just unlinked by somebody: theirs.
                if self.state.cells[place] != me.header {
                    return self.go(Pc::EmptyChunk);
                }
                if self.config.mutations.drain_takes_sealed
                    && let Some(header) = me.header
                {
                    let claimed = Header::claimed(me_id, header.generation + 1);
                    self.change_header(place, header, claimed);
                    return self.drained(header.generation + 1);
                }
                self.go(Pc::BackLoad).map(|()| self.me().scan = 0)
            }
            Pc::EmptyVacate => {
                self.lane().entries[1] = NONE;
                self.drained(me.header.map_or(0, |header| header.generation))
            }
            Pc::EmptyBase => {
                if !self.config.mutations.cut_ignores_base {
                    let base = &mut self.state.pages[page].base;
                    *base = (*base).max(me.highest + 1);
                }
                self.go(Pc::EmptyOwn)
            }
            Pc::EmptyOwn => {
                let Some(owned) = self.change_page(me.page, me.cut, Kind::Owned, 0) else {
                    return Err("a page changes while it is drained");
                };
                self.me().owned[page] = Some(owned);
                self.emptied(true)
            }
            Pc::BackLoad => {
                // `scan` is the chunk that is given back, `cell` the one that stands in the way.
                if me.scan == me.cell {
                    return self.go(Pc::BackPage);
                }
                let header = self.state.cells[page * CELLS + usize::from(me.scan)];
                self.me().header = header;
                if header.is_some_and(|header| header.is_claimed_by(me_id)) {
                    return self.go(Pc::BackFree);
                }
                self.me().scan += 1;
                Ok(())
            }
            Pc::BackFree => {
                let Some(header) = me.header else { return Err("data is given back") };
                let place = page * CELLS + usize::from(me.scan);
                self.change_header(place, header, Header::free(header.generation));
                self.me().scan += 1;
                self.go(Pc::BackLoad)
            }
            _ => {
                self.me().scan = 0;
                self.change_page(me.page, me.cut, Kind::Slab, me.cut.class);
                self.emptied(false)
            }
        }
    }

    fn drained(&mut self, generation: u8) -> Step {
        let chunks = self.me().cut.chunks() as u8;
        let me = self.me();
        me.highest = me.highest.max(generation);
        me.cell += 1;
        if me.cell < chunks {
            return self.go(Pc::EmptyChunk);
        }
        self.me().cell = 0;
        self.go(Pc::EmptyBase)
    }

    /// Where the headers of owned pages start.
    pub(crate) fn fresh_generation(&mut self, page: usize) -> u8 {
        let base = self.state.pages[page].base;
        let is_named = std::mem::take(&mut self.me().is_named);
        if is_named && !self.config.mutations.cut_ignores_names {
            base + (1 << self.config.short_bits) - self.config.short(base)
        } else {
            base
        }
    }

    /// Cuts an owned page for a class.
    pub(crate) fn cut(&mut self) -> Step {
        let me = *self.me();
        let page = usize::from(me.page);
        let (Op::Recut(_, class), Some(owned)) = (self.op(), me.owned[page]) else {
            return self.finish();
        };
        match me.pc {
            Pc::CutScan => {
                if self.scan_names(page * CELLS..(page + 1) * CELLS) {
                    self.me().generation = self.fresh_generation(page);
                    self.me().cell = 0;
                    return self.go(Pc::CutStore);
                }
                Ok(())
            }
            Pc::CutStore => {
                if self.page_word(me.page) != owned {
                    return Err("a process cuts a page that is not its own");
                }
                let places = page * CELLS..(page + 1) * CELLS;
                if self.state.slots[places].iter().any(Option::is_some) {
                    return Err("a page is cut under a linked block");
                }
                let cut = crate::state::PageWord { class, ..owned };
                self.state.cells[me.place()] = Some(Header::free(me.generation));
                self.me().cell += 1;
                if usize::from(self.me().cell) < cut.chunks() {
                    return Ok(());
                }
                self.go(Pc::CutPage)
            }
            _ => {
                self.change_page(me.page, owned, Kind::Slab, class);
                self.finish()
            }
        }
    }

    /// Every place.
    pub(crate) fn everywhere() -> core::ops::Range<usize> {
        0..PAGES * CELLS
    }
}
