//! Writing.
//!
//! Every operation on a key is linearizable over all processes and lock-free: it goes round again only because another
//! one succeeded.

use hostcache_core::{
    Arithmetic, Counted, Deadline, Deleted, Failure, Initial, Session, SetRequest,
};

use crate::attachment::Attachment;
use crate::read::is_valid_key;
use crate::{Cache, CasToken, CounterOptions, Lifetime, SetOptions, SetOutcome, WriteError};

impl Cache {
    /// Stores a value, whatever was there.
    ///
    /// # Errors
    ///
    /// An invalid key, a value over the limit, [`WriteError::NoRoom`] (see there), a read-only handle, a corrupt
    /// region.
    #[inline]
    pub fn set(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), WriteError> {
        let (key, value) = (key.as_ref(), value.as_ref());
        let options = SetOptions::default();
        match self.store_quickly(key, &self.request(value, &options)) {
            Some(_) => Ok(()),
            None => self.set_slowly(key, value),
        }
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
        match self.store_quickly(key, &self.request(value, options)) {
            Some(token) => Ok(SetOutcome::Stored(CasToken(token))),
            None => self.store_slowly(key, value, options),
        }
    }

    #[inline(always)]
    fn request<'a>(&self, value: &'a [u8], options: &SetOptions) -> SetRequest<'a> {
        SetRequest {
            value,
            flags: options.flags,
            encoding: options.encoding,
            deadline: self.deadline(options.lifetime),
            condition: options.condition.into(),
        }
    }

    /// What is nearly always met, on the seat used last: a value for a key that has one; its token. `None`: nothing has
    /// happened.
    #[inline(always)]
    fn store_quickly(&self, key: &[u8], request: &SetRequest<'_>) -> Option<u64> {
        if !is_valid_key(key) {
            return None;
        }
        self.shared.with_last_current_lane(|attachment, lane| {
            if !attachment.geometry().holds_any_key_with(request.value.len()) {
                return None;
            }
            let token =
                Session::new(&attachment.region, lane, attachment).set_quickly(key, request)?;
            self.shared.keep_up_now_and_then(token);
            Some(token)
        })
    }

    #[inline(never)]
    fn set_slowly(&self, key: &[u8], value: &[u8]) -> Result<(), WriteError> {
        self.store_slowly(key, value, &SetOptions::default()).map(drop)
    }

    /// The request is made here once more: what is nearly always met then needs it in registers only.
    #[inline(never)]
    fn store_slowly(
        &self,
        key: &[u8],
        value: &[u8],
        options: &SetOptions,
    ) -> Result<SetOutcome, WriteError> {
        let request = self.request(value, options);
        let outcome =
            self.write(key, value.len(), |session| session.set_generally(key, &request))?;
        Ok(outcome.into())
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
        let initial = options.initial.map(|value| Initial {
            value,
            encoding: options.encoding,
            deadline: self.absolute(options.lifetime),
        });
        let counted = self.write(key, 0, |session| session.count(key, arithmetic, initial))?;
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
            self.check_write(key)?;
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

    #[inline(always)]
    pub(crate) fn write<T>(
        &self,
        key: &[u8],
        value_len: usize,
        operation: impl FnOnce(&mut Session<'_, Attachment>) -> Result<T, Failure>,
    ) -> Result<T, WriteError> {
        Ok(self.try_write(key, value_len, operation)?)
    }

    /// The error is boxed to keep the answer small: it is looked at after every write.
    #[inline(always)]
    fn try_write<T>(
        &self,
        key: &[u8],
        value_len: usize,
        operation: impl FnOnce(&mut Session<'_, Attachment>) -> Result<T, Failure>,
    ) -> Result<T, Box<WriteError>> {
        if !is_valid_key(key) || !self.shared.is_writable() {
            return Err(self.refused(key));
        }
        let result = self.shared.with_lane(|attachment, lane| {
            if !attachment.geometry().holds_any_key_with(value_len) {
                self.check_value_len(attachment, key, value_len)?;
            }
            operation(&mut Session::new(&attachment.region, lane, attachment))
                .map_err(|failure| self.explain(attachment, failure, key.len() + value_len))
        });
        result.unwrap_or_else(|error| Err(Box::new(WriteError::Attach(error))))
    }

    pub(crate) fn check_write(&self, key: &[u8]) -> Result<(), WriteError> {
        if is_valid_key(key) && self.shared.is_writable() {
            return Ok(());
        }
        Err(*self.refused(key))
    }

    #[cold]
    fn refused(&self, key: &[u8]) -> Box<WriteError> {
        let region = self.name().to_owned();
        Box::new(if is_valid_key(key) {
            WriteError::ReadOnly { region }
        } else {
            WriteError::InvalidKey { region, len: key.len() }
        })
    }

    #[cold]
    pub(crate) fn check_value_len(
        &self,
        attachment: &Attachment,
        key: &[u8],
        len: usize,
    ) -> Result<(), Box<WriteError>> {
        let limit = attachment.geometry().max_value_len(key.len());
        if len as u64 <= limit {
            return Ok(());
        }
        let region = self.name().to_owned();
        Err(Box::new(WriteError::TooLarge { region, len, limit: limit as usize }))
    }

    #[cold]
    pub(crate) fn explain(
        &self,
        attachment: &Attachment,
        failure: Failure,
        bytes: usize,
    ) -> Box<WriteError> {
        let region = self.name().to_owned();
        Box::new(match failure {
            Failure::NotANumber => WriteError::NotANumber { region },
            Failure::TooLarge { len, limit } => {
                WriteError::TooLarge { region, len: len as usize, limit: limit as usize }
            }
            Failure::NoRoom => WriteError::NoRoom {
                region,
                needed: bytes as u64 + 40,
                held: attachment.region.held_bytes(),
                pinned: attachment.region.pins().1,
            },
            _ => WriteError::Corrupt { region, detail: "an operation met its step bound".into() },
        })
    }
}
