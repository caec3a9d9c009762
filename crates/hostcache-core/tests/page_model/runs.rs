//! Runs: made of both pages, ended, given away.

use crate::state::{Block, Header, Kind, NONE, Op, Pc};
use crate::step::{Step, Stepper};

impl Stepper<'_> {
    /// Ends the item of the run and gives its pages away; then goes on with what wanted a page of it empty.
    pub(crate) fn end_run(&mut self) -> Step {
        let me = *self.me();
        let head = self.page_word(0);
        match me.pc {
            Pc::RunPage => {
                self.me().cut = head;
                if head.kind != Kind::RunHead {
                    return self.run_ended(false);
                }
                self.go(Pc::RunHeader)
            }
            Pc::RunHeader => {
                self.me().header = self.state.cells[0];
                self.go(Pc::RunReload)
            }
            Pc::RunReload => {
                if head != me.cut {
                    return self.run_ended(false);
                }
                if me.header.is_none() {
                    return Err("a walker takes data for a header");
                }
                if !self.met(Block::Published) {
                    return self.run_ended(false);
                }
                let (wanted, cell) = (me.page, me.cell);
                let me = self.me();
                // The page that is wanted empty is kept in the scan's place meanwhile.
                me.scan = wanted;
                debug_assert_eq!(cell, 0);
                me.page = 0;
                me.unlinked = Pc::RunUnlinked;
                self.go(Pc::UnlinkSlot)
            }
            Pc::RunUnlinked => {
                self.me().page = me.scan;
                self.me().scan = 0;
                if !me.done {
                    return self.run_ended(false);
                }
                self.me().freed = Pc::RunVacate;
                let generation = me.header.map_or(0, |header| header.generation);
                self.me().generation = generation;
                self.free_run(0)
            }
            Pc::RunVacate => {
                self.lane().entries[1] = NONE;
                self.run_ended(true)
            }
            Pc::FreeTail | Pc::FreeTailRun | Pc::FreeTailChange | Pc::FreeBase | Pc::FreeHead => {
                self.free_pages()
            }
            _ => self.finish(),
        }
    }

    fn run_ended(&mut self, done: bool) -> Step {
        if self.op() == Op::EvictRun {
            return self.finish();
        }
        if done { self.go(Pc::EmptyLoad) } else { self.emptied(false) }
    }

    /// Gives the pages of the run away, whose header is CLAIMED by whom it acts for. The look at word and header is
    /// one step: nobody else changes either then.
    pub(crate) fn free_run(&mut self, _head: u8) -> Step {
        let who = self.who();
        let word = self.page_word(0);
        let header = self.state.cells[0];
        self.me().cut = word;
        let is_mine = header.is_some_and(|header| header.is_claimed_by(who));
        if word.kind != Kind::RunHead || !is_mine {
            let next = self.me().freed;
            return self.go(next);
        }
        self.me().generation = header.map_or(0, |header| header.generation);
        self.go(match self.config.mutations.head_freed_first {
            true => Pc::FreeBase,
            false => Pc::FreeTail,
        })
    }

    fn free_pages(&mut self) -> Step {
        let me = *self.me();
        let first = self.config.mutations.head_freed_first;
        let tails_done = if first { me.freed } else { Pc::FreeBase };
        match me.pc {
            Pc::FreeTail => {
                let tail = self.page_word(1);
                self.me().owned[1] = Some(tail);
                self.go(if tail.kind == Kind::RunTail { Pc::FreeTailRun } else { tails_done })
            }
            Pc::FreeTailRun => {
                let tail = self.state.pages[1];
                let is_tail = tail.run == 1 && me.owned[1] == Some(tail.word);
                self.go(if is_tail { Pc::FreeTailChange } else { tails_done })
            }
            Pc::FreeTailChange => {
                if let Some(tail) = me.owned[1] {
                    self.change_page(1, tail, Kind::Free, 0);
                }
                self.me().owned[1] = None;
                self.go(tails_done)
            }
            Pc::FreeBase => {
                if !self.config.mutations.cut_ignores_base {
                    let base = &mut self.state.pages[0].base;
                    *base = (*base).max(me.generation + 1);
                }
                self.go(Pc::FreeHead)
            }
            _ => {
                self.me().owned[1] = None;
                self.change_page(0, me.cut, Kind::Free, 0);
                self.go(if first { Pc::FreeTail } else { me.freed })
            }
        }
    }

    /// Both pages emptied in address order, and joined; all or none.
    pub(crate) fn window(&mut self) -> Step {
        let me = *self.me();
        match me.pc {
            Pc::WindowLook => {
                if !self.scan_names(0..1) {
                    return Ok(());
                }
                if std::mem::take(&mut self.me().is_named) {
                    return self.finish();
                }
                self.me().emptied = Pc::WindowEmptied;
                self.go(Pc::EmptyLoad)
            }
            Pc::WindowEmptied => {
                self.me().cell = 0;
                if !me.done {
                    return self.go(Pc::WindowRelease);
                }
                if me.page + 1 < Self::pages() {
                    self.me().page += 1;
                    return self.go(Pc::EmptyLoad);
                }
                self.go(Pc::WindowScan)
            }
            Pc::WindowRelease => {
                if let Some(owned) = me.owned[0] {
                    self.change_page(0, owned, Kind::Free, 0);
                }
                self.finish()
            }
            Pc::WindowScan => {
                if !self.scan_names(Self::everywhere()) {
                    return Ok(());
                }
                self.me().generation = self.fresh_generation(0);
                self.go(Pc::WindowName)
            }
            Pc::WindowName => {
                self.lane().entries[0] = 0;
                self.go(Pc::WindowTailRun)
            }
            Pc::WindowTailRun => {
                self.state.pages[1].run = 1;
                self.go(Pc::WindowTail)
            }
            Pc::WindowTail => {
                let Some(owned) = me.owned[1] else { return Err("a tail is not owned") };
                self.change_page(1, owned, Kind::RunTail, 0);
                self.go(Pc::WindowHeadRun)
            }
            Pc::WindowHeadRun => {
                self.state.pages[0].run = 2;
                self.go(Pc::WindowHeader)
            }
            Pc::WindowHeader => {
                if self.state.slots.iter().any(Option::is_some) {
                    return Err("a run is made under a linked block");
                }
                self.state.cells[0] = Some(Header::claimed(self.p as u8, me.generation));
                self.go(Pc::WindowHead)
            }
            _ => {
                let Some(owned) = me.owned[0] else { return Err("a head is not owned") };
                self.change_page(0, owned, Kind::RunHead, 0);
                self.window_made()
            }
        }
    }

    fn window_made(&mut self) -> Step {
        let me = self.me();
        me.owned = [None; crate::state::PAGES];
        me.page = 0;
        me.block = 0;
        self.claimed()
    }
}
