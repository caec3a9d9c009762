//! S3-FIFO (Yang, Zhang, Qiu, Yue and Vinayak, "FIFO queues are all you need for cache eviction", SOSP 2023).

use super::Held;
use super::queue::Queues;

const SMALL: usize = 0;
const MAIN: usize = 1;
/// Keys of newcomers that went, without their items.
const GHOST: usize = 2;

/// Part of the bytes that newcomers may take, as one in so many.
const SMALL_PART: u64 = 10;
/// Uses that make a newcomer settle.
const SETTLES: u8 = 2;
/// Uses beyond this are not counted.
const MOST_USES: u8 = 3;

pub(super) struct S3Fifo {
    queues: Queues<3>,
    uses: Vec<u8>,
    capacity: u64,
    small: u64,
}

impl S3Fifo {
    pub(super) fn new(keys: usize, capacity: u64) -> Self {
        let small = capacity / SMALL_PART;
        Self { queues: Queues::new(keys), uses: vec![0; keys], capacity, small }
    }

    /// Bytes of all items.
    pub(super) fn bytes(&self) -> u64 {
        self.queues.bytes(SMALL) + self.queues.bytes(MAIN)
    }

    /// Lets one item go, or moves one on its way.
    fn step(&mut self) {
        let from_small = self.queues.bytes(SMALL) > self.small || self.queues.bytes(MAIN) == 0;
        let queue = if from_small { SMALL } else { MAIN };
        let Some(key) = self.queues.oldest(queue) else { return };
        let size = self.queues.size(key);
        let uses = &mut self.uses[key as usize];
        self.queues.remove(key);
        match queue {
            SMALL if *uses >= SETTLES => {
                // What it was used for so far has been counted by that.
                *uses = 0;
                self.queues.push(MAIN, key, size);
            }
            SMALL => self.push_ghost(key, size),
            _ if *uses > 0 => {
                *uses -= 1;
                self.queues.push(MAIN, key, size);
            }
            _ => {}
        }
    }

    /// Remembers as many bytes' worth of keys as settled items may take.
    fn push_ghost(&mut self, key: u32, size: u32) {
        let most = self.capacity - self.small;
        while self.queues.bytes(GHOST) + u64::from(size) > most
            && let Some(oldest) = self.queues.oldest(GHOST)
        {
            self.queues.remove(oldest);
        }
        self.queues.push(GHOST, key, size);
    }
}

impl Held for S3Fifo {
    fn touch(&mut self, key: u32) -> bool {
        let is_there = matches!(self.queues.queue_of(key), Some(SMALL | MAIN));
        if is_there {
            let uses = &mut self.uses[key as usize];
            *uses = (*uses + 1).min(MOST_USES);
        }
        is_there
    }

    fn insert(&mut self, key: u32, size: u32) {
        let comes_back = self.queues.queue_of(key) == Some(GHOST);
        self.queues.remove(key);
        while self.bytes() + u64::from(size) > self.capacity {
            self.step();
        }
        self.uses[key as usize] = 0;
        self.queues.push(if comes_back { MAIN } else { SMALL }, key, size);
    }

    fn remove(&mut self, key: u32) {
        if self.queues.queue_of(key) != Some(GHOST) {
            self.queues.remove(key);
        }
    }
}
