//! Operations on all keys, and time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hostcache::MaintenanceBudget;

use super::Suite;
use super::answer::{self, Answer};

impl Suite {
    pub(super) fn clear(&mut self) {
        let handle = self.writer();
        if self.acting {
            handle.cache.clear().unwrap_or_else(|e| panic!("{}: {e}", self.step));
        }
        self.model.clear();
    }

    /// Changes nothing that anybody sees but by evictions, which are counted.
    pub(super) fn maintain(&mut self) {
        let handle = self.writer();
        let mut budget = MaintenanceBudget::default();
        budget.buckets = self.random.below(1_000) as u32;
        budget.evictions = self.random.below(4) as u32;
        if self.acting {
            handle.cache.maintain(&budget).unwrap_or_else(|e| panic!("{}: {e}", self.step));
        }
    }

    /// Moves the clock, where there is one to be moved.
    pub(super) fn advance(&mut self) {
        let by = Duration::from_nanos(self.random.log_uniform(1, 20_000_000_000));
        if let Some(clock) = self.clock.clone().filter(|_| self.acting) {
            clock.advance(by);
        }
    }

    pub(super) fn keys(&mut self) {
        let (handle, prefix, limit) = (self.any(), self.prefix(), self.limit());
        if !self.acting {
            return;
        }
        let mut walk = handle.cache.keys().prefix(prefix).limit(limit);
        let met: Vec<Vec<u8>> = walk.by_ref().collect();
        assert_eq!(walk.skipped(), 0, "{}", self.step);
        let context = self.context(&handle, 1);
        let expected = self.model.live_keys(context, prefix.as_bytes());
        let distinct: BTreeSet<Vec<u8>> = met.iter().cloned().collect();
        assert_eq!(met.len(), distinct.len(), "{}: a key came twice", self.step);
        self.compare_keys(&distinct, &expected, limit);
    }

    pub(super) fn items(&mut self) {
        let (handle, prefix, limit) = (self.any(), self.prefix(), self.limit());
        if !self.acting {
            return;
        }
        let precision = self.precision();
        let walk = handle.cache.items().prefix(prefix).limit(limit);
        let met: BTreeMap<Vec<u8>, Answer> =
            walk.map(|(key, item)| (key, answer::item(Some(item), precision))).collect();
        let context = self.context(&handle, 1);
        let expected = self.model.live_keys(context, prefix.as_bytes());
        self.compare_keys(&met.keys().cloned().collect(), &expected, limit);
        for (key, answer) in met {
            // A walk counts nothing, so it is as a look at each.
            self.settle(&key, &handle, Some(answer), |entry| Answer::Item(entry.peek().flatten()));
        }
    }

    /// What was met is all there is, or as much of it as was wanted; what was evicted is missing.
    fn compare_keys(
        &mut self,
        met: &BTreeSet<Vec<u8>>,
        expected: &BTreeSet<Vec<u8>>,
        limit: usize,
    ) {
        let unexpected = met.difference(expected).next();
        assert_eq!(unexpected, None, "{}: met what is not there", self.step);
        if met.len() < limit {
            for missing in expected.difference(met) {
                assert!(self.excuses() > 0, "{}: {missing:?} is missing", self.step);
                self.excused += 1;
                self.model.remove(missing);
            }
        }
        assert!(met.len() <= limit, "{}: {} of at most {limit}", self.step, met.len());
    }

    pub(super) fn delete_prefix(&mut self) {
        let (handle, number) = (self.writer(), self.random.below(60));
        // Mostly few keys at once, so that the others get their turn.
        let prefix = match self.random.below(12) {
            0 => self.prefix().to_owned(),
            _ => format!("a:{number}"),
        };
        let deleted = self.acting.then(|| handle.cache.delete_prefix(&prefix));
        let context = self.context(&handle, 1);
        let expected = self.model.live_keys(context, prefix.as_bytes());
        let mut count = expected.len() as u64;
        if let Some(deleted) = deleted {
            let deleted = deleted.unwrap_or_else(|e| panic!("{}: {e}", self.step));
            let missing = count.checked_sub(deleted);
            let missing = missing.unwrap_or_else(|| {
                panic!("{}: {deleted} deleted where there were {count}", self.step)
            });
            assert!(missing <= self.excuses(), "{}: {missing} of {count} missing", self.step);
            self.excused += missing;
            count = deleted;
        }
        expected.iter().for_each(|key| self.model.remove(key));
        self.model.count("delete_hits", count);
    }

    fn limit(&mut self) -> usize {
        if self.random.one_in(3) { self.random.below(40) as usize } else { usize::MAX }
    }
}
