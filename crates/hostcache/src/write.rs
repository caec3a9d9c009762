//! Writing.
//!
//! Every operation on a key is linearizable over all processes and lock-free: it goes round again only because another
//! one succeeded.

use hostcache_core::layout::MAX_KEY_LEN;
use hostcache_core::{
    self as core, Arithmetic, Counted, Deadline, Deleted, Failure, Session, SetRequest,
};

use crate::attachment::Attachment;
use crate::{
    Cache, CasToken, Condition, CounterOptions, Lifetime, SetOptions, SetOutcome, WriteError,
};

impl Cache {
    /// Stores a value, whatever was there.
    ///
    /// # Errors
    ///
    /// An invalid key, a value over the limit, [`WriteError::NoRoom`] (see there), a read-only handle, a corrupt
    /// region.
    #[inline]
    pub fn set(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), WriteError> {
        self.set_with(key, value, &SetOptions::default()).map(|_| ())
    }

    /// Stores a value with a lifetime, flags, an encoding, or under a condition.
    ///
    /// # Errors
    ///
    /// As [`Cache::set`]; an unmet condition is no error but an outcome.
    #[inline]
    pub fn set_with(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        options: &SetOptions,
    ) -> Result<SetOutcome, WriteError> {
        let (key, value) = (key.as_ref(), value.as_ref());
        let request = SetRequest {
            value,
            flags: options.flags,
            encoding: options.encoding,
            deadline: self.deadline(options.lifetime),
            condition: match options.condition {
                Condition::Always => core::Condition::Always,
                Condition::IfAbsent => core::Condition::IfAbsent,
                Condition::IfPresent => core::Condition::IfPresent,
                Condition::IfToken(CasToken(token)) => core::Condition::IfToken(token),
            },
        };
        let outcome = self.write(key, value.len(), |session| session.set(key, &request))?;
        Ok(match outcome {
            core::SetOutcome::Stored(token) => SetOutcome::Stored(CasToken(token)),
            core::SetOutcome::Exists => SetOutcome::Exists,
            core::SetOutcome::Missing => SetOutcome::Missing,
            core::SetOutcome::TokenMismatch => SetOutcome::TokenMismatch,
        })
    }

