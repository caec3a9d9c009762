//! The order of turns: request `i` is done by process `i mod N`, after request `i - 1` is done.
//!
//! A turn counter in shared memory holds the number of the request that is due. A process spins on
//! it for a moment and then parks on a futex of its own, so that passing the turn wakes one process
//! and no herd.
//!
//! PARKING: the waiter stores *parked* and then looks at the counter again; the passer stores the
//! counter and then looks at *parked*. Both are `SeqCst`, so at least one of them sees the other,
//! and nobody sleeps through its turn. The park has a time limit, so that a stop, which wakes
//! nobody, is seen as well.

use std::hint;
use std::ptr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::{Duration, Instant};

use crate::shared::Atomics;

/// The counter's value before the first turn.
const NOT_STARTED: u64 = 0;
/// How long a process stays parked before it looks whether all shall stop.
const PARK_LIMIT: Duration = Duration::from_millis(50);
/// Looks at the counter before parking. Few: one request takes less than a microsecond, and a process
/// that spins longer keeps its core from the one whose turn it is, if there are more than cores.
const SPINS: u32 = 100;

/// What all processes share, zero-filled at first.
#[repr(C, align(64))]
pub(crate) struct Control {
    /// One more than the request whose turn it is.
    turn: AtomicU64,
    /// When request 0 was let in, in nanoseconds after the origin.
    start_ns: AtomicU64,
    /// When the last request was done, likewise.
    end_ns: AtomicU64,
    /// Not 0: everybody ends as soon as possible.
    stop: AtomicU32,
}

// SAFETY: atomics only, valid when zero, nothing to drop.
unsafe impl Atomics for Control {}

/// One process's place, on a cache line of its own.
#[repr(C, align(64))]
pub(crate) struct Seat {
    /// 1 while the process sleeps, or is about to.
    parked: AtomicU32,
}

// SAFETY: atomics only, valid when zero, nothing to drop.
unsafe impl Atomics for Seat {}

/// Somebody asked everybody to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stopped;

/// The turn order among as many processes as there are seats.
#[derive(Clone, Copy)]
pub(crate) struct TurnOrder<'a> {
    control: &'a Control,
    seats: &'a [Seat],
    requests: u64,
    /// The instant that all times in shared memory count from; copied into children by the fork.
    origin: Instant,
}

impl<'a> TurnOrder<'a> {
    /// The order of `requests` requests; `control` and `seats` must be fresh.
    pub(crate) fn new(control: &'a Control, seats: &'a [Seat], requests: u64) -> Self {
        Self { control, seats, requests, origin: Instant::now() }
    }

    /// Lets request 0 in and starts the clock.
    pub(crate) fn start(&self) {
        self.control.start_ns.store(self.now_ns(), Relaxed);
        self.let_in(0);
    }

    /// Waits until it is the turn of `request`, which must belong to `seat`.
    pub(crate) fn enter(&self, seat: usize, request: u64) -> Result<(), Stopped> {
        for _ in 0..SPINS {
            // Acquire: pairs with the store in `let_in`, so that what the process before did (the
            // lengths it noted, the clock's start) is seen.
            if self.control.turn.load(Acquire) == request + 1 {
                return self.check_stop();
            }
            hint::spin_loop();
        }
        self.park(seat, request)
    }

    #[cold]
    fn park(&self, seat: usize, request: u64) -> Result<(), Stopped> {
        let parked = &self.seats[seat].parked;
        loop {
            // SeqCst: PARKING.
            parked.store(1, SeqCst);
            if self.control.turn.load(SeqCst) == request + 1 {
                parked.store(0, Relaxed);
                return self.check_stop();
            }
            self.check_stop()?;
            futex_wait(parked, 1, PARK_LIMIT);
        }
    }

    /// Ends `request` and lets the next one in.
    pub(crate) fn leave(&self, request: u64) {
        if request + 1 == self.requests {
            self.control.end_ns.store(self.now_ns(), Relaxed);
        }
        self.let_in(request + 1);
    }

    fn let_in(&self, request: u64) {
        // SeqCst: PARKING. It is also the Release that `enter` pairs with.
        self.control.turn.store(request + 1, SeqCst);
        let parked = &self.seats[(request % self.seats.len() as u64) as usize].parked;
        if parked.load(SeqCst) != 0 {
            parked.store(0, Relaxed);
            futex_wake(parked);
        }
    }

    /// Asks everybody to end.
    pub(crate) fn stop(&self) {
        self.control.stop.store(1, Release);
    }

