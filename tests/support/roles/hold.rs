//! Holds items in place and makes values in place, beside everything else.

use std::error::Error;

use hostcache::{Cache, Pin, PinError, SetOptions, WriteError};
use serde::{Deserialize, Serialize};

use super::churn::{expect, key_name};
use super::forks::{fork, join};
use super::{Outcome, Post};
use crate::board::{Board, Word};
use crate::random::Random;
use crate::value::{self, Id, Reading};

/// What a holder does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Holding {
    /// All operations, on keys that all workers share.
    Mixed,
    /// Pins every key there is, and keeps them until the board says stop.
    Keep,
    /// Makes a value in place until the board says stop, and publishes nothing.
    Reserve,
    /// Forks with a pin, which the child inherits.
    Inherit,
}

/// A worker that holds items.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hold {
    /// Where.
    pub post: Post,
    /// What.
    pub holding: Holding,
    /// The seed of the test.
    pub seed: u64,
    /// A number that no other worker of the test has: names its values.
    pub writer: u16,
    /// Keys, shared by all.
    pub keys: u32,
    /// Bytes of the largest value.
    pub largest: u64,
    /// Pins at once.
    pub pins: usize,
    /// Operations, unless the board says stop before; `None`: until it does.
    pub rounds: Option<u64>,
}

/// An item held in place, as it was when it was pinned.
struct Held {
    key: u32,
    id: Id,
    pin: Pin,
}

impl Held {
    fn new(key: u32, pin: Pin) -> Result<Self, Box<dyn Error>> {
        match value::read(&pin.to_vec(), key) {
            Reading::Genuine(id) => Ok(Self { key, id, pin }),
            reading => Err(format!("key {key:#x}: pinned {reading:x?}").into()),
        }
    }

    /// An error unless every byte is as it was.
    fn check(&self) -> Outcome {
        // SAFETY: all processes of the test use the library, which writes to no pinned item.
        expect(self.key, value::read(unsafe { self.pin.as_slice() }, self.key), Some(self.id))
    }
}

impl Hold {
    pub(super) fn play(&self) -> Outcome {
        let board = self.post.open_board()?;
        let cache = self.post.place.open()?;
        match self.holding {
            Holding::Mixed => self.mix(&cache, &board),
            Holding::Keep => self.keep(&cache, &board),
            Holding::Reserve => self.reserve(&cache, &board),
            Holding::Inherit => self.inherit(&cache, &board),
        }
    }

    fn mix(&self, cache: &Cache, board: &Board) -> Outcome {
        self.post.report_ready(board);
        board.wait_for_go();
        let lane = self.post.lane;
        let mut random = Random::salted(self.seed, u64::from(self.writer));
        let mut held: Vec<Held> = Vec::new();
        let (mut bytes, mut sequence) = (Vec::new(), 0);
        for _ in 0..self.rounds.unwrap_or(u64::MAX) {
            if board.is_stopped() {
                break;
            }
            let key = random.below(self.keys.into()) as u32;
            let draw = random.below(1000);
            if draw < 500 {
                sequence = sequence % 0xff_ffff + 1;
                let len = random.log_uniform(value::MIN_LEN as u64, self.largest) as usize;
                value::write(&mut bytes, value::id(self.writer, sequence), key, len);
            }
            match draw {
                0..380 => cache.set(key_name(key), &bytes)?,
                380..500 => make_in_place(cache, key, &bytes, draw < 460)?,
                500..600 => {
                    if cache.try_get_into(key_name(key), &mut bytes)? {
                        expect(key, value::read(&bytes, key), None)?;
                    }
                }
                600..680 => {
                    cache.delete(key_name(key))?;
                }
                680..681 if random.one_in(50) => cache.clear()?,
                _ => match cache.pin(key_name(key)) {
                    Ok(Some(pin)) => {
                        held.push(Held::new(key, pin)?);
                        board.count(lane, Word::Hits);
                    }
                    Ok(None) => {}
                    Err(PinError::OverBound { .. } | PinError::TooManyPins { .. }) => {
                        held.truncate(held.len() / 2);
                    }
                    Err(e) => return Err(e.into()),
                },
            }
            if held.len() > self.pins {
                let one = held.swap_remove(random.below(held.len() as u64) as usize);
                one.check()?;
            }
            if !held.is_empty() {
                random.pick(&held).check()?;
            }
            board.count(lane, Word::Progress);
        }
        held.iter().try_for_each(Held::check)?;
        drop(held);
        board.put(lane, Word::Finished, 1);
        Ok(())
    }

