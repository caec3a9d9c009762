//! The recorded workload: random operations on a few hot and many cold keys, each one logged.
//!
//! Every `counter_every`-th key is a counter, the others hold self-checking values of many lengths.
//! Swaps use tokens of values read before, some of them long ago, so that many are out of date.

use hostcache::{CasToken, SetOutcome};
use serde::{Deserialize, Serialize};

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
        if !self.mix.is_counter(key) {
            match draw {
                0..30 => self.get(key),
                30..40 => self.get_with_token(key),
                40..55 => self.set(key),
                55..70 => self.add(key),
                70..86 => self.delete(key),
                _ => self.swap_some(key),
            }
        } else if self.mix.counters_only_grow {
            if draw < 40 { self.get(key) } else { self.increment(key) }
        } else {
            match draw {
                0..20 => self.get(key),
                20..28 => self.get_with_token(key),
                28..73 => self.increment(key),
                73..80 => self.set(key),
                80..88 => self.add(key),
                88..93 => self.delete(key),
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
        self.written += 1;
        let id = value::id(self.worker, self.written);
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
            match value::read(&self.value, key) {
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
