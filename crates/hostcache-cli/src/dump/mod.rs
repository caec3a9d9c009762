//! Items in a file: what `dump` writes and `load` reads.
//!
//! `docs/dump-format.md` has the bytes. The format knows nothing of a region's layout, so that a file of
//! one version of the library is read by another. A stream, written and read from front to back in
//! bounded memory. Nothing in a file is believed before its checksum was compared.

mod read;
mod record;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use read::{DumpReader, Step};
pub(crate) use record::StoredItem;
pub(crate) use write::DumpWriter;
