//! Slab memory: pages of the arena, cut into chunks of one class each, or joined to runs for large items
//! (`docs/protocol.md` §1 and §4). Hints (bitmaps) say where to look; header words and page words decide.

mod allocate;
mod balance;
mod chunk;
mod drain;
mod evict;
mod hint;
mod insight;
mod page;
pub mod policy;
mod reserve;
mod run;
mod save;
mod window;

pub(crate) use chunk::{Kind, Owned};
pub(crate) use hint::{Chunks, Hint};
pub use insight::{ClassAccount, SAMPLED};
pub use reserve::Ahead;
