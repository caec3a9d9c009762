//! Recorded histories: what every worker asked for, what it was told, and when.
//!
//! A worker writes the start of an operation to its [`Log`] before the call and its outcome after it.
//! The log is a mapped file, so a killed worker leaves everything it had written, and at most one
//! operation without an outcome: a *pending* one, which took effect once or never, and not after the
//! worker's death. [`Histories`] sorts the records of all workers by key.

mod gather;
mod log;
mod record;

pub use gather::{Histories, Source};
pub use log::{Log, Ticket};
pub use record::{ALL_KEYS, Call, Event, Outcome, Record};
