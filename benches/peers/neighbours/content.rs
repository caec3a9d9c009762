//! What is in a store: 64 items, each of which says whose it is and who wrote it.

/// How many items.
pub(crate) const KEYS: u32 = 64;
/// Bytes of each value.
pub(crate) const LEN: usize = 1_000;
/// Whose write is killed or stopped.
pub(crate) const VICTIM: u32 = 21;
/// Another key, that the writing witness writes, too.
pub(crate) const OTHER: u32 = 42;

/// Who wrote a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Author {
    Maker,
    Victim,
    Witness,
}

pub(crate) fn key(index: u32) -> String {
    format!("key-{index:04}")
}

/// The value that the author writes: torn, it is none of anybody's.
pub(crate) fn value(index: u32, author: Author) -> Vec<u8> {
    let line = format!("{} by {author:?};", key(index));
    line.into_bytes().into_iter().cycle().take(LEN).collect()
}
