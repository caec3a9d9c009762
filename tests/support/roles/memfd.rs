//! Has a region by its descriptor, got over a socket.

use std::path::PathBuf;

use hostcache::{Cache, MaintenanceBudget, OpenError, SetOptions};
use serde::{Deserialize, Serialize};

use super::forks::{fork, join};
use super::{Outcome, Post};
use crate::board::Word;

/// An orphan that nobody ends ends itself after so many seconds.
const LONGEST_ORPHAN_SECS: u32 = 120;

/// What to do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// Forks a child that, once told to go, recovers its killed parent.
    Family,
    /// Finds that nothing can be attached, since `/proc` is not there.
    WithoutProc,
}

/// A process that has a region by its descriptor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Memfd {
    /// The board, and the first lane.
    pub post: Post,
    /// Where the region is handed out.
    pub socket: PathBuf,
    /// What to do.
    pub task: Task,
}

impl Memfd {
    pub(super) fn play(&self) -> Outcome {
        match self.task {
            Task::Family => self.family(),
            Task::WithoutProc => self.without_proc(),
        }
    }

    fn family(&self) -> Outcome {
        let (board, lane) = (self.post.open_board()?, self.post.lane);
        let cache = Cache::from_socket(&self.socket)?;
        cache.set("of the parent", "v")?;
        let reservation = cache.reserve("never published", 1_000, &SetOptions::new())?;
        let child = fork(|| {
            // Nobody is left to end it if the test ends early.
            // SAFETY: plain system call.
            unsafe { libc::alarm(LONGEST_ORPHAN_SECS) };
            if cache.get("of the parent").is_none() {
                return Err("what the parent set before the fork is gone".into());
            }
            cache.set("of the child", "v")?;
            board.put(lane + 1, Word::Ready, u64::from(std::process::id()));
            board.wait_for_go();
            let mut recovered = 0;
            while recovered == 0 {
                recovered = cache.maintain(&MaintenanceBudget::default())?.recovered_participants;
            }
            let report = cache.check();
            if !report.is_sound() || report.dead_held_bytes + report.reserved_bytes > 0 {
                return Err(format!("after recovery: {report:#?}").into());
            }
            cache.set("recovered", recovered.to_string())?;
            board.put(lane + 1, Word::Finished, 1);
            Ok(())
        })?;
        self.post.report_ready(&board);
        join(child)?;
        drop(reservation);
        Err("the parent was to be killed".into())
    }

    fn without_proc(&self) -> Outcome {
        let made = Cache::builder("catalog").capacity(1 << 20).memfd().create();
        for result in [made, Cache::from_socket(&self.socket)] {
            match result {
                Err(error @ OpenError::System { .. }) => {
                    let text = error.to_string();
                    let words = ["/proc/self/fd", "/proc is not mounted", "mount -t proc"];
                    if let Some(missing) = words.iter().find(|words| !text.contains(**words)) {
                        return Err(format!("{missing:?} is not in {text:?}").into());
                    }
                }
                other => return Err(format!("{other:?} without /proc").into()),
            }
        }
        Ok(())
    }
}
