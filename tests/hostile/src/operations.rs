//! The target of programs on the core: attach, then damages and operations in any order.

use hostcache_core::layout::Identity;
use hostcache_core::word::LaneId;
use hostcache_core::{
    Arithmetic, BATCH, Condition, Deadline, End, Got, Initial, IntoSlice, IntoVec, Lane, PinLane,
    Pinned, Region, Reserved, Session, Value,
};

use crate::guarded::Guarded;
use crate::images::{Clock, Image, OWN_LANES, key, noon, request};
use crate::input::Input;
use crate::program::{Program, Tally};

/// Steps of one program at most.
const STEPS: u32 = 48;
/// Runs a program: which image, how much damage before attach, then damages and operations.
///
/// # Panics
///
/// On a finding.
pub fn run(images: &[Image], guarded: &Guarded, bytes: &[u8]) -> Tally {
    let program = Program::begin(images, guarded, bytes, || {});
    let Ok((region, _)) = Region::attach(guarded.memory()) else { return Tally::default() };
    let mut player = Player::new(&region);
    let tally = program.go_on(STEPS, |what, input| player.play(what, input));
    player.leave();
    tally
}

/// A process with a lane, pins and a reservation.
pub struct Player<'a> {
    region: &'a Region,
    clock: Clock,
    lane: Option<Lane>,
    pin_lane: PinLane,
    pins: Vec<Pinned>,
    reserving: Option<(Lane, Reserved)>,
    buffer: Vec<u8>,
}

/// An attached lane, whatever its record says.
fn attach(region: &Region, lane: LaneId) -> Lane {
    let lanes = region.geometry().shape.lanes as LaneId;
    Lane::attach(region, lane % lanes, &Identity::default())
}

impl<'a> Player<'a> {
    /// Attaches lanes.
    #[must_use]
    pub fn new(region: &'a Region) -> Self {
        Self {
            region,
            clock: noon(),
            lane: Some(attach(region, 0)),
            pin_lane: attach(region, 1).into_pins(region),
            pins: Vec::new(),
            reserving: None,
            buffer: Vec::new(),
        }
    }

    /// Gives everything back.
    pub fn leave(mut self) {
        for pinned in self.pins.drain(..) {
            self.region.unpin(&pinned);
        }
        self.cancel();
        self.pin_lane.detach(self.region);
        if let Some(lane) = self.lane.take() {
            lane.detach(self.region, &self.clock);
        }
    }

    fn cancel(&mut self) {
        if let Some((mut lane, reserved)) = self.reserving.take() {
            Session::new(self.region, &mut lane, &self.clock).cancel(reserved);
            lane.detach(self.region, &self.clock);
        }
    }

    /// A value of one of several sizes, within what callers check.
    fn value(&self, key: &[u8], choice: u8) -> Vec<u8> {
        let sizes = [0, 1, 8, 40, 100, 300, 700, 1500, 3000, 6000, 12_000, 1 << 20];
        let limit = self.region.geometry().max_value_len(key.len()) as usize;
        vec![choice; sizes[choice as usize % sizes.len()].min(limit)]
    }

    fn most(&self) -> usize {
        self.region.geometry().arena_bytes() as usize
    }

    /// One operation.
    ///
    /// # Panics
    ///
    /// On a finding.
    pub fn play(&mut self, operation: u8, input: &mut Input<'_>) {
        let name = key(input.byte().into());
        match operation {
            0..4 => self.read(operation, &name),
            4..16 => self.write(operation, &name, input.byte()),
            16..20 => self.hold(operation, &name, input.byte()),
            20..26 => self.maintain(operation, input.byte()),
            26 => {
                let by = u64::from(input.byte());
                self.clock.0.set(self.clock.0.get() + by * by);
            }
            27 => {
                if let Some(lane) = self.lane.take() {
                    lane.detach(self.region, &self.clock);
                }
            }
            28 => self.region.prefetch(&[&name[..]; BATCH]),
            29 => drop(Region::attach(*self.region.memory())),
            30 => self.walk(input.byte()),
            _ => self.look(),
        }
    }

    fn read(&mut self, operation: u8, name: &[u8]) {
        let most = self.most();
        let region = self.region;
        match operation {
            0 => {
                let _ = region.get_quickly(&self.clock, name, &mut IntoVec(&mut self.buffer));
                assert!(self.buffer.len() <= most, "{} bytes were read", self.buffer.len());
            }
            1 => {
                let sink = &mut IntoVec(&mut self.buffer);
                let _ = region.get(&self.clock, name, true, sink);
                assert!(self.buffer.len() <= most, "{} bytes were read", self.buffer.len());
            }
            2 => {
                let mut slice = [0; 64];
                let got = region.get(&self.clock, name, false, &mut IntoSlice(&mut slice));
                if let Ok(Got::Hit(len)) = got {
                    assert!(len <= most, "a value of {len} bytes");
                }
            }
            _ => {
                let mut sink = |value: &Value<'_>| (value.len(), value.head());
                if let Ok(Got::Hit((len, head))) = region.get(&self.clock, name, false, &mut sink) {
                    assert!(len <= most && head.sizes.key_len == name.len());
                }
            }
        }
    }

