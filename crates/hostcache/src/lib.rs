//! A cache in the memory of one host, shared by many processes.

mod attachment;
mod builder;
mod cache;
mod error;
mod inspect;
mod keys;
mod lifetime;
mod maintenance;
mod open;
mod options;
mod place;
mod read;
mod seat;
mod stats;
mod write;

pub use builder::CacheBuilder;
pub use cache::Cache;
pub use error::{OpenError, ReadError, WriteError};
pub use keys::Keys;
pub use maintenance::Leadership;
pub use options::*;
pub use stats::*;
