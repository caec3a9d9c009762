//! One step of one process: one access to shared memory, with all that is private before the next.

use crate::config::{BUCKETS, Config, HALF, Item, Op, Pc, Process, State, is_cleared, stamp};
use crate::explore::Violation;

type Step = Result<(), Violation>;

/// Lets process `p` make its next access.
pub(crate) fn step(config: &Config, state: &mut State, p: usize, op: Op) -> Step {
    let mut stepper = Stepper { config, state, p };
    match op {
        Op::Set(key) => stepper.set(key),
        Op::Get(key) => stepper.get(key),
        Op::Clear => stepper.clear(),
    }
}

struct Stepper<'a> {
    config: &'a Config,
    state: &'a mut State,
    p: usize,
}

impl Stepper<'_> {
    fn me(&mut self) -> &mut Process {
        &mut self.state.processes[self.p]
    }

    fn go(&mut self, pc: Pc) -> Step {
        self.me().pc = pc;
        Ok(())
    }

    fn finish(&mut self) -> Step {
        let op = self.me().op;
        *self.me() = Process { op: op + 1, ..Process::NEW };
        Ok(())
    }

    /// Looks at everything again; a placed word stays placed.
    fn again(&mut self) -> Step {
        let Process { op, placed, .. } = *self.me();
        *self.me() = Process { op, placed, ..Process::NEW };
        Ok(())
    }

    /// The bucket at a step of a key's scan: its primary one first.
    fn bucket(key: u8, at: u8) -> usize {
        usize::from(key + at) % BUCKETS
    }

    /// The next slot of a scan; `Some`: this key's committed item.
    fn look(&mut self, key: u8) -> Option<Item> {
        let bucket = Self::bucket(key, self.me().at);
        let slot = self.state.slots[bucket];
        self.me().at += 1;
        if slot.is_none() {
            self.me().empty = Some(bucket as u8);
        }
        let found = slot.filter(|item| item.is_committed && item.key == key)?;
        self.me().at = bucket as u8;
        Some(found)
    }

    fn get(&mut self, key: u8) -> Step {
        if self.me().pc == Pc::Epoch {
            self.me().epoch = self.state.epoch;
            return self.go(Pc::Scan);
        }
        let epoch = self.me().epoch;
        let found = self.look(key);
        if found.is_none() && usize::from(self.me().at) < BUCKETS {
            return Ok(());
        }
        match found.filter(|item| !is_cleared(item.stamp, epoch)) {
            Some(item) if item.epoch < epoch => {
                Err("a get hits an item that was ended before it began")
            }
            None if !self.me().absent => Err("a get misses an item that was there all the time"),
            _ => self.finish(),
        }
    }

    /// The own item under the epoch that was loaded.
    fn item(&mut self, key: u8, is_committed: bool) -> Item {
        let number = (self.p as u8, self.me().op);
        let epoch = self.me().epoch;
        Item { number, key, stamp: stamp(epoch), epoch, is_committed }
    }

    fn set(&mut self, key: u8) -> Step {
        let me = *self.me();
        match me.pc {
            Pc::Epoch => {
                self.me().epoch = self.state.epoch;
                self.go(Pc::Control)
            }
            Pc::Control => {
                self.me().control = self.state.controls[usize::from(key)];
                self.go(Pc::Scan)
            }
            Pc::Scan => {
                if let Some(found) = self.look(key) {
                    self.me().found = Some(found);
                } else if usize::from(self.me().at) < BUCKETS {
                    return Ok(());
                }
                self.decide()
            }
            Pc::Withdraw => {
                if let Some((bucket, _)) = me.placed {
                    self.state.slots[usize::from(bucket)] = None;
                }
                self.me().placed = None;
                // A found item goes on to be replaced; else an empty slot is looked for anew.
                if me.found.is_some() { self.go(Pc::EpochAgain) } else { self.again() }
            }
            Pc::Place => {
                let Some(bucket) = me.empty else { return self.finish() };
                let item = self.item(key, false);
                let slot = &mut self.state.slots[usize::from(bucket)];
                if slot.is_some() {
                    return self.again();
                }
                *slot = Some(item);
                self.me().placed = Some((bucket, item));
                self.go(Pc::EpochAgain)
            }
            Pc::EpochAgain => {
                if self.state.epoch != me.epoch && !self.config.mutations.writer_ignores_epoch {
                    return self.again();
                }
                self.go(if me.found.is_some() { Pc::Replace } else { Pc::Commit })
            }
            Pc::Replace => {
                let item = self.item(key, true);
                let epoch = self.state.epoch;
                let slot = &mut self.state.slots[usize::from(me.at)];
                if *slot != me.found {
                    return self.again();
                }
                let lived = me.found.is_some_and(|old| old.epoch >= epoch);
                if lived && item.epoch < epoch {
                    return Err("a living item is replaced by a dead one");
                }
                *slot = Some(item);
                self.finish()
            }
            _ => self.commit(key),
        }
    }

    /// What the scan found decides.
    fn decide(&mut self) -> Step {
        let me = *self.me();
        if let Some(found) = me.found {
            let is_newer = stamp(found.stamp.wrapping_sub(me.epoch)) != 0
                && !is_cleared(found.stamp, me.epoch);
            if is_newer {
                return self.again();
            }
            return self.go(if me.placed.is_some() { Pc::Withdraw } else { Pc::EpochAgain });
        }
        match me.placed {
            None => self.go(Pc::Place),
            Some((_, item)) if item.stamp == stamp(me.epoch) => self.go(Pc::EpochAgain),
            Some(_) if self.config.mutations.no_restamp => self.go(Pc::EpochAgain),
            Some(_) => self.go(Pc::Withdraw),
        }
    }

    /// By its owner, if nobody with this primary committed since the control word was loaded.
    fn commit(&mut self, key: u8) -> Step {
        let me = *self.me();
        let control = &mut self.state.controls[usize::from(key)];
        if *control != me.control {
            return self.again();
        }
        *control += 1;
        if let Some((bucket, placed)) = me.placed {
            // An equal stamp is as good as one of this epoch.
            let is_equal = placed.stamp == stamp(me.epoch);
            let epoch = if is_equal { me.epoch } else { placed.epoch };
            let item = Item { epoch, is_committed: true, ..placed };
            self.state.slots[usize::from(bucket)] = Some(item);
        }
        self.finish()
    }

    fn clear(&mut self) -> Step {
        let me = *self.me();
        let mutations = self.config.mutations;
        let at = usize::from(me.at);
        match me.pc {
            Pc::Epoch => {
                let epoch = self.state.epoch;
                self.me().epoch = epoch;
                let enters = (epoch + 1).is_multiple_of(HALF) && !mutations.no_walk;
                self.go(if enters { Pc::WalkSlot } else { Pc::Advance })
            }
            Pc::WalkSlot => {
                let ended = |item: &Item| item.is_committed && is_cleared(item.stamp, me.epoch);
                let found = self.state.slots[at].filter(ended);
                self.me().found = found;
                match found {
                    Some(_) if mutations.walk_ignores_epoch => self.go(Pc::WalkUnlink),
                    Some(_) => self.go(Pc::WalkEpoch),
                    None => self.bucket_done(),
                }
            }
            Pc::WalkEpoch => {
                if self.state.epoch == me.epoch {
                    return self.go(Pc::WalkUnlink);
                }
                self.bucket_done()
            }
            Pc::WalkUnlink => {
                let epoch = self.state.epoch;
                let slot = &mut self.state.slots[at];
                if *slot == me.found {
                    if slot.is_some_and(|item| item.epoch >= epoch) {
                        return Err("a clear unlinks a living item");
                    }
                    *slot = None;
                }
                self.go(Pc::WalkSlot)
            }
            Pc::BumpLoad => {
                self.me().control = self.state.controls[at];
                self.go(Pc::Bump)
            }
            Pc::Bump => {
                if self.state.controls[at] != me.control {
                    return self.go(Pc::BumpLoad);
                }
                self.state.controls[at] += 1;
                self.go(Pc::WalkOn)
            }
            Pc::WalkOn => {
                let walks = if mutations.one_walk { 1 } else { 2 };
                let me = self.me();
                me.control = 0;
                me.at += 1;
                if usize::from(me.at) == BUCKETS {
                    me.at = 0;
                    me.walk += 1;
                }
                let over = me.walk == walks || self.state.epoch != self.me().epoch;
                self.go(if over { Pc::Advance } else { Pc::WalkSlot })
            }
            _ => {
                if self.state.epoch != me.epoch {
                    return self.again();
                }
                self.state.epoch += 1;
                self.finish()
            }
        }
    }

    fn bucket_done(&mut self) -> Step {
        self.me().found = None;
        let bumps = self.me().walk == 0 && !self.config.mutations.no_bump;
        self.go(if bumps { Pc::BumpLoad } else { Pc::WalkOn })
    }
}
