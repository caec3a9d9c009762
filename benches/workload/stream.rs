//! In which order items are asked for: a seeded sequence of indices, drawn beforehand.
//!
//! Drawing from a zipf distribution costs more than a get, so the draws are made once and read in a
//! circle. Reading them is sequential (16 to a cache line) and does not show beside a lookup.

use crate::random::Random;

/// How often each item is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Distribution {
    /// Every item alike.
    Uniform,
    /// The item of rank `r` in proportion to `1 / r^s`, with this `s`. Index 0 is the most popular.
    Zipf(f64),
}

/// An endless sequence of indices; the same seed gives the same sequence.
pub struct IndexStream {
    indices: Box<[u32]>,
    at: usize,
}

impl IndexStream {
    /// Draws a circle of indices below `keys`.
    ///
    /// # Panics
    /// If `keys` is 0.
    #[must_use]
    pub fn new(distribution: Distribution, keys: u32, seed: u64) -> Self {
        assert!(keys > 0, "a workload needs at least one key");
        let mut random = Random::new(seed);
        // Several visits to each hot key; a large set is sampled, which is all that the caches can tell.
        let length = (keys as usize * 4).next_power_of_two().clamp(1 << 14, 1 << 20);
        let indices = match distribution {
            Distribution::Uniform => (0..length).map(|_| random.below(keys)).collect(),
            Distribution::Zipf(exponent) => {
                let cumulative = cumulative_zipf(keys, exponent);
                (0..length).map(|_| draw(&cumulative, random.unit())).collect()
            }
        };
        Self { indices, at: 0 }
    }

    /// The next index.
    #[inline]
    pub fn next_index(&mut self) -> u32 {
        let index = self.indices[self.at];
        self.at = (self.at + 1) & (self.indices.len() - 1);
        index
    }
}

/// Share of all requests that go to ranks `0..=r`, for each `r`.
fn cumulative_zipf(keys: u32, exponent: f64) -> Vec<f64> {
    let mut sum = 0.0;
    let mut cumulative: Vec<f64> = (1..=keys)
        .map(|rank| {
            sum += f64::from(rank).powf(-exponent);
            sum
        })
        .collect();
    cumulative.iter_mut().for_each(|share| *share /= sum);
    cumulative
}

fn draw(cumulative: &[f64], unit: f64) -> u32 {
    cumulative.partition_point(|&share| share <= unit).min(cumulative.len() - 1) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(distribution: Distribution, keys: u32, seed: u64, n: usize) -> Vec<u32> {
        let mut stream = IndexStream::new(distribution, keys, seed);
        (0..n).map(|_| stream.next_index()).collect()
    }

    #[test]
    fn a_seed_replays_its_stream() {
        for distribution in [Distribution::Uniform, Distribution::Zipf(0.99)] {
            assert_eq!(take(distribution, 1000, 7, 500), take(distribution, 1000, 7, 500));
            assert_ne!(take(distribution, 1000, 7, 500), take(distribution, 1000, 8, 500));
        }
    }

    #[test]
    fn a_uniform_stream_visits_every_hot_key() {
        let mut seen = [false; 1000];
        take(Distribution::Uniform, 1000, 1, 1 << 14).iter().for_each(|&i| seen[i as usize] = true);
        assert!(seen.iter().all(|&seen| seen));
    }

    #[test]
    fn a_zipf_stream_prefers_low_ranks_by_the_expected_share() {
        let n = 1 << 14;
        let first = take(Distribution::Zipf(1.0), 1000, 1, n).iter().filter(|&&i| i == 0).count();
        // The harmonic number of 1000 is 7.485, so rank 0 gets 13.4 % of the requests.
        let share = first as f64 / n as f64;
        assert!((0.12..0.15).contains(&share), "share of rank 0: {share}");
    }
}
