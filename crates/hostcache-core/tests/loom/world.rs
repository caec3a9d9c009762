//! The smallest region that has everything, and threads on it.

use hostcache_core::layout::{Header, Identity, Shape};
use hostcache_core::word::LaneId;
use hostcache_core::{
    Condition, Deadline, Deleted, Died, Got, Host, Lane, Memory, Region, Session, SetOutcome,
    SetRequest,
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
    region: Region,
    lanes: Vec<Option<Lane>>,
}

/// One thread's part.
pub(crate) struct Me {
    pub(crate) region: Region,
    pub(crate) lane: Lane,
}

/// Executions of one model unless `HOSTCACHE_LOOM_EXECUTIONS` says otherwise (0: all there are). What the bound cuts
/// off is left to the long form.
const EXECUTIONS: usize = 30_000;

/// Runs a model over the interleavings with at most so many preemptions, or `LOOM_MAX_PREEMPTIONS`.
pub(crate) fn explore(preemptions: usize, model: impl Fn(&mut World) + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 100_000;
    if builder.preemption_bound.is_none() {
        builder.preemption_bound = Some(preemptions);
    }
    let executions = number("HOSTCACHE_LOOM_EXECUTIONS").unwrap_or(EXECUTIONS);
    builder.max_permutations = (executions != 0).then_some(executions);
    builder.check(move || model(&mut World::new()));
}

fn number(variable: &str) -> Option<usize> {
    std::env::var(variable).ok()?.parse().ok()
}

impl World {
    fn new() -> Self {
        let shape = Shape {
            capacity: 8 * 80,
            lanes: LANES,
            buckets: 1,
            page_words: 32,
            generation_bits: 2,
            epoch_bits: 2,
            seed: 1,
        };
        let header = Header {
            shape,
            created_unix_secs: 0,
            boot_id: [0; 16],
            default_ttl_ms: 0,
            max_ttl_ms: 0,
        };
        let region = Region::format(Memory::zeroed(80), &header).expect("a valid shape");
        let lanes = (0..LANES as LaneId)
            .map(|id| Some(Lane::attach(&region, id, &Identity::default())))
            .collect();
        let mut world = Self { region, lanes };
        // The page is cut before the threads begin.
        world.set(0, KEY, 0);
        world.delete(0, KEY);
        world
    }

    pub(crate) fn set(&mut self, lane: usize, key: &[u8], value: u64) {
        self.with(lane, |me| me.set(key, value));
    }

    fn delete(&mut self, lane: usize, key: &[u8]) {
        self.with(lane, |me| {
            me.delete(key);
        });
    }

    pub(crate) fn with(&mut self, lane: usize, operation: impl FnOnce(&mut Me)) {
        let owned = self.lanes[lane].take().expect("the lane is not lent");
        let mut me = Me { region: self.region.clone(), lane: owned };
        operation(&mut me);
        self.lanes[lane] = Some(me.lane);
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

    pub(crate) fn recover(&mut self, lane: LaneId) {
        self.region.recover_lane(lane);
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

impl Me {
    fn store(&mut self, key: &[u8], value: u64, condition: Condition) -> SetOutcome {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&value.to_le_bytes());
        bytes[8..].copy_from_slice(&value.to_le_bytes());
        let request = SetRequest {
            value: &bytes,
            flags: 0,
            encoding: 0,
            deadline: Deadline::At(None),
            condition,
        };
        Session::new(&self.region, &mut self.lane, &Still)
            .set(key, &request)
            .expect("there is room")
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
        let deleted = Session::new(&self.region, &mut self.lane, &Still).delete(key);
        deleted.expect("the region is sound") == Deleted::Gone
    }

    pub(crate) fn evict(&mut self) {
        Session::new(&self.region, &mut self.lane, &Still).evict_one(0);
    }

    pub(crate) fn get(&self, key: &[u8]) -> Got<u64> {
        read(&self.region, key)
    }
}

fn read(region: &Region, key: &[u8]) -> Got<u64> {
    let got = region.get(&Still, key, false, |value| {
        let mut bytes = [0; 16];
        value.copy_to(&mut bytes);
        bytes
    });
    match got.expect("the region is sound") {
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
