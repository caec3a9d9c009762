//! The stream of requests: few products get most of them, and some change a price.
//!
//! Popularity follows a Zipf law: the product of rank k is asked for in proportion to 1/k^s. Ranks
//! are drawn by rejection-inversion (W. Hörmann and G. Derflinger, 1996): invert the integral of a
//! curve over the histogram of the law, round to a rank, and reject the little that lies between
//! curve and histogram. It needs no table, so ten million products cost as much as a hundred.

use crate::random::Random;

/// Skew of the popularity, close to what web traces show.
const EXPONENT: f64 = 0.99;
/// One request in so many changes a price.
const REQUESTS_PER_UPDATE: u64 = 100;
/// Highest price that an update sets.
const MAX_PRICE_CENTS: u64 = 50_000;

/// What a customer, or the merchant, asks of the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// Show the page of a product.
    View { product: u64 },
    /// Change the price of a product.
    Update { product: u64, price_cents: u64 },
}

/// An endless stream of requests, the same for the same seed and stream number.
#[derive(Debug)]
pub(crate) struct Traffic {
    random: Random,
    popularity: Zipf,
    scatter: Scatter,
}

impl Traffic {
    pub(crate) fn new(products: u64, seed: u64, stream: u64) -> Self {
        Self {
            random: Random::new(seed, stream),
            popularity: Zipf::new(products, EXPONENT),
            scatter: Scatter::new(products),
        }
    }

    /// The next request.
    pub(crate) fn next_request(&mut self) -> Request {
        let product = self.scatter.product(self.popularity.rank(&mut self.random));
        if self.random.below(REQUESTS_PER_UPDATE) == 0 {
            Request::Update { product, price_cents: 1 + self.random.below(MAX_PRICE_CENTS) }
        } else {
            Request::View { product }
        }
    }
}

/// Ranks 1 to n in proportion to 1 / rank^s.
#[derive(Debug)]
struct Zipf {
    n: f64,
    s: f64,
    /// Integral of the curve at both ends of the ranks.
    low: f64,
    high: f64,
    /// A draw this close below its rank lies under the histogram for certain.
    sure: f64,
}

impl Zipf {
    /// `s` must be positive and not 1 (where the integral would be a logarithm).
    fn new(n: u64, s: f64) -> Self {
        let mut zipf = Self { n: n as f64, s, low: 0.0, high: 0.0, sure: 0.0 };
        zipf.low = zipf.integral(1.5) - 1.0;
        zipf.high = zipf.integral(zipf.n + 0.5);
        zipf.sure = 2.0 - zipf.inverse(zipf.integral(2.5) - zipf.weight(2.0));
        zipf
    }

    fn weight(&self, x: f64) -> f64 {
        x.powf(-self.s)
    }

    /// Antiderivative of `weight`.
    fn integral(&self, x: f64) -> f64 {
        x.powf(1.0 - self.s) / (1.0 - self.s)
    }

    /// Inverse of `integral`.
    fn inverse(&self, y: f64) -> f64 {
        (y * (1.0 - self.s)).powf(1.0 / (1.0 - self.s))
    }

    fn rank(&self, random: &mut Random) -> u64 {
        loop {
            let area = self.high + random.unit() * (self.low - self.high);
            let x = self.inverse(area);
            let rank = x.round().clamp(1.0, self.n);
            if rank - x <= self.sure || area >= self.integral(rank + 0.5) - self.weight(rank) {
                return rank as u64;
            }
        }
    }
}

/// A bijection from ranks to products, so that popular products are not neighbours in the database.
#[derive(Debug)]
struct Scatter {
    products: u64,
    stride: u64,
}

impl Scatter {
    fn new(products: u64) -> Self {
        // Any stride without a common divisor visits every product once.
        let start = (products as f64 * 0.618) as u64 + 1;
        let stride = (start..).find(|&stride| gcd(stride, products) == 1).unwrap_or(1);
        Self { products, stride }
    }

    fn product(&self, rank: u64) -> u64 {
        (u128::from(rank) * u128::from(self.stride) % u128::from(self.products)) as u64
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: u64 = 20_240_601;

    #[test]
    fn ranks_follow_the_law() {
        for (n, s) in [(1, 0.99), (2, 0.99), (10, 0.99), (1000, 0.99), (1000, 1.3), (50, 0.5)] {
            let zipf = Zipf::new(n, s);
            let mut random = Random::new(SEED, n);
            let draws = 200_000;
            let mut counts = vec![0u32; n as usize];
            for _ in 0..draws {
                counts[zipf.rank(&mut random) as usize - 1] += 1;
            }
            let weight = |rank: usize| (rank as f64).powf(-s);
            let total: f64 = (1..=n as usize).map(weight).sum();
            for (i, &count) in counts.iter().enumerate() {
                let share = weight(i + 1) / total;
                let expected = share * f64::from(draws);
                // Five standard deviations of a binomial count, and one for the small ones.
                let allowed = 5.0 * (expected * (1.0 - share)).sqrt() + 1.0;
                assert!(
                    (f64::from(count) - expected).abs() <= allowed,
                    "seed {SEED}, n {n}, s {s}, rank {}: {count} drawn, {expected} expected",
                    i + 1
                );
            }
        }
    }

    #[test]
    fn a_few_products_get_most_of_the_requests() {
        let products = 100_000;
        let mut traffic = Traffic::new(products, SEED, 0);
        let mut counts = vec![0u32; products as usize];
        for _ in 0..200_000 {
            let (Request::View { product } | Request::Update { product, .. }) =
                traffic.next_request();
            counts[product as usize] += 1;
        }
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let top: u32 = counts[..1000].iter().sum();
        assert!(top > 100_000, "seed {SEED}: the top hundredth got {top} of 200000");
        assert!(counts[0] < 40_000, "seed {SEED}: one product got {}", counts[0]);
    }

    #[test]
    fn about_one_request_in_a_hundred_is_an_update() {
        let mut traffic = Traffic::new(1000, SEED, 0);
        let updates = (0..100_000)
            .filter(|_| matches!(traffic.next_request(), Request::Update { .. }))
            .count();
        assert!((800..1200).contains(&updates), "seed {SEED}: {updates} of 100000");
    }

    #[test]
    fn every_product_has_exactly_one_rank() {
        for products in [100, 101, 128, 9999, 100_000] {
            let scatter = Scatter::new(products);
            let mut seen = vec![false; products as usize];
            for rank in 1..=products {
                let product = scatter.product(rank) as usize;
                assert!(!seen[product], "{products} products, rank {rank}");
                seen[product] = true;
            }
        }
    }

    #[test]
    fn a_seed_replays_a_stream_and_streams_differ() {
        let stream = |stream| {
            let mut traffic = Traffic::new(1000, SEED, stream);
            (0..100).map(|_| traffic.next_request()).collect::<Vec<_>>()
        };
        assert_eq!(stream(1), stream(1));
        assert_ne!(stream(1), stream(2));
    }
}
