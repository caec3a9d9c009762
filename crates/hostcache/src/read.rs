//! Reading.
//!
//! All of this is lock-free, copies out and validates: a value is exactly the bytes of one `set` of exactly this key,
//! or a miss. A reader writes nothing but a saturating use mark and its own counters; a read-only
//! handle writes nothing at all, and its reads are not counted.

use std::cell::Cell;

use hostcache_core::layout::MAX_KEY_LEN;
use hostcache_core::{Counter, Exhausted, Got, IntoSlice, IntoVec, SAMPLED, Sink, Value};

use crate::{Cache, Item, ItemInfo, ReadError};

impl Cache {
    /// The value of a key, copied out; `None` is a miss.
    ///
    /// Where a read is impossible (a corrupt region, an invalid key), this is a miss, too;
    /// [`Cache::try_get`] tells them apart.
    #[inline]
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<Vec<u8>> {
        self.try_get(key).unwrap_or(None)
    }

    /// Replaces the contents of `buf` by the value; false, and an empty `buf`, on a miss.
    #[inline]
    pub fn get_into(&self, key: impl AsRef<[u8]>, buf: &mut Vec<u8>) -> bool {
        let key = key.as_ref();
        let hit = match self.read_quickly(key, &mut IntoVec(buf)) {
            Some(hit) => hit.is_some(),
            None => matches!(self.read_slowly(key, &mut IntoVec(buf)), Ok(Some(()))),
        };
        if !hit {
            buf.clear();
        }
        hit
    }

    /// Copies as much of the value as fits, and returns its full length; `None` is a miss, after which the contents of
    /// `buf` are unspecified.
    #[inline]
    pub fn get_slice(&self, key: impl AsRef<[u8]>, buf: &mut [u8]) -> Option<usize> {
        let key = key.as_ref();
        match self.read_quickly(key, &mut IntoSlice(buf)) {
            Some(len) => len,
            None => self.read_slowly(key, &mut IntoSlice(buf)).unwrap_or(None),
        }
    }

    /// Value, flags, encoding, token and remaining TTL, all of one instant.
    pub fn get_item(&self, key: impl AsRef<[u8]>) -> Option<Item> {
        self.try_get_item(key).unwrap_or(None)
    }

