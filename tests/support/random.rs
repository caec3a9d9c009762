//! Random numbers that a seed replays.

use std::hash::{BuildHasher, RandomState};

/// A SplitMix64 sequence: small state, every seed good.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The sequence of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The sequence number `salt` that belongs to `seed`: one seed serves several processes.
    #[must_use]
    pub fn salted(seed: u64, salt: u64) -> Self {
        let mut random = Self(seed ^ mix(salt.wrapping_add(1)));
        random.next();
        random
    }

    /// The next 64 bits.
    #[allow(clippy::should_implement_trait, reason = "an endless sequence is no iterator")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number in `0..bound`; 0 if `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// A number in `low..=high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// True in `percent` of 100 cases.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A number in `low..=high`, every order of magnitude as likely as any other.
    pub fn log_uniform(&mut self, low: u64, high: u64) -> u64 {
        let unit = self.next() as f64 / u64::MAX as f64;
        let ratio = high as f64 / low as f64;
        ((low as f64 * ratio.powf(unit)) as u64).clamp(low, high)
    }

    /// One of `choices`, which is not empty.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len() as u64) as usize]
    }

    /// One of `choices`, which is not empty, to be changed.
    pub fn pick_mut<'a, T>(&mut self, choices: &'a mut [T]) -> &'a mut T {
        let index = self.below(choices.len() as u64) as usize;
        &mut choices[index]
    }
}

/// Mixes 64 bits so that each depends on all.
#[must_use]
pub fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// The seed of this run: `HOSTCACHE_SEED` if set, else a new one. Prints it with the test's name.
#[must_use]
pub fn seed(test: &str) -> u64 {
    let given = std::env::var("HOSTCACHE_SEED").ok();
    let seed = match given.as_deref().map(str::parse) {
        Some(Ok(seed)) => seed,
        Some(Err(e)) => panic!("HOSTCACHE_SEED={given:?} is not a number: {e}"),
        None => RandomState::new().hash_one(test) >> 16,
    };
    println!("{test}: replay with HOSTCACHE_SEED={seed}");
    seed
}
