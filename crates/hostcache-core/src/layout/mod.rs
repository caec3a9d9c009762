//! Where everything is in a region.
//!
//! ```text
//! | header | lanes: one record a participant | index: buckets | use marks | slab classes | page hints |
//! | page table | chunk hints | arena of pages ..................................................... |
//! ```
//!
//! All positions are indices of 64-bit little-endian words. A process copies the few numbers that determine
//! them into a private [`Geometry`] when it attaches, validates them, and never reads them again.

mod class;
mod geometry;
mod header;
mod item;
mod lane;

pub use class::ClassTable;
pub(crate) use geometry::{BUCKET_WORDS, CLASS_WORDS, DUE_BUCKETS, PAGE_ENTRY_WORDS, SLOTS, mix};
pub use geometry::{Geometry, GeometryError, Shape};
pub use header::{Header, HeaderError, LAYOUT_VERSION, live};
pub(crate) use item::HeadWords;
pub use item::{ItemHead, ItemSizes, MAX_KEY_LEN};
pub use lane::{Identity, record};
