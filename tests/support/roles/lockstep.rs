//! Takes turns with other processes at one run of the suite.

use std::fs::{File, OpenOptions};
use std::path::Path;

use hostcache::{Cache, MaintenanceBudget, OpenError, WriteError};
use serde::{Deserialize, Serialize};

use super::forks::{fork, join};
use super::{Outcome, Post};
use crate::board::Board;
use crate::random::mix;
use crate::suite::setting::{self, Made, Setting};
use crate::suite::{Suite, Turns};

/// How the processes of a run came to the region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Company {
    /// Each was spawned and opened it by its name.
    Spawned,
    /// The first made a private cache, with a clock of its own, and forked the others.
    Forked,
}

/// One process's part in a run by turns; its member's number is the post's lane.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Lockstep {
    /// Where.
    pub post: Post,
    /// The others.
    pub company: Company,
    /// Processes in the run.
    pub members: usize,
    /// The region's sizes.
    pub setting: Setting,
    /// The seed of the run, the same for all.
    pub seed: u64,
    /// Steps of the run.
    pub steps: u64,
}

/// A member's view of whose turn it is.
struct Member<'a> {
    board: &'a Board,
    number: usize,
    members: usize,
    seed: u64,
}

impl Turns for Member<'_> {
    /// Nobody is ahead of the others by a step, so all see the same time.
    fn begin(&mut self, step: u64) -> bool {
        self.board.wait_for_arrivals(step * self.members as u64);
        mix(self.seed ^ step) % self.members as u64 == self.number as u64
    }

    fn end(&mut self, _: u64) {
        self.board.arrive();
    }
}

impl Lockstep {
    pub(super) fn play(&self) -> Outcome {
        let board = self.post.open_board()?;
        match self.company {
            Company::Spawned => {
                let reader = match self.post.place.builder().open_read_only() {
                    Err(OpenError::Unsupported { .. }) => None,
                    other => Some(other?),
                };
                let made = Made {
                    handles: vec![self.post.place.open()?],
                    reader,
                    clock: None,
                    directory: None,
                };
                self.take_part(&made, &board, self.post.lane);
                Ok(())
            }
            Company::Forked => self.family(&board),
        }
    }

    fn take_part(&self, made: &Made, board: &Board, number: usize) {
        let Lockstep { members, seed, .. } = *self;
        let mut turns = Member { board, number, members, seed };
        Suite::new(made, self.setting.clone(), seed).run(self.steps, &mut turns);
    }

    fn family(&self, board: &Board) -> Outcome {
        let made = setting::private(&self.setting.geometry);
        let children: Result<Vec<i32>, _> = (1..self.members)
            .map(|number| {
                fork(|| {
                    self.take_part(&made, board, number);
                    Ok(())
                })
            })
            .collect();
        self.take_part(&made, board, 0);
        children?.into_iter().try_for_each(join)?;
        let cache = &made.handles[0];
        let participants = cache.participants().len();
        if participants < self.members {
            return Err(format!("{participants} participants of {} processes", self.members).into());
        }
        without_descriptors(cache, &self.post.place.open()?.path())?;
        cache.maintain(&MaintenanceBudget::default())?;
        let report = cache.check();
        match report.is_sound() && report.dead_held_bytes == 0 {
            true => Ok(()),
            false => Err(format!("after its children's end: {report:#?}").into()),
        }
    }
}

/// A child whose descriptors were closed by other code, and their numbers given to another region's file,
/// has no way to the private cache: it reads misses, writes end with an error, and nobody else's file is touched.
fn without_descriptors(cache: &Cache, other_region: &Path) -> Outcome {
    cache.set("of the parent", "v")?;
    join(fork(|| {
        // SAFETY: the call takes numbers. The child goes on with what it has in memory.
        unsafe { libc::close_range(3, libc::c_uint::MAX, 0) };
        let other = || OpenOptions::new().read(true).write(true).open(other_region);
        let strangers: Vec<File> = (0..600).map_while(|_| other().ok()).collect();
        if cache.get("of the parent").is_some() {
            return Err("a value, where the cache can't be reached".into());
        }
        match cache.set("of the child", "v") {
            Err(WriteError::Attach(_)) => {}
            other => return Err(format!("{other:?} from a set without the descriptor").into()),
        }
        drop(strangers);
        Ok(())
    })?)?;
    match cache.get("of the parent").is_some() && cache.get("of the child").is_none() {
        true => Ok(()),
        false => Err("what the child could not do shows in the parent".into()),
    }
}
