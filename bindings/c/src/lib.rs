//! The C library of hostcache: what `include/hostcache.h` declares.
//!
//! Every function is a thin shell: it checks its arguments, calls the public crate, and turns the answer into a status. The
//! doc comments of the functions and types here are the header's: cbindgen copies them.
//!
//! # Safety
//!
//! For all functions alike: a pointer is NULL or points to what the header says, for as long as the header says; a handle
//! comes from this library and was not closed; a string ends with NUL. All else about an argument is checked.
#![allow(missing_docs, reason = "some fields say it all by their names")]
#![allow(non_camel_case_types, reason = "the names are those of the header")]
#![allow(
    clippy::missing_safety_doc,
    reason = "the crate's documentation says it for all functions"
)]

mod batch;
mod boundary;
mod clock;
mod handle;
mod inspect;
mod iterate;
mod maintenance;
mod open;
mod pin;
mod read;
mod regions;
mod reservation;
mod status;
mod update;
mod version;
mod write;

pub use batch::*;
pub use clock::*;
pub use handle::*;
pub use inspect::*;
pub use iterate::*;
pub use maintenance::*;
pub use open::*;
pub use pin::*;
pub use read::*;
pub use regions::*;
pub use reservation::*;
pub use status::{hostcache_error_message, hostcache_status_str, hostcache_status_t};
pub use update::*;
pub use version::*;
pub use write::*;
