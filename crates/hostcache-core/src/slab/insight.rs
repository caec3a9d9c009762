//! What is told of each class: figures for people, which decide nothing.
//!
//! Hits are counted by lane, in lines that nobody else writes, and only one in [`SAMPLED`]. A class has 16 bits for it: a count of which each
//! step stands for more than the one before (R. Morris, Counting large numbers of events in small registers, CACM 21(10), 1978), with a
//! standard error of 1.6 %.

use super::Kind;
use super::allocate::class_state;
use super::policy::{QUANTUM, quantum};
use crate::layout::{ItemHead, mix};
use crate::participant::Ticket;
use crate::region::{Host, Region};
use crate::sync::Ordering;
use crate::table::{Lookup, Probe};
use crate::word::{BlockState, LaneId, PageState};

/// Of so many hits of a lane one is counted for its class.
pub const SAMPLED: u64 = 512;
/// Steps until one stands for e times as much: the larger, the more precise, and the sooner 16 bits are full.
const STEPS: f64 = 2000.0;

/// One slab class, or all runs together, at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClassAccount {
    /// Pages.
    pub pages: u64,
    /// Chunks in them; of runs: pages.
    pub chunks: u64,
    /// Chunks that hold a published item, or part of one.
    pub used: u64,
    /// Free chunks.
    pub free: u64,
    /// Published items.
    pub items: u64,
    /// Bytes of those items with their headers.
    pub item_bytes: u64,
    /// Hits, estimated.
    pub hits: u64,
    /// Blocks taken from outside a magazine: under steady load each stands for a miss.
    pub taken: u64,
    /// Items that ended for want of memory or slots.
    pub evictions: u64,
    /// How long those were there, a moving average in milliseconds; 0: unknown.
    pub eviction_age_ms: u64,
}

/// What a count of 16 bits stands for.
fn meaning(count: u64) -> f64 {
    STEPS * ((1.0 + 1.0 / STEPS).powi(count as i32) - 1.0)
}

/// The next count, by chance: `chance` is any number.
fn next_count(count: u64, chance: u64) -> u64 {
    let steps = (1.0 + 1.0 / STEPS).powi(count as i32);
    let drawn = (mix(chance) >> 11) as f64 / (1u64 << 53) as f64;
    (count + u64::from(drawn * steps < 1.0)).min(0xffff)
}

impl Region {
    /// Word of a lane's counts, and the shift in it, of a class.
    fn hits_at(&self, lane: LaneId, share: usize) -> (u64, u32) {
        let geometry = &self.geometry;
        let at = geometry.class_hits_at + u64::from(lane) * geometry.class_hit_words;
        (at + share as u64 / 4, share as u32 % 4 * 16)
    }

    /// Counts [`SAMPLED`] hits for the class of one of them, in a line of the lane's own. Should the lane have been taken away, its next
    /// owner counts it.
    #[cold]
    pub fn sample_hit(&self, ticket: Ticket, key: &[u8], count: u64) {
        let probe = Probe::new(&self.geometry, key);
        let Some(Lookup::Found(found)) = self.glance(&probe, key) else { return };
        let share = match self.kind_of(found.location()) {
            Some(Kind::Chunk(class)) if class < self.runs() => class,
            Some(Kind::Run(_)) => self.runs(),
            _ => return,
        };
        let (at, shift) = self.hits_at(ticket.lane(self), share);
        let word = self.word(at).load(Ordering::Relaxed);
        let seen = word >> shift & 0xffff;
        let next = next_count(seen, count ^ at);
        self.word(at).store(word & !(0xffff << shift) | next << shift, Ordering::Relaxed);
    }