    fn write(&mut self, operation: u8, name: &[u8], choice: u8) {
        let value = self.value(name, choice);
        let mut lane = self.lane.take().unwrap_or_else(|| attach(self.region, 0));
        if !lane.ticket().is_current(self.region) {
            // As the crate above does at every operation.
            lane = attach(self.region, 0);
        }
        let mut session = Session::new(self.region, &mut lane, &self.clock);
        let soon = (choice % 4 == 1).then_some(self.clock.0.get() + u64::from(choice));
        let set = |session: &mut Session<'_, Clock>, condition| {
            let _ = session.set(name, &request(&value, soon, condition));
        };
        match operation {
            4 | 5 => set(&mut session, Condition::Always),
            6 => set(&mut session, Condition::IfAbsent),
            7 => set(&mut session, Condition::IfPresent),
            8 => set(&mut session, Condition::IfToken(1 << 48 | u64::from(choice))),
            9 => {
                let by = match choice % 2 {
                    0 => Arithmetic::Increment(choice.into()),
                    _ => Arithmetic::Decrement(choice.into()),
                };
                let initial = Initial { value: 5, encoding: 2, deadline: soon };
                let _ = session.count(name, by, Some(initial));
            }
            10 => {
                let end = if choice.is_multiple_of(2) { End::Front } else { End::Back };
                let _ = session.extend(name, &value, end);
            }
            11 => drop(session.touch(name, soon)),
            12 => drop(session.get_and_touch(name, Deadline::Keep(soon))),
            13 => drop(session.take(name)),
            14 => drop(session.delete(name)),
            _ => drop(session.clear()),
        }
        self.lane = Some(lane);
    }

    fn hold(&mut self, operation: u8, name: &[u8], choice: u8) {
        let region = self.region;
        match operation {
            16 if self.pins.len() < 4 => {
                let lane = self.pin_lane;
                if !lane.is_current(region) {
                    self.pins.clear();
                    self.pin_lane = attach(region, 1).into_pins(region);
                    return;
                }
                let free = (0..4)
                    .find(|&slot| self.pins.iter().all(|pinned| pinned.slot() != lane.slot(slot)));
                let Some(slot) = free else { return };
                let charge = |bytes| region.charge(lane.id(), bytes);
                if let Ok(Got::Hit(pinned)) = region.pin(&self.clock, name, lane.slot(slot), charge)
                {
                    let value = pinned.value(region);
                    let value = value.unwrap_or_else(|| panic!("what is pinned is in the arena"));
                    value.copy_to_vec(&mut self.buffer);
                    assert!(self.buffer.len() <= self.most());
                    self.pins.push(pinned);
                }
            }
            16 | 17 if !self.pins.is_empty() => {
                let pinned = self.pins.swap_remove(choice as usize % self.pins.len());
                region.refund(self.pin_lane.id(), region.pin_charge(&pinned.head().sizes));
                region.unpin(&pinned);
            }
            18 if self.reserving.is_none() => {
                let value = self.value(name, choice);
                let mut lane = attach(region, 2);
                let mut session = Session::new(region, &mut lane, &self.clock);
                match session.reserve(name.len(), value.len() as u64, choice.is_multiple_of(2)) {
                    Ok(reserved) => {
                        region.fill_reserved(&reserved, 1, &value);
                        region.zero_reserved(&reserved, 0, u64::MAX);
                        self.reserving = Some((lane, reserved));
                    }
                    Err(_) => lane.detach(region, &self.clock),
                }
            }
            18 | 19 if choice.is_multiple_of(3) => self.cancel(),
            _ => {
                if let Some((mut lane, reserved)) = self.reserving.take() {
                    let soon = (choice % 4 == 1).then_some(self.clock.0.get() + 50);
                    let request = request(&[], soon, Condition::Always);
                    let mut session = Session::new(region, &mut lane, &self.clock);
                    let _ = session.publish(reserved, name, &request);
                    lane.detach(region, &self.clock);
                }
            }
        }
    }

    fn maintain(&mut self, operation: u8, choice: u8) {
        let mut lane = self.lane.take().unwrap_or_else(|| attach(self.region, 0));
        let mut session = Session::new(self.region, &mut lane, &self.clock);
        match operation {
            20 => drop(session.sweep(u64::from(choice) * 4)),
            21 => drop(session.evict_ahead(u32::from(choice) % 64)),
            22 => drop(session.evict_ahead(1)),
            23 => drop(session.recover_dead()),
            24 => {
                // A whole pass of the daemon.
                session.recover_dead();
                session.sweep(self.region.geometry().shape.buckets);
                session.evict_ahead(16);
            }
            _ => {
                let lanes = self.region.geometry().shape.lanes as LaneId;
                if lanes > OWN_LANES {
                    let lane = OWN_LANES + LaneId::from(choice) % (lanes - OWN_LANES);
                    self.region.recover_lane(lane);
                }
            }
        }
        self.lane = Some(lane);
    }

    fn walk(&self, choice: u8) {
        let prefix: &[u8] = [&b""[..], b"key", b"key 1"][choice as usize % 3];
        for slot in 0..self.region.slots().min(4096) {
            let item = self.region.item_at(&self.clock, slot, prefix, choice.is_multiple_of(2));
            if let Ok(Some(item)) = item {
                assert!((1..=1 << 16).contains(&item.key.len()) && item.key.starts_with(prefix));
                assert!(item.value.len() <= self.most());
            }
        }
    }

    /// All that a command shows.
    fn look(&self) {
        let (region, clock) = (self.region, &self.clock);
        let account = region.check(clock, |lane| lane >= OWN_LANES);
        assert!(account.problems.len() <= 100);
        let _ = (region.class_accounts(), region.counters(), region.held_bytes());
        let _ = (region.free_page_bytes(), region.pins(), region.pin_bytes());
        let _ = (region.pin_limit(), region.reserved_bytes(), region.present_counts());
        for lane in 0..region.geometry().shape.lanes.min(64) as LaneId {
            let _ = (region.lane_view(lane), region.is_attached(lane), region.pins_of(lane));
            let _ = (region.held_bytes_of(lane), region.reserved_bytes_of(lane));
        }
    }
}
