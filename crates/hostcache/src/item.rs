//! From what the core copied out to what callers get.

use std::time::Duration;

use hostcache_core::Copied;
use hostcache_core::layout::ItemHead;

use crate::{CasToken, Item, ItemInfo};

impl ItemInfo {
    /// What a head says at this time.
    pub(crate) fn of(head: &ItemHead, now: u64) -> Self {
        Self {
            value_len: head.sizes.value_len as usize,
            flags: head.flags,
            encoding: head.encoding,
            cas_token: CasToken(head.token),
            ttl: head.deadline.map(|deadline| Duration::from_millis(deadline.saturating_sub(now))),
        }
    }
}

impl Item {
    pub(crate) fn of(copied: Copied, now: u64) -> Self {
        Self { info: ItemInfo::of(&copied.head, now), value: copied.value }
    }
}