    /// Whether somebody asked everybody to end.
    pub(crate) fn check_stop(&self) -> Result<(), Stopped> {
        // Acquire: pairs with `stop`, so that a stop's reason, stored before it, is seen.
        if self.control.stop.load(Acquire) == 0 { Ok(()) } else { Err(Stopped) }
    }

    /// Requests done so far.
    pub(crate) fn done(&self) -> u64 {
        match self.control.turn.load(Acquire) {
            NOT_STARTED => 0,
            turn => turn - 1,
        }
    }

    /// Time since request 0 was let in; only for who has or had a turn.
    pub(crate) fn elapsed(&self) -> Duration {
        let start = self.control.start_ns.load(Relaxed);
        Duration::from_nanos(self.now_ns().saturating_sub(start))
    }

    /// Time from the first request's start to the last one's end.
    pub(crate) fn span(&self) -> Duration {
        let (start, end) = (self.control.start_ns.load(Acquire), self.control.end_ns.load(Acquire));
        Duration::from_nanos(end.saturating_sub(start))
    }

    fn now_ns(&self) -> u64 {
        self.origin.elapsed().as_nanos() as u64
    }
}

/// Sleeps while `word` is `value`, at most for `limit`. Returns early for any reason or none: the
/// caller looks at its condition again.
fn futex_wait(word: &AtomicU32, value: u32, limit: Duration) {
    let limit = libc::timespec {
        tv_sec: limit.as_secs() as libc::time_t,
        tv_nsec: libc::c_long::from(limit.subsec_nanos()),
    };
    // SAFETY: `word` and `limit` live through the call; the kernel only reads them. Without
    // FUTEX_PRIVATE_FLAG the word is found by its shared page, in whichever process.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, value, &limit) };
}

/// Wakes the process that sleeps on `word`.
fn futex_wake(word: &AtomicU32) {
    let nobody = ptr::null::<libc::timespec>();
    // SAFETY: waking reads no memory but the word's own page, which is mapped.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, 1, nobody) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{Children, Ended};
    use crate::shared::SharedArray;

    const PROCESSES: usize = 3;

    fn wait_for(mut children: Children) -> Vec<Ended> {
        let mut ended = Vec::new();
        while !children.is_empty() {
            ended.extend(children.poll());
            std::thread::sleep(Duration::from_millis(1));
        }
        ended
    }

    #[test]
    fn three_processes_take_turns_in_the_order_of_the_requests() {
        const REQUESTS: u64 = 3001;
        let control = SharedArray::<Control>::new(1).expect("map");
        let seats = SharedArray::<Seat>::new(PROCESSES).expect("map");
        // Which process did which request, and how many had been done before it.
        let log = SharedArray::<AtomicU64>::new(REQUESTS as usize).expect("map");
        let count = SharedArray::<AtomicU64>::new(1).expect("map");
        let order = TurnOrder::new(&control[0], &seats, REQUESTS);
        let body = |seat: usize| {
            for request in (seat as u64..REQUESTS).step_by(PROCESSES) {
                if order.enter(seat, request).is_err() {
                    return 1;
                }
                // A load and a store, not one atomic addition: only the order of turns keeps the
                // processes from overwriting each other's count.
                let before = count[0].load(Relaxed);
                log[request as usize].store(before * 10 + seat as u64, Relaxed);
                count[0].store(before + 1, Relaxed);
                order.leave(request);
            }
            0
        };
        // SAFETY: the body uses atomics, futexes and the clock only, no lock and no allocation.
        let children = unsafe { Children::fork(PROCESSES, body) }.expect("fork");
        order.start();
        for child in wait_for(children) {
            assert_eq!(child.failure(), None);
        }
        assert_eq!(order.done(), REQUESTS);
        for (request, entry) in log.iter().enumerate() {
            let expected = request * 10 + request % PROCESSES;
            assert_eq!(entry.load(Relaxed), expected as u64, "request {request}");
        }
    }

    #[test]
    fn a_stop_ends_those_who_wait() {
        let control = SharedArray::<Control>::new(1).expect("map");
        let seats = SharedArray::<Seat>::new(PROCESSES).expect("map");
        let order = TurnOrder::new(&control[0], &seats, 10);
        let body = |seat: usize| i32::from(order.enter(seat, seat as u64).is_err());
        // SAFETY: the body uses atomics and futexes only, no lock and no allocation.
        let children = unsafe { Children::fork(PROCESSES, body) }.expect("fork");
        order.stop();
        let ended = wait_for(children);
        assert_eq!(ended.len(), PROCESSES);
        assert!(ended.iter().all(|child| child.failure().is_some()));
        assert_eq!(order.done(), 0);
    }
}
