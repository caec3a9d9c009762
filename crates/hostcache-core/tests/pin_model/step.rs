//! The next access of a process.

use crate::state::{
    BLOCKS, Config, Header, Life, NONE, Name, Op, PROCESSES, Pc, Process, Record, State, value_of,
};

pub(crate) type Violation = &'static str;
pub(crate) type Step = Result<(), Violation>;

pub(crate) struct Stepper<'a> {
    pub(crate) config: &'a Config,
    pub(crate) state: &'a mut State,
    pub(crate) p: usize,
}

impl Stepper<'_> {
    pub(crate) fn me(&mut self) -> &mut Process {
        &mut self.state.processes[self.p]
    }

    pub(crate) fn go(&mut self, pc: Pc) -> Step {
        self.me().pc = pc;
        Ok(())
    }

    fn op(&mut self) -> Option<Op> {
        let at = self.me().op;
        self.config.op(self.p, at)
    }

    fn next_op(&mut self) -> Step {
        let op = self.me().op + 1;
        *self.me() = Process { op, ..Process::NEW };
        Ok(())
    }

    /// Begins the next operation, or makes the next access of the one under way.
    pub(crate) fn step(&mut self) -> Step {
        if self.me().pc == Pc::Idle {
            let op = self.op();
            self.me().pc = match op {
                Some(Op::Hold) => Pc::LoadSlot,
                Some(Op::Replace) => Pc::NameEntry,
                Some(Op::Delete) => Pc::FindSlot,
                None => Pc::Idle,
            };
        }
        let mutations = self.config.mutations;
        let me = *self.me();
        let found = me.found;
        match me.pc {
            Pc::Idle | Pc::Dead => Ok(()),
            Pc::LoadSlot => {
                self.me().found = self.state.slot;
                if self.state.slot.is_none() { self.next_op() } else { self.go(Pc::LoadHeader) }
            }
            Pc::LoadHeader => {
                let header = self.state.header(found.location);
                self.me().was_pinned = header.pin;
                let same = header.generation == found.generation;
                self.go(if same { Pc::SecondLook } else { Pc::LoadSlot })
            }
            Pc::SecondLook => {
                let same = self.state.slot == found;
                let next = if mutations.record_after_bit { Pc::Confirm } else { Pc::StoreRecord };
                self.go(if same { next } else { Pc::LoadSlot })
            }
            Pc::StoreRecord => {
                self.state.lanes[self.p].record = Record::Held(found.location);
                let sure = mutations.record_after_bit || mutations.no_recheck && me.was_pinned;
                if sure { self.holding() } else { self.go(Pc::Confirm) }
            }
            Pc::Confirm => {
                let header = self.state.header(found.location);
                if !header.is_published() || header.generation != found.generation {
                    return self.failed();
                }
                if header.pin { self.confirmed() } else { self.go(Pc::SetPin) }
            }
            Pc::SetPin => {
                let header = self.state.header(found.location);
                let fits = header.is_published() && header.generation == found.generation;
                if fits && !header.pin {
                    let pinned = Header { pin: true, ..header };
                    self.state.change_header(found.location, header, pinned);
                    return self.confirmed();
                }
                self.go(Pc::Confirm)
            }
            Pc::Read | Pc::ReadAgain => {
                let value = self.state.blocks[usize::from(found.location)].value;
                if value != value_of(found.location, found.generation) {
                    return Err("a held item changed");
                }
                self.go(if me.pc == Pc::Read { Pc::ReadAgain } else { Pc::MarkReleased })
            }
            Pc::MarkReleased => {
                self.me().holds = Name::NONE;
                let cleared = mutations.cleared_before_look;
                let marked = Record::Released(found.location);
                self.state.lanes[self.p].record = if cleared { Record::None } else { marked };
                let look = !mutations.no_look_after_release;
                self.go(if look { Pc::Look } else { Pc::ClearRecord })
            }
            Pc::Look => self.look(found.location, Pc::ClearRecord),
            Pc::ClearRecord => {
                self.state.lanes[self.p].record = Record::None;
                if me.failed {
                    // Look at the slot again.
                    let op = me.op;
                    *self.me() = Process { op, pc: Pc::LoadSlot, ..Process::NEW };
                    return Ok(());
                }
                self.next_op()
            }
            Pc::NameEntry => {
                let free =
                    (me.cursor..BLOCKS as u8).find(|&b| self.state.header(b).life == Life::Free);
                // No room: the operation ends without effect.
                let Some(location) = free else { return self.go(Pc::ClearIntent) };
                let generation = self.state.header(location).generation;
                self.state.lanes[self.p].entry = location;
                self.me().new = Name { location, generation };
                self.go(Pc::Claim)
            }
            Pc::Claim => {
                let Name { location, generation } = me.new;
                let claimed = Header::claimed(self.p as u8, generation);
                let won = self.state.change_header(location, Header::free(generation), claimed);
                self.me().cursor = if won { 0 } else { location + 1 };
                self.go(if won { Pc::Fill } else { Pc::NameEntry })
            }
            Pc::Fill => {
                self.must_own(me.new)?;
                let value = value_of(me.new.location, me.new.generation);
                self.state.blocks[usize::from(me.new.location)].value = value;
                self.go(Pc::Seal)
            }
            Pc::Seal => {
                self.must_own(me.new)?;
                let life = Life::Published(self.p as u8);
                let header = Header { life, pin: false, generation: me.new.generation };
                self.state.blocks[usize::from(me.new.location)].header = header;
                self.go(Pc::FindSlot)
            }
            Pc::FindSlot => {
                self.me().found = self.state.slot;
                let nothing = self.state.slot.is_none();
                match (nothing, me.new.is_none()) {
                    (true, true) => self.go(Pc::ClearIntent),
                    (true, false) => self.go(Pc::Swap),
                    (false, _) => self.go(Pc::NameOld),
                }
            }
            Pc::NameOld => {
                self.state.lanes[self.p].old = found;
                self.go(Pc::CheckNamed)
            }
            Pc::CheckNamed => {
                let header = self.state.header(found.location);
                self.me().was_pinned = header.pin;
                let same = header.generation == found.generation && self.state.slot == found;
                self.go(if same { Pc::Swap } else { Pc::FindSlot })
            }
            Pc::Swap => {
                if self.state.slot != found {
                    return self.go(Pc::FindSlot);
                }
                self.state.slot = me.new;
                self.go(if found.is_none() { Pc::ClearIntent } else { Pc::Retire })
            }
            Pc::Retire => {
                let header = self.state.header(found.location);
                let plain = header.is_published() && header.generation == found.generation;
                if plain && !header.pin {
                    let claimed = Header::claimed(self.p as u8, found.generation + 1);
                    self.state.change_header(found.location, header, claimed);
                    return self.go(Pc::GiveBack);
                }
                self.me().orphan = found;
                if mutations.scan_before_orphan {
                    self.scan_then(Pc::Orphan, Pc::Orphan)
                } else {
                    self.go(Pc::Orphan)
                }
            }
            Pc::Orphan => {
                let header = self.state.header(found.location);
                let fits = header.is_published() && header.generation == found.generation;
                if !fits || !header.pin {
                    // A recoverer took it first.
                    return self.go(Pc::ClearIntent);
                }
                let orphan = Header::orphan(found.generation);
                self.state.change_header(found.location, header, orphan);
                if mutations.no_scan || mutations.scan_before_orphan {
                    self.me().after = Pc::ClearIntent;
                    return self.go(if me.held { Pc::ClearIntent } else { Pc::Adopt });
                }
                self.scan_then(Pc::Adopt, Pc::ClearIntent)
            }
            Pc::Scan => self.scan(),
            Pc::Adopt => self.adopt(),
            Pc::GiveBack => {
                let Name { location, generation } = found;
                if self.state.header(location) != Header::claimed(self.p as u8, generation + 1) {
                    return Err("a process gives back a block that is not its own");
                }
                self.state.blocks[usize::from(location)].header = Header::free(generation + 1);
                self.go(Pc::ClearIntent)
            }
            Pc::ClearIntent => {
                self.state.lanes[self.p].old = Name::NONE;
                self.state.lanes[self.p].entry = NONE;
                self.next_op()
            }
            _ => self.recover(),
        }
    }

    fn confirmed(&mut self) -> Step {
        if self.config.mutations.record_after_bit {
            self.go(Pc::StoreRecord)
        } else {
            self.holding()
        }
    }

    fn holding(&mut self) -> Step {
        self.me().holds = self.me().found;
        self.go(Pc::Read)
    }

    /// Released as every record is; then the slot is looked at again.
    fn failed(&mut self) -> Step {
        if self.config.mutations.record_after_bit {
            return self.go(Pc::LoadSlot);
        }
        self.me().failed = true;
        let clears = self.config.mutations.failed_hold_just_clears;
        self.go(if clears { Pc::ClearRecord } else { Pc::MarkReleased })
    }

    /// Whether a block waits for somebody to adopt it.
    pub(crate) fn look(&mut self, location: u8, after: Pc) -> Step {
        let header = self.state.header(location);
        if header.life != Life::Orphan {
            return self.go(after);
        }
        self.me().orphan = Name { location, generation: header.generation };
        self.scan_then(Pc::Adopt, after)
    }

    /// Scans the records; goes on to `next` if nobody holds the block, else `after`.
    pub(crate) fn scan_then(&mut self, next: Pc, after: Pc) -> Step {
        let me = self.me();
        (me.cursor, me.next, me.after) = (0, next, after);
        self.go(Pc::Scan)
    }

    fn scan(&mut self) -> Step {
        let me = *self.me();
        let record = self.state.lanes[usize::from(me.cursor)].record;
        let location = me.orphan.location;
        let held = record == Record::Held(location)
            || self.config.mutations.marked_counts && record == Record::Released(location);
        if !held && usize::from(me.cursor) + 1 < PROCESSES {
            self.me().cursor += 1;
            return Ok(());
        }
        self.me().cursor = 0;
        self.me().held = held;
        self.go(if held { me.after } else { me.next })
    }

    /// ORPHAN → FREE, by exactly the word that was seen. The retirer owns it for a moment in between: that is left out.
    fn adopt(&mut self) -> Step {
        let Name { location, generation } = self.me().orphan;
        let free = Header::free(generation + 1);
        self.state.change_header(location, Header::orphan(generation), free);
        let after = self.me().after;
        self.go(after)
    }

    fn must_own(&mut self, new: Name) -> Step {
        if self.state.header(new.location) != Header::claimed(self.p as u8, new.generation) {
            return Err("a process writes to a block that is not its own");
        }
        Ok(())
    }
}
