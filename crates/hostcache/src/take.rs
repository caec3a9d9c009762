//! Reading and changing in one: the value is that of the very item that was changed.

use crate::{Cache, Item, Lifetime, WriteError};

impl Cache {
    /// Ends a key's item and gives its value back, at one instant: of all who take it at once exactly one gets it.
    /// `None`: no such key. Lock-free. Counts as a get and a delete.
    ///
    /// # Errors
    ///
    /// As [`Cache::delete`].
    pub fn take(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, WriteError> {
        Ok(self.take_item(key)?.map(|item| item.value))
    }

    /// [`Cache::take`] with flags, encoding, token and the TTL that was left.
    ///
    /// # Errors
    ///
    /// As [`Cache::delete`].
    pub fn take_item(&self, key: impl AsRef<[u8]>) -> Result<Option<Item>, WriteError> {
        let key = key.as_ref();
        let taken = self.write(key, 0, |session| session.take(key))?;
        Ok(taken.map(|copied| Item::of(copied, self.clock.coarse_ms())))
    }

    /// Gives an item a new lifetime and reads it, at one instant; `None`: no such key. Value and token stay.
    /// [`Lifetime::Keep`] changes nothing. Lock-free. Counts as a get and a touch.
    ///
    /// # Errors
    ///
    /// As [`Cache::touch`].
    pub fn get_and_touch(
        &self,
        key: impl AsRef<[u8]>,
        lifetime: Lifetime,
    ) -> Result<Option<Vec<u8>>, WriteError> {
        Ok(self.get_item_and_touch(key, lifetime)?.map(|item| item.value))
    }

    /// [`Cache::get_and_touch`] with flags, encoding, token and the new TTL.
    ///
    /// # Errors
    ///
    /// As [`Cache::touch`].
    pub fn get_item_and_touch(
        &self,
        key: impl AsRef<[u8]>,
        lifetime: Lifetime,
    ) -> Result<Option<Item>, WriteError> {
        let key = key.as_ref();
        let deadline = self.deadline(lifetime);
        let touched = self.write(key, 0, |session| session.get_and_touch(key, deadline))?;
        Ok(touched.map(|copied| Item::of(copied, self.clock.coarse_ms())))
    }
}
