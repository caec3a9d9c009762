//! Reads without write access.

use hostcache::WriteError;
use serde::{Deserialize, Serialize};

use super::churn::{expect, key_name, key_number};
use super::{Outcome, Post};
use crate::board::Word;
use crate::random::Random;
use crate::value;

/// Reads the keys of a [`Churn`](super::Churn) in lane 0 until the board says stop.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReadOnly {
    /// Where.
    pub post: Post,
    /// The seed of the test.
    pub seed: u64,
    /// Keys of the writer.
    pub keys: u32,
}

impl ReadOnly {
    pub(super) fn play(&self) -> Outcome {
        let board = self.post.open_board()?;
        let cache = self.post.place.builder().open_read_only()?;
        for (change, answer) in [
            ("set", cache.set("new", "value")),
            ("delete", cache.delete("new").map(drop)),
            ("increment", cache.increment("new", 1).map(drop)),
            ("clear", cache.clear()),
        ] {
            if !matches!(answer, Err(WriteError::ReadOnly { .. })) {
                return Err(format!("{change} through a read-only handle gave {answer:?}").into());
            }
        }
        if cache.stats().counts_own_reads {
            return Err("a read-only handle says that it counts its own reads".into());
        }
        assert_mapped_read_only(&cache.path().to_string_lossy())?;

        self.post.report_ready(&board);
        board.wait_for_go();
        let lane = self.post.lane;
        let mut random = Random::salted(self.seed, lane as u64);
        let mut bytes = Vec::new();
        while !board.is_stopped() {
            let key = key_number(0, random.below(u64::from(self.keys)) as u32);
            if cache.get_into(key_name(key), &mut bytes) {
                board.count(lane, Word::Hits);
                expect(key, value::read(&bytes, key), None)?;
            }
            board.count(lane, Word::Progress);
        }
        Ok(())
    }
}

/// An error unless every mapping of the file at `path` is without write access.
fn assert_mapped_read_only(path: &str) -> Outcome {
    let maps = std::fs::read_to_string("/proc/self/maps")?;
    let lines: Vec<&str> = maps.lines().filter(|line| line.ends_with(path)).collect();
    let may_write = |line: &&&str| line.split(' ').nth(1).is_none_or(|mode| mode.contains('w'));
    match lines.iter().find(may_write) {
        _ if lines.is_empty() => Err(format!("{path} is not mapped").into()),
        Some(line) => Err(format!("mapped with write access: {line}").into()),
        None => Ok(()),
    }
}
