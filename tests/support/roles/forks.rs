//! Forks while attached, and goes on with the cache on both sides.

use std::io;
use std::thread;

use hostcache::Cache;
use serde::{Deserialize, Serialize};

use super::churn::{expect, key_name, key_number};
use super::{Churn, Outcome, Post};
use crate::board::{Board, Word};
use crate::value;

/// The key that all members of a family count up.
pub const SHARED_COUNTER: &str = "shared counter";

/// An orphan that nobody ends ends itself after so many seconds.
const LONGEST_ORPHAN_SECS: u32 = 120;

/// Who forks whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Family {
    /// Parent, child and grandchild all work on.
    ThreeGenerations,
    /// The parent works on until it is killed from outside, the child until the board says stop.
    Orphan,
    /// One thread works while another forks children, one after another.
    BusyThread,
}

/// A family of processes on one handle. Members use lanes from the post's on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Forks {
    /// Where; the parent's lane.
    pub post: Post,
    /// Who forks whom.
    pub family: Family,
    /// The seed of the test.
    pub seed: u64,
    /// Rounds of each member, or children of [`Family::BusyThread`].
    pub rounds: u64,
}

impl Forks {
    pub(super) fn play(&self) -> Outcome {
        let board = self.post.open_board()?;
        let cache = self.post.place.open()?;
        match self.family {
            Family::ThreeGenerations => self.generation(&cache, &board, self.post.lane, 2),
            Family::Orphan => self.orphan(&cache, &board),
            Family::BusyThread => self.busy_thread(&cache, &board),
        }
    }

    /// A member that sets a value, forks `descendants` more generations, and works on beside them.
    fn generation(&self, cache: &Cache, board: &Board, lane: usize, descendants: usize) -> Outcome {
        let mark = key_number(lane, 0);
        let mut bytes = Vec::new();
        value::write(&mut bytes, 1, mark, 100);
        cache.set(key_name(mark), &bytes)?;
        let child = match descendants {
            0 => None,
            _ => Some(fork(|| {
                // What the parent set before the fork is there.
                if !cache.try_get_into(key_name(mark), &mut bytes)? {
                    return Err(format!("lane {}: the parent's value is gone", lane + 1).into());
                }
                expect(mark, value::read(&bytes, mark), Some(1))?;
                self.generation(cache, board, lane + 1, descendants - 1)
            })?),
        };
        cache.increment(SHARED_COUNTER, 0)?;
        board.put(lane, Word::Ready, u64::from(std::process::id()));
        board.wait_for_go();
        for _ in 0..self.rounds {
            cache.increment(SHARED_COUNTER, 1)?.ok_or("the shared counter is gone")?;
        }
        self.churn(lane, self.rounds).run(cache, board)?;
        child.map_or(Ok(()), join)
    }

    fn orphan(&self, cache: &Cache, board: &Board) -> Outcome {
        let lane = self.post.lane;
        let child = fork(|| {
            // Nobody is left to end it if the test ends early.
            // SAFETY: plain system call.
            unsafe { libc::alarm(LONGEST_ORPHAN_SECS) };
            board.put(lane + 1, Word::Ready, u64::from(std::process::id()));
            board.wait_for_go();
            self.churn(lane + 1, u64::MAX).run(cache, board)
        })?;
        self.post.report_ready(board);
        board.wait_for_go();
        self.churn(lane, u64::MAX).run(cache, board)?;
        join(child)
    }

    fn busy_thread(&self, cache: &Cache, board: &Board) -> Outcome {
        let lane = self.post.lane;
        self.post.report_ready(board);
        board.wait_for_go();
        thread::scope(|scope| {
            let worker = scope
                .spawn(|| self.churn(lane, u64::MAX).run(cache, board).map_err(|e| e.to_string()));
            let children: Outcome = (0..self.rounds).try_for_each(|_| {
                join(fork(|| {
                    cache.increment(SHARED_COUNTER, 1)?.ok_or("the shared counter is gone")?;
                    let mut child = self.churn(lane + 1, 20);
                    child.keys = 1;
                    child.run(cache, board)
                })?)
            });
            board.stop();
            let work = worker.join().map_err(|_| "the working thread panicked")?;
            children.and(work.map_err(Into::into))
        })
    }

    fn churn(&self, lane: usize, rounds: u64) -> Churn {
        Churn {
            post: Post { lane, ..self.post.clone() },
            seed: self.seed,
            keys: 50,
            smallest: 24,
            largest: 4096,
            rounds: (rounds != u64::MAX).then_some(rounds),
        }
    }
}

/// Runs `body` in a forked child, which ends without any clean-up, as forked workers do.
pub(super) fn fork(body: impl FnOnce() -> Outcome) -> io::Result<i32> {
    // SAFETY: the child goes on as a copy of this thread; what it uses of the C library and the
    // allocator is kept usable over a fork by their own handlers.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            let outcome = body();
            if let Err(e) = &outcome {
                eprintln!("test-worker {}: forked child: {e}", std::process::id());
            }
            // SAFETY: ends the process at once; nothing of it is used afterwards.
            unsafe { libc::_exit(i32::from(outcome.is_err())) }
        }
        pid => Ok(pid),
    }
}

/// Waits for a forked child; an error unless it was content.
pub(super) fn join(pid: i32) -> Outcome {
    let mut status = 0;
    // SAFETY: `status` may be written; the process is a child of ours that nobody else waits for.
    let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    if waited != pid {
        return Err(format!("waiting for child {pid}: {}", io::Error::last_os_error()).into());
    }
    match libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0 {
        true => Ok(()),
        false => Err(format!("child {pid} ended with status {status:#x}").into()),
    }
}
