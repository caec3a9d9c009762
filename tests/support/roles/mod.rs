//! What a worker process can be told to do.

mod churn;
mod forks;
mod history;
mod hold;
mod lockstep;
mod memfd;
mod read_only;

use std::error::Error;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::board::{Board, Word};
use crate::region::{Place, TestRegion};

pub use churn::{Churn, key_name, key_number};
pub use forks::{Family, Forks, SHARED_COUNTER};
pub use history::History;
pub use hold::{Hold, Holding};
pub use lockstep::{Company, Lockstep};
pub use memfd::{Memfd, Task};
pub use read_only::ReadOnly;

/// What went wrong, for the worker's last words.
pub type Outcome = Result<(), Box<dyn Error>>;

/// The part of a worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Role {
    /// Writes values and reads them back.
    Churn(Churn),
    /// Forks while attached.
    Forks(Forks),
    /// Records a random workload.
    History(History),
    /// Holds items in place.
    Hold(Hold),
    /// Takes turns at one run of the suite.
    Lockstep(Box<Lockstep>),
    /// Has a region by its descriptor.
    Memfd(Memfd),
    /// Reads without write access.
    ReadOnly(ReadOnly),
}

/// Where a worker finds its region and its lane of the board.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Post {
    /// The region.
    pub place: Place,
    /// The board.
    pub board: PathBuf,
    /// The lane.
    pub lane: usize,
}

impl Post {
    /// The post of `lane` at `region`.
    #[must_use]
    pub fn new(region: &TestRegion, lane: usize) -> Post {
        Post { place: region.place(), board: region.board_path(), lane }
    }

    fn open_board(&self) -> Result<Board, Box<dyn Error>> {
        Ok(Board::open(&self.board).map_err(|e| format!("board {}: {e}", self.board.display()))?)
    }

    /// Tells the test that this worker has attached.
    fn report_ready(&self, board: &Board) {
        board.put(self.lane, Word::Ready, u64::from(std::process::id()));
    }
}

/// Plays a role to its end.
pub fn play(role: &Role) -> Outcome {
    match role {
        Role::Churn(churn) => churn.play(),
        Role::Forks(forks) => forks.play(),
        Role::History(history) => history.play(),
        Role::Hold(hold) => hold.play(),
        Role::Lockstep(lockstep) => lockstep.play(),
        Role::Memfd(memfd) => memfd.play(),
        Role::ReadOnly(read_only) => read_only.play(),
    }
}

/// Asks the kernel to kill this process when the test that started it ends, however it ends.
pub fn die_with_parent() {
    // SAFETY: this option takes a signal number and touches no memory.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
}
