//! Reading in place.

use std::fmt;
use std::sync::Arc;

use hostcache_core::{Counter, Got, Host, PinFailure, Pinned, Value};
use hostcache_os::fork_epoch;

use crate::attachment::Attachment;
use crate::berths::{Full, Mooring};
use crate::read::is_valid_key;
use crate::{Cache, ItemInfo, PinError};

/// An item held in place: its bytes stay where they are, and as they are, for as long as this lives, whatever anybody
/// sets, deletes, evicts, clears, closes or destroys.
///
/// Usable from all threads. Dropping it lets go; so does the end of the process, by any cause.
///
/// - A pin holds memory, not the key: the item may be replaced or evicted meanwhile, and the pin goes on showing the old
///   bytes. Pins and reservations of all processes together hold at most a quarter of the capacity, or a single larger item.
/// - A pinned item keeps its page of memory from changing hands, however small it is: some dozen pins spread over the region
///   can leave no room for values of several pages. Hold pins for as long as they are read, and copy small values out.
/// - In a forked child it is the parent's: the bytes stay only as long as the parent's pin. The child pins anew.
/// - A process that closes descriptors that are not its own (`closefrom`) loses its pins, see the crate's caveats.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let name = dir.path().join("catalog").display().to_string();
/// let cache = hostcache::Cache::builder(name).capacity(1 << 20).open_or_create()?;
/// cache.set("page", "hello")?;
/// if let Some(pin) = cache.pin("page")? {
///     cache.delete("page")?;
///     assert_eq!(pin.to_vec(), b"hello");
/// }
/// # Ok(())
/// # }
/// ```
pub struct Pin {
    attachment: Arc<Attachment>,
    pinned: Pinned,
    /// `None` only while the pin is dropped.
    mooring: Option<Mooring>,
    epoch: u64,
}

impl Cache {
    /// Holds a key's item in place; `None` is a miss. Counts as a get.
    ///
    /// Linearizable, and lock-free as a get is. Costs about as much as copying two kilobytes, whatever the length: small
    /// values are got faster by [`Cache::get_into`].
    ///
    /// # Errors
    ///
    /// [`PinError::OverBound`] and [`PinError::TooManyPins`] where a bound is met; an invalid key, a read-only handle, no
    /// participant slot left, a corrupt region.
    pub fn pin(&self, key: impl AsRef<[u8]>) -> Result<Option<Pin>, PinError> {
        let key = key.as_ref();
        let region = || self.name().to_owned();
        if !is_valid_key(key) {
            return Err(PinError::InvalidKey { region: region(), len: key.len() });
        }
        if !self.shared.is_writable() {
            return Err(PinError::ReadOnly { region: region() });
        }
        let attach = |error| PinError::Attach(Box::new(error));
        let attachment = self.shared.attachment().map_err(attach)?;
        let mut mooring =
            attachment.take_mooring(&self.shared.place).map_err(|full| match full {
                Full::Records(limit) => PinError::TooManyPins { region: region(), limit },
                Full::Lane(error) => attach(error),
            })?;
        let lane = mooring.lane();
        let slot = lane.slot(mooring.record());
        let (core, mut wanted) = (&attachment.region, 0);
        let got = core.pin(&*attachment, key, slot, |bytes| {
            wanted = bytes;
            mooring.charge(core, bytes)
        });
        let counter = match &got {
            Ok(Got::Hit(_)) => Some(Counter::GetHits),
            Ok(Got::Miss) => Some(Counter::GetMisses),
            Ok(Got::Expired) => Some(Counter::GetExpired),
            Err(_) => None,
        };
        if let Some(counter) = counter {
            lane.tally(core, counter);
        }
        match got {
            Ok(Got::Hit(pinned)) => {
                let epoch = fork_epoch();
                Ok(Some(Pin { attachment, pinned, mooring: Some(mooring), epoch }))
            }
            other => {
                attachment.leave_mooring(mooring);
                match other {
                    Err(PinFailure::Refused(held)) => {
                        let limit = core.pin_limit();
                        Err(PinError::OverBound { region: region(), wanted, held, limit })
                    }
                    Err(PinFailure::Exhausted) => Err(PinError::Contended { region: region() }),
                    Ok(_) => Ok(None),
                }
            }
        }
    }
}

