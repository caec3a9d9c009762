//! One naive model, one suite: random operations of the whole public API beside a hash map, every answer compared.
//!
//! A run ([`Suite`]) draws operations from a table ([`operations`]) by a seed, carries each out on a cache
//! and on the
//! [`model`], and compares. The table names each operation as the public crate does; [`surface`] compares it with
//! the crate's sources, so that none is forgotten. What a run works on is a [`setting`]: one backing and one
//! geometry.
//!
//! **Eviction.** The model never evicts. An item that is missing from the cache and not from the model is excused
//! by an eviction that the cache counted and that no other missing item used up; without one it is a failure.
//!
//! **Several processes** take turns: each runs the whole suite by the same seed on a model of its own, but
//! carries out on the cache only the steps that are its own ([`Turns`]). So every answer is compared with
//! what all of them did.

mod answer;
mod batches;
mod draw;
mod in_place;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub mod killed;
pub mod model;
pub mod operations;
mod reads;
pub mod setting;
pub mod surface;
mod whole;
mod writes;

use hostcache::{Cache, ManualClock};

use crate::random::Random;
use answer::{Answer, Precision};
use model::{After, Context, Entry, Model};
use setting::{Made, Setting};

/// Whose turn it is.
pub trait Turns {
    /// Waits for step number `step` and says whether it is this one's own.
    fn begin(&mut self, step: u64) -> bool;
    /// Ends the step: the next one may begin.
    fn end(&mut self, step: u64);
}

/// One who does everything alone.
#[derive(Debug)]
pub struct Alone;

impl Turns for Alone {
    fn begin(&mut self, _: u64) -> bool {
        true
    }

    fn end(&mut self, _: u64) {}
}

/// A handle that an operation uses.
#[derive(Debug)]
struct Handle {
    cache: Cache,
    /// Whether its reads are counted.
    counts: bool,
}

/// A run.
#[derive(Debug)]
pub struct Suite {
    /// Handles that may write, all on one region.
    handles: Vec<Cache>,
    /// One that may not.
    reader: Option<Cache>,
    clock: Option<ManualClock>,
    setting: Setting,
    model: Model,
    random: Random,
    /// Whether the step at hand is carried out here.
    acting: bool,
    /// Evictions that a missing item has used up as its excuse.
    excused: u64,
    /// The step at hand, for messages.
    step: String,
    calls: Vec<u64>,
}

impl Suite {
    /// A run on what was made for it.
    #[must_use]
    pub fn new(made: &Made, setting: Setting, seed: u64) -> Self {
        Self {
            handles: made.handles.clone(),
            reader: made.reader.clone(),
            clock: made.clock.clone(),
            setting,
            model: Model::default(),
            random: Random::new(seed),
            acting: true,
            excused: 0,
            step: String::new(),
            calls: vec![0; operations::TABLE.len()],
        }
    }

    /// Does `steps` steps and compares all that is left. Panics at the first difference.
    pub fn run(&mut self, steps: u64, turns: &mut impl Turns) {
        self.walk_through(steps, turns);
        self.step = "the end".to_owned();
        self.acting = true;
        turns.begin(steps);
        self.items();
        self.compare_tallies();
        turns.end(steps);
    }

    fn walk_through(&mut self, steps: u64, turns: &mut impl Turns) {
        let weights: u64 = operations::TABLE.iter().map(|operation| operation.weight).sum();
        for step in 0..steps {
            let mut draw = self.random.below(weights);
            let at = operations::TABLE.iter().position(|operation| {
                let found = draw < operation.weight;
                draw = draw.saturating_sub(operation.weight);
                found
            });
            let at = at.unwrap_or_else(|| unreachable!("a draw is below the sum of the weights"));
            let operation = &operations::TABLE[at];
            self.step = format!("step {step}, {}", operation.name);
            self.calls[at] += 1;
            self.acting = turns.begin(step);
            (operation.run)(self);
            turns.end(step);
        }
    }

    /// How often each operation was carried out, for tests of the suite itself.
    #[must_use]
    pub fn calls(&self) -> Vec<(&'static str, u64)> {
        operations::TABLE.iter().map(|operation| operation.name).zip(self.calls.clone()).collect()
    }

    /// Missing items that an eviction excused.
    #[must_use]
    pub fn excused(&self) -> u64 {
        self.excused
    }

    /// Evictions that no missing item has used up.
    fn excuses(&self) -> u64 {
        self.handles[0].stats().evictions - self.excused
    }

    fn writer(&mut self) -> Handle {
        Handle { cache: self.random.pick(&self.handles).clone(), counts: true }
    }

    /// Any handle.
    fn any(&mut self) -> Handle {
        match &self.reader {
            Some(reader) if self.random.one_in(4) => {
                Handle { cache: reader.clone(), counts: false }
            }
            _ => self.writer(),
        }
    }

    fn precision(&self) -> Precision {
        if self.clock.is_some() { Precision::Exact } else { Precision::Hours }
    }

    /// One operation on one key: carried out, predicted, compared.
    fn on_key(
        &mut self,
        key: &[u8],
        handle: &Handle,
        real: impl FnOnce(&Cache) -> Answer,
        predict: impl Fn(&mut Entry) -> Answer,
    ) {
        let real = self.acting.then(|| real(&handle.cache));
        self.settle(key, handle, real, predict);
    }

