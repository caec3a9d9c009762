//! Kills a worker in the middle of its work, and watches what it held come back.
//!
//! Two things are left behind. In the region: blocks of the dead participant, which the daemon (or
//! the next writer in need) recovers. In the shop: perhaps a price update that was committed but
//! whose page was not yet deleted; no cache can know of that, so the shop itself repeats the
//! invalidation of every update that stays without an end.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use hostcache::Cache;

use crate::DemoError;
use crate::product::write_key;
use crate::random::Random;
use crate::store::Store;
use crate::truth::Truth;

/// Time between two looks at the region's counters.
const LOOK_STEP: Duration = Duration::from_millis(1);
/// When watching is given up. The promise is a second with a daemon.
const WATCH_LIMIT: Duration = Duration::from_secs(10);
/// An update that has not ended for so long is the dead worker's: the living take far less from
/// announcing a version to deleting the page, and to repeat a living one's delete does no harm.
const UNFINISHED_AFTER: Duration = Duration::from_millis(200);

/// Whom to kill, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Place of the victim among the workers.
    pub(crate) place: usize,
    /// Time after the start of the traffic.
    pub(crate) at: Duration,
}

impl Plan {
    /// A random worker, a little after half-time; the same for the same seed.
    pub(crate) fn new(seed: u64, workers: usize, total: Duration) -> Self {
        let mut random = Random::new(seed, 0);
        let delay = total.mul_f64(random.unit() * 0.05);
        Self { place: random.below(workers as u64) as usize, at: total / 2 + delay }
    }
}

/// What a kill left behind and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Aftermath {
    /// Who was killed, as in "worker 2".
    pub(crate) who: String,
    pub(crate) pid: u32,
    /// Time after the start of the traffic.
    pub(crate) at: Duration,
    /// Bytes outside the index that the dead process held at the first look; 0 if it was recovered
    /// before anybody could look.
    pub(crate) held_bytes: u64,
    /// Blocks that came back from dead participants since.
    pub(crate) recovered_blocks: u64,
    /// From the death to its recovery; `None` if it did not come.
    pub(crate) back_after: Option<Duration>,
    /// Bytes that a walk over the region still found with the dead afterwards.
    pub(crate) still_held_bytes: u64,
    /// Price updates that were cut short.
    pub(crate) updates_cut_short: u64,
}

/// Counters before a kill, to compare with those after it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before {
    participants: u64,
    blocks: u64,
}

impl Before {
    /// To be taken right before the kill.
    pub(crate) fn look(cache: &Cache) -> Self {
        let stats = cache.stats();
        Self { participants: stats.recovered_participants, blocks: stats.recovered_blocks }
    }
}

/// The first look after a death.
#[derive(Debug)]
pub(crate) struct Death {
    who: String,
    pid: u32,
    at: Duration,
    died: Instant,
    before: Before,
    participants: u64,
    held_bytes: u64,
}

impl Death {
    /// To be called as soon as the process is gone; `at` is the time since the traffic began.
    pub(crate) fn look(cache: &Cache, who: String, pid: u32, at: Duration, before: Before) -> Self {
        let died = Instant::now();
        // The list is quick to get, and recovery may be quick too; the walk is exact but takes its
        // time, so it is for what the list does not show.
        let mut its = cache.participants();
        its.retain(|participant| participant.pid == pid);
        let listed: u64 = its.iter().map(|participant| participant.held_bytes).sum();
        let held_bytes = if listed > 0 { listed } else { cache.check().dead_held_bytes };
        Self { who, pid, at, died, before, participants: its.len() as u64, held_bytes }
    }

    /// Watches until everything is back, on a thread of its own.
    pub(crate) fn watch(
        self,
        cache: Cache,
        truth: Arc<Truth>,
        database: PathBuf,
    ) -> JoinHandle<Result<Aftermath, DemoError>> {
        thread::spawn(move || {
            let unfinished = truth.unfinished();
            let back_after = self.wait_for_recovery(&cache);
            thread::sleep(UNFINISHED_AFTER.saturating_sub(self.died.elapsed()));
            let store = Store::open(&database)?;
            let updates_cut_short = end_updates(&unfinished, &truth, &store, &cache)?;
            Ok(Aftermath {
                who: self.who,
                pid: self.pid,
                at: self.at,
                held_bytes: self.held_bytes,
                recovered_blocks: cache.stats().recovered_blocks - self.before.blocks,
                back_after,
                still_held_bytes: cache.check().dead_held_bytes,
                updates_cut_short,
            })
        })
    }

    fn wait_for_recovery(&self, cache: &Cache) -> Option<Duration> {
        let enough = self.before.participants + self.participants.max(1);
        loop {
            let since_death = self.died.elapsed();
            if cache.stats().recovered_participants >= enough {
                return Some(since_death);
            }
            if since_death >= WATCH_LIMIT {
                return None;
            }
            thread::sleep(LOOK_STEP);
        }
    }
}

/// Ends the updates that are still where they were, and says how many: whatever the database holds
/// is committed, and its page is deleted.
fn end_updates(
    unfinished: &[(u64, u64)],
    truth: &Truth,
    store: &Store,
    cache: &Cache,
) -> Result<u64, DemoError> {
    let still = truth.unfinished();
    let mut key = String::new();
    let mut ended = 0;
    for &(product, _) in unfinished.iter().filter(|update| still.contains(update)) {
        let version = store.version(product)?;
        truth.commit(product, version);
        write_key(product, &mut key);
        cache.delete(&key)?;
        truth.invalidate(product, version);
        ended += 1;
    }
    Ok(ended)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_is_replayed_by_its_seed_and_lies_just_after_half_time() {
        let total = Duration::from_secs(30);
        for seed in 0..100 {
            let plan = Plan::new(seed, 4, total);
            assert_eq!(plan, Plan::new(seed, 4, total));
            assert!(plan.place < 4, "seed {seed}: {plan:?}");
            assert!(plan.at >= total / 2 && plan.at < total * 6 / 10, "seed {seed}: {plan:?}");
        }
    }

    #[test]
    fn every_worker_can_be_the_victim() {
        let mut victims = [false; 4];
        for seed in 0..100 {
            victims[Plan::new(seed, 4, Duration::from_secs(30)).place] = true;
        }
        assert_eq!(victims, [true; 4]);
    }
}
