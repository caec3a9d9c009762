//! Queues over the keys of a trace: each key is in one of them at most.

/// No key.
const NONE: u32 = u32::MAX;

/// Where a key stands in its queue, and how large its item is.
#[derive(Debug, Clone, Copy)]
struct Link {
    newer: u32,
    older: u32,
    size: u32,
    /// Number of its queue; [`OUTSIDE`] if it is in none.
    queue: u8,
}

const OUTSIDE: u8 = u8::MAX;

/// Oldest, newest, and bytes of all.
#[derive(Debug, Clone, Copy)]
struct Ends {
    oldest: u32,
    newest: u32,
    bytes: u64,
}

/// So many queues over the same keys.
#[derive(Debug)]
pub(super) struct Queues<const N: usize> {
    links: Vec<Link>,
    ends: [Ends; N],
}

impl<const N: usize> Queues<N> {
    /// Empty queues over the keys `0..keys`.
    pub(super) fn new(keys: usize) -> Self {
        let link = Link { newer: NONE, older: NONE, size: 0, queue: OUTSIDE };
        let ends = Ends { oldest: NONE, newest: NONE, bytes: 0 };
        Self { links: vec![link; keys], ends: [ends; N] }
    }

    /// Bytes of a queue's items.
    pub(super) fn bytes(&self, queue: usize) -> u64 {
        self.ends[queue].bytes
    }

    /// The queue that a key is in.
    pub(super) fn queue_of(&self, key: u32) -> Option<usize> {
        let queue = self.links[key as usize].queue;
        (queue != OUTSIDE).then_some(queue.into())
    }

    /// The size of a key's item, if it is in a queue.
    pub(super) fn size(&self, key: u32) -> u32 {
        self.links[key as usize].size
    }

    /// The key that has been longest in a queue.
    pub(super) fn oldest(&self, queue: usize) -> Option<u32> {
        let oldest = self.ends[queue].oldest;
        (oldest != NONE).then_some(oldest)
    }

    /// Puts a key that is in no queue at the new end of one.
    pub(super) fn push(&mut self, queue: usize, key: u32, size: u32) {
        let ends = &mut self.ends[queue];
        let older = std::mem::replace(&mut ends.newest, key);
        match older {
            NONE => ends.oldest = key,
            older => self.links[older as usize].newer = key,
        }
        ends.bytes += u64::from(size);
        self.links[key as usize] = Link { newer: NONE, older, size, queue: queue as u8 };
    }

    /// Takes a key out of its queue, if it is in one.
    pub(super) fn remove(&mut self, key: u32) {
        let Some(queue) = self.queue_of(key) else { return };
        let Link { newer, older, size, .. } = self.links[key as usize];
        let ends = &mut self.ends[queue];
        ends.bytes -= u64::from(size);
        match newer {
            NONE => ends.newest = older,
            newer => self.links[newer as usize].older = older,
        }
        match older {
            NONE => self.ends[queue].oldest = newer,
            older => self.links[older as usize].newer = newer,
        }
        self.links[key as usize].queue = OUTSIDE;
    }
}
