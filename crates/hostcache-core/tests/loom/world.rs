//! The smallest region that has everything, and threads on it.

use hostcache_core::layout::{Header, Identity, Shape};
use hostcache_core::word::{LaneId, SlotWord};
use hostcache_core::{
    Condition, Deadline, Deleted, Died, Got, Host, Lane, Memory, PinLane, Pinned, Region, Session,
    SetOutcome, SetRequest, Value,
};
use loom::thread::JoinHandle;

pub(crate) const KEY: &[u8] = b"1";
pub(crate) const OTHER: &[u8] = b"2";

/// Lanes: the model's own, and two for its threads.
const LANES: u32 = 3;

/// A clock that stands still, and no death but those that the model makes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Still;

impl Host for Still {
    fn now_ms(&self) -> u64 {
        1
    }

    fn claim_lane(&self, _lane: LaneId) -> bool {
        false
    }

    fn release_lane(&self, _lane: LaneId) {}
}

/// A region with its lanes.
pub(crate) struct World {
    pub(crate) region: Region,
    lanes: Vec<Option<Lane>>,
}

/// One thread's part.
pub(crate) struct Me {
    pub(crate) region: Region,
    pub(crate) lane: Lane,
}

/// What differs between models.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// Bits of the slots' generations.
    pub(crate) generation_bits: u32,
    /// Whether the page is cut before the threads begin.
    pub(crate) is_cut: bool,
    /// Pages of the arena, 1 or 3.
    pub(crate) pages: u64,
}

impl Plan {
    pub(crate) const USUAL: Self = Self { generation_bits: 2, is_cut: true, pages: 1 };
}

/// Executions of one model unless `HOSTCACHE_LOOM_EXECUTIONS` says otherwise (0: all there are). What the bound cuts
/// off is left to the long form.
const EXECUTIONS: usize = 30_000;

/// Runs a model over the interleavings with at most so many preemptions, or `LOOM_MAX_PREEMPTIONS`.
pub(crate) fn explore(preemptions: usize, model: impl Fn(&mut World) + Sync + Send + 'static) {
    explore_in(Plan::USUAL, preemptions, model);
}

/// The same in another world.
pub(crate) fn explore_in(
    plan: Plan,
    preemptions: usize,
    model: impl Fn(&mut World) + Sync + Send + 'static,
) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 100_000;
    if builder.preemption_bound.is_none() {
        builder.preemption_bound = Some(preemptions);
    }
    let executions = number("HOSTCACHE_LOOM_EXECUTIONS").unwrap_or(EXECUTIONS);
    builder.max_permutations = (executions != 0).then_some(executions);
    builder.check(move || model(&mut World::new(plan)));
}

fn number(variable: &str) -> Option<usize> {
    std::env::var(variable).ok()?.parse().ok()
}

impl World {
    fn new(plan: Plan) -> Self {
        let words = if plan.pages == 1 { 80 } else { 160 };
        let shape = Shape {
            capacity: 8 * words as u64,
            lanes: LANES,
            buckets: 1,
            page_words: 32,
            generation_bits: plan.generation_bits,
            epoch_bits: 2,
            seed: 1,
        };
        let header = Header::plain(shape);
        let region = Region::format(Memory::zeroed(words), &header).expect("a valid shape");
        assert_eq!(region.geometry().pages, plan.pages);
        let lanes = (0..LANES as LaneId)
            .map(|id| Some(Lane::attach(&region, id, &Identity::default())))
            .collect();
        let mut world = Self { region, lanes };
        if plan.is_cut {
            world.set(0, KEY, 0);
            world.delete(0, KEY);
        }
        world
    }

    pub(crate) fn set(&mut self, lane: usize, key: &[u8], value: u64) {
        self.with(lane, |me| me.set(key, value));
    }

    pub(crate) fn delete(&mut self, lane: usize, key: &[u8]) {
        self.with(lane, |me| {
            me.delete(key);
        });
    }

    /// Does something on a lane before the threads begin.
    pub(crate) fn with<T>(&mut self, lane: usize, operation: impl FnOnce(&mut Me) -> T) -> T {
        let owned = self.lanes[lane].take().expect("the lane is not lent");
        let mut me = Me { region: self.region.clone(), lane: owned };
        let result = operation(&mut me);
        self.lanes[lane] = Some(me.lane);
        result
    }

    /// Takes a key's block round until its short generation is the one wanted, with the same lane's block.
    pub(crate) fn set_in_generation(&mut self, lane: usize, key: &[u8], value: u64, short: u64) {
        loop {
            self.set(lane, key, value);
            let header = self.region.aim(key).expect("just set").header();
            if self.region.geometry().short_generation(header.generation()) == short {
                return;
            }
            self.delete(lane, key);
        }
    }

