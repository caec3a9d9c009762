//! Keys, values and lifetimes, drawn at random: the same in every process of a run.

use std::time::Duration;

use hostcache::Lifetime;

use super::Suite;
use super::answer::HOUR;

/// What keys begin with.
pub(super) const PREFIXES: [&str; 4] = ["a:", "ab:", "b:", "a"];

impl Suite {
    /// A key; once in a while one that is not allowed.
    pub(super) fn key(&mut self) -> Vec<u8> {
        match self.random.below(400) {
            0 => return Vec::new(),
            1 => return vec![b'x'; (1 << 16) + 1],
            2 => return vec![b'x'; 1 << 16],
            _ => {}
        }
        let number = self.random.below(self.setting.geometry.keys);
        let prefix = PREFIXES[(number % 3) as usize];
        let mut key = format!("{prefix}{number}").into_bytes();
        if number.is_multiple_of(16) {
            key.extend_from_slice(&[0xff; 200]);
        }
        key
    }

    /// Some keys, perhaps none, perhaps one of them twice.
    pub(super) fn some_keys(&mut self) -> Vec<Vec<u8>> {
        let count = self.random.log_uniform(1, 80) - 1;
        (0..count).map(|_| self.key()).collect()
    }

    /// A value; one in three is a number, one in some hundred is too large.
    pub(super) fn value(&mut self) -> Vec<u8> {
        let geometry = &self.setting.geometry;
        let (typical, largest) = (geometry.typical_value, geometry.largest_value);
        let len = match self.random.below(300) {
            0 => self.handles[0].max_value_len(1) + 1,
            1 => 0,
            2..100 => {
                let edge = [0, 1, 9, 41, u64::MAX - 1, u64::MAX];
                let number = *self.random.pick(&edge);
                return number.to_string().into_bytes();
            }
            100..110 => self.random.log_uniform(1, largest) as usize,
            _ => self.random.log_uniform(1, typical) as usize,
        };
        let first = self.random.next() as u8;
        (0..len).map(|at| first.wrapping_add((at % 251) as u8)).collect()
    }

    pub(super) fn lifetime(&mut self) -> Lifetime {
        match self.random.below(12) {
            0..4 => Lifetime::Default,
            4 | 5 => Lifetime::Keep,
            6 => Lifetime::Forever,
            7 => Lifetime::UnixMillis(self.random.below(1_000)),
            8 => Lifetime::Ttl(Duration::ZERO),
            _ => Lifetime::Ttl(self.ttl()),
        }
    }

    /// A time to live that the clock of this run can tell.
    pub(super) fn ttl(&mut self) -> Duration {
        match self.clock {
            // To the nanosecond: it is rounded up to a millisecond.
            Some(_) => Duration::from_nanos(self.random.log_uniform(1, 100_000_000_000)),
            None => Duration::from_millis(self.random.between(1, 1_000) * HOUR),
        }
    }

    pub(super) fn prefix(&mut self) -> &'static str {
        match self.random.below(8) {
            0 => "",
            1 => "absent",
            _ => PREFIXES[self.random.below(4) as usize],
        }
    }
}
