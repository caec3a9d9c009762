//! Replays request traces through a cache and reports the miss ratio, at a given number of bytes for
//! everything.
//!
//! A trace is text, plain or zstd, one request a line: `key_id,size,op,ttl[,ts_ms]`. `size` is the
//! bytes of key and value, `ttl` seconds (0: none), `ts_ms` when the request is due. `op` is `g` for a
//! cache-aside read (get, and on a miss set), `s` for a set, `d` for a delete. What follows a `#` is a
//! comment; `#phase NAME` opens a phase whose miss ratio is told apart as well.
//!
//! [`run`] decodes the trace, makes one region in default configuration, and does the requests one
//! after the other, by one process or by several in turns. Every hit is checked: keys and values
//! follow from the key id, so a value that is not the one that was set is noticed, and ends the
//! replay. [`generate`] writes synthetic traces.
//!
//! ```no_run
//! use hostcache_replay::{ReplayOptions, run};
//!
//! # fn main() -> Result<(), hostcache_replay::ReplayError> {
//! let options = ReplayOptions {
//!     files: vec!["day.trace.zst".into()],
//!     capacity: 64 << 20,
//!     processes: 1,
//!     paced: false,
//!     compare: Vec::new(),
//! };
//! println!("{}", run(&options)?);
//! # Ok(())
//! # }
//! ```

mod error;
pub mod generate;
mod interrupt;
mod item;
mod memory;
mod outcome;
mod process;
mod progress;
mod region;
mod replay;
mod report;
mod shared;
mod simulate;
mod solo;
mod store;
mod summary;
mod tally;
mod team;
mod trace;
mod turn;

use std::path::PathBuf;

pub use error::ReplayError;
pub use item::mix;
pub use simulate::{Policy, Simulated};
pub use summary::{PhaseSummary, Summary};

use interrupt::Interrupt;
use progress::{Progress, say};

/// What to replay, and how.
#[derive(Debug, Clone)]
pub struct ReplayOptions {
    /// Traces, replayed one after the other as one; `-`, or no file at all, is standard input.
    pub files: Vec<PathBuf>,
    /// Bytes of the region in all.
    pub capacity: u64,
    /// Processes; request `i` is done by process `i mod processes`, in the trace's order.
    pub processes: usize,
    /// Whether a request waits until it is due.
    pub paced: bool,
    /// Policies to simulate beside the cache, with as many bytes of keys and values, no overhead, and no TTL.
    pub compare: Vec<Policy>,
}

/// Replays the traces in a new region, which is destroyed at the end, also after an error.
///
/// Shows progress and a readable summary on standard error; the line for machines, the summary's
/// `Display`, is the caller's to print. While it runs, SIGINT, SIGTERM and SIGHUP end it with
/// [`ReplayError::Interrupted`]. With more than one process it forks, and refuses to where the
/// calling process has more than one thread.
pub fn run(options: &ReplayOptions) -> Result<Summary, ReplayError> {
    if options.processes == 0 {
        return Err(ReplayError::InvalidOption("0 processes: at least 1 has to replay".into()));
    }
    let trace = trace::load(&options.files, &mut Progress::reading())?;
    memory::release_free_heap();
    if options.paced && !trace.timed {
        say("no request says when it is due (ts_ms): pacing changes nothing");
    }
    let interrupt = Interrupt::watch()?;
    let outcome = match options.processes {
        1 => solo::run(&trace, options, &interrupt),
        _ => team::run(&trace, options, &interrupt),
    }?;
    let simulated = |&policy: &Policy| {
        if interrupt.came() {
            return Err(ReplayError::Interrupted);
        }
        Ok(simulate::simulate(&trace, options.capacity, policy))
    };
    let compared = options.compare.iter().map(simulated).collect::<Result<_, _>>()?;
    let summary = Summary::new(&trace, outcome, compared);
    say(&summary.report());
    Ok(summary)
}
