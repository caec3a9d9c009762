//! The loop itself: a subject that looks nothing up.
//!
//! It writes the two words of the value that the check looks at, and no more. What a benchmark reads for it
//! is the cost of making the key, making or checking the value, and counting; the other subjects pay that
//! too.

use std::hint::black_box;

use super::Subject;
use crate::{Key, ValueSize, value};

/// Answers as the check expects, without a table.
pub struct Nothing(pub ValueSize);

impl Subject for Nothing {
    #[inline]
    fn get_into(&self, key: &Key, buf: &mut Vec<u8>) -> bool {
        let Some(index) = black_box(key).index() else { return false };
        value::fill_ends(buf, index, self.0.len(index));
        true
    }

    #[inline]
    fn set(&self, key: &Key, value: &[u8]) {
        black_box((key, value));
    }

    fn take_out(&self, _: &Key) -> bool {
        true
    }
}
