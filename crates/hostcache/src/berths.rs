//! The lanes of a process that hold its pins.
//!
//! A pin outlives operations and threads, so it can't be in a thread's lane. A process attaches lanes for pins as it
//! needs them, each with a few dozen records, and gives an empty one back if it has another. All threads share them by
//! process-private atomics, without a lock: a thread that is interrupted anywhere here keeps nobody from pinning.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use hostcache_core::{PinLane, Region};

/// One lane, or room for one.
#[derive(Debug, Default)]
struct Berth {
    /// One bit for each record in use, and what the berth is; 0: vacant.
    state: AtomicU64,
    /// Number and incarnation of the lane; they change only while the berth is `BUSY`.
    lane: AtomicU64,
    incarnation: AtomicU64,
}

/// The lane is attached.
const OPEN: u64 = 1 << 63;
/// It is being attached or given back by one thread.
const BUSY: u64 = 1 << 62;
/// It was recovered alive: no record of it is given out any more.
const LOST: u64 = 1 << 61;
const RECORDS: u64 = (1 << PinLane::SLOTS) - 1;

const _: () = assert!(PinLane::SLOTS < 61);

/// How often somebody who finds all berths taken looks again while other threads attach lanes.
const LOOKS: u32 = 1000;

/// A record that is the caller's until [`Berths::leave`].
#[derive(Debug)]
#[must_use = "a record is given back"]
pub(crate) struct Mooring {
    berth: usize,
    record: u32,
    lane: PinLane,
    /// What its pin counts.
    bytes: u64,
}

impl Mooring {
    pub(crate) fn lane(&self) -> PinLane {
        self.lane
    }

    pub(crate) fn record(&self) -> u32 {
        self.record
    }

    /// Makes the bytes that the record's pin counts these.
    pub(crate) fn charge(&mut self, region: &Region, bytes: u64) -> Result<(), u64> {
        let lane = self.lane.id();
        if bytes > self.bytes {
            region.charge(lane, bytes - self.bytes)?;
        } else {
            region.refund(lane, self.bytes - bytes);
        }
        self.bytes = bytes;
        Ok(())
    }
}

/// Why there is no record.
#[derive(Debug)]
pub(crate) enum Full<E> {
    /// This process uses as many as it may.
    Records(u64),
    /// No lane could be attached.
    Lane(E),
}

/// All berths of one attachment.
#[derive(Debug, Default)]
pub(crate) struct Berths {
    berths: OnceLock<Box<[Berth]>>,
    /// How many are not vacant, so that a process with one looks at no others.
    open: AtomicU64,
}

impl Berths {
    /// Lanes that one process may use for pins: an eighth of all.
    fn limit(region: &Region) -> usize {
        (region.geometry().shape.lanes as usize / 8).max(1)
    }

    fn all(&self, region: &Region) -> &[Berth] {
        let new = || (0..Self::limit(region)).map(|_| Berth::default()).collect();
        self.berths.get_or_init(new)
    }

    /// Takes a record, attaching a lane if none has one left.
    pub(crate) fn take<E>(
        &self,
        region: &Region,
        attach: impl Fn() -> Result<PinLane, E>,
    ) -> Result<Mooring, Full<E>> {
        let berths = self.all(region);
        for _ in 0..LOOKS {
            if let Some(mooring) = berths.iter().enumerate().find_map(|(at, b)| b.take(at, region))
            {
                return Ok(mooring);
            }
            for berth in berths {
                self.close_one(berth, OPEN | LOST, &|_| ());
            }
            match berths.iter().enumerate().find_map(|(at, berth)| berth.open(at, &attach)) {
                Some(Ok(mooring)) => {
                    self.open.fetch_add(1, Ordering::Relaxed);
                    return Ok(mooring);
                }
                Some(Err(error)) => return Err(Full::Lane(error)),
                None => {}
            }
            if !berths.iter().any(|berth| berth.state.load(Ordering::Relaxed) & BUSY != 0) {
                break;
            }
            hostcache_os::yield_now();
        }
        Err(Full::Records(berths.len() as u64 * u64::from(PinLane::SLOTS)))
    }

    /// Gives a record back that holds nothing any more, and with it perhaps its lane.
    pub(crate) fn leave(&self, region: &Region, mooring: Mooring, detach: impl Fn(PinLane)) {
        let berths = self.all(region);
        let Some(berth) = berths.get(mooring.berth) else { return };
        if mooring.bytes > 0 && mooring.lane.is_current(region) {
            region.refund(mooring.lane.id(), mooring.bytes);
        }
        let bit = 1 << mooring.record;
        let left = berth.state.fetch_and(!bit, Ordering::AcqRel) & !bit;
        if left & RECORDS != 0 {
            return;
        }
        // One empty lane is kept; one that is lost is of no use.
        let empty = || berths.iter().filter(|b| b.state.load(Ordering::Relaxed) == OPEN).count();
        let several = self.open.load(Ordering::Relaxed) > 1;
        if left & LOST != 0 || several && empty() > 1 {
            self.close_one(berth, left, &detach);
        }
    }

    /// Gives all lanes back that hold nothing.
    pub(crate) fn close(&self, detach: impl Fn(PinLane)) {
        for berth in self.berths.get().into_iter().flatten() {
            for state in [OPEN, OPEN | LOST] {
                self.close_one(berth, state, &detach);
            }
        }
    }

