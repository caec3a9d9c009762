//! The operations: each a loop that looks, decides, and makes one change.

mod append;
mod batch;
mod check;
mod clear;
mod counter;
mod delete;
mod expire;
mod get;
#[cfg(all(test, not(loom)))]
mod get_tests;
#[cfg(all(test, not(loom)))]
mod helping_tests;
#[cfg(all(test, not(loom)))]
mod hostile_tests;
mod iterate;
mod overwrite;
mod publish;
#[cfg(all(test, not(loom)))]
mod publish_tests;
mod set;
mod store;
#[cfg(all(test, not(loom)))]
mod store_tests;
mod sweep;
mod take;
mod touch;

pub use append::End;
pub use batch::BATCH;
pub use check::Account;
pub use counter::{Arithmetic, Counted, Initial};
pub use delete::Deleted;
pub use expire::Expired;
pub use get::{Got, IntoSlice, IntoVec, Sink, Value};
pub use iterate::Walked;
pub use publish::{ReserveFailure, Reserved};
pub use set::{Condition, Deadline, SetOutcome, SetRequest};
pub use sweep::Swept;
pub use take::Copied;
