//! The recorded workload: random operations on a few hot and many cold keys, each one logged.
//!
//! Every `counter_every`-th key is a counter, the others hold self-checking values of many lengths.
//! Swaps use tokens of values read before, some of them long ago, so that many are out of date.

use std::time::Duration;

use hostcache::{CasToken, Lifetime, SetOutcome};
use serde::{Deserialize, Serialize};

use crate::chain;
use crate::history::{ALL_KEYS, Call, Log, Outcome};
use crate::random::Random;
use crate::store::{Refused, Store};
use crate::value::{self, Id, Reading};

/// Tokens that a worker keeps for later swaps.
const TOKENS: usize = 16;

/// Largest addend: counters stay far from the start of the next one.
const LARGEST_ADDEND: u64 = 8;

/// Errors that a worker prints before it only counts them.
const SHOWN_ERRORS: u32 = 5;

/// What the operations are drawn from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Mix {
    /// Keys that get most of the operations, numbered from 0.
    pub hot_keys: u32,
    /// Keys after them.
    pub cold_keys: u32,
    /// Of 100 operations, those on hot keys.
    pub hot_percent: u64,
    /// Every so many keys one is a counter.
    pub counter_every: u32,
    /// Every so many keys, another one than the counter holds a value that grows at both ends; 0 for none.
    pub chain_every: u32,
    /// Whether counters are only read and counted up, so that their sums can be told.
    pub counters_only_grow: bool,
    /// One operation in so many is a `clear`; 0 for none.
    pub clear_one_in: u64,
    /// Bytes of the largest value.
    pub largest_value: u64,
}

impl Mix {
    /// Number of keys.
    #[must_use]
    pub fn keys(&self) -> u32 {
        self.hot_keys + self.cold_keys
    }

    /// Whether the key with this number is a counter.
    #[must_use]
    pub fn is_counter(&self, key: u32) -> bool {
        key.is_multiple_of(self.counter_every)
    }

    /// Whether the key with this number holds a value that grows at both ends.
    #[must_use]
    pub fn is_chain(&self, key: u32) -> bool {
        self.chain_every > 0 && key % self.chain_every == 1 && !self.is_counter(key)
    }
}

/// The log is full.
#[derive(Debug, Clone, Copy)]
pub struct LogFull;

/// One worker at its workload.
#[derive(Debug)]
pub struct Driver<'a, S> {
    store: &'a S,
    mix: Mix,
    log: Log,
    worker: u16,
    written: u32,
    random: Random,
    tokens: Vec<(u32, Id, CasToken)>,
    key: Vec<u8>,
    value: Vec<u8>,
    errors: u32,
}

impl<'a, S: Store> Driver<'a, S> {
    /// A worker whose number no other one of the campaign has.
    pub fn new(store: &'a S, mix: Mix, log: Log, worker: u16, seed: u64) -> Self {
        Self {
            store,
            mix,
            log,
            worker,
            written: 0,
            random: Random::salted(seed, u64::from(worker)),
            tokens: Vec::with_capacity(TOKENS),
            key: Vec::new(),
            value: Vec::new(),
            errors: 0,
        }
    }

    /// Gives the log back.
    #[must_use]
    pub fn into_log(self) -> Log {
        self.log
    }

    /// One operation, drawn at random.
    pub fn step(&mut self) -> Result<(), LogFull> {
        if self.mix.clear_one_in > 0 && self.random.one_in(self.mix.clear_one_in) {
            return self.clear();
        }
        let key = self.draw_key();
        let draw = self.random.below(100);
        if self.mix.is_chain(key) {
            match draw {
                0..20 => self.get(key),
                20..25 => self.get_with_token(key),
                25..60 => self.extend(key),
                60..68 => self.set(key),
                68..78 => self.add(key),
                78..82 => self.delete(key),
                82..88 => self.take(key),
                88..94 => self.touch(key),
                _ => self.swap_some(key),
            }
        } else if !self.mix.is_counter(key) {
            match draw {
                0..24 => self.get(key),
                24..32 => self.get_with_token(key),
                32..46 => self.set(key),
                46..60 => self.add(key),
                60..69 => self.delete(key),
                69..78 => self.take(key),
                78..86 => self.touch(key),
                _ => self.swap_some(key),
            }
        } else if self.mix.counters_only_grow {
            match draw {
                0..30 => self.get(key),
                30..40 => self.touch(key),
                _ => self.increment(key),
            }
        } else {
            match draw {
                0..16 => self.get(key),
                16..23 => self.get_with_token(key),
                23..66 => self.increment(key),
                66..73 => self.set(key),
                73..81 => self.add(key),
                81..85 => self.delete(key),
                85..89 => self.take(key),
                89..93 => self.touch(key),
                _ => self.swap_some(key),
            }
        }
    }

