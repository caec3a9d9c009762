//! Writes values and reads them back.

use hostcache::Cache;
use serde::{Deserialize, Serialize};

use super::{Outcome, Post};
use crate::board::{Board, Word};
use crate::random::Random;
use crate::value::{self, Reading};

/// Sets on keys of this worker's own, each read back at once, beside reads of all workers' keys.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Churn {
    /// Where.
    pub post: Post,
    /// The seed of the test.
    pub seed: u64,
    /// Keys of this worker.
    pub keys: u32,
    /// Bytes of the smallest value.
    pub smallest: u64,
    /// Bytes of the largest value; the sizes between are log-uniform.
    pub largest: u64,
    /// Sets, unless the board says stop before; `None`: until it does.
    pub rounds: Option<u64>,
}

impl Churn {
    pub(super) fn play(&self) -> Outcome {
        let board = self.post.open_board()?;
        let cache = self.post.place.open()?;
        self.post.report_ready(&board);
        board.wait_for_go();
        self.run(&cache, &board)
    }

    /// The rounds, on a handle and a board that are there.
    pub(super) fn run(&self, cache: &Cache, board: &Board) -> Outcome {
        let lane = self.post.lane;
        let mut random = Random::salted(self.seed, lane as u64);
        let mut bytes = Vec::new();
        for round in 0..self.rounds.unwrap_or(u64::MAX) {
            if board.is_stopped() {
                break;
            }
            let number = random.below(u64::from(self.keys)) as u32;
            let key = key_number(lane, number);
            let id = value::id(lane as u16, (round % 0xff_ffff) as u32 + 1);
            let len = random.log_uniform(self.smallest, self.largest);
            value::write(&mut bytes, id, key, len as usize);
            cache.set(key_name(key), &bytes)?;
            if cache.try_get_into(key_name(key), &mut bytes)? {
                board.count(lane, Word::Hits);
                expect(key, value::read(&bytes, key), Some(id))?;
            }
            let other = key_number(random.below(4) as usize, number);
            if cache.try_get_into(key_name(other), &mut bytes)? {
                expect(other, value::read(&bytes, other), None)?;
            }
            board.count(lane, Word::Progress);
        }
        board.put(lane, Word::Finished, 1);
        Ok(())
    }
}

/// The number of a worker's `number`-th key.
#[must_use]
pub fn key_number(lane: usize, number: u32) -> u32 {
    (lane as u32) << 24 | number
}

/// The name of a key.
#[must_use]
pub fn key_name(key: u32) -> [u8; 4] {
    key.to_be_bytes()
}

/// An error unless `reading` is a value of the key itself, and the one that was just set, if any.
pub(super) fn expect(key: u32, reading: Reading, set: Option<value::Id>) -> Outcome {
    match (reading, set) {
        (Reading::Genuine(found), Some(id)) if found == id => Ok(()),
        (Reading::Genuine(_), None) => Ok(()),
        _ => Err(format!("key {key:#x}: read {reading:x?}, after set of {set:x?}").into()),
    }
}
