//! Walking over the items while others change them.
//!
//! A walk goes through the slots of the index, one after the other. A key that is present all the time stays in one
//! slot, so it is met exactly once. A key that is deleted, expires or is evicted meanwhile is met or not;
//! one that is set anew after that may be met twice. What is met was in the cache at some instant of the
//! call that yields it. A walk holds no lane and no lock between two items, keeps one item in memory at a
//! time, writes nothing, and counts neither as gets nor as uses.

use std::sync::Arc;

use hostcache_core::{Host, Walked};

use crate::attachment::Attachment;
use crate::{Cache, Item, ItemInfo, WriteError};

/// A walk under way.
#[derive(Debug)]
struct Walk {
    attachment: Option<Arc<Attachment>>,
    prefix: Vec<u8>,
    left: usize,
    next: u64,
    skipped: u64,
}

/// Iterator over keys, see [`Cache::keys`].
#[derive(Debug)]
#[must_use = "iterators are lazy"]
pub struct Keys(Walk);

/// Iterator over keys and items, see [`Cache::items`].
#[derive(Debug)]
#[must_use = "iterators are lazy"]
pub struct Items(Walk);

impl Cache {
    /// The keys present, in no order, while others change them. A key that is present during the whole walk
    /// is yielded exactly once; one that comes or goes meanwhile may be or not, and one that is deleted and
    /// set anew may be twice.
    ///
    /// Lazy: each call goes on where the last one ended; nothing is held between them. Lock-free. A walk over all
    /// takes time in proportion to the index, whatever it yields. In a forked child that can't attach there is nothing.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cache = hostcache::Cache::private(1 << 20)?;
    /// cache.set_many(&[("user:1", "Ada"), ("user:2", "Bob"), ("page:1", "…")]);
    /// assert_eq!(cache.keys().prefix("user:").count(), 2);
    /// assert_eq!(cache.keys().limit(1).count(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn keys(&self) -> Keys {
        Keys(self.walk())
    }

    /// The keys present with their items, else as [`Cache::keys`]. Each item is one that was stored under
    /// its key, read at one instant; different items are read at different instants.
    pub fn items(&self) -> Items {
        Items(self.walk())
    }

    /// Deletes every key that begins with `prefix`; how many there were. An item with such a key that was
    /// there when the call began is gone when it returns; one that is set meanwhile may stay or go. Takes
    /// time in proportion to the index. For all keys at one instant use [`Cache::clear`].
    ///
    /// # Errors
    ///
    /// As [`Cache::delete`]; what was deleted before stays so.
    pub fn delete_prefix(&self, prefix: impl AsRef<[u8]>) -> Result<u64, WriteError> {
        if !self.shared.is_writable() {
            return Err(WriteError::ReadOnly { region: self.name().to_owned() });
        }
        let attachment = self.shared.attachment().map_err(|e| WriteError::Attach(Box::new(e)))?;
        let mut keys = Keys(Walk::new(Some(attachment))).prefix(prefix);
        let mut deleted = 0;
        for key in &mut keys {
            deleted += u64::from(self.delete(key)?);
        }
        if keys.skipped() > 0 {
            let detail = "a walk over the index met its step bound".into();
            return Err(WriteError::Corrupt { region: self.name().to_owned(), detail });
        }
        Ok(deleted)
    }

    fn walk(&self) -> Walk {
        Walk::new(self.shared.attachment().ok())
    }
}

impl Walk {
    fn new(attachment: Option<Arc<Attachment>>) -> Self {
        Self { attachment, prefix: Vec::new(), left: usize::MAX, next: 0, skipped: 0 }
    }

    fn step(&mut self, with_value: bool) -> Option<Walked> {
        let attachment = self.attachment.as_deref()?;
        let region = &attachment.region;
        while self.left > 0 && self.next < region.slots() {
            let slot = self.next;
            self.next += 1;
            match region.item_at(attachment, slot, &self.prefix, with_value) {
                Ok(Some(walked)) => {
                    self.left -= 1;
                    return Some(walked);
                }
                Ok(None) => {}
                Err(_) => self.skipped += 1,
            }
        }
        None
    }
}

macro_rules! settings {
    ($name:ident) => {
        impl $name {
            /// Only keys that begin with these bytes.
            pub fn prefix(mut self, prefix: impl AsRef<[u8]>) -> Self {
                self.0.prefix = prefix.as_ref().to_vec();
                self
            }

            /// At most so many.
            pub fn limit(mut self, items: usize) -> Self {
                self.0.left = items;
                self
            }

            /// Slots passed over so far because they changed under every look, a million times in a row: 0 in a
            /// region that is sound.
            #[must_use]
            pub fn skipped(&self) -> u64 {
                self.0.skipped
            }
        }
    };
}

settings!(Keys);
settings!(Items);

impl Iterator for Keys {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        self.0.step(false).map(|walked| walked.key)
    }
}

impl Iterator for Items {
    type Item = (Vec<u8>, Item);

    fn next(&mut self) -> Option<(Vec<u8>, Item)> {
        let Walked { key, head, value } = self.0.step(true)?;
        let now = head.deadline.and(self.0.attachment.as_ref()).map_or(0, |host| host.now_ms());
        Some((key, Item { info: ItemInfo::of(&head, now), value }))
    }
}

impl std::iter::FusedIterator for Keys {}
impl std::iter::FusedIterator for Items {}