    /// Reads.
    pub fn get(&mut self, key: u32) -> Result<(), LogFull> {
        self.name(key);
        let ticket = self.log.begin(key, Call::Get).ok_or(LogFull)?;
        let answer = self.store.get(&self.key, &mut self.value);
        let outcome = self.outcome_of_get(key, answer);
        self.log.end(ticket, outcome);
        Ok(())
    }

    /// Stores a new value.
    pub fn set(&mut self, key: u32) -> Result<(), LogFull> {
        let new = self.new_value(key);
        let ticket = self.log.begin(key, Call::Set { new }).ok_or(LogFull)?;
        let answer = self.store.set(&self.key, &self.value);
        let outcome = self.done(answer, |()| Outcome::Done);
        self.log.end(ticket, outcome);
        Ok(())
    }

    fn get_with_token(&mut self, key: u32) -> Result<(), LogFull> {
        self.name(key);
        let ticket = self.log.begin(key, Call::Get).ok_or(LogFull)?;
        let answer = self.store.get_with_token(&self.key, &mut self.value);
        let token = answer.as_ref().ok().copied().flatten();
        let outcome = self.outcome_of_get(key, answer.map(|token| token.is_some()));
        self.log.end(ticket, outcome);
        if let (Some(token), Outcome::Value(id)) = (token, outcome) {
            self.keep(key, id, token);
        }
        Ok(())
    }

    fn add(&mut self, key: u32) -> Result<(), LogFull> {
        let new = self.new_value(key);
        let ticket = self.log.begin(key, Call::Add { new }).ok_or(LogFull)?;
        let answer = self.store.add(&self.key, &self.value);
        let outcome =
            self.done(answer, |added| if added { Outcome::Done } else { Outcome::Present });
        self.log.end(ticket, outcome);
        Ok(())
    }

    fn delete(&mut self, key: u32) -> Result<(), LogFull> {
        self.name(key);
        let ticket = self.log.begin(key, Call::Delete).ok_or(LogFull)?;
        let answer = self.store.delete(&self.key);
        let outcome = self.done(answer, |gone| if gone { Outcome::Done } else { Outcome::Absent });
        self.log.end(ticket, outcome);
        Ok(())
    }

    /// Swaps with a token kept from an earlier read; without one, reads `key` to have one.
    fn swap_some(&mut self, key: u32) -> Result<(), LogFull> {
        if self.tokens.is_empty() {
            return self.get_with_token(key);
        }
        let at = self.random.below(self.tokens.len() as u64) as usize;
        let (key, expected, token) = self.tokens[at];
        // Some tokens are used again: they are out of date after the first success.
        if !self.random.one_in(4) {
            self.tokens.swap_remove(at);
        }
        let new = self.new_value(key);
        let ticket = self.log.begin(key, Call::Swap { expected, new }).ok_or(LogFull)?;
        let answer = self.store.swap(&self.key, &self.value, token);
        let mut stored = None;
        let outcome = self.done(answer, |outcome| match outcome {
            SetOutcome::Stored(token) => {
                stored = Some(token);
                Outcome::Done
            }
            SetOutcome::Missing => Outcome::Absent,
            SetOutcome::TokenMismatch => Outcome::Present,
            _ => Outcome::Failed,
        });
        self.log.end(ticket, outcome);
        if let Some(token) = stored.filter(|_| self.random.one_in(2)) {
            self.keep(key, new, token);
        }
        Ok(())
    }

    fn increment(&mut self, key: u32) -> Result<(), LogFull> {
        self.name(key);
        let by = self.random.between(1, LARGEST_ADDEND);
        let ticket = self.log.begin(key, Call::Increment { by }).ok_or(LogFull)?;
        let answer = self.store.increment(&self.key, by);
        let outcome = self.done(answer, |sum| sum.map_or(Outcome::Absent, Outcome::Value));
        self.log.end(ticket, outcome);
        Ok(())
    }

    fn extend(&mut self, key: u32) -> Result<(), LogFull> {
        let at_front = self.random.one_in(4);
        let new = self.next_id();
        self.name(key);
        chain::write(&mut self.value, new, key);
        let ticket = self.log.begin(key, Call::Extend { new, at_front }).ok_or(LogFull)?;
        let answer = self.store.extend(&self.key, &self.value, at_front);
        let outcome = self.done(answer, |len| match len {
            None => Outcome::Absent,
            Some(len) if len % chain::RECORD == 0 => Outcome::Value((len / chain::RECORD) as u64),
            Some(_) => Outcome::Torn,
        });
        self.log.end(ticket, outcome);
        Ok(())
    }

