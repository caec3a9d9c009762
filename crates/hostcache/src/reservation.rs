//! Writing in place.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::{fmt, io};

use hostcache_core::layout::ItemSizes;
use hostcache_core::{Deadline, Lane, ReserveFailure, Reserved, Session, SetRequest};
use hostcache_os::fork_epoch;

use crate::attachment::Attachment;
use crate::error::Bound;
use crate::{Cache, SetOptions, SetOutcome, WriteError};

/// What the reservations of one process hold.
#[derive(Debug, Default)]
pub(crate) struct Reservations {
    /// `| reservations 16 | lines 48 |`.
    account: AtomicU64,
    /// A lane that the last reservation left, for the next.
    idle: Mutex<Option<Lane>>,
}

const COUNT: u32 = 48;
const LINE: u64 = 64;

impl Reservations {
    /// Counts a reservation in, unless the process would hold more than it may.
    fn enter(&self, bytes: u64, most: u64, reservations: u64) -> Result<(), Option<u64>> {
        let mut account = self.account.load(Ordering::Relaxed);
        loop {
            let (count, lines) = (account >> COUNT, account & ((1 << COUNT) - 1));
            if count >= reservations {
                return Err(None);
            }
            // One of any size is allowed: values may be larger than the bound.
            if count > 0 && lines * LINE + bytes > most {
                return Err(Some(lines * LINE));
            }
            let entered = account + (1 << COUNT) + bytes.div_ceil(LINE);
            match self.account.compare_exchange_weak(
                account,
                entered,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(()),
                Err(now) => account = now,
            }
        }
    }

    fn leave(&self, bytes: u64) {
        self.account.fetch_sub((1 << COUNT) + bytes.div_ceil(LINE), Ordering::Relaxed);
    }

    /// The idle lane. Somebody else at it (a thread that this one interrupts, perhaps) counts as none.
    pub(crate) fn take_idle(&self) -> Option<Lane> {
        self.idle.try_lock().ok()?.take()
    }

    /// Keeps a lane for the next; gives it back if there is one already.
    fn keep_idle(&self, lane: Lane) -> Option<Lane> {
        match self.idle.try_lock() {
            Ok(mut idle) if idle.is_none() => {
                *idle = Some(lane);
                None
            }
            _ => Some(lane),
        }
    }
}

/// A block of shared memory to fill with a value and then publish under its key, without a copy.
///
/// Nobody sees it before [`Reservation::publish`]. Bytes that were not written are 0. Dropped, or with its process
/// dead, it comes back as free memory. A reservation takes a participant slot.
///
/// In a forked child it is the parent's: nothing can be written or published there.
///
/// ```
/// use hostcache::SetOptions;
/// use std::io::Write;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let name = dir.path().join("catalog").display().to_string();
/// let cache = hostcache::Cache::builder(name).capacity(1 << 20).open_or_create()?;
/// let mut page = cache.reserve("page", 11, &SetOptions::new())?;
/// page.write_all(b"hello")?;
/// page.write_at(6, b"world")?;
/// assert!(page.publish()?.is_stored());
/// assert_eq!(cache.get("page").as_deref(), Some(&b"hello\0world"[..]));
/// # Ok(())
/// # }
/// ```
pub struct Reservation {
    cache: Cache,
    attachment: Arc<Attachment>,
    key: Vec<u8>,
    options: SetOptions,
    /// The lane and its block; `None` only at the end.
    held: Option<(Lane, Reserved)>,
    /// Bytes that the process's account counts.
    bytes: u64,
    /// Where the next [`io::Write::write`] goes.
    cursor: usize,
    /// Below this all bytes are written or zeroed.
    filled: usize,
    epoch: u64,
}

