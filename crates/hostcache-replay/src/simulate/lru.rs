//! One queue: by last use, by arrival, or by arrival with a second chance.

use super::Held;
use super::queue::Queues;

/// By last use, or by arrival.
pub(super) struct Lru {
    queue: Queues<1>,
    capacity: u64,
    by_use: bool,
}

impl Lru {
    pub(super) fn new(keys: usize, capacity: u64, by_use: bool) -> Self {
        Self { queue: Queues::new(keys), capacity, by_use }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> u64 {
        self.queue.bytes(0)
    }
}

impl Held for Lru {
    fn touch(&mut self, key: u32) -> bool {
        let is_there = self.queue.queue_of(key).is_some();
        if is_there && self.by_use {
            let size = self.queue.size(key);
            self.queue.remove(key);
            self.queue.push(0, key, size);
        }
        is_there
    }

    fn insert(&mut self, key: u32, size: u32) {
        while self.queue.bytes(0) + u64::from(size) > self.capacity
            && let Some(oldest) = self.queue.oldest(0)
        {
            self.queue.remove(oldest);
        }
        self.queue.push(0, key, size);
    }

    fn remove(&mut self, key: u32) {
        self.queue.remove(key);
    }
}

/// By arrival; what was used meanwhile arrives once more.
pub(super) struct Clock {
    queue: Queues<1>,
    capacity: u64,
    used: Vec<bool>,
}

impl Clock {
    pub(super) fn new(keys: usize, capacity: u64) -> Self {
        Self { queue: Queues::new(keys), capacity, used: vec![false; keys] }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> u64 {
        self.queue.bytes(0)
    }
}

impl Held for Clock {
    fn touch(&mut self, key: u32) -> bool {
        self.used[key as usize] = true;
        self.queue.queue_of(key).is_some()
    }

    fn insert(&mut self, key: u32, size: u32) {
        while self.queue.bytes(0) + u64::from(size) > self.capacity
            && let Some(oldest) = self.queue.oldest(0)
        {
            let again = std::mem::take(&mut self.used[oldest as usize]);
            let its_size = self.queue.size(oldest);
            self.queue.remove(oldest);
            if again {
                self.queue.push(0, oldest, its_size);
            }
        }
        self.used[key as usize] = false;
        self.queue.push(0, key, size);
    }

    fn remove(&mut self, key: u32) {
        self.queue.remove(key);
    }
}
