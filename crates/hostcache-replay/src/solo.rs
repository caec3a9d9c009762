//! A replay by this process alone.

use std::sync::atomic::AtomicU32;
use std::time::{Duration, Instant};

use crate::interrupt::Interrupt;
use crate::outcome::Outcome;
use crate::progress::Progress;
use crate::region::{self, Region};
use crate::replay::{Gate, Replayer, Share};
use crate::shared::SharedArray;
use crate::trace::Trace;
use crate::turn::Stopped;
use crate::{ReplayError, ReplayOptions, memory};

/// Requests between two looks at the clock and at signals; a power of two.
const LOOK_STEP: u64 = 1 << 10;

/// Replays `trace` in a new region.
pub(crate) fn run(
    trace: &Trace,
    options: &ReplayOptions,
    interrupt: &Interrupt,
) -> Result<Outcome, ReplayError> {
    let lengths = SharedArray::<AtomicU32>::new(trace.key_ids.len())?;
    let progress = Progress::replaying(trace.requests.len() as u64);
    let heap_before = memory::rss_anon()?;
    let region = Region::create(&region::unique_name(), options.capacity)?;
    let mut replayer = Replayer::new(trace, &region.cache, &lengths);
    let mut gate = SoloGate { start: Instant::now(), done: 0, progress, interrupt };
    replayer.run(&mut gate, Share { first: 0, step: 1 }, options.paced)?;
    let span = gate.start.elapsed();
    let heap_bytes = memory::rss_anon()?.saturating_sub(heap_before);
    let Replayer { tally, first_set_error, .. } = replayer;
    let outcome = Outcome::new(&region.cache, tally, span, heap_bytes, first_set_error);
    region.destroy()?;
    Ok(outcome)
}

/// Lets every request in at once.
struct SoloGate<'a> {
    start: Instant,
    done: u64,
    progress: Progress,
    interrupt: &'a Interrupt,
}

impl Gate for SoloGate<'_> {
    #[inline]
    fn enter(&mut self, request: u64) -> Result<(), Stopped> {
        self.done = request;
        if request.is_multiple_of(LOOK_STEP) { self.idle() } else { Ok(()) }
    }

    #[inline]
    fn leave(&mut self, _request: u64) {}

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    #[cold]
    fn idle(&mut self) -> Result<(), Stopped> {
        self.progress.update(self.done);
        if self.interrupt.came() { Err(Stopped) } else { Ok(()) }
    }
}
