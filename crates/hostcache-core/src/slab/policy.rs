//! Where memory goes, decided on counts alone: no access to a region, so that a simulator can share it.
//!
//! Let a class hold `b` bytes, and let `m` of the last `t` blocks that all classes took from shared memory be its own. Under
//! steady load every one of them stands for a miss. Where misses fall as a power of memory (as they do for what is
//! asked for by popularity), another byte spares misses in proportion to `m / b`. So memory is where it earns most when `m / b` is the same
//! for all; large items, which earn one hit for many bytes, then last shorter than small ones. This is what GDSF (Cherkasova,
//! HP Laboratories, 1998) does item by item, done page by page.

/// A giver is at least so many times as rich as a taker: less would move pages to and fro by chance.
const RICHER: u128 = 2;
/// The fewest blocks between two looks at what the others have.
pub const QUANTUM: u64 = 8;

/// What is known of a class, or of all runs together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// Bytes of its pages.
    pub held: u64,
    /// Blocks that it took while it was watched.
    pub taken: u64,
    /// Blocks that all took meanwhile.
    pub watched: u64,
}

impl Share {
    /// Bytes for each block taken in a unit of time: how little another byte would earn here.
    #[must_use]
    pub fn ease(self) -> u128 {
        let time = u128::from(self.watched) + u128::from(self.taken == 0);
        u128::from(self.held) * time / u128::from(self.taken.max(1))
    }

    /// Whether a page of this share earns clearly more in another.
    #[must_use]
    pub fn should_give(self, taker: Self) -> bool {
        self.held > 0 && self.ease() > taker.ease().saturating_mul(RICHER)
    }
}

/// Whether a block that is taken after so long a pause is the first of a burst: what was counted before tells nothing of it.
/// Among pauses that come by chance one in 3,000 is so much longer than their mean.
#[must_use]
pub fn is_burst(share: Share, pause: u64) -> bool {
    pause / 8 > share.watched.saturating_sub(pause) / share.taken.max(1)
}

/// Evictions of a class, with so many chunks to a page, between two looks at what the others have.
#[must_use]
pub fn quantum(chunks: u64) -> u64 {
    (chunks / 2).max(QUANTUM)
}

/// What a run could take; [`PageCost::cost`] is what it earns where it is.
#[derive(Debug, Clone, Copy)]
pub enum PageCost {
    /// Nobody's.
    Free,
    /// Cut for a class that has this ease.
    Slab(u128),
    /// Pages of a run.
    Run {
        /// Of all runs together.
        ease: u128,
        /// Use mark of its item.
        mark: u64,
        /// Pages of it that would be used.
        pages: u64,
        /// Pages of it that would be freed and not be used.
        outside: u64,
    },
}

impl PageCost {
    /// Reciprocal of the ease, to so many bits.
    const SCALE: u32 = 64;

    /// What taking it costs; comparable with other costs of the same moment.
    #[must_use]
    pub fn cost(self) -> u64 {
        let worth = |ease: u128| ((1u128 << Self::SCALE) / ease.max(1)).min(1 << 48) as u64;
        match self {
            Self::Free => 0,
            // A class gives only to who is clearly poorer.
            Self::Slab(ease) => worth(ease).saturating_mul(4 * RICHER as u64),
            Self::Run { ease, mark, pages, outside } => {
                let used = if mark == 0 { 1 } else { mark.saturating_add(1).saturating_mul(4) };
                worth(ease).saturating_mul(used).saturating_mul(pages.saturating_add(outside))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(held: u64, taken: u64) -> Share {
        Share { held, taken, watched: 1000 }
    }

    #[test]
    fn pages_go_from_who_misses_little_on_many_bytes_to_who_misses_much_on_few() {
        let (rich, poor) = (share(4 << 20, 10), share(1 << 20, 10));
        assert!(rich.should_give(poor) && !poor.should_give(rich));
        let (calm, busy) = (share(1 << 20, 10), share(1 << 20, 40));
        assert!(calm.should_give(busy) && !busy.should_give(calm));
    }

    #[test]
    fn a_small_difference_moves_nothing() {
        assert!(!share(3 << 20, 10).should_give(share(2 << 20, 10)));
        assert!(!share(2 << 20, 10).should_give(share(2 << 20, 10)));
    }

    #[test]
    fn who_takes_nothing_gives_the_sooner_the_longer_it_is_watched() {
        let idle = |watched| Share { held: 1 << 20, taken: 0, watched };
        let busy = share(1 << 20, 100);
        assert!(!idle(10).should_give(busy) && idle(100).should_give(busy));
    }

    #[test]
    fn who_holds_nothing_gives_nothing_and_is_given_to() {
        let none = Share::default();
        assert!(!none.should_give(none) && !none.should_give(share(1, 1)));
        assert!(share(1 << 20, 1000).should_give(share(0, 5)));
    }

    #[test]
    fn a_pause_far_beyond_the_usual_ends_with_a_burst() {
        // Ten in 900, then nothing for a while.
        let after = |pause| is_burst(Share { held: 1, taken: 10, watched: 900 + pause }, pause);
        assert!(!after(90) && !after(700) && after(800));
        assert!(is_burst(Share { held: 0, taken: 0, watched: 5_000 }, 5_000), "the first ever");
    }

    #[test]
    fn absurd_counts_overflow_nothing() {
        let most = Share { held: u64::MAX, taken: u64::MAX, watched: u64::MAX };
        assert!(!most.should_give(most));
        assert!(!is_burst(most, 0) && is_burst(most, u64::MAX));
        let idle = Share { taken: 0, ..most };
        assert!(idle.should_give(most));
        let run = PageCost::Run { ease: 0, mark: u64::MAX, pages: u64::MAX, outside: u64::MAX };
        assert_eq!(run.cost(), u64::MAX);
        assert!(PageCost::Slab(0).cost() > PageCost::Slab(u128::MAX).cost());
    }

    #[test]
    fn an_unused_run_is_cheaper_than_a_used_one_and_than_a_slab_of_equal_ease() {
        let run = |mark, outside| PageCost::Run { ease: 1 << 30, mark, pages: 1, outside }.cost();
        assert!(run(0, 0) < run(1, 0) && run(1, 0) < run(2, 0));
        assert!(run(0, 0) < run(0, 1));
        assert!(run(0, 0) < PageCost::Slab(1 << 30).cost());
        assert!(PageCost::Slab(1 << 40).cost() < run(0, 0));
        assert_eq!(PageCost::Free.cost(), 0);
    }
}
