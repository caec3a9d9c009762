//! What a child process leaves for its parent: how it ended, its heap, and a text.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64};

use crate::ReplayError;
use crate::shared::Atomics;

/// Bytes of a text; a longer one is cut.
const TEXT_LEN: usize = 1000;

/// One child's report, zero-filled until the child writes it.
#[repr(C, align(64))]
pub(crate) struct Report {
    /// A [`Verdict`]'s code; 0 while there is none.
    code: AtomicU32,
    text_len: AtomicU32,
    heap_bytes: AtomicU64,
    text: [AtomicU8; TEXT_LEN],
}

// SAFETY: atomics only, valid when zero, nothing to drop.
unsafe impl Atomics for Report {}

/// How a child ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It did all its requests. The text is what its first failed set said, or empty.
    Done { heap_bytes: u64, first_set_error: String },
    /// It met a wrong value.
    WrongValue(String),
    /// Something else kept it from going on.
    Failed(String),
    /// Another child had a reason to stop.
    Stopped,
}

impl Verdict {
    /// The verdict on a child that ended with `error`.
    pub(crate) fn of(error: &ReplayError) -> Self {
        match error {
            ReplayError::WrongValue(detail) => Self::WrongValue(detail.clone()),
            ReplayError::Interrupted => Self::Stopped,
            other => Self::Failed(other.to_string()),
        }
    }
}

impl Report {
    /// Writes the report, once, before the child ends.
    pub(crate) fn write(&self, verdict: &Verdict) {
        let (code, heap_bytes, text) = match verdict {
            Verdict::Done { heap_bytes, first_set_error } => {
                (1, *heap_bytes, first_set_error.as_str())
            }
            Verdict::WrongValue(text) => (2, 0, text.as_str()),
            Verdict::Failed(text) => (3, 0, text.as_str()),
            Verdict::Stopped => (4, 0, ""),
        };
        for (slot, byte) in self.text.iter().zip(text.bytes()) {
            slot.store(byte, Relaxed);
        }
        self.text_len.store(text.len().min(TEXT_LEN) as u32, Relaxed);
        self.heap_bytes.store(heap_bytes, Relaxed);
        // Release: pairs with `read`, so that who sees the code sees the rest.
        self.code.store(code, Release);
    }

    /// Reads the report, if there is one.
    pub(crate) fn read(&self) -> Option<Verdict> {
        // Acquire: pairs with `write`.
        match self.code.load(Acquire) {
            1 => Some(Verdict::Done {
                heap_bytes: self.heap_bytes.load(Relaxed),
                first_set_error: self.text(),
            }),
            2 => Some(Verdict::WrongValue(self.text())),
            3 => Some(Verdict::Failed(self.text())),
            4 => Some(Verdict::Stopped),
            _ => None,
        }
    }

    fn text(&self) -> String {
        let len = self.text_len.load(Relaxed) as usize;
        let bytes: Vec<u8> = self.text.iter().take(len).map(|byte| byte.load(Relaxed)).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::SharedArray;

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let done = Verdict::Done { heap_bytes: 1 << 40, first_set_error: "too large".into() };
        for verdict in [
            done,
            Verdict::WrongValue("request 3".into()),
            Verdict::Failed("no room – a dash of several bytes".into()),
            Verdict::Stopped,
        ] {
            let reports = SharedArray::<Report>::new(1).expect("map");
            assert_eq!(reports[0].read(), None);
            reports[0].write(&verdict);
            assert_eq!(reports[0].read(), Some(verdict));
        }
    }

    #[test]
    fn a_long_text_is_cut() {
        let reports = SharedArray::<Report>::new(1).expect("map");
        reports[0].write(&Verdict::Failed("x".repeat(5000)));
        assert_eq!(reports[0].read(), Some(Verdict::Failed("x".repeat(TEXT_LEN))));
    }
}
