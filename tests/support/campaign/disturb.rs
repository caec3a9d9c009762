//! Stopping and killing workers at random instants.

use std::thread::sleep;
use std::time::Duration;

use super::{Course, Finished, WORKERS};
use crate::board::{Word, wait_for};
use crate::clock;
use crate::random::Random;

/// Operations that each worker may do per stop or kill: bounds the logs on a slow machine.
const ALLOWANCE: u64 = 2_500;

impl Course<'_> {
    /// Stops one worker at a time, `stops` times. Each time *every* other one must do some operations
    /// (1 to 1,000) before the stopped one goes on: nobody waits for it.
    pub(super) fn stop_at_random(&mut self, stops: u64) {
        let mut random = Random::salted(self.seed, u64::MAX);
        for stop in 1..=stops {
            self.region.board.allow(stop * ALLOWANCE);
            sleep(Duration::from_micros(random.below(1_500)));
            let stopped = random.below(WORKERS as u64) as usize;
            let running = &self.running[stopped];
            running.worker.pause();
            self.met_inside += u64::from(running.log.is_inside_call());
            let more = random.log_uniform(1, 1_000);
            let goals: Vec<u64> = (0..WORKERS).map(|lane| self.progress(lane) + more).collect();
            let others = || (0..WORKERS).filter(|&lane| lane != stopped);
            let most = others().map(|lane| goals[lane]).max().unwrap_or(0);
            self.region.board.allow(most.max((stop + 1) * ALLOWANCE));
            let what = format!("{more} operations beside worker {stopped}, which is stopped");
            wait_for(&what, || others().all(|lane| self.progress(lane) >= goals[lane]));
            running.worker.resume();
        }
    }

    /// Kills one worker every few milliseconds and replaces it, `kills` times. After every second
    /// kill the test recovers what the dead left; otherwise whoever needs it does.
    pub(super) fn kill_at_random(&mut self, kills: u64) {
        let mut random = Random::salted(self.seed, u64::MAX);
        for kill in 1..=kills {
            self.region.board.allow(kill * ALLOWANCE);
            sleep(Duration::from_micros(random.between(200, 3_000)));
            let lane = random.below(WORKERS as u64) as usize;
            self.running[lane].worker.kill();
            let closed_at = clock::now();
            self.region.board.put(lane, Word::Ready, 0);
            let replacement = self.start(lane);
            let dead = std::mem::replace(&mut self.running[lane], replacement);
            // Its mapping stays; the name is not needed any more.
            let _ = std::fs::remove_file(&dead.path);
            self.met_inside += u64::from(dead.log.is_inside_call());
            self.finished.push(Finished { log: dead.log, closed_at });
            if random.one_in(2) {
                self.region.recover();
            }
        }
    }
}