    fn keep(&self, cache: &Cache, board: &Board) -> Outcome {
        let mut held = Vec::new();
        for key in 0..self.keys {
            let pin = cache.pin(key_name(key))?.ok_or("a key is missing")?;
            held.push(Held::new(key, pin)?);
        }
        self.post.report_ready(board);
        while !board.is_stopped() {
            held.iter().try_for_each(Held::check)?;
            board.count(self.post.lane, Word::Progress);
        }
        held.iter().try_for_each(Held::check)
    }

    fn reserve(&self, cache: &Cache, board: &Board) -> Outcome {
        let mut made = cache.reserve(key_name(1), self.largest as usize, &SetOptions::new())?;
        made.write_at(0, b"begun")?;
        self.post.report_ready(board);
        while !board.is_stopped() {
            made.write_at(7, b"and going on")?;
            board.count(self.post.lane, Word::Progress);
        }
        Ok(())
    }

    /// The child reads what it inherited, lets go of it, and pins for itself; the parent's pin is none the worse.
    fn inherit(&self, cache: &Cache, board: &Board) -> Outcome {
        let mut bytes = Vec::new();
        value::write(&mut bytes, 1, 0, self.largest as usize);
        cache.set(key_name(0), &bytes)?;
        let held = Held::new(0, cache.pin(key_name(0))?.ok_or("just set")?)?;
        let mut made = cache.reserve(key_name(1), 3000, &SetOptions::new())?;
        made.write_at(0, b"by the parent")?;
        let mut inherited = Some((held, made));
        let child = fork(|| {
            let (held, mut made) = inherited.take().ok_or("moved once")?;
            held.check()?;
            if !held.pin.is_inherited() {
                return Err("a child takes its parent's pin for its own".into());
            }
            drop(held);
            if !matches!(made.write_at(0, b"x"), Err(WriteError::ReservationLost { .. })) {
                return Err("a child writes into its parent's reservation".into());
            }
            drop(made);
            let own = Held::new(0, cache.pin(key_name(0))?.ok_or("the parent's item is gone")?)?;
            if own.pin.is_inherited() {
                return Err("a child takes its own pin for its parent's".into());
            }
            own.check()
        })?;
        join(child)?;
        let (held, made) = inherited.ok_or("the parent's own")?;
        // The child is gone without a word; its own pin is recovered.
        cache.maintain(&hostcache::MaintenanceBudget::default())?;
        if cache.stats().pins != 1 {
            return Err(format!("{} pins, one is the parent's", cache.stats().pins).into());
        }
        cache.delete(key_name(0))?;
        for round in 0..2 * cache.capacity() / self.largest {
            cache.set(round.to_be_bytes(), &bytes)?;
        }
        held.check()?;
        made.publish()?;
        let published = cache.get(key_name(1)).ok_or("just published")?;
        if published.len() != 3000 || !published.starts_with(b"by the parent\0") {
            return Err("another value was published".into());
        }
        drop(held);
        board.put(self.post.lane, Word::Finished, 1);
        Ok(())
    }
}

/// Reserves, fills and publishes, or gives back.
fn make_in_place(cache: &Cache, key: u32, bytes: &[u8], publish: bool) -> Outcome {
    let mut made = match cache.reserve(key_name(key), bytes.len(), &SetOptions::new()) {
        Ok(made) => made,
        // So many are pinned just now.
        Err(WriteError::OverBound { .. }) => return Ok(()),
        Err(e) => return Err(e.into()),
    };
    let (first, second) = bytes.split_at(bytes.len() / 3);
    made.write_at(first.len(), second)?;
    made.write_at(0, first)?;
    if publish && !made.publish()?.is_stored() {
        return Err("an unconditional store was refused".into());
    }
    Ok(())
}
