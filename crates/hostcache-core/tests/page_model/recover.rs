//! Recovery of a dead participant: a bounded list of names, then its pages, each step a compare-exchange.
//!
//! The recoverer holds the dead lane's byte. It can be killed at every step; the byte is free then, and whoever takes it
//! starts again. It holds nothing itself: what it takes goes from the dead one's hands straight to FREE.

use crate::state::{Block, CELLS, Header, Kind, Lane, Life, NONE, PageWord, Pc, Process};
use crate::step::{Step, Stepper};

/// Phases: the victim, two entries, then the pages.
const ENTRIES: u8 = 1;
const FIRST_PAGE: u8 = 3;

impl Stepper<'_> {
    fn next_phase(&mut self) -> Step {
        let phase = self.me().phase + 1;
        let me = self.me();
        let patient = me.patient;
        *me = Process { op: me.op, patient, phase, ..Process::NEW };
        if phase < FIRST_PAGE {
            return self.go(Pc::RecoverEntry);
        }
        if phase < FIRST_PAGE + Self::pages() && !self.config.mutations.recovery_leaves_pages {
            self.me().page = phase - FIRST_PAGE;
            return self.go(Pc::RecoverPage);
        }
        self.go(Pc::RecoverEnd)
    }

    fn look_at(&mut self, place: u8) -> Step {
        let me = self.me();
        me.page = place / CELLS as u8;
        me.cell = place % CELLS as u8;
        self.go(Pc::NamedPage)
    }

    pub(crate) fn recover(&mut self) -> Step {
        let me = *self.me();
        let patient = self.who();
        let lane = self.state.lanes[usize::from(patient)];
        let place = me.place();
        match me.pc {
            Pc::RecoverOld => {
                if lane.old == NONE {
                    return self.next_phase();
                }
                let at = usize::from(lane.old);
                if self.state.cells[at] != Some(lane.old_header) {
                    return self.look_at(lane.old);
                }
                // TAKE (c): what it was about to unlink.
                let me = self.me();
                me.page = lane.old / CELLS as u8;
                me.cell = lane.old % CELLS as u8;
                me.header = Some(lane.old_header);
                self.go(Pc::NamedSlot)
            }
            Pc::RecoverEntry => match lane.entries[usize::from(me.phase - ENTRIES)] {
                NONE => self.next_phase(),
                named => self.look_at(named),
            },
            Pc::NamedPage => {
                self.me().cut = self.page_word(me.page);
                self.go(Pc::NamedHeader)
            }
            Pc::NamedHeader => {
                self.me().header = self.state.cells[place];
                self.go(Pc::NamedReload)
            }
            Pc::NamedReload => {
                if self.page_word(me.page) != me.cut {
                    return match self.config.mutations.recovery_looks_once {
                        true => self.next_phase(),
                        false => self.go(Pc::NamedPage),
                    };
                }
                if !me.cut.has_header(usize::from(me.cell)) {
                    return self.next_phase();
                }
                let Some(header) = me.header else {
                    return Err("recovery takes data for a header");
                };
                match header.block {
                    _ if header.owner != patient => self.next_phase(),
                    Block::Claimed => self.go(Pc::NamedTake),
                    Block::Published => self.go(Pc::NamedSlot),
                    Block::Free => self.next_phase(),
                }
            }
            Pc::NamedSlot => {
                let short = me.header.map(|header| self.config.short(header.generation));
                let slot = self.state.slots[place];
                if slot.is_some_and(|slot| Some(slot.short) == short) {
                    // In the table: nobody's business.
                    return self.next_phase();
                }
                self.go(Pc::NamedTake)
            }
            Pc::NamedTake => {
                let Some(header) = me.header else { return Err("recovery takes data") };
                self.take(place, header, patient)
            }
            Pc::NamedDone => self.next_phase(),
            Pc::RecoverPage => self.recover_page(patient),
            Pc::RecoverTail => {
                let head = self.state.pages[0];
                let joined = head.word.kind == Kind::RunHead && head.run == 2;
                if !joined {
                    self.change_page(me.page, me.cut, Kind::Free, 0);
                }
                self.next_phase()
            }
            _ => {
                self.state.lanes[usize::from(patient)] = Lane::IDLE;
                let dead = &mut self.state.processes[usize::from(patient)];
                *dead = Process { life: Life::Gone, op: dead.op, ..Process::NEW };
                let op = self.me().op;
                *self.me() = Process { op, ..Process::NEW };
                Ok(())
            }
        }
    }

    /// One CAS on what was seen.
    fn take(&mut self, place: usize, header: Header, patient: u8) -> Step {
        let generation = header.generation + u8::from(header.block == Block::Published);
        match self.page_word((place / CELLS) as u8).kind {
            Kind::Slab | Kind::Drain => {
                self.change_header(place, header, Header::free(generation));
                self.next_phase()
            }
            Kind::RunHead => {
                let claimed = Header::claimed(patient, generation);
                if header == claimed || self.change_header(place, header, claimed) {
                    self.me().freed = Pc::NamedDone;
                    return self.free_run(0);
                }
                self.next_phase()
            }
            _ => self.next_phase(),
        }
    }

    fn recover_page(&mut self, patient: u8) -> Step {
        let me = *self.me();
        let page = usize::from(me.page);
        // In the middle of a drained page: a chunk a step, then the page.
        let word = if me.is_named { me.cut } else { self.page_word(me.page) };
        if word.owner != patient {
            let is_run = word.kind == Kind::RunHead;
            return if is_run { self.go(Pc::NamedPage) } else { self.next_phase() };
        }
        self.me().cut = word;
        match word.kind {
            Kind::Drain => self.undrain(page, word, patient),
            Kind::Owned => {
                self.change_page(me.page, word, Kind::Free, 0);
                self.next_phase()
            }
            Kind::RunHead => self.go(Pc::NamedPage),
            Kind::RunTail => self.go(Pc::RecoverTail),
            Kind::Free | Kind::Slab => self.next_phase(),
        }
    }

    fn undrain(&mut self, page: usize, word: PageWord, patient: u8) -> Step {
        let cell = usize::from(self.me().cell);
        if cell < word.chunks() {
            let place = page * CELLS + cell;
            if let Some(header) = self.state.cells[place]
                && header.is_claimed_by(patient)
            {
                self.change_header(place, header, Header::free(header.generation));
            }
            self.me().is_named = true;
            self.me().cell += 1;
            return Ok(());
        }
        self.change_page(page as u8, word, Kind::Slab, word.class);
        self.next_phase()
    }
}