    /// As [`Cache::get_item`], without the value. Counts as no get, and as no use.
    pub fn item_info(&self, key: impl AsRef<[u8]>) -> Option<ItemInfo> {
        self.peek(key.as_ref(), &mut |value: &Value<'_>| self.info_of(value)).unwrap_or(None)
    }

    /// Whether a key is present. Counts as no get, and as no use.
    pub fn contains(&self, key: impl AsRef<[u8]>) -> bool {
        self.try_contains(key).unwrap_or(false)
    }

    /// [`Cache::get`] that tells a miss from a failure.
    ///
    /// # Errors
    ///
    /// An invalid key, or a region that contradicts itself.
    #[inline]
    pub fn try_get(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, ReadError> {
        let mut bytes = Vec::new();
        let hit = self.read(key.as_ref(), &mut IntoVec(&mut bytes))?;
        Ok(hit.map(|()| bytes))
    }

    /// [`Cache::get_into`] that tells a miss from a failure.
    ///
    /// # Errors
    ///
    /// As [`Cache::try_get`].
    #[inline]
    pub fn try_get_into(
        &self,
        key: impl AsRef<[u8]>,
        buf: &mut Vec<u8>,
    ) -> Result<bool, ReadError> {
        let hit = self.read(key.as_ref(), &mut IntoVec(buf));
        if !matches!(hit, Ok(Some(()))) {
            buf.clear();
        }
        Ok(hit?.is_some())
    }

    /// [`Cache::get_slice`] that tells a miss from a failure.
    ///
    /// # Errors
    ///
    /// As [`Cache::try_get`].
    #[inline]
    pub fn try_get_slice(
        &self,
        key: impl AsRef<[u8]>,
        buf: &mut [u8],
    ) -> Result<Option<usize>, ReadError> {
        Ok(self.read(key.as_ref(), &mut IntoSlice(buf))?)
    }

    /// [`Cache::get_item`] that tells a miss from a failure.
    ///
    /// # Errors
    ///
    /// As [`Cache::try_get`].
    pub fn try_get_item(&self, key: impl AsRef<[u8]>) -> Result<Option<Item>, ReadError> {
        let item = self.read(key.as_ref(), &mut |value: &Value<'_>| {
            let mut bytes = Vec::new();
            value.copy_to_vec(&mut bytes);
            Item { value: bytes, info: self.info_of(value) }
        });
        Ok(item?)
    }

    /// [`Cache::contains`] that tells a miss from a failure.
    ///
    /// # Errors
    ///
    /// As [`Cache::try_get`].
    pub fn try_contains(&self, key: impl AsRef<[u8]>) -> Result<bool, ReadError> {
        Ok(self.peek(key.as_ref(), &mut |_: &Value<'_>| ())?.is_some())
    }

    /// A counted read.
    #[inline(always)]
    pub(crate) fn read<S: Sink>(
        &self,
        key: &[u8],
        sink: &mut S,
    ) -> Result<Option<S::Taken>, Box<ReadError>> {
        match self.read_quickly(key, sink) {
            Some(answer) => Ok(answer),
            None => self.read_slowly(key, sink),
        }
    }

    /// A counted read of what is nearly always met, on the seat used last. `None`: take the long way.
    #[inline(always)]
    pub(crate) fn read_quickly<S: Sink>(
        &self,
        key: &[u8],
        sink: &mut S,
    ) -> Option<Option<S::Taken>> {
        if !is_valid_key(key) {
            return None;
        }
        self.shared.with_last_ticket(|attachment, ticket| {
            let region = &attachment.region;
            // Counted in each branch, so that nothing has to be carried to the other end.
            Some(match region.get_quickly(attachment, key, sink)? {
                Some(taken) => {
                    let count = ticket.tally(region, Counter::GetHits);
                    if count.is_multiple_of(64) {
                        self.after_many_hits(key, count);
                    }
                    Some(taken)
                }
                None => {
                    let count = ticket.tally(region, Counter::GetMisses);
                    self.shared.keep_up_now_and_then(count);
                    None
                }
            })
        })
    }

    /// What a hit has no time for.
    #[cold]
    #[inline(never)]
    fn after_many_hits(&self, key: &[u8], count: u64) {
        if count.is_multiple_of(SAMPLED) {
            // The seat is looked for once more, so that a hit need not keep it at hand.
            self.shared.with_last_ticket(|attachment, ticket| {
                attachment.region.sample_hit(ticket, key, count);
                Some(())
            });
        }
        self.shared.keep_up();
    }

    /// A counted read of whatever is met. The error is boxed to keep the answer small.
    #[cold]
    #[inline(never)]
    fn read_slowly<S: Sink>(
        &self,
        key: &[u8],
        sink: &mut S,
    ) -> Result<Option<S::Taken>, Box<ReadError>> {
        if !is_valid_key(key) {
            return Err(self.invalid_key(key));
        }
        if !self.shared.is_writable() {
            return self.peek(key, sink);
        }
        let result = self.shared.with_lane(|attachment, lane| {
            let region = &attachment.region;
            let got = region.get(attachment, key, true, sink);
            let counter = match &got {
                Ok(Got::Hit(_)) => Counter::GetHits,
                Ok(Got::Miss) => Counter::GetMisses,
                Ok(Got::Expired) => Counter::GetExpired,
                Err(Exhausted) => return got,
            };
            lane.tally(region, counter);
            got
        });
        match result {
            Ok(Err(Exhausted)) => self.read_held(key, sink),
            Ok(got) => self.answer(got),
            // No lane: the read itself needs none.
            Err(_) => self.peek(key, sink),
        }
    }

    /// A counted read of an item that was replaced during several copies: it is held in place, and copied once. Where it
    /// can't be held, the read goes on as others do.
    #[cold]
    fn read_held<S: Sink>(
        &self,
        key: &[u8],
        sink: &mut S,
    ) -> Result<Option<S::Taken>, Box<ReadError>> {
        if let Ok(pin) = self.pin(key) {
            return Ok(pin.and_then(|pin| pin.value().map(|value| sink.take(&value))));
        }
        let read = self.peek(key, sink);
        let counter = match &read {
            Ok(Some(_)) => Counter::GetHits,
            Ok(None) => Counter::GetMisses,
            Err(_) => Counter::GetContended,
        };
        // Without a lane it is not counted.
        let _ = self.shared.with_lane(|attachment, lane| lane.tally(&attachment.region, counter));
        read
    }

    /// A read that leaves no trace.
    fn peek<S: Sink>(&self, key: &[u8], sink: &mut S) -> Result<Option<S::Taken>, Box<ReadError>> {
        if !is_valid_key(key) {
            return Err(self.invalid_key(key));
        }
        let attached = || self.shared.attached().map_err(|e| ReadError::Attach(Box::new(e)));
        let attachment = attached()?;
        let host = &**attachment;
        let answer = self.answer(host.region.get(host, key, false, sink))?;
        if answer.is_some() {
            self.shared.keep_up_now_and_then(next_peek());
        } else if self.shared.keep_up() {
            let host = &**attached()?;
            return self.answer(host.region.get(host, key, false, sink));
        }
        Ok(answer)
    }

    fn answer<T>(&self, got: Result<Got<T>, Exhausted>) -> Result<Option<T>, Box<ReadError>> {
        match got {
            Ok(Got::Hit(value)) => Ok(Some(value)),
            Ok(Got::Miss | Got::Expired) => Ok(None),
            Err(Exhausted) => Err(self.contended()),
        }
    }

    /// What is known of an item that is being read. The clock is looked at only if the item has a deadline.
    pub(crate) fn info_of(&self, value: &Value<'_>) -> ItemInfo {
        let head = value.head();
        ItemInfo::of(&head, head.deadline.map_or(0, |_| self.clock.coarse_ms()))
    }

    #[cold]
    fn contended(&self) -> Box<ReadError> {
        Box::new(ReadError::Contended { region: self.name().to_owned() })
    }

    #[cold]
    fn invalid_key(&self, key: &[u8]) -> Box<ReadError> {
        Box::new(ReadError::InvalidKey { region: self.name().to_owned(), len: key.len() })
    }
}

thread_local! {
    static PEEKS: Cell<u64> = const { Cell::new(0) };
}

/// Counts the reads of this thread that leave no trace.
fn next_peek() -> u64 {
    let next = PEEKS.get().wrapping_add(1);
    PEEKS.set(next);
    next
}

/// Whether a key has a length that is allowed.
#[inline(always)]
pub(crate) fn is_valid_key(key: &[u8]) -> bool {
    key.len().wrapping_sub(1) < MAX_KEY_LEN
}