impl Pin {
    /// Length of the value in bytes.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.pinned.head().sizes.value_len as usize
    }

    /// Whether it is empty.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether this is a forked child's copy of its parent's pin: the bytes stay only as long as the parent's.
    #[inline]
    #[must_use]
    pub fn is_inherited(&self) -> bool {
        self.epoch != fork_epoch()
    }

    /// Flags, encoding and token; the TTL is what is left now, zero once the deadline has passed.
    #[must_use]
    pub fn info(&self) -> ItemInfo {
        let head = self.pinned.head();
        let now = head.deadline.map_or(0, |_| self.attachment.now_ms());
        ItemInfo::of(head, now)
    }

    /// Copies the first bytes of the value, as many as fit; how many.
    pub fn copy_to(&self, out: &mut [u8]) -> usize {
        self.read_at(0, out)
    }

    /// Copies bytes of the value from an offset on, as many as there are and fit; how many.
    pub fn read_at(&self, offset: usize, out: &mut [u8]) -> usize {
        let len = self.len().saturating_sub(offset).min(out.len());
        if len > 0 {
            let memory = self.attachment.region.memory();
            memory.read_bytes(self.pinned.value_at(), offset as u64, &mut out[..len]);
        }
        len
    }

    /// A copy of the value.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.len()];
        self.copy_to(&mut bytes);
        bytes
    }

    /// Where the value lies in this process: [`Pin::len`] readable bytes, aligned to 8, for as long as the pin lives.
    /// Reading them by any means that tolerates a concurrent writer (as volatile or atomic reads do) is sound whatever other
    /// processes do.
    #[must_use]
    pub fn as_ptr(&self) -> *const u8 {
        self.attachment.address(self.pinned.value_at())
    }

    /// The value in place.
    ///
    /// # Safety
    ///
    /// No process that may write the region is hostile or broken: none stores to the bytes of this item by other means
    /// than this library while the slice is used. (The library itself stores nothing there while the pin lives.)
    /// In a forked child the parent's pin must still live, too.
    #[must_use]
    pub unsafe fn as_slice(&self) -> &[u8] {
        // SAFETY: the bytes lie in the mapping, which the attachment keeps for as long as the pin lives; nobody changes
        // them (contract). The library's own reads of them are atomic loads.
        unsafe { std::slice::from_raw_parts(self.as_ptr(), self.len()) }
    }

    /// The item as a read sees it.
    pub(crate) fn value(&self) -> Option<Value<'_>> {
        self.pinned.value(&self.attachment.region)
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let Some(mooring) = self.mooring.take() else { return };
        // In a forked child the record is the parent's.
        if self.epoch != fork_epoch() {
            return;
        }
        if mooring.lane().is_current(&self.attachment.region) {
            self.attachment.region.unpin(&self.pinned);
        }
        self.attachment.leave_mooring(mooring);
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pin").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use hostcache_core::Value;

    use crate::Cache;

    fn copied(value: &Value<'_>) -> Vec<u8> {
        let mut bytes = vec![0; value.len()];
        value.copy_to(&mut bytes);
        bytes
    }

    #[test]
    fn a_read_that_loses_every_race_holds_the_item() {
        let scratch = tempfile::tempdir().expect("a directory");
        let builder = Cache::builder("test").directory(scratch.path()).capacity(1 << 20);
        let cache = builder.create().expect("a region");
        cache.set("key", [0; 300]).expect("there is room");
        let mut copies = 0u8;
        // Every copy is outdated before it ends: the last value that was there is read, held in place.
        let got = cache.read(b"key", &mut |value: &Value<'_>| {
            let before = copied(value);
            copies += 1;
            cache.set("key", [copies; 300]).expect("there is room");
            assert!(value.head().sizes.value_len == 300 && cache.stats().pins <= 1);
            (before, cache.stats().pins, copied(value))
        });
        let (before, pins, after) = got.expect("it is held").expect("it is there");
        assert_eq!((pins, before), (1, vec![copies - 1; 300]));
        assert_eq!(after, vec![copies - 1; 300], "a held item changed");
        assert!(copies > 2, "{copies} copies");
        let stats = cache.stats();
        assert_eq!((stats.get_hits, stats.get_contended, stats.pins), (1, 0, 0));
        assert!(cache.check().is_sound());
    }
}