    pub(crate) fn value(&self, key: &[u8]) -> Option<u64> {
        match read(&self.region, key) {
            Got::Hit(value) => Some(value),
            Got::Miss | Got::Expired => None,
        }
    }

    /// Starts a thread on a lane.
    pub(crate) fn spawn<T: 'static>(
        &mut self,
        lane: usize,
        run: impl FnOnce(Me) -> T + 'static,
    ) -> JoinHandle<T> {
        let lane = self.lanes[lane].take().expect("the lane is not lent");
        let me = Me { region: self.region.clone(), lane };
        loom::thread::spawn(move || run(me))
    }

    /// Starts a thread that dies before an access.
    pub(crate) fn spawn_dying(
        &mut self,
        lane: usize,
        accesses: u32,
        run: impl FnOnce(Me) + 'static,
    ) -> JoinHandle<()> {
        let lane = self.lanes[lane].take().expect("the lane is not lent");
        let me = Me { region: self.region.clone(), lane };
        me.region.memory().light_fuse(accesses);
        loom::thread::spawn(move || {
            let run = std::panic::AssertUnwindSafe(|| run(me));
            if let Err(panic) = std::panic::catch_unwind(run)
                && !panic.is::<Died>()
            {
                std::panic::resume_unwind(panic);
            }
        })
    }

    /// Does something on a lane, whose thread dies before an access; whether it came so far.
    pub(crate) fn dies(
        &mut self,
        lane: usize,
        accesses: u32,
        operation: impl FnOnce(&mut Me),
    ) -> bool {
        let owned = self.lanes[lane].take().expect("the lane is not lent");
        let mut me = Me { region: self.region.clone(), lane: owned };
        me.region.memory().light_fuse(accesses);
        let died = is_death(|| operation(&mut me));
        if !died {
            let Me { lane: owned, .. } = me;
            self.lanes[lane] = Some(owned);
        }
        died
    }

    /// Recovers a lane by a thread that dies before an access; whether it came so far.
    pub(crate) fn recovery_dies(&self, lane: usize, accesses: u32) -> bool {
        let region = self.region.clone();
        region.memory().light_fuse(accesses);
        is_death(|| _ = region.recover_lane(lane as LaneId))
    }

    /// Gives all lanes back that are not lent or dead.
    pub(crate) fn leave_all(&mut self) {
        for lane in self.lanes.iter_mut().filter_map(Option::take) {
            lane.detach(&self.region, &Still);
        }
    }

    pub(crate) fn recover(&mut self, lane: LaneId) {
        self.region.recover_lane(lane);
    }

    /// The same once all lanes were given back: nobody holds anything.
    pub(crate) fn verify_empty_handed(&self) {
        self.verify();
        let account = self.region.check(&Still, |_| false);
        assert_eq!((account.held, account.pinned, account.tails), (0, 0, 0), "{account:?}");
        assert!((0..LANES as LaneId).all(|lane| !self.region.is_attached(lane)));
    }

    /// Whether a slot holds a word that is not finished.
    pub(crate) fn has_tentative_word(&self) -> bool {
        let slots = self.region.geometry().buckets_at;
        // What reads a header reads any word.
        let word = |at| SlotWord::from_bits(self.region.block_word(at).bits());
        (slots..slots + 2).any(|at| word(at).is_tentative())
    }

    /// A lane that nobody has, from now on this one's.
    pub(crate) fn attach(&mut self, lane: usize) {
        let id = lane as LaneId;
        self.lanes[lane] = Some(Lane::attach(&self.region, id, &Identity::default()));
    }

    /// A key's value; the length of one that is no number.
    pub(crate) fn value_or_len(&self, key: &[u8]) -> Option<u64> {
        let mut number = |value: &Value<'_>| {
            let mut bytes = [0; 8];
            value.copy_to(&mut bytes);
            if value.len() == 16 { u64::from_le_bytes(bytes) } else { value.len() as u64 }
        };
        match self.region.get(&Still, key, false, &mut number).expect("the region is sound") {
            Got::Hit(value) => Some(value),
            Got::Miss | Got::Expired => None,
        }
    }

    /// Every chunk accounted for, no key twice, every slot a whole item.
    pub(crate) fn verify(&self) {
        let account = self.region.check(&Still, |_| false);
        assert!(account.problems.is_empty(), "{:?}", account.problems);
        let arena = self.region.geometry().arena_bytes();
        let sum = account.reachable + account.free_chunks + account.free_pages + account.held;
        assert_eq!(sum + account.pinned + account.tails, arena, "{account:?}");
        // At rest a lane holds nothing but its magazine of one.
        assert!(account.held <= u64::from(LANES) * 64, "{account:?}");
    }
}

