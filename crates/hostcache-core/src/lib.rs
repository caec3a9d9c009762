//! The data structures of a region: table, slabs, participants and their recovery, over borrowed memory.
//!
//! No system call is made here, and no memory but the region's is shared. The protocol, its states and
//! invariants, is `docs/protocol.md`; invariants are cited by their names in capitals.
//!
//! From the bottom up: [`mod@layout`] says where everything is, [`word`] what the packed words mean, `table` finds,
//! links and unlinks, `slab` allocates and evicts, `participant` names what a lane holds and recovers what a
//! dead one held, `pin` holds items in place, `ops` are the operations.
//!
//! **Progress.** Every operation on a key is lock-free: it goes round again only because another operation
//! succeeded, and waits for nobody. Every loop is bounded, so that a region that contradicts itself ends an
//! operation with an error.

#[doc(hidden)]
pub mod fault;
#[cfg(all(test, not(loom)))]
mod fixture;
mod fuel;
pub mod layout;
mod memory;
mod ops;
mod ordering;
mod participant;
mod pin;
mod prefetch;
mod region;
mod session;
mod slab;
#[cfg(loom)]
mod steps;
mod sync;
mod table;
pub mod word;

pub use fuel::Exhausted;
#[cfg(loom)]
pub use memory::Died;
pub use memory::Memory;
pub use ops::{
    Account, Arithmetic, BATCH, Condition, Copied, Counted, Deadline, Deleted, End, Expired, Got,
    Initial, IntoSlice, IntoVec, ReserveFailure, Reserved, SetOutcome, SetRequest, Sink, Swept,
    Value, Walked,
};
pub use ordering::{FENCES, SITES};
pub use participant::{Counter, Counters, Lane, LaneView, Recovered, Ticket};
pub use pin::{PinFailure, PinLane, PinSlot, Pinned};
pub use region::{Host, Region};
pub use session::{Failure, Session};
pub use slab::{Ahead, ClassAccount, SAMPLED, policy};
#[cfg(loom)]
pub use steps::Aim;
