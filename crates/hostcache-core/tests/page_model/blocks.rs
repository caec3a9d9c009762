//! Single blocks: claimed, filled, linked; met, unlinked, freed.

use crate::state::{Block, CELLS, Header, Kind, NONE, Op, Pc, Slot};
use crate::step::{Step, Stepper};

impl Stepper<'_> {
    /// PAGE-CUT: the page word, the header, the page word again. `Some(false)`: not what was expected.
    fn reload(&mut self, block: Block) -> Result<bool, &'static str> {
        let me = *self.me();
        if self.page_word(me.page) != me.cut && !self.config.mutations.walker_trusts_headers {
            return Ok(false);
        }
        if me.header.is_none() {
            return Err("a walker takes data for a header");
        }
        Ok(self.met(block))
    }

    pub(crate) fn put(&mut self) -> Step {
        let me = *self.me();
        let place = match me.block {
            NONE => me.place(),
            own => usize::from(own),
        };
        match me.pc {
            Pc::PutPage => {
                let cut = self.page_word(me.page);
                self.me().cut = cut;
                let Op::Put(_, _, class) = self.op() else { return self.finish() };
                if cut.kind != Kind::Slab || cut.class != class {
                    return self.finish();
                }
                self.go(Pc::PutHeader)
            }
            Pc::PutHeader => {
                self.me().header = self.state.cells[place];
                self.go(Pc::PutReload)
            }
            Pc::PutReload => match self.reload(Block::Free)? {
                true if self.config.mutations.named_after_claim => self.go(Pc::PutClaim),
                true => self.go(Pc::PutName),
                false => self.finish(),
            },
            Pc::PutName => {
                self.lane().entries[0] = place as u8;
                if self.config.mutations.named_after_claim {
                    return self.claimed();
                }
                self.go(Pc::PutClaim)
            }
            Pc::PutClaim => {
                let Some(header) = me.header else { return self.finish() };
                let claimed = Header::claimed(self.p as u8, header.generation);
                if !self.change_header(place, header, claimed) {
                    self.lane().entries[0] = NONE;
                    return self.finish();
                }
                self.me().block = place as u8;
                self.me().generation = header.generation;
                if self.config.mutations.named_after_claim {
                    return self.go(Pc::PutName);
                }
                self.claimed()
            }
            Pc::PutScan => {
                if !self.scan_names(place..place + 1) {
                    return Ok(());
                }
                let is_named = std::mem::take(&mut self.me().is_named);
                self.go(if is_named { Pc::GiveBack } else { Pc::PutFill })
            }
            Pc::GiveBack => {
                self.must_own(place)?;
                if self.op() == Op::PutRun {
                    self.me().header = Some(Header::claimed(self.p as u8, me.generation));
                    self.me().freed = Pc::PutVacate;
                    return self.free_run(0);
                }
                self.state.cells[place] = Some(Header::free(me.generation));
                self.go(Pc::PutVacate)
            }
            Pc::PutFill => {
                self.must_own(place)?;
                self.fill(place)?;
                self.go(Pc::PutSeal)
            }
            Pc::PutSeal => {
                self.must_own(place)?;
                self.state.cells[place] = Some(Header::published(self.p as u8, me.generation));
                self.go(Pc::PutNameNew)
            }
            Pc::PutNameNew => {
                self.lane().new = place as u8;
                self.go(Pc::PutLink)
            }
            Pc::PutLink => {
                if self.state.slots[place].is_some() {
                    return Err("a block is linked while an earlier one is");
                }
                if me.generation < self.state.past[place] {
                    return Err("a generation is linked again, or an earlier one");
                }
                self.state.past[place] = me.generation + 1;
                let short = self.config.short(me.generation);
                self.state.slots[place] = Some(Slot { short, generation: me.generation });
                self.go(Pc::PutClearNew)
            }
            Pc::PutClearNew => {
                self.lane().new = NONE;
                self.go(Pc::PutVacate)
            }
            _ => {
                self.lane().entries[0] = NONE;
                self.finish()
            }
        }
    }

    pub(crate) fn claimed(&mut self) -> Step {
        let scans = self.config.short(self.me().generation) == 0;
        self.go(if scans { Pc::PutScan } else { Pc::PutFill })
    }

    /// Payload goes where it goes, in what belongs to the block.
    fn fill(&mut self, place: usize) -> Step {
        let (page, cell) = (place / CELLS, place % CELLS);
        let word = self.page_word(page as u8);
        if word.kind == Kind::RunHead {
            let tail = self.state.pages[1];
            if tail.word.kind != Kind::RunTail || tail.run != 1 || page != 0 {
                return Err("a run is filled that is not whole");
            }
            self.state.cells[1..].fill(None);
        } else if cell + 1 == word.chunks() {
            self.state.cells[place + 1..(page + 1) * CELLS].fill(None);
        }
        Ok(())
    }

    pub(crate) fn evict(&mut self) -> Step {
        let me = *self.me();
        let place = me.place();
        match me.pc {
            Pc::EvictPage => {
                let cut = self.page_word(me.page);
                self.me().cut = cut;
                if cut.kind != Kind::Slab || !cut.has_header(place % CELLS) {
                    return self.finish();
                }
                self.go(Pc::EvictHeader)
            }
            Pc::EvictHeader => {
                self.me().header = self.state.cells[place];
                self.go(Pc::EvictReload)
            }
            Pc::EvictReload => {
                if !self.reload(Block::Published)? {
                    return self.finish();
                }
                self.me().unlinked = Pc::EvictFree;
                self.go(Pc::UnlinkSlot)
            }
            Pc::EvictFree => {
                if !me.done {
                    return self.finish();
                }
                self.must_own(place)?;
                let generation = me.header.map_or(0, |header| header.generation);
                self.state.cells[place] = Some(Header::free(generation));
                self.go(Pc::EvictVacate)
            }
            _ => {
                self.lane().entries[1] = NONE;
                self.finish()
            }
        }
    }

    fn unlink_ends(&mut self, done: bool) -> Step {
        self.me().done = done;
        let next = self.me().unlinked;
        self.go(next)
    }

    /// From a PUBLISHED header to a CLAIMED one of this lane, by way of its slot.
    pub(crate) fn unlink(&mut self) -> Step {
        let me = *self.me();
        let place = me.place();
        let Some(header) = me.header else { return Err("data is unlinked") };
        let short = self.config.short(header.generation);
        let slot = self.state.slots[place];
        let is_there = slot.is_some_and(|slot| slot.short == short);
        match me.pc {
            Pc::UnlinkSlot if is_there => self.go(Pc::UnlinkName),
            Pc::UnlinkSlot => self.unlink_ends(false),
            Pc::UnlinkName => {
                self.lane().old = place as u8;
                self.lane().old_header = header;
                self.go(Pc::UnlinkHeader)
            }
            Pc::UnlinkHeader if self.state.cells[place] == Some(header) => {
                self.go(Pc::UnlinkReslot)
            }
            Pc::UnlinkReslot if is_there => self.go(Pc::UnlinkSwap),
            Pc::UnlinkSwap if is_there => {
                if slot.is_some_and(|slot| slot.generation != header.generation) {
                    return Err("an expected slot word came round with another meaning");
                }
                self.state.slots[place] = None;
                self.go(Pc::UnlinkRetire)
            }
            Pc::UnlinkHeader | Pc::UnlinkReslot | Pc::UnlinkSwap => {
                self.me().done = false;
                self.go(Pc::UnlinkClear)
            }
            Pc::UnlinkRetire => {
                let claimed = Header::claimed(self.p as u8, header.generation + 1);
                let won = self.change_header(place, header, claimed);
                self.me().done = won;
                if won {
                    self.me().header = Some(claimed);
                    return self.go(Pc::UnlinkEntry);
                }
                self.go(Pc::UnlinkClear)
            }
            Pc::UnlinkEntry => {
                self.lane().entries[1] = place as u8;
                self.go(Pc::UnlinkClear)
            }
            _ => {
                self.lane().old = NONE;
                self.unlink_ends(me.done)
            }
        }
    }
}