    fn close_one(&self, berth: &Berth, state: u64, detach: &impl Fn(PinLane)) {
        if berth.close(state, detach) {
            self.open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Berth {
    fn lane(&self) -> PinLane {
        let id = self.lane.load(Ordering::Relaxed) as u16;
        PinLane::from_parts(id, self.incarnation.load(Ordering::Relaxed))
    }

    fn take(&self, at: usize, region: &Region) -> Option<Mooring> {
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            if state & OPEN == 0 || state & LOST != 0 || state & RECORDS == RECORDS {
                return None;
            }
            let record = (!state).trailing_zeros();
            let taken = state | 1 << record;
            // Acquire: pairs with the Release in `open`; the lane's number is seen.
            match self.state.compare_exchange_weak(
                state,
                taken,
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => {
                    let lane = self.lane();
                    let mooring = Mooring { berth: at, record, lane, bytes: 0 };
                    if lane.is_current(region) {
                        return Some(mooring);
                    }
                    // It is vacated once its last pin is gone.
                    self.state.fetch_or(LOST, Ordering::Relaxed);
                    self.state.fetch_and(!(1 << record), Ordering::AcqRel);
                    return None;
                }
                Err(now) => state = now,
            }
        }
    }

    fn open<E>(
        &self,
        at: usize,
        attach: impl Fn() -> Result<PinLane, E>,
    ) -> Option<Result<Mooring, E>> {
        self.state.compare_exchange(0, BUSY, Ordering::AcqRel, Ordering::Relaxed).ok()?;
        let lane = match attach() {
            Ok(lane) => lane,
            Err(error) => {
                self.state.store(0, Ordering::Release);
                return Some(Err(error));
            }
        };
        self.lane.store(lane.id().into(), Ordering::Relaxed);
        self.incarnation.store(lane.incarnation(), Ordering::Relaxed);
        self.state.store(OPEN | 1, Ordering::Release);
        Some(Ok(Mooring { berth: at, record: 0, lane, bytes: 0 }))
    }

    /// Vacates the berth if it is exactly so: open, and no record in use. Whether it did.
    fn close(&self, state: u64, detach: &impl Fn(PinLane)) -> bool {
        let empty = state & OPEN != 0 && state & RECORDS == 0;
        let won = empty
            && self
                .state
                .compare_exchange(state, BUSY, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok();
        if won {
            detach(self.lane());
            self.state.store(0, Ordering::Release);
        }
        won
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::ptr::NonNull;

    use hostcache_core::layout::{Header, Identity, Shape};
    use hostcache_core::{Lane, Memory};

    use super::*;

    fn region(words: &mut [u64]) -> Region {
        let base = NonNull::new(words.as_mut_ptr()).expect("a slice is not null");
        // SAFETY: the slice outlives the region in these tests and is not touched otherwise.
        let memory = unsafe { Memory::from_raw(base, words.len()) };
        let header = Header::plain(Shape::new(1 << 20, Some(16), None, 1).expect("in range"));
        Region::format(memory, &header).expect("valid")
    }

    #[test]
    fn records_are_given_out_lane_by_lane_and_a_lost_lane_is_replaced() {
        let mut words = vec![0u64; 1 << 17];
        let region = region(&mut words);
        let (next, detached) = (Cell::new(0), Cell::new(0));
        let attach = || {
            let id = next.replace(next.get() + 1);
            if id == 9 {
                return Err("no lane is left");
            }
            Ok(Lane::attach(&region, id, &Identity::default()).into_pins(&region))
        };
        let detach = |lane: PinLane| {
            lane.detach(&region);
            detached.set(detached.get() + 1);
        };
        let berths = Berths::default();
        let take = || berths.take(&region, attach);
        let mut moorings: Vec<Mooring> =
            (0..2 * PinLane::SLOTS).map(|_| take().expect("two lanes may be used")).collect();
        assert_eq!(next.get(), 2);
        assert!(matches!(take(), Err(Full::Records(94))));
        let mut seen: Vec<_> = moorings.iter().map(|m| (m.lane().id(), m.record())).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 94, "no record is given out twice");

        moorings[0].charge(&region, 6400).expect("within the bound");
        moorings[0].charge(&region, 640).expect("less");
        assert_eq!(region.pin_bytes(), 640);
        for mooring in moorings.drain(..) {
            berths.leave(&region, mooring, detach);
        }
        assert_eq!((region.pin_bytes(), detached.get()), (0, 1), "one empty lane is kept");

        // Recovered under a living process.
        let before = take().expect("the lane that was kept");
        assert_eq!(next.get(), 2);
        region.recover_lane(before.lane().id());
        let after = take().expect("another lane");
        assert_eq!(next.get(), 3);
        assert_ne!(after.lane(), before.lane());
        berths.leave(&region, before, detach);
        assert!(after.lane().is_current(&region));
        berths.leave(&region, after, detach);
        berths.close(detach);
        assert_eq!(berths.open.load(Ordering::Relaxed), 0);
        assert!((0..16).all(|lane| !region.is_attached(lane)));
        next.set(9);
        assert!(matches!(take(), Err(Full::Lane("no lane is left"))));
    }
}