/// Whether it ends by a death of the model's.
fn is_death(run: impl FnOnce()) -> bool {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
        Ok(()) => false,
        Err(panic) if panic.is::<Died>() => true,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Holds KEY's item in a lane before the threads begin.
pub(crate) fn pinned_before(world: &mut World, lane: usize) -> Pinned {
    world.with(lane, |me| me.pin(KEY)).expect("the key is there")
}

impl Me {
    /// Holds a key's item in this lane's only record.
    pub(crate) fn pin(&self, key: &[u8]) -> Option<Pinned> {
        let slot = PinLane::from_parts(self.lane.id(), self.lane.incarnation()).slot(0);
        let got = self.region.pin(&Still, key, slot, |_| Ok::<(), ()>(()));
        match got.expect("the region is sound") {
            Got::Hit(pinned) => Some(pinned),
            Got::Miss | Got::Expired => None,
        }
    }

    pub(crate) fn session(&mut self) -> Session<'_, Still> {
        Session::new(&self.region, &mut self.lane, &Still)
    }

    fn store(&mut self, key: &[u8], value: u64, condition: Condition) -> SetOutcome {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&value.to_le_bytes());
        bytes[8..].copy_from_slice(&value.to_le_bytes());
        self.store_bytes(key, &bytes, value as u32, condition)
    }

    pub(crate) fn store_bytes(
        &mut self,
        key: &[u8],
        value: &[u8],
        flags: u32,
        condition: Condition,
    ) -> SetOutcome {
        let deadline = Deadline::At(None);
        let request = SetRequest { value, flags, encoding: 0, deadline, condition };
        self.session().set(key, &request).expect("there is room")
    }

    pub(crate) fn clear(&mut self) {
        self.session().clear().expect("the region is sound");
    }

    pub(crate) fn set(&mut self, key: &[u8], value: u64) {
        self.store(key, value, Condition::Always);
    }

    pub(crate) fn add(&mut self, key: &[u8], value: u64) -> bool {
        matches!(self.store(key, value, Condition::IfAbsent), SetOutcome::Stored(_))
    }

    pub(crate) fn replace(&mut self, key: &[u8], value: u64) -> bool {
        matches!(self.store(key, value, Condition::IfPresent), SetOutcome::Stored(_))
    }

    pub(crate) fn delete(&mut self, key: &[u8]) -> bool {
        let deleted = self.session().delete(key);
        deleted.expect("the region is sound") == Deleted::Gone
    }

    pub(crate) fn evict(&mut self) {
        self.session().evict_one(0);
    }

    pub(crate) fn get(&self, key: &[u8]) -> Got<u64> {
        read(&self.region, key)
    }
}

fn read(region: &Region, key: &[u8]) -> Got<u64> {
    let mut copy = |value: &Value<'_>| {
        let mut bytes = [0; 16];
        value.copy_to(&mut bytes);
        bytes
    };
    let got = match region.get_quickly(&Still, key, &mut copy) {
        Some(Some(bytes)) => Got::Hit(bytes),
        Some(None) => Got::Miss,
        None => region.get(&Still, key, false, &mut copy).expect("the region is sound"),
    };
    match got {
        Got::Hit(bytes) => {
            let half = |at: usize| {
                let mut half = [0; 8];
                half.copy_from_slice(&bytes[at..at + 8]);
                u64::from_le_bytes(half)
            };
            assert_eq!(half(0), half(8), "torn");
            Got::Hit(half(0))
        }
        Got::Miss => Got::Miss,
        Got::Expired => Got::Expired,
    }
}

/// What a dying thread was doing.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Victim {
    Replacing,
    Inserting,
    Deleting,
}

impl Victim {
    pub(crate) fn run(self, me: &mut Me) {
        match self {
            Victim::Replacing => me.set(KEY, 2),
            Victim::Inserting => {
                me.delete(KEY);
                me.set(KEY, 2);
            }
            Victim::Deleting => {
                me.delete(KEY);
            }
        }
    }
}

/// Every victim at every third access, or every `HOSTCACHE_LOOM_DEATH_STEP`th.
pub(crate) fn deaths() -> impl Iterator<Item = (Victim, u32)> {
    let step = death_step();
    let lengths = [(Victim::Replacing, 70), (Victim::Inserting, 130), (Victim::Deleting, 60)];
    lengths
        .into_iter()
        .flat_map(move |(victim, length)| (0..length).step_by(step).map(move |at| (victim, at)))
}

/// Every third access up to so many, or every `HOSTCACHE_LOOM_DEATH_STEP`th.
pub(crate) fn deaths_within(accesses: u32) -> impl Iterator<Item = u32> {
    (0..accesses).step_by(death_step())
}

fn death_step() -> usize {
    number("HOSTCACHE_LOOM_DEATH_STEP").unwrap_or(3).max(1)
}
