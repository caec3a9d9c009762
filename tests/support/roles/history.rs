//! Records a random workload.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Outcome, Post};
use crate::board::Word;
use crate::driver::{Driver, LogFull, Mix};
use crate::history::Log;

/// The workload of one worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct History {
    /// Where.
    pub post: Post,
    /// The log, made by the test.
    pub log: PathBuf,
    /// This worker's number, unique in the campaign.
    pub worker: u16,
    /// What to do.
    pub mix: Mix,
    /// The seed of the campaign.
    pub seed: u64,
    /// Operations, unless the board says stop before.
    pub operations: u64,
}

impl History {
    pub(super) fn play(&self) -> Outcome {
        let board = self.post.open_board()?;
        let cache = self.post.place.open()?;
        let log = Log::open(&self.log).map_err(|e| format!("log {}: {e}", self.log.display()))?;
        let mut driver = Driver::new(&cache, self.mix.clone(), log, self.worker, self.seed);
        self.post.report_ready(&board);
        board.wait_for_go();
        for _ in 0..self.operations {
            if !board.may_go_on(self.post.lane) {
                break;
            }
            driver.step().map_err(|LogFull| "the log is full")?;
            board.count(self.post.lane, Word::Progress);
        }
        Ok(())
    }
}