    /// Counts an eviction for the class of a block, and from time to time how long such items stay: as many milliseconds as it takes to evict all
    /// that the class has room for (Little's law). No item has a word for its time of birth.
    pub(crate) fn count_evicted<H: Host>(&self, host: &H, location: u64) {
        if cfg!(loom) {
            return;
        }
        let (share, enough) = match self.kind_of(location) {
            Some(Kind::Chunk(class)) => match self.chunks(class) {
                Some((chunks, _)) => (class, quantum(chunks)),
                None => return,
            },
            Some(Kind::Run(_)) => (self.runs(), QUANTUM),
            None => return,
        };
        let word = |at| self.class_word(share, at);
        let evicted = word(class_state::EVICTED).fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let counted = evicted.wrapping_sub(word(class_state::TURN_FROM).load(Ordering::Relaxed));
        if counted < enough {
            return;
        }
        word(class_state::TURN_FROM).store(evicted, Ordering::Relaxed);
        let now = host.now_ms();
        let since = word(class_state::TURN_AT).swap(now, Ordering::Relaxed);
        if since == 0 || now < since {
            return;
        }
        let stay = u128::from(now - since) * u128::from(self.room_of(share)) / u128::from(counted);
        let stay = u64::try_from(stay).unwrap_or(u64::MAX).clamp(1, u64::MAX / 4);
        let before = word(class_state::AGE).load(Ordering::Relaxed);
        let before = before.min(u64::MAX / 8);
        // A pause makes the next items older by its length, and not by more.
        let stay = if before == 0 { stay } else { stay.min(before.saturating_add(now - since)) };
        let age = if before == 0 { stay } else { (before * 3 + stay.min(u64::MAX / 4)) / 4 };
        word(class_state::AGE).store(age.max(1), Ordering::Relaxed);
    }

    /// Items that a class has room for; of runs, how many there are.
    fn room_of(&self, share: usize) -> u64 {
        match self.chunks(share) {
            Some((chunks, _)) => self.count_hints(self.pages_of(share)) * chunks,
            None => {
                let is_head = |&page: &u64| self.load_page(page).state() == PageState::RunHead;
                (0..self.geometry.pages).filter(is_head).count() as u64
            }
        }
    }

