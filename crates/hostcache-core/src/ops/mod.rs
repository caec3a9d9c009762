//! The operations: each a loop that looks, decides, and makes one change.

mod append;
mod batch;
mod check;
mod clear;
mod counter;
mod delete;
mod get;
mod iterate;
mod set;
mod store;
mod sweep;
mod take;
mod touch;

pub use append::End;
pub use batch::BATCH;
pub use check::{Account, ClassAccount};
pub use counter::{Arithmetic, Counted};
pub use delete::Deleted;
pub use get::{Got, Value};
pub use iterate::Walked;
pub use set::{Condition, Deadline, SetOutcome, SetRequest};
pub use sweep::Swept;
pub use take::Copied;