    fn take(&mut self, key: u32) -> Result<(), LogFull> {
        self.name(key);
        let ticket = self.log.begin(key, Call::Take).ok_or(LogFull)?;
        let answer = self.store.take(&self.key, &mut self.value);
        let outcome = self.outcome_of_get(key, answer);
        self.log.end(ticket, outcome);
        Ok(())
    }

    /// Lifetimes so long that nothing expires, but different ones, so that the item is stored anew.
    fn touch(&mut self, key: u32) -> Result<(), LogFull> {
        self.name(key);
        let lifetime = match self.random.below(4) {
            0 => Lifetime::Forever,
            hours => Lifetime::Ttl(Duration::from_secs(hours * 3_600)),
        };
        let ticket = self.log.begin(key, Call::Touch).ok_or(LogFull)?;
        let answer = self.store.get_and_touch(&self.key, lifetime, &mut self.value);
        let outcome = self.outcome_of_get(key, answer);
        self.log.end(ticket, outcome);
        Ok(())
    }

    fn clear(&mut self) -> Result<(), LogFull> {
        let ticket = self.log.begin(ALL_KEYS, Call::Clear).ok_or(LogFull)?;
        let answer = self.store.clear();
        let outcome = self.done(answer, |()| Outcome::Done);
        self.log.end(ticket, outcome);
        Ok(())
    }

    fn draw_key(&mut self) -> u32 {
        if self.mix.cold_keys == 0 || self.random.percent(self.mix.hot_percent) {
            // The lesser of three: some keys are hotter than the others, so that operations meet.
            let hot = u64::from(self.mix.hot_keys);
            (0..3).map(|_| self.random.below(hot) as u32).min().unwrap_or(0)
        } else {
            self.mix.hot_keys + self.random.below(u64::from(self.mix.cold_keys)) as u32
        }
    }

    /// Writes the key's name.
    fn name(&mut self, key: u32) {
        self.key.clear();
        self.key.extend_from_slice(b"key-");
        self.key.extend_from_slice(&key.to_be_bytes());
    }

    /// Writes the key's name and a value for it that was never written before; says what names it.
    fn new_value(&mut self, key: u32) -> Id {
        self.name(key);
        let id = self.next_id();
        if self.mix.is_chain(key) {
            chain::write(&mut self.value, id, key);
            return chain::name(id);
        }
        if self.mix.is_counter(key) {
            let start = value::counter_start(id);
            self.value.clear();
            self.value.extend_from_slice(start.to_string().as_bytes());
            return start;
        }
        let len = self.random.log_uniform(value::MIN_LEN as u64, self.mix.largest_value);
        value::write(&mut self.value, id, key, len as usize);
        id
    }

    fn next_id(&mut self) -> Id {
        self.written += 1;
        value::id(self.worker, self.written)
    }

    fn keep(&mut self, key: u32, id: Id, token: CasToken) {
        if self.tokens.len() < TOKENS {
            self.tokens.push((key, id, token));
        } else {
            *self.random.pick_mut(&mut self.tokens) = (key, id, token);
        }
    }

    fn outcome_of_get(&mut self, key: u32, answer: Result<bool, Refused>) -> Outcome {
        let hit = match answer {
            Ok(hit) => hit,
            Err(e) => return self.fail(&e),
        };
        if !hit {
            Outcome::Absent
        } else if self.mix.is_counter(key) {
            value::read_counter(&self.value).map_or(Outcome::Torn, Outcome::Value)
        } else {
            let reading = match self.mix.is_chain(key) {
                true => chain::read(&self.value, key),
                false => value::read(&self.value, key),
            };
            match reading {
                Reading::Genuine(id) => Outcome::Value(id),
                Reading::Foreign(id) => Outcome::Foreign(id),
                Reading::Torn => Outcome::Torn,
            }
        }
    }

    fn done<T>(&mut self, answer: Result<T, Refused>, then: impl FnOnce(T) -> Outcome) -> Outcome {
        match answer {
            Ok(answer) => then(answer),
            Err(e) => self.fail(&e),
        }
    }

    fn fail(&mut self, error: &str) -> Outcome {
        self.errors += 1;
        if self.errors <= SHOWN_ERRORS {
            eprintln!("worker {}: {error}", self.worker);
        }
        Outcome::Failed
    }
}