    /// Each slab class, and behind them all runs. Loads two words of every block.
    #[must_use]
    pub fn class_accounts(&self) -> Vec<ClassAccount> {
        let mut accounts = vec![ClassAccount::default(); self.runs() + 1];
        for page in 0..self.geometry.pages {
            let word = self.load_page(page);
            let start = self.geometry.page_start(page);
            let (share, chunks, words) = match word.state() {
                PageState::Slab | PageState::Drain => match self.chunks(word.class()) {
                    Some((chunks, words)) => (word.class(), chunks, words),
                    None => continue,
                },
                PageState::RunHead => {
                    (self.runs(), 1, self.run_length(page) * self.geometry.shape.page_words)
                }
                PageState::Free | PageState::Owned | PageState::RunTail => continue,
            };
            let account = &mut accounts[share];
            // What a chunk counts: a run counts its pages.
            let each = if share == self.runs() { self.run_length(page) } else { 1 };
            account.pages += each;
            account.chunks += chunks * each;
            for chunk in 0..chunks {
                let location = start + chunk * words;
                match self.load_header(location).state() {
                    BlockState::Published => {
                        let sizes = ItemHead::load(self.memory.array(location)).sizes;
                        let bytes = sizes.value_offset() * 8 + sizes.value_len;
                        account.used += each;
                        account.items += 1;
                        // Anything may stand in a damaged region.
                        account.item_bytes += bytes.min(words * 8);
                    }
                    BlockState::Free => account.free += each,
                    BlockState::Claimed | BlockState::Orphan => {}
                }
            }
        }
        for (share, account) in accounts.iter_mut().enumerate() {
            let load = |at| self.class_word(share, at).load(Ordering::Relaxed);
            account.taken = load(class_state::TAKEN);
            account.evictions = load(class_state::EVICTED);
            account.eviction_age_ms = load(class_state::AGE);
            let lanes = 0..self.geometry.shape.lanes as LaneId;
            let sampled: f64 = lanes
                .map(|lane| {
                    let (at, shift) = self.hits_at(lane, share);
                    meaning(self.word(at).load(Ordering::Relaxed) >> shift & 0xffff)
                })
                .sum();
            // A cast from a float ends at the largest number.
            account.hits = (sampled * SAMPLED as f64) as u64;
        }
        accounts
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use core::cell::Cell;

    use super::*;
    use crate::fixture::{Clock, Fixture, plain};
    use crate::layout::Identity;
    use crate::{Counter, Lane, Session};

    fn set(region: &Region, lane: &mut Lane, clock: &Clock, number: u64, len: usize) {
        let value = vec![7; len];
        let request = plain(&value, None);
        let stored = Session::new(region, lane, clock).set(&number.to_le_bytes(), &request);
        stored.expect("there is room");
    }

    #[test]
    fn a_count_stands_for_what_was_counted() {
        for events in [10u64, 1_000, 100_000] {
            let mut sum = 0.0;
            for seed in 0..20 {
                let count = (0..events).fold(0, |count, n| next_count(count, seed << 32 | n));
                sum += meaning(count);
            }
            let mean = sum / 20.0 / events as f64;
            assert!((0.97..1.03).contains(&mean), "{events} events: {mean}");
        }
        assert_eq!(next_count(0xffff, 1), 0xffff);
        assert!(meaning(0xffff) > 1e17 && meaning(0) == 0.0);
    }

    #[test]
    fn items_bytes_and_evictions_are_told_by_class() {
        let Fixture { region, .. } = &Fixture::new();
        let clock = Clock(Cell::new(1_000));
        let mut lane = Lane::attach(region, 0, &Identity::default());
        // A header of 32 bytes, a key of 8.
        for number in 0..100 {
            set(region, &mut lane, &clock, number, 55);
        }
        set(region, &mut lane, &clock, 200, 20_000);
        let of = |words: u64| region.geometry.classes.class_of(words).unwrap_or(region.runs());
        let small = region.class_accounts()[of(12)];
        assert_eq!((small.items, small.used, small.item_bytes), (100, 100, 100 * 95));
        let large = region.class_accounts()[of(u64::MAX)];
        assert_eq!((large.items, large.pages, large.used, large.item_bytes), (1, 3, 3, 20_040));
        for number in 1_000..21_000 {
            clock.0.set(clock.0.get() + number % 2);
            set(region, &mut lane, &clock, number, if number % 100 == 0 { 20_000 } else { 55 });
        }
        let accounts = region.class_accounts();
        let told: u64 = accounts.iter().map(|account| account.evictions).sum();
        assert_eq!(told, region.counters().get(Counter::Evictions));
        // A set each half millisecond, of which nearly all are small.
        let small = accounts[of(12)];
        let stay = small.items / 2;
        let age = small.eviction_age_ms;
        assert!((stay / 2..stay * 2).contains(&age), "{age} ms, {stay} ms, {small:?}");
        assert!(accounts[of(u64::MAX)].evictions > 0);
    }

    #[test]
    fn hits_are_told_by_class_without_a_line_that_others_write() {
        let Fixture { region, .. } = &Fixture::new();
        let clock = Clock(Cell::new(1_000));
        let mut lane = Lane::attach(region, 3, &Identity::default());
        set(region, &mut lane, &clock, 1, 55);
        set(region, &mut lane, &clock, 2, 1_000);
        let words: Vec<u64> = (0..region.geometry.words())
            .map(|at| region.word(at).load(Ordering::Relaxed))
            .collect();
        for count in 0..3_000 {
            let key: u64 = if count % 3 == 0 { 2 } else { 1 };
            region.sample_hit(lane.ticket(), &key.to_le_bytes(), count);
        }
        let from = region.geometry.class_hits_at + 3 * region.geometry.class_hit_words;
        let own = from..from + region.geometry.class_hit_words;
        assert_eq!((from % 8, region.geometry.class_hit_words % 8), (0, 0), "lines of its own");
        for (at, &word) in words.iter().enumerate() {
            let is_same = region.word(at as u64).load(Ordering::Relaxed) == word;
            assert!(is_same || own.contains(&(at as u64)), "word {at}");
        }
        let told: Vec<u64> = region
            .class_accounts()
            .iter()
            .map(|account| account.hits / SAMPLED)
            .filter(|&hits| hits > 0)
            .collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!((1_800..2_200).contains(&told[0]) && (900..1_100).contains(&told[1]), "{told:?}");
    }
}