impl Cache {
    /// Reserves memory for a value of `len` bytes. Condition, lifetime, flags and encoding count when it is published; a
    /// TTL runs from then.
    ///
    /// Evicts where a [`Cache::set`] of that size would. Costs a few microseconds, whatever the length: worth it where a
    /// value can be made in place.
    ///
    /// # Errors
    ///
    /// As [`Cache::set`]; [`WriteError::OverBound`] and [`WriteError::TooManyReservations`] where a bound is met: those of
    /// one process hold a 64th of the capacity or a single value, and with all pins together a quarter or a single value that is larger.
    pub fn reserve(
        &self,
        key: impl AsRef<[u8]>,
        len: usize,
        options: &SetOptions,
    ) -> Result<Reservation, WriteError> {
        let key = key.as_ref();
        let region = || self.name().to_owned();
        self.check_write(key)?;
        let attach = |error| WriteError::Attach(Box::new(error));
        let attachment = self.shared.attachment().map_err(attach)?;
        self.check_value_len(&attachment, key, len)?;
        let geometry = attachment.geometry();
        let has_deadline = self.deadline(options.lifetime) != Deadline::At(None);
        let sizes = ItemSizes::new(key.len(), len as u64, has_deadline);
        let wanted = attachment.region.pin_charge(&sizes);
        let (most, lanes) = (geometry.shape.capacity / 64, u64::from(geometry.shape.lanes / 8));
        let reservations = lanes.max(1);
        attachment.reservations.enter(wanted, most, reservations).map_err(|held| match held {
            Some(held) => {
                let bound = Bound::Process;
                WriteError::OverBound { region: region(), wanted, held, limit: most, bound }
            }
            None => WriteError::TooManyReservations { region: region(), limit: reservations },
        })?;
        let lane = match attachment.reserving_lane(&self.shared.place) {
            Ok(lane) => lane,
            Err(error) => {
                attachment.reservations.leave(wanted);
                return Err(attach(error));
            }
        };
        let mut reservation = Reservation {
            cache: self.clone(),
            attachment,
            key: key.to_vec(),
            options: *options,
            held: None,
            bytes: wanted,
            cursor: 0,
            filled: 0,
            epoch: fork_epoch(),
        };
        if reservation.attachment.geometry().classes.class_of(sizes.words()).is_none() {
            // What this thread keeps for its next stores is no reason to refuse it pages. If that fails, it keeps nothing.
            let _ = self.shared.with_lane(|attachment, lane| {
                Session::new(&attachment.region, lane, attachment).flush_magazine();
            });
        }
        reservation.claim(lane, sizes)?;
        Ok(reservation)
    }
}

impl Reservation {
    fn claim(&mut self, mut lane: Lane, sizes: ItemSizes) -> Result<(), WriteError> {
        let attachment = &self.attachment;
        let reserved = Session::new(&attachment.region, &mut lane, &**attachment).reserve(
            sizes.key_len,
            sizes.value_len,
            sizes.has_deadline,
        );
        match reserved {
            Ok(reserved) => {
                self.held = Some((lane, reserved));
                Ok(())
            }
            Err(failure) => {
                attachment.leave_reserving_lane(lane);
                attachment.reservations.leave(self.bytes);
                Err(match failure {
                    ReserveFailure::Store(failure) => {
                        let bytes = sizes.bytes() as usize;
                        *self.cache.explain(attachment, failure, bytes)
                    }
                    ReserveFailure::OverBound(held) => WriteError::OverBound {
                        region: self.cache.name().to_owned(),
                        wanted: self.bytes,
                        held,
                        limit: attachment.region.pin_limit(),
                        bound: Bound::Region,
                    },
                })
            }
        }
    }

