//! Eviction policies as they are described, without a cache around them: each holds so many bytes of keys and values, has
//! no overhead at all, and forgets nothing by time. What a real cache misses beside them is the price of its memory and of
//! its own choices.

mod gdsf;
mod lru;
mod queue;
mod s3fifo;

use std::fmt;
use std::str::FromStr;

use crate::tally::PhaseTally;
use crate::trace::{Op, Trace};

use gdsf::Gdsf;
use lru::{Clock, Lru};
use s3fifo::S3Fifo;

/// A policy that can be simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// Least recently used first.
    Lru,
    /// First in, first out.
    Fifo,
    /// First in, first out, with one more turn for what was used meanwhile.
    Clock,
    /// Three queues: newcomers, settled items, and the keys of newcomers that went (Yang et al., SOSP 2023).
    S3Fifo,
    /// Most hits for the bytes, with aging (Greedy Dual Size Frequency; Cherkasova, HP Laboratories, 1998).
    Gdsf,
}

impl Policy {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Lru, Self::Fifo, Self::Clock, Self::S3Fifo, Self::Gdsf];

    /// The name by which it is chosen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lru => "lru",
            Self::Fifo => "fifo",
            Self::Clock => "clock",
            Self::S3Fifo => "s3fifo",
            Self::Gdsf => "gdsf",
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Policy {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|policy| policy.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("no policy {name:?}: choose from {names}")
        })
    }
}

/// What a policy would have missed.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Simulated {
    /// The policy.
    pub policy: Policy,
    /// Misses per get.
    pub miss_ratio: f64,
    /// Bytes that missed per byte that the gets asked for.
    pub byte_miss_ratio: f64,
}

/// What a policy keeps.
trait Held {
    /// Notes a use; whether the key is there.
    fn touch(&mut self, key: u32) -> bool;
    /// Takes in a key that is not there, of a size that fits, and lets others go for it.
    fn insert(&mut self, key: u32, size: u32);
    /// Lets a key go, if it is there.
    fn remove(&mut self, key: u32);
}

