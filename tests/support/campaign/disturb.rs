//! Stopping and killing workers at random instants.

use std::thread::sleep;
use std::time::Duration;

use super::{Course, Finished, WORKERS};
use crate::board::{Word, wait_for};
use crate::clock;
use crate::random::Random;

impl Course<'_> {
    /// Stops one worker at a time, `stops` times. Each time *every* other one must do some operations
    /// (1 to 1,000) before the stopped one goes on: nobody waits for it.
    pub(super) fn stop_at_random(&self, stops: u64) {
        let mut random = Random::salted(self.seed, u64::MAX);
        for _ in 0..stops {
            sleep(Duration::from_micros(random.below(1_500)));
            let stopped = random.below(WORKERS as u64) as usize;
            let worker = &self.running[stopped].worker;
            worker.pause();
            let more = random.log_uniform(1, 1_000);
            let goals: Vec<u64> = (0..WORKERS).map(|lane| self.progress(lane) + more).collect();
            let others = || (0..WORKERS).filter(|&lane| lane != stopped);
            let what = format!("{more} operations beside worker {stopped}, which is stopped");
            wait_for(&what, || others().all(|lane| self.progress(lane) >= goals[lane]));
            worker.resume();
        }
    }

    /// Kills one worker every few milliseconds and replaces it, `kills` times. After every second
    /// kill the test recovers what the dead left; otherwise whoever needs it does.
    pub(super) fn kill_at_random(&mut self, kills: u64) {
        let mut random = Random::salted(self.seed, u64::MAX);
        let mut unclosed = Unclosed::default();
        for _ in 0..kills {
            sleep(Duration::from_micros(random.between(500, 5_000)));
            let lane = random.below(WORKERS as u64) as usize;
            self.running[lane].worker.kill();
            self.region.board.put(lane, Word::Ready, 0);
            let replacement = self.start(lane);
            let dead = std::mem::replace(&mut self.running[lane], replacement);
            // Its mapping stays; the name is not needed any more.
            let _ = std::fs::remove_file(&dead.path);
            self.finished.push(Finished { log: dead.log, closed_at: u64::MAX });
            if random.one_in(2) {
                self.region.recover();
                unclosed.recovered(&mut self.finished);
            }
        }
    }
}

/// Which of the dead are not known to be recovered.
///
/// A recovery that finds nothing left to do may have passed by a participant that a living worker was
/// recovering at that moment. So a death is settled by the second recovery after it.
#[derive(Debug, Default)]
struct Unclosed {
    /// All deaths before this one are settled.
    settled: usize,
    /// All deaths before this one have seen one recovery.
    seen: usize,
}

impl Unclosed {
    /// A recovery has ended just now.
    fn recovered(&mut self, finished: &mut [Finished]) {
        let now = clock::now();
        for dead in &mut finished[self.settled..self.seen] {
            dead.closed_at = now;
        }
        self.settled = self.seen;
        self.seen = finished.len();
    }
}
