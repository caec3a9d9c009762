//! The operations: each a loop that looks, decides, and makes one change.

mod check;
mod clear;
mod counter;
mod delete;
mod get;
mod overwrite;
mod publish;
mod set;
mod store;
#[cfg(all(test, not(loom)))]
mod store_tests;
mod sweep;
mod touch;
mod walk;

pub use check::{Account, ClassAccount};
pub use counter::{Arithmetic, Counted};
pub use delete::Deleted;
pub use get::{Got, IntoSlice, IntoVec, Sink, Value};
pub use publish::{ReserveFailure, Reserved};
pub use set::{Condition, Deadline, SetOutcome, SetRequest};
pub use sweep::Swept;
