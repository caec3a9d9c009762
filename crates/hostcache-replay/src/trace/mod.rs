//! A request trace in memory.
//!
//! The text is decoded once, before anything is measured, into one record of 20 bytes a request.
//! Keys are numbered by first appearance: the number finds the key id, and the length that was last
//! set, in flat arrays, so that replaying a request looks nothing up in a map.

mod line;
mod load;
mod source;

pub(crate) use load::load;
#[cfg(test)]
pub(crate) use load::load_text;

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    /// Cache-aside read: get, and on a miss set.
    Get,
    /// Set.
    Set,
    /// Delete.
    Delete,
}

/// One line of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Request {
    /// Position in [`Trace::key_ids`].
    pub(crate) key: u32,
    /// Bytes of key and value.
    pub(crate) size: u32,
    /// TTL in seconds, 0 for none.
    pub(crate) ttl_secs: u32,
    /// When it is due, in milliseconds from the start.
    pub(crate) due_ms: u32,
    /// Position in [`Trace::phases`].
    pub(crate) phase: u16,
    /// What it does.
    pub(crate) op: Op,
}

const _: () = assert!(size_of::<Request>() == 20);

/// All requests, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Trace {
    pub(crate) requests: Vec<Request>,
    /// Key ids by number.
    pub(crate) key_ids: Vec<u64>,
    /// Names of the phases. The first is empty: it counts what comes before the first `#phase`.
    pub(crate) phases: Vec<String>,
    /// Whether any request says when it is due.
    pub(crate) timed: bool,
}

impl Trace {
    /// Bytes of the longest value.
    pub(crate) fn longest_value(&self) -> usize {
        let longest = self.requests.iter().map(|request| request.size).max().unwrap_or(0);
        crate::item::value_len(longest) as usize
    }
}