    /// Length of the value in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.held.as_ref().map_or(0, |(_, reserved)| reserved.value_len() as usize)
    }

    /// Whether it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes bytes of the value at an offset.
    ///
    /// # Errors
    ///
    /// [`WriteError::TooLarge`] beyond the end, and nothing is written; [`WriteError::ReservationLost`].
    pub fn write_at(&mut self, offset: usize, bytes: &[u8]) -> Result<(), WriteError> {
        let (len, region) = (self.len(), || self.cache.name().to_owned());
        if bytes.len() > len.saturating_sub(offset) && !bytes.is_empty() {
            let needed = offset.saturating_add(bytes.len());
            return Err(WriteError::TooLarge { region: region(), len: needed, limit: len });
        }
        if !self.is_ours() {
            return Err(WriteError::ReservationLost { region: region() });
        }
        self.zero_to(offset);
        if let Some((_, reserved)) = &self.held {
            self.attachment.region.fill_reserved(reserved, offset as u64, bytes);
        }
        self.filled = self.filled.max(offset + bytes.len());
        Ok(())
    }

    /// Where the value is made: [`Reservation::len`] bytes, aligned to 8, all of them written once before. They may be
    /// written until the reservation is published, cancelled or dropped, or the process forks.
    ///
    /// Readers of an item that was in this memory before may still be copying from it, by atomic loads; they throw away
    /// what they read. Atomic stores and those of machine code are no race with that.
    #[must_use]
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.zero_to(self.len());
        let at = self.held.as_ref().map_or(0, |(_, reserved)| reserved.value_at());
        self.attachment.address(at)
    }

    /// The value to be, in place.
    ///
    /// # Safety
    ///
    /// - No process that may write the region is hostile or broken: none accesses these bytes while the slice is used
    ///   but for the reads told of in [`Reservation::as_mut_ptr`]. Those of other processes are outside this program; a
    ///   thread of this one that is in the middle of a `get` may be such a reader, and the caller answers for that race.
    /// - This is the process that reserved, not a forked child of it.
    #[must_use]
    pub unsafe fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: the bytes lie in the mapping, which the attachment keeps for as long as this lives; the block is this
        // reservation's alone, so nobody else writes them, and nobody reads them who minds (contract).
        unsafe { std::slice::from_raw_parts_mut(self.as_mut_ptr(), self.len()) }
    }

    /// Stores the value under its key, as a [`Cache::set_with`] of the same options would: linearizable, and whole or not
    /// at all. Where the condition is not met the memory comes back.
    ///
    /// # Errors
    ///
    /// As [`Cache::set`]; [`WriteError::ReservationLost`].
    pub fn publish(mut self) -> Result<SetOutcome, WriteError> {
        let lost = WriteError::ReservationLost { region: self.cache.name().to_owned() };
        if !self.is_ours() {
            return Err(lost);
        }
        self.zero_to(self.len());
        let Some((mut lane, reserved)) = self.held.take() else { return Err(lost) };
        let request = SetRequest {
            value: &[],
            flags: self.options.flags,
            encoding: self.options.encoding,
            deadline: self.cache.deadline(self.options.lifetime),
            condition: self.options.condition.into(),
        };
        let bytes = self.key.len() + reserved.value_len() as usize;
        let attachment = &self.attachment;
        let outcome = Session::new(&attachment.region, &mut lane, &**attachment)
            .publish(reserved, &self.key, &request)
            .map_err(|failure| *self.cache.explain(attachment, failure, bytes));
        self.attachment.leave_reserving_lane(lane);
        self.attachment.reservations.leave(self.bytes);
        Ok(SetOutcome::from(outcome?))
    }

    /// Gives the memory back, as dropping does.
    pub fn cancel(self) {}

    /// Whether this is the process that reserved, and its lane was not taken from it.
    fn is_ours(&self) -> bool {
        let current = |held: &(Lane, Reserved)| held.0.ticket().is_current(&self.attachment.region);
        self.epoch == fork_epoch() && self.held.as_ref().is_some_and(current)
    }

    fn zero_to(&mut self, end: usize) {
        if end <= self.filled || !self.is_ours() {
            return;
        }
        if let Some((_, reserved)) = &self.held {
            self.attachment.region.zero_reserved(reserved, self.filled as u64, end as u64);
        }
        self.filled = end;
    }
}

impl io::Write for Reservation {
    /// Writes behind what was written by this last; `Ok(0)` at the end of the value.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let fits = bytes.len().min(self.len().saturating_sub(self.cursor));
        self.write_at(self.cursor, &bytes[..fits]).map_err(io::Error::other)?;
        self.cursor += fits;
        Ok(fits)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let ours = self.is_ours();
        let Some((mut lane, reserved)) = self.held.take() else { return };
        // In a forked child it is the parent's; and a lost lane's block is free already.
        if self.epoch != fork_epoch() {
            return;
        }
        if ours {
            let attachment = &self.attachment;
            Session::new(&attachment.region, &mut lane, &**attachment).cancel(reserved);
            attachment.leave_reserving_lane(lane);
        }
        self.attachment.reservations.leave(self.bytes);
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation")
            .field("len", &self.len())
            .field("filled", &self.filled)
            .finish_non_exhaustive()
    }
}

impl Attachment {
    pub(crate) fn leave_reserving_lane(&self, lane: Lane) {
        if let Some(lane) = self.reservations.keep_idle(lane) {
            self.leave_lane(lane);
        }
    }
}