    /// Compares an answer that was got already with the model's; `None` where another process has it.
    fn settle(
        &mut self,
        key: &[u8],
        handle: &Handle,
        real: Option<Answer>,
        predict: impl Fn(&mut Entry) -> Answer,
    ) {
        let context = self.context(handle, key.len());
        let Some(real) = real else {
            let (_, after) = worked(self.model.entry(key, context), &predict);
            self.model.commit(key, after);
            return;
        };
        if matches!(real, Answer::Refused(answer::NO_ROOM)) && self.setting.geometry.refuses {
            return self.settle_refused(key, handle, predict);
        }
        let (expected, after) = worked(self.model.entry(key, context), &predict);
        let excused = (self.setting.geometry.evicts && self.excuses() > 0)
            .then(|| worked(self.model.entry_without_item(key, context), &predict));
        let agrees = real.agrees_with(&expected);
        let after = match excused {
            Some((other, without)) if real.agrees_with(&other) => {
                // Both agree: what the item looks like now tells which it was. Not so for an answer that has to do with no
                // item (a value that is too large), in a batch above all, where the same key may have come once more.
                let tells_nothing = matches!(real, Answer::Refused("invalid key" | "too large"))
                    && self.model.is_left_as_it_was(key, context, &after);
                let was_there = agrees
                    && (after == without || tells_nothing || self.looks_like(key, handle, &after));
                self.excused += u64::from(!was_there);
                if was_there { after } else { without }
            }
            _ if agrees => after,
            other => {
                let other = other.map(|(other, _)| format!(", or {other} after an eviction"));
                let other = other.unwrap_or_default();
                panic!("{}: key {}: {real} instead of {expected}{other}", self.step, show(key));
            }
        };
        self.model.commit(key, after);
        if let Some(token) = real.token() {
            let learned = self.model.learn_token(key, token);
            assert!(learned, "{}: key {}: token {token:x} was seen before", self.step, show(key));
        }
    }

    /// Values so large that what idle handles keep for their next stores may leave no room: nothing was stored, and the item is
    /// what it was, or evicted.
    fn settle_refused(
        &mut self,
        key: &[u8],
        handle: &Handle,
        predict: impl Fn(&mut Entry) -> Answer,
    ) {
        let context = self.context(handle, key.len());
        let (expected, would_be) = worked(self.model.entry(key, context), &predict);
        let stores = matches!(
            expected,
            Answer::Stored(_)
                | Answer::Number(Some(_))
                | Answer::Flag(true)
                | Answer::Item(Some(_))
        );
        let expects = stores || self.excuses() > 0;
        assert!(expects, "{}: key {}: no room instead of {expected}", self.step, show(key));
        let nothing = |_: &mut Entry| Answer::Refused(answer::NO_ROOM);
        let (_, mut after) = worked(self.model.entry(key, context), nothing);
        if !self.looks_like(key, handle, &after) {
            let excuses = self.excuses();
            assert!(excuses > 0, "{}: key {}: gone, and no eviction", self.step, show(key));
            self.excused += 1;
            after = worked(self.model.entry_without_item(key, context), nothing).1;
        }
        after.counts_stores_of(&would_be);
        self.model.commit(key, after);
    }

    /// Whether the cache's item is as an operation is said to have left it.
    fn looks_like(&self, key: &[u8], handle: &Handle, after: &After) -> bool {
        let seen = handle.cache.item_info(key).map(|info| answer::info(&info, self.precision()));
        let expected = after.seen(self.context(handle, key.len())).map(|mut seen| {
            seen.value.clear();
            seen
        });
        Answer::Item(seen).agrees_with(&Answer::Item(expected))
    }

    fn context(&self, handle: &Handle, key_len: usize) -> Context {
        let info = &self.setting.geometry;
        Context {
            now: self.clock.as_ref().map_or(0, |clock| clock.elapsed().as_nanos() as u64),
            default_ttl: info.default_ttl,
            max_ttl: info.max_ttl,
            limit: handle.cache.max_value_len(key_len),
            counts: handle.counts,
        }
    }

    /// The end of a run: the cache counted what the model did.
    fn compare_tallies(&self) {
        let stats = self.handles[0].stats();
        let counted = [
            ("get_hits", stats.get_hits),
            ("get_misses", stats.get_misses),
            ("cmd_set", stats.cmd_set),
            ("delete_hits", stats.delete_hits),
            ("delete_misses", stats.delete_misses),
            ("incr_hits", stats.incr_hits),
            ("incr_misses", stats.incr_misses),
            ("decr_hits", stats.decr_hits),
            ("decr_misses", stats.decr_misses),
            ("cas_hits", stats.cas_hits),
            ("cas_misses", stats.cas_misses),
            ("cas_badval", stats.cas_badval),
            ("touch_hits", stats.touch_hits),
            ("touch_misses", stats.touch_misses),
            ("append_hits", stats.append_hits),
            ("append_misses", stats.append_misses),
            ("cmd_flush", stats.cmd_flush),
        ];
        for (name, count) in counted {
            assert_eq!(count, self.model.tally(name), "stats().{name}");
        }
        let unknown = self.model.tallied().find(|&name| counted.iter().all(|(n, _)| n != &name));
        assert_eq!(unknown, None, "a tally that is not compared");
    }
}

/// An operation's answer, and what it left.
fn worked(mut entry: Entry, predict: impl Fn(&mut Entry) -> Answer) -> (Answer, After) {
    let answer = predict(&mut entry);
    (answer, entry.finish())
}

/// A key, or its beginning.
fn show(key: &[u8]) -> String {
    let start = String::from_utf8_lossy(&key[..key.len().min(40)]).into_owned();
    format!("{start:?} of {} bytes", key.len())
}
