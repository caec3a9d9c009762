//! Greedy Dual Size Frequency (Cherkasova, "Improving WWW proxies performance with greedy-dual-size-frequency caching policy",
//! HP Laboratories, 1998).

use std::collections::BTreeSet;

use super::Held;

/// A key's item: its rank among those that are there, its size, and its uses.
#[derive(Debug, Clone, Copy, Default)]
struct Item {
    rank: u64,
    size: u32,
    uses: u32,
}

pub(super) struct Gdsf {
    /// Uses are 0 where the key is not there.
    items: Vec<Item>,
    /// By rank: what goes first stands first.
    by_rank: BTreeSet<(u64, u32)>,
    bytes: u64,
    capacity: u64,
    /// The rank of what went last: what comes now is that much younger.
    age: f64,
}

impl Gdsf {
    pub(super) fn new(keys: usize, capacity: u64) -> Self {
        let items = vec![Item::default(); keys];
        Self { items, by_rank: BTreeSet::new(), bytes: 0, capacity, age: 0.0 }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    fn rank(&mut self, key: u32, size: u32, uses: u32) {
        // Bits of positive floats are in the order of what they stand for.
        let rank = (self.age + f64::from(uses) / f64::from(size)).to_bits();
        self.items[key as usize] = Item { rank, size, uses };
        self.by_rank.insert((rank, key));
    }
}

impl Held for Gdsf {
    fn touch(&mut self, key: u32) -> bool {
        let Item { rank, size, uses } = self.items[key as usize];
        if uses == 0 {
            return false;
        }
        self.by_rank.remove(&(rank, key));
        self.rank(key, size, uses.saturating_add(1));
        true
    }

    fn insert(&mut self, key: u32, size: u32) {
        while self.bytes + u64::from(size) > self.capacity
            && let Some(&(rank, first)) = self.by_rank.first()
        {
            self.age = f64::from_bits(rank);
            self.remove(first);
        }
        self.bytes += u64::from(size);
        self.rank(key, size, 1);
    }

    fn remove(&mut self, key: u32) {
        let Item { rank, size, uses } = std::mem::take(&mut self.items[key as usize]);
        if uses > 0 {
            self.by_rank.remove(&(rank, key));
            self.bytes -= u64::from(size);
        }
    }
}
