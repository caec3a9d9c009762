//! The table: buckets of one line, two for every key (`docs/protocol.md` §2).

mod due;
mod find;
mod finish;
mod link;
mod mark;
mod probe;
mod tags;
mod unlink;

pub(crate) use due::DUE_TIMES;
pub(crate) use find::{Found, Lookup};
pub(crate) use link::Placed;
pub(crate) use mark::SETTLED;
pub(crate) use probe::{Bucket, Position, Probe};
pub(crate) use tags::tags_equal;
pub(crate) use unlink::Removal;
