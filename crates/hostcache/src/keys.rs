//! Iterating over keys.

use std::sync::Arc;

use crate::Cache;
use crate::attachment::Attachment;

/// Iterator over the keys of a cache, see [`Cache::keys`].
#[derive(Debug)]
pub struct Keys {
    attachment: Option<Arc<Attachment>>,
    bucket: u64,
    found: Vec<Vec<u8>>,
}

impl Cache {
    /// The keys present, in no order, while others change them: a key that is present during the whole iteration is
    /// seen once (twice if it was deleted and set anew meanwhile).
    #[must_use]
    pub fn keys(&self) -> Keys {
        Keys { attachment: self.shared.attachment().ok(), bucket: 0, found: Vec::new() }
    }
}

impl Iterator for Keys {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let attachment = self.attachment.as_deref()?;
        while self.found.is_empty() {
            if self.bucket == attachment.region.buckets() {
                return None;
            }
            let found = &mut self.found;
            attachment.region.items_in(attachment, self.bucket, |key, _| found.push(key.to_vec()));
            self.bucket += 1;
        }
        self.found.pop()
    }
}
