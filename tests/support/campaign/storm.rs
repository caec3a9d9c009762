//! Eight workers, one of which is killed every few milliseconds and replaced.
//!
//! Four stay, four are killed in turn. All that is asserted is what a campaign asserts: every history explained, no
//! operation refused, every byte accounted for. For comparison the same can be done with the four that are killed on
//! another region; what the four that stay took for their operations is told for both, and asserted for neither.

use std::fmt;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{Finished, ROOMY, Running, create_log};
use crate::board::Word;
use crate::checker::{Mode, check_all};
use crate::child::Worker;
use crate::clock;
use crate::driver::Mix;
use crate::history::{Histories, Log, Source};
use crate::random::Random;
use crate::region::TestRegion;
use crate::roles::{History, Post, Role};

/// Workers that are never killed, and as many that are.
const STAYING: usize = 4;

/// A storm.
#[derive(Debug, Clone, Copy)]
pub struct Storm<'a> {
    /// The worker program.
    pub program: &'a str,
    /// Which worker is killed when, and what they do.
    pub seed: u64,
    /// For how long.
    pub length: Duration,
    /// Between two kills.
    pub every: Duration,
    /// Whether the killed are on a region of their own.
    pub elsewhere: bool,
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    /// Workers killed.
    pub kills: u64,
    /// Of those, inside an operation.
    pub inside: u64,
    /// Operations, all explained.
    pub operations: u64,
    /// Items evicted.
    pub evictions: u64,
    /// Participants recovered.
    pub recovered: u64,
    /// From the last kill until nobody dead held anything.
    pub back: Duration,
    /// What an operation of those who stay took: the median, 99 of 100, 999 of 1,000.
    pub took: [Duration; 3],
}

impl fmt::Display for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, inside, operations, evictions, recovered, back, took } = self;
        write!(
            f,
            "{kills} kills, {inside} inside an operation; {operations} operations explained, {evictions} evictions, \
             {recovered} participants recovered, all back after {back:.1?}; median {:.1?}, p99 {:.1?}, p99.9 {:.1?}",
            took[0], took[1], took[2]
        )
    }
}

impl Storm<'_> {
    /// Hot keys, and enough cold ones to make the region evict.
    fn mix() -> Mix {
        Mix {
            hot_keys: 64,
            cold_keys: 20_000,
            hot_percent: 80,
            counter_every: 4,
            chain_every: 3,
            counters_only_grow: false,
            clear_one_in: 50_000,
            largest_value: 4 << 10,
        }
    }

    /// Lets it rage, and asserts what must hold afterwards.
    ///
    /// # Panics
    ///
    /// What does not.
    #[must_use]
    pub fn run(&self) -> Weather {
        let region = TestRegion::create(4 << 20);
        let other = self.elsewhere.then(|| TestRegion::create(4 << 20));
        let far = other.as_ref().unwrap_or(&region);
        let mut started = 0;
        let mut start = |lane: usize| {
            started += 1;
            self.start(if lane < STAYING { &region } else { far }, lane, started)
        };
        let mut running: Vec<Running> = (0..2 * STAYING).map(&mut start).collect();
        for at in [&region, far] {
            at.board.allow(u64::MAX);
        }
        (0..2 * STAYING).for_each(|lane| {
            let at = if lane < STAYING { &region } else { far };
            at.board.wait_until_ready(lane);
        });
        region.board.go();
        far.board.go();

        let mut random = Random::salted(self.seed, u64::MAX);
        let (begin, mut kills, mut inside) = (Instant::now(), 0, 0);
        let mut dead: Vec<Finished> = Vec::new();
        let mut last = Instant::now();
        while begin.elapsed() < self.length {
            let due = self.every * (kills as u32 + 1);
            sleep(due.saturating_sub(begin.elapsed()));
            let lane = STAYING + random.below(STAYING as u64) as usize;
            running[lane].worker.kill();
            last = Instant::now();
            let closed_at = clock::now();
            let killed = std::mem::replace(&mut running[lane], start(lane));
            let _ = std::fs::remove_file(&killed.path);
            inside += u64::from(killed.log.is_inside_call());
            dead.push(Finished { log: killed.log, closed_at });
            kills += 1;
            // As often as a daemon passes.
            if kills % 10 == 0 {
                far.recover();
            }
        }
        far.recover();
        let back = last.elapsed();

        region.board.stop();
        far.board.stop();
        let ended = |running: Running| {
            running.worker.join();
            Finished { log: running.log, closed_at: u64::MAX }
        };
        let mut finished: Vec<Finished> = running.into_iter().map(ended).collect();
        let took = self.took(&finished[..STAYING]);
        if self.elsewhere {
            finished.truncate(STAYING);
        } else {
            finished.extend(dead);
        }
        self.assert_all(&region, &finished);
        if let Some(other) = &other {
            other.assert_sound();
        }
        let operations = finished.iter().map(|finished| finished.log.len() as u64).sum();
        let stats = region.cache.stats();
        let recovered = far.cache.stats().recovered_participants;
        Weather { kills, inside, operations, evictions: stats.evictions, recovered, back, took }
    }

    fn start(&self, region: &TestRegion, lane: usize, worker: u16) -> Running {
        let path = region.directory().join(format!("log-{worker}"));
        let log = create_log(&path, ROOMY);
        region.board.put(lane, Word::Ready, 0);
        let role = Role::History(History {
            post: Post::new(region, lane),
            log: path.clone(),
            worker,
            mix: Self::mix(),
            seed: self.seed,
            operations: ROOMY,
        });
        Running { worker: Worker::spawn(self.program, &role), log, path }
    }

    fn took(&self, staying: &[Finished]) -> [Duration; 3] {
        let times = |log: &Log| {
            let event = |at| log.record(at).event;
            (0..log.len()).map(event).map(|event| event.end.saturating_sub(event.start)).collect()
        };
        let mut all: Vec<u64> =
            staying.iter().flat_map(|one| -> Vec<u64> { times(&one.log) }).collect();
        all.sort_unstable();
        [500, 990, 999].map(|of| {
            let at = all.len() * of / 1_000;
            Duration::from_nanos(all.get(at).copied().unwrap_or(0))
        })
    }

    fn assert_all(&self, region: &TestRegion, finished: &[Finished]) {
        region.assert_sound();
        let sources = finished.iter();
        let sources = sources.map(|f| Source { log: &f.log, closed_at: f.closed_at }).collect();
        let histories = Histories::gather(sources, Self::mix().keys() as usize);
        let verdict = check_all(&histories, Mode::MayEnd);
        assert!(verdict.is_clean(), "storm, seed {}: {verdict}", self.seed);
    }
}
