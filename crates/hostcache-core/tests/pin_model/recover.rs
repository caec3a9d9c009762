//! Recovery of a dead process: its victim, its block, its record, in this order; names are dropped behind what they name.

use crate::state::{Header, Lane, Life, NONE, Name, Pc, Process, Record};
use crate::step::{Step, Stepper};

impl Stepper<'_> {
    pub(crate) fn begin_recovery(&mut self, patient: u8) {
        self.state.lanes[usize::from(patient)].recoverer = self.p as u8;
        self.me().patient = patient;
        self.me().pc = Pc::TakeOld;
    }

    pub(crate) fn recover(&mut self) -> Step {
        let me = *self.me();
        let patient = usize::from(me.patient);
        let lane = self.state.lanes[patient];
        match me.pc {
            Pc::TakeOld => {
                let old = lane.old;
                if old.is_none() {
                    return self.go(Pc::TakeEntry);
                }
                let header = self.state.header(old.location);
                self.me().after = Pc::TakeEntry;
                if header.is_published() && header.generation == old.generation {
                    self.me().orphan = old;
                    return self.go(Pc::TakeReferenced);
                }
                self.take_named(old.location, header)
            }
            Pc::TakeEntry => {
                self.me().after = Pc::DropNames;
                if lane.entry == NONE {
                    return self.go(Pc::DropNames);
                }
                let header = self.state.header(lane.entry);
                self.take_named(lane.entry, header)
            }
            // Is it in the table?
            Pc::TakeReferenced => {
                let linked = self.state.slot == me.orphan;
                self.go(if linked { me.after } else { Pc::TakePublished })
            }
            Pc::TakePublished => {
                let Name { location, generation } = me.orphan;
                let header = self.state.header(location);
                let same = header.is_published() && header.generation == generation;
                if !same {
                    return self.go(me.after);
                }
                if header.pin && !self.config.mutations.recovery_ignores_pins {
                    return self.go(Pc::TakeOrphaned);
                }
                self.state.change_header(location, header, Header::free(generation + 1));
                self.go(me.after)
            }
            Pc::TakeOrphaned => {
                let Name { location, generation } = me.orphan;
                let header = self.state.header(location);
                if header.is_published() && header.generation == generation {
                    self.state.change_header(location, header, Header::orphan(generation));
                    return self.scan_then(Pc::Adopt, me.after);
                }
                self.go(me.after)
            }
            Pc::DropNames => {
                self.state.lanes[patient].old = Name::NONE;
                self.state.lanes[patient].entry = NONE;
                self.go(Pc::ReleaseRecord)
            }
            Pc::ReleaseRecord => {
                let location = lane.record.location();
                match lane.record {
                    Record::None => self.go(Pc::EndRecovery),
                    _ if self.config.mutations.recovery_clears_first => {
                        self.state.lanes[patient].record = Record::None;
                        self.me().found.location = location;
                        self.go(Pc::EndRecovery)
                    }
                    // Marked first; the look is the next step.
                    Record::Held(_) => {
                        self.state.lanes[patient].record = Record::Released(location);
                        Ok(())
                    }
                    Record::Released(_) => self.look(location, Pc::EndRecovery),
                }
            }
            Pc::EndRecovery => {
                if me.found.location != NONE {
                    // The mutation's look, with the record gone.
                    self.me().found = Name::NONE;
                    return self.look(me.found.location, Pc::EndRecovery);
                }
                self.state.lanes[patient] = Lane::EMPTY;
                let gone = Process { op: NONE, ..Process::NEW };
                self.state.processes[patient] = gone;
                let op = me.op;
                *self.me() = Process { op, ..Process::NEW };
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A block that the dead one named: claimed by it, sealed by it and in no slot, or an ORPHAN.
    fn take_named(&mut self, location: u8, header: Header) -> Step {
        let me = *self.me();
        match header.life {
            Life::Claimed(owner) if owner == me.patient => {
                self.state.change_header(location, header, Header::free(header.generation));
                self.go(me.after)
            }
            Life::Published(owner) if owner == me.patient => {
                self.me().orphan = Name { location, generation: header.generation };
                self.go(Pc::TakeReferenced)
            }
            Life::Orphan => {
                self.me().orphan = Name { location, generation: header.generation };
                self.scan_then(Pc::Adopt, me.after)
            }
            _ => self.go(me.after),
        }
    }
}
