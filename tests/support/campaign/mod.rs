//! Four workers, one region, a recorded workload, and what must hold afterwards.
//!
//! While the workers run, the test may stop or kill them at random instants ([`Disturbance`]). When
//! all are gone, it reads every key once more, as one more worker, and asserts:
//!
//! * every byte of the region is accounted for, none of it held by the dead;
//! * no operation was refused;
//! * every history is linearizable, in a region that can't evict without any end that no recorded
//!   operation explains;
//! * where counters only grow, each is the sum of its increments.

mod counters;
mod disturb;
mod storm;

use std::path::PathBuf;
use std::time::Instant;

pub use storm::{Storm, Weather};

use crate::checker::{Mode, check_all};
use crate::child::Worker;
use crate::driver::{Driver, LogFull, Mix};
use crate::history::{Histories, Log, Source};
use crate::region::TestRegion;
use crate::roles::{History, Post, Role};
use crate::{board::Word, random};

/// Workers at once.
const WORKERS: usize = 4;

/// The number under which the test itself records.
const TEST: u16 = 0;

/// Records of a worker that runs until it is told to stop.
const ROOMY: u64 = 16 << 20;

/// What happens to the workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disturbance {
    /// Nothing: all of them together do so many operations.
    None(u64),
    /// One at a time is stopped, so many times, each until the others have got on.
    Stops(u64),
    /// One is killed every few milliseconds and replaced, so many times.
    Kills(u64),
}

/// A campaign.
#[derive(Debug, Clone)]
pub struct Campaign {
    /// The test's name.
    pub name: &'static str,
    /// The worker program.
    pub program: &'static str,
    /// Bytes of the region.
    pub capacity: u64,
    /// What the workers do.
    pub mix: Mix,
    /// Whether the region may evict.
    pub mode: Mode,
    /// What is done to the workers.
    pub disturbance: Disturbance,
}

/// A log that no worker writes any more.
#[derive(Debug)]
struct Finished {
    log: Log,
    /// When its worker was dead for certain: what it left pending took no effect later.
    closed_at: u64,
}

/// A worker at work.
#[derive(Debug)]
struct Running {
    worker: Worker,
    log: Log,
    path: PathBuf,
}

/// A campaign under way.
#[derive(Debug)]
struct Course<'a> {
    campaign: &'a Campaign,
    region: TestRegion,
    seed: u64,
    running: Vec<Running>,
    finished: Vec<Finished>,
    /// Workers started, which numbers them from 1.
    started: u16,
    /// Stops or kills that met their worker inside an operation.
    met_inside: u64,
}

impl Campaign {
    /// Runs the campaign and asserts all that must hold.
    pub fn run(&self) {
        let begin = Instant::now();
        let mut course = Course {
            campaign: self,
            region: TestRegion::create(self.capacity),
            seed: random::seed(self.name),
            running: Vec::new(),
            finished: Vec::new(),
            started: 0,
            met_inside: 0,
        };
        course.prepare();
        for lane in 0..WORKERS {
            let running = course.start(lane);
            course.running.push(running);
        }
        (0..WORKERS).for_each(|lane| course.region.board.wait_until_ready(lane));
        course.region.board.go();
        match self.disturbance {
            Disturbance::None(_) => course.region.board.allow(u64::MAX),
            Disturbance::Stops(stops) => course.stop_at_random(stops),
            Disturbance::Kills(kills) => course.kill_at_random(kills),
        }
        course.gather();
        course.read_all();
        course.assert_all(begin);
    }
}

impl Course<'_> {
    /// Sets every counter that is only to grow.
    fn prepare(&mut self) {
        let mix = &self.campaign.mix;
        if mix.counters_only_grow {
            let counters: Vec<u32> = (0..mix.keys()).filter(|&key| mix.is_counter(key)).collect();
            self.record_as_test("prepare", |driver| {
                counters.iter().try_for_each(|&key| driver.set(key))
            });
        }
    }

    /// Reads every key, when nobody writes any more.
    fn read_all(&mut self) {
        let keys = self.campaign.mix.keys();
        self.record_as_test("final", |driver| (0..keys).try_for_each(|key| driver.get(key)));
    }

    fn record_as_test(
        &mut self,
        name: &str,
        body: impl FnOnce(&mut Driver<'_, hostcache::Cache>) -> Result<(), LogFull>,
    ) {
        let mix = self.campaign.mix.clone();
        let path = self.region.directory().join(name);
        let log = create_log(&path, u64::from(mix.keys()));
        let mut driver = Driver::new(&self.region.cache, mix, log, TEST, self.seed);
        body(&mut driver).unwrap_or_else(|LogFull| panic!("the log of {name} is too small"));
        let log = driver.into_log();
        self.finished.push(Finished { log, closed_at: u64::MAX });
    }

    /// Starts one more worker in `lane`.
    fn start(&mut self, lane: usize) -> Running {
        let operations = match self.campaign.disturbance {
            Disturbance::None(operations) => operations / WORKERS as u64,
            _ => ROOMY,
        };
        self.started += 1;
        let worker = self.started;
        let path = self.region.directory().join(format!("log-{worker}"));
        let log = create_log(&path, operations);
        let role = Role::History(History {
            post: Post::new(&self.region, lane),
            log: path.clone(),
            worker,
            mix: self.campaign.mix.clone(),
            seed: self.seed,
            operations,
        });
        Running { worker: Worker::spawn(self.campaign.program, &role), log, path }
    }

    /// Lets the workers end and keeps their logs.
    fn gather(&mut self) {
        if !matches!(self.campaign.disturbance, Disturbance::None(_)) {
            self.region.board.stop();
        }
        for running in std::mem::take(&mut self.running) {
            running.worker.join();
            self.finished.push(Finished { log: running.log, closed_at: u64::MAX });
        }
    }

    fn assert_all(&self, begin: Instant) {
        let Campaign { name, mix, mode, .. } = self.campaign;
        let report = self.region.assert_sound();
        let stats = self.region.cache.stats();
        let worked = begin.elapsed();
        if *mode == Mode::NoSpontaneousEnd {
            let ends = (stats.evictions, stats.expired);
            assert_eq!(ends, (0, 0), "{name}: (evictions, expired) where nothing should end");
        }
        let sources = self.finished.iter();
        let sources = sources.map(|f| Source { log: &f.log, closed_at: f.closed_at }).collect();
        let histories = Histories::gather(sources, mix.keys() as usize);
        let verdict = check_all(&histories, *mode);
        println!(
            "{name}: {verdict}; {} workers, {} of the stops or kills inside an operation, {} items \
             at the end, {} evictions, {} participants recovered; {worked:.1?} at work, {:.1?} in all",
            self.started,
            self.met_inside,
            report.items,
            stats.evictions,
            stats.recovered_participants,
            begin.elapsed()
        );
        assert!(verdict.is_clean(), "{name}, seed {}: {verdict}", self.seed);
        if mix.counters_only_grow {
            for key in (0..mix.keys()).filter(|&key| mix.is_counter(key)) {
                counters::assert_sum(key, &histories.events(key as usize));
            }
        }
    }

    fn progress(&self, lane: usize) -> u64 {
        self.region.board.get(lane, Word::Progress)
    }
}

fn create_log(path: &std::path::Path, records: u64) -> Log {
    let log = Log::create(path, records as usize);
    log.unwrap_or_else(|e| panic!("making the log {}: {e}", path.display()))
}