/// A trace through a policy that holds so many bytes of keys and values.
pub(crate) fn simulate(trace: &Trace, capacity: u64, policy: Policy) -> Simulated {
    let keys = trace.key_ids.len();
    let mut held: Box<dyn Held> = match policy {
        Policy::Lru => Box::new(Lru::new(keys, capacity, true)),
        Policy::Fifo => Box::new(Lru::new(keys, capacity, false)),
        Policy::Clock => Box::new(Clock::new(keys, capacity)),
        Policy::S3Fifo => Box::new(S3Fifo::new(keys, capacity)),
        Policy::Gdsf => Box::new(Gdsf::new(keys, capacity)),
    };
    let mut tally = PhaseTally::default();
    for request in &trace.requests {
        let hit = match request.op {
            Op::Get => {
                let hit = held.touch(request.key);
                tally.count_get(request.size, hit);
                hit
            }
            Op::Set | Op::Delete => {
                held.remove(request.key);
                false
            }
        };
        if !hit && request.op != Op::Delete && u64::from(request.size) <= capacity {
            held.insert(request.key, request.size);
        }
    }
    let ratio = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    Simulated {
        policy,
        miss_ratio: ratio(tally.misses, tally.gets),
        byte_miss_ratio: ratio(tally.missed_bytes, tally.get_bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::load_text;

    fn misses(policy: Policy, capacity: u64, text: &str) -> u64 {
        let trace = load_text(text.as_bytes()).expect("good trace");
        let gets = trace.requests.iter().filter(|request| request.op == Op::Get).count();
        (simulate(&trace, capacity, policy).miss_ratio * gets as f64).round() as u64
    }

    fn gets(keys: &[u32]) -> String {
        keys.iter().map(|key| format!("{key},100,g,0\n")).collect()
    }

    #[test]
    fn names_lead_to_policies_and_a_wrong_one_tells_which_there_are() {
        for policy in Policy::ALL {
            assert_eq!(policy.name().parse(), Ok(policy));
        }
        assert!("mru".parse::<Policy>().is_err_and(|text| text.contains("s3fifo, gdsf")));
    }

    #[test]
    fn what_fits_misses_once() {
        let text = gets(&[1, 2, 3, 1, 2, 3, 3, 2, 1]);
        for policy in Policy::ALL {
            assert_eq!(misses(policy, 300, &text), 3, "{policy}");
            assert_eq!(misses(policy, 99, &text), 9, "{policy}: larger than all");
        }
    }

    #[test]
    fn a_use_keeps_what_recency_or_a_turn_keeps() {
        // Room for two; 1 is used before 3 comes.
        let text = gets(&[1, 2, 1, 3, 1]);
        for (policy, expected) in [(Policy::Lru, 3), (Policy::Fifo, 4), (Policy::Clock, 3)] {
            assert_eq!(misses(policy, 200, &text), expected, "{policy}");
        }
    }

    #[test]
    fn a_scan_passes_by_what_settled() {
        let hot: Vec<u32> = (0..50).flat_map(|_| 0..8).collect();
        let scan: Vec<u32> = (100..300).collect();
        let text = gets(&[&hot[..], &scan, &(0..8).collect::<Vec<_>>()].concat());
        assert_eq!(misses(Policy::S3Fifo, 1_000, &text), 208);
        assert_eq!(misses(Policy::Lru, 1_000, &text), 216);
    }

    #[test]
    fn many_small_items_are_worth_more_than_a_large_one() {
        let small = gets(&[2, 3, 4, 5, 6, 7, 8, 9]);
        let text = format!("0,300,g,0\n1,300,g,0\n{small}").repeat(20);
        // Both large ones and the few small ones that had to make room for them, round by round.
        let missed = misses(Policy::Gdsf, 1_000, &text);
        assert!((40..150).contains(&missed), "{missed}");
        assert_eq!(misses(Policy::Lru, 1_000, &text), 200);
    }

    #[test]
    fn a_delete_ends_and_a_set_begins() {
        let text = "1,100,g,0\n1,100,d,0\n1,100,g,0\n2,100,s,0\n2,100,g,0\n";
        for policy in Policy::ALL {
            assert_eq!(misses(policy, 1_000, text), 2, "{policy}");
        }
    }

    #[test]
    fn no_policy_holds_more_than_its_bytes() {
        let sizes: String =
            (0..5_000u32).map(|n| format!("{},{},g,0\n", n * 7 % 400, 17 + n % 90)).collect();
        let trace = load_text(sizes.into_bytes()).expect("good trace");
        for (policy, held) in [
            (Policy::Lru, Lru::new(400, 2_000, true).used_after(&trace)),
            (Policy::Clock, Clock::new(400, 2_000).used_after(&trace)),
            (Policy::S3Fifo, S3Fifo::new(400, 2_000).used_after(&trace)),
            (Policy::Gdsf, Gdsf::new(400, 2_000).used_after(&trace)),
        ] {
            assert!((1_500..=2_000).contains(&held), "{policy}: {held}");
        }
    }

    /// For the test above.
    trait Used: Held {
        fn used(&self) -> u64;

        fn used_after(mut self, trace: &Trace) -> u64
        where
            Self: Sized,
        {
            for request in &trace.requests {
                if !self.touch(request.key) {
                    self.insert(request.key, request.size);
                }
                assert!(self.used() <= 2_000);
            }
            self.used()
        }
    }

    impl Used for Lru {
        fn used(&self) -> u64 {
            self.bytes()
        }
    }

    impl Used for Clock {
        fn used(&self) -> u64 {
            self.bytes()
        }
    }

    impl Used for S3Fifo {
        fn used(&self) -> u64 {
            self.bytes()
        }
    }

    impl Used for Gdsf {
        fn used(&self) -> u64 {
            self.bytes()
        }
    }
}
