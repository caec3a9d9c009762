//! Participants: what a lane holds, named so that its death loses nothing (`docs/protocol.md` §5).

mod counter;
mod intent;
mod lane;
mod magazine;
mod recovery;

pub(crate) use counter::add;
pub use counter::{Counter, Counters};
pub(crate) use lane::Record;
pub use lane::{Lane, LaneView, Ticket};
pub(crate) use magazine::{Entry, Held};
pub use recovery::Recovered;