    /// Stores a value only if the key is absent; false if it is present.
    ///
    /// # Errors
    ///
    /// As [`Cache::set`].
    pub fn add(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<bool, WriteError> {
        let options = SetOptions::new().only_if_absent();
        Ok(self.set_with(key, value, &options)?.is_stored())
    }

    /// Stores a value only if the key is present; false if it is absent.
    ///
    /// # Errors
    ///
    /// As [`Cache::set`].
    pub fn replace(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<bool, WriteError> {
        let options = SetOptions::new().only_if_present();
        Ok(self.set_with(key, value, &options)?.is_stored())
    }

    /// Stores a value only if the item still carries the token that a [`Cache::get_item`] gave.
    ///
    /// # Errors
    ///
    /// As [`Cache::set`].
    pub fn compare_and_swap(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        token: CasToken,
    ) -> Result<SetOutcome, WriteError> {
        self.set_with(key, value, &SetOptions::new().only_if_token(token))
    }

    /// Adds to a counter, wrapping at 2^64; `None`: no such key.
    ///
    /// # Errors
    ///
    /// [`WriteError::NotANumber`]; else as [`Cache::set`].
    pub fn increment(&self, key: impl AsRef<[u8]>, by: u64) -> Result<Option<u64>, WriteError> {
        self.increment_with(key, by, &CounterOptions::new())
    }

    /// Subtracts from a counter, stopping at 0; `None`: no such key.
    ///
    /// # Errors
    ///
    /// As [`Cache::increment`].
    pub fn decrement(&self, key: impl AsRef<[u8]>, by: u64) -> Result<Option<u64>, WriteError> {
        self.decrement_with(key, by, &CounterOptions::new())
    }

    /// [`Cache::increment`] with an initial value for a missing key.
    ///
    /// # Errors
    ///
    /// As [`Cache::increment`].
    pub fn increment_with(
        &self,
        key: impl AsRef<[u8]>,
        by: u64,
        options: &CounterOptions,
    ) -> Result<Option<u64>, WriteError> {
        self.count(key.as_ref(), Arithmetic::Increment(by), options)
    }

    /// [`Cache::decrement`] with an initial value for a missing key.
    ///
    /// # Errors
    ///
    /// As [`Cache::increment`].
    pub fn decrement_with(
        &self,
        key: impl AsRef<[u8]>,
        by: u64,
        options: &CounterOptions,
    ) -> Result<Option<u64>, WriteError> {
        self.count(key.as_ref(), Arithmetic::Decrement(by), options)
    }

    fn count(
        &self,
        key: &[u8],
        arithmetic: Arithmetic,
        options: &CounterOptions,
    ) -> Result<Option<u64>, WriteError> {
        let deadline = self.absolute(options.lifetime);
        let counted = self
            .write(key, 0, |session| session.count(key, arithmetic, options.initial, deadline))?;
        Ok(match counted {
            Counted::Value(value) => Some(value),
            Counted::Missing => None,
        })
    }

    /// Gives an item a new lifetime, its value and token unchanged; false: no such key. [`Lifetime::Keep`] changes
    /// nothing.
    ///
    /// # Errors
    ///
    /// As [`Cache::set`]: the item is copied.
    pub fn touch(&self, key: impl AsRef<[u8]>, lifetime: Lifetime) -> Result<bool, WriteError> {
        let key = key.as_ref();
        if lifetime == Lifetime::Keep {
            self.check_write(key, 0)?;
            return Ok(self.contains(key));
        }
        let deadline = self.absolute(lifetime);
        self.write(key, 0, |session| session.touch(key, deadline))
    }

    /// Ends a key's item; whether there was one.
    ///
    /// # Errors
    ///
    /// An invalid key, a read-only handle, a corrupt region.
    #[inline]
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Result<bool, WriteError> {
        let key = key.as_ref();
        let deleted = self.write(key, 0, |session| session.delete(key))?;
        Ok(deleted == Deleted::Gone)
    }

    /// Ends every item, at one instant, in O(1): their memory comes back as it is needed, or by maintenance.
    ///
    /// # Errors
    ///
    /// A read-only handle, a corrupt region.
    pub fn clear(&self) -> Result<(), WriteError> {
        self.write(b"-", 0, |session| session.clear())
    }

    fn absolute(&self, lifetime: Lifetime) -> Option<u64> {
        match self.deadline(lifetime) {
            Deadline::At(deadline) | Deadline::Keep(deadline) => deadline,
        }
    }

    #[inline]
    pub(crate) fn write<T>(
        &self,
        key: &[u8],
        value_len: usize,
        operation: impl FnOnce(&mut Session<'_, Attachment>) -> Result<T, Failure>,
    ) -> Result<T, WriteError> {
        self.check_write(key, value_len)?;
        let result = self.shared.with_lane(|attachment, lane| {
            let limit = attachment.geometry().max_value_len(key.len());
            if value_len as u64 > limit {
                return Err(WriteError::TooLarge {
                    region: self.name().to_owned(),
                    len: value_len,
                    limit: limit as usize,
                });
            }
            operation(&mut Session::new(&attachment.region, lane, attachment))
                .map_err(|failure| self.explain(attachment, failure, key.len() + value_len))
        });
        result.unwrap_or_else(|error| Err(WriteError::Attach(error)))
    }

    #[inline]
    fn check_write(&self, key: &[u8], _value_len: usize) -> Result<(), WriteError> {
        if key.is_empty() || key.len() > MAX_KEY_LEN {
            return Err(WriteError::InvalidKey { region: self.name().to_owned(), len: key.len() });
        }
        if !self.shared.is_writable() {
            return Err(WriteError::ReadOnly { region: self.name().to_owned() });
        }
        Ok(())
    }

    #[cold]
    fn explain(&self, attachment: &Attachment, failure: Failure, bytes: usize) -> WriteError {
        let region = self.name().to_owned();
        match failure {
            Failure::NotANumber => WriteError::NotANumber { region },
            Failure::TooLarge { len, limit } => {
                WriteError::TooLarge { region, len: len as usize, limit: limit as usize }
            }
            Failure::NoRoom => WriteError::NoRoom {
                region,
                needed: bytes as u64 + 40,
                held: attachment.region.held_bytes(),
                pinned: 0,
            },
            _ => WriteError::Corrupt { region, detail: "an operation met its step bound".into() },
        }
    }
}
