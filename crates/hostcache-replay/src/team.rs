//! A replay by several processes in turns, in one region.
//!
//! The parent forks the children first, so that they share the decoded trace and none of them
//! inherits a handle; then it creates the region, and each child opens it for itself. While they
//! replay, the parent only watches: for progress, for signals, and for a child that ends early. A
//! child says in its report how it ended.

use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::thread;
use std::time::Duration;

use hostcache::Cache;

use crate::interrupt::{self, Interrupt};
use crate::outcome::Outcome;
use crate::process::{Children, Ended};
use crate::progress::Progress;
use crate::region::{self, Region};
use crate::replay::{Gate, Replayer, Share};
use crate::report::{Report, Verdict};
use crate::shared::{Atomics, SharedArray};
use crate::tally::Tally;
use crate::trace::Trace;
use crate::turn::{Control, Seat, Stopped, TurnOrder};
use crate::{ReplayError, ReplayOptions, memory};

/// How often children look whether the region exists, and the parent whether all have opened it.
const MEETING_STEP: Duration = Duration::from_millis(1);
/// How often the parent looks at its children while they replay.
const WATCH_STEP: Duration = Duration::from_millis(20);

/// Where parent and children wait for each other before the first turn, zero-filled at first.
#[repr(C, align(64))]
struct Meeting {
    /// 1 once the region can be opened.
    created: AtomicU32,
    /// Children that have opened it.
    opened: AtomicU32,
}

// SAFETY: atomics only, valid when zero, nothing to drop.
unsafe impl Atomics for Meeting {}

/// Replays `trace` in a new region.
pub(crate) fn run(
    trace: &Trace,
    options: &ReplayOptions,
    interrupt: &Interrupt,
) -> Result<Outcome, ReplayError> {
    let threads = memory::threads()?;
    if threads > 1 {
        return Err(ReplayError::InvalidOption(format!(
            "a replay by several processes forks, which is safe only in a process of one thread; \
             this one has {threads}: use one process, or call it before starting threads"
        )));
    }
    let processes = options.processes;
    let control = SharedArray::<Control>::new(1)?;
    let seats = SharedArray::<Seat>::new(processes)?;
    let meeting = SharedArray::<Meeting>::new(1)?;
    let reports = SharedArray::<Report>::new(processes)?;
    let lengths = SharedArray::<AtomicU32>::new(trace.key_ids.len())?;
    let tally_words = Tally::shared_words(trace.phases.len());
    let tallies = SharedArray::<AtomicU64>::new(processes * tally_words)?;
    let team = Team {
        trace,
        paced: options.paced,
        name: region::unique_name(),
        order: TurnOrder::new(&control[0], &seats, trace.requests.len() as u64),
        meeting: &meeting[0],
        reports: &reports,
        lengths: &lengths,
        tallies: tallies.chunks_exact(tally_words).collect(),
    };
    // SAFETY: this process has one thread, as just counted, so no lock can be held by another.
    let children = unsafe { Children::fork(processes, |seat| team.child(seat)) }?;
    team.lead(children, options.capacity, interrupt)
}

/// What parent and children have in common.
struct Team<'a> {
    trace: &'a Trace,
    paced: bool,
    /// Of the region.
    name: String,
    order: TurnOrder<'a>,
    meeting: &'a Meeting,
    /// By seat.
    reports: &'a [Report],
    lengths: &'a [AtomicU32],
    /// By seat.
    tallies: Vec<&'a [AtomicU64]>,
}

impl Team<'_> {
    /// The parent's part. An error drops, and so ends, the children.
    fn lead(
        &self,
        mut children: Children,
        capacity: u64,
        interrupt: &Interrupt,
    ) -> Result<Outcome, ReplayError> {
        let mut progress = Progress::replaying(self.trace.requests.len() as u64);
        let heap_before = memory::rss_anon()?;
        let region = Region::create(&self.name, capacity)?;
        // Release: pairs with `open`.
        self.meeting.created.store(1, Release);
        // Acquire: pairs with the count in `open`.
        while (self.meeting.opened.load(Acquire) as usize) < self.reports.len() {
            self.look_after(&mut children, interrupt)?;
            thread::sleep(MEETING_STEP);
        }
        self.order.start();
        while !children.is_empty() {
            self.look_after(&mut children, interrupt)?;
            progress.update(self.order.done());
            thread::sleep(WATCH_STEP);
        }
        let mut heap_bytes = memory::rss_anon()?.saturating_sub(heap_before);
        let mut tally = Tally::new(self.trace.phases.len());
        let mut first_set_error = None;
        for (report, words) in self.reports.iter().zip(&self.tallies) {
            let Some(Verdict::Done { heap_bytes: grown, first_set_error: text }) = report.read()
            else {
                // Stopped, and nobody said why: only the interruption of a child alone does that.
                return Err(ReplayError::Interrupted);
            };
            heap_bytes += grown;
            tally.add_published(words);
            first_set_error = first_set_error.or(Some(text).filter(|text| !text.is_empty()));
        }
        let span = self.order.span();
        let outcome = Outcome::new(&region.cache, tally, span, heap_bytes, first_set_error);
        region.destroy()?;
        Ok(outcome)
    }

    /// Reaps children that have ended; an error if one of them failed, or a signal came.
    fn look_after(
        &self,
        children: &mut Children,
        interrupt: &Interrupt,
    ) -> Result<(), ReplayError> {
        children.poll().iter().try_for_each(|ended| self.judge(ended))?;
        if interrupt.came() { Err(ReplayError::Interrupted) } else { Ok(()) }
    }

    /// What a child's end means: its report tells most, else its exit status.
    fn judge(&self, ended: &Ended) -> Result<(), ReplayError> {
        match self.reports[ended.seat].read() {
            Some(Verdict::WrongValue(detail)) => Err(ReplayError::WrongValue(detail)),
            Some(Verdict::Failed(detail)) => Err(ReplayError::Operation(detail)),
            Some(Verdict::Done { .. } | Verdict::Stopped) => Ok(()),
            None => Err(ReplayError::Process(
                ended.failure().unwrap_or_else(|| "a process ended without a report".into()),
            )),
        }
    }

    /// A child's part, from its first instruction to its exit status.
    fn child(&self, seat: usize) -> i32 {
        interrupt::leave_to_parent();
        let verdict = match self.replay_share(seat) {
            Ok(verdict) => verdict,
            Err(error) => Verdict::of(&error),
        };
        self.reports[seat].write(&verdict);
        match verdict {
            Verdict::Done { .. } => {}
            _ => self.order.stop(),
        }
        0
    }

    fn replay_share(&self, seat: usize) -> Result<Verdict, ReplayError> {
        let heap_before = memory::rss_anon()?;
        let cache = self.open()?;
        let mut replayer = Replayer::new(self.trace, &cache, self.lengths);
        let share = Share { first: seat, step: self.reports.len() };
        replayer
            .run(&mut SeatGate { order: self.order, seat }, share, self.paced)
            .map_err(ReplayError::from)?;
        let heap_bytes = memory::rss_anon()?.saturating_sub(heap_before);
        replayer.tally.publish(self.tallies[seat]);
        let first_set_error = replayer.first_set_error.unwrap_or_default();
        Ok(Verdict::Done { heap_bytes, first_set_error })
    }

    /// Opens the region once the parent has created it.
    fn open(&self) -> Result<Cache, ReplayError> {
        // Acquire: pairs with the store in `lead`.
        while self.meeting.created.load(Acquire) == 0 {
            thread::sleep(MEETING_STEP);
        }
        let cache = Cache::builder(self.name.as_str()).open()?;
        // Release: pairs with `lead`.
        self.meeting.opened.fetch_add(1, Release);
        Ok(cache)
    }
}

/// Lets a request in when the turn order does.
struct SeatGate<'a> {
    order: TurnOrder<'a>,
    seat: usize,
}

impl Gate for SeatGate<'_> {
    #[inline]
    fn enter(&mut self, request: u64) -> Result<(), Stopped> {
        self.order.enter(self.seat, request)
    }

    #[inline]
    fn leave(&mut self, request: u64) {
        self.order.leave(request);
    }

    fn elapsed(&self) -> Duration {
        self.order.elapsed()
    }

    fn idle(&mut self) -> Result<(), Stopped> {
        self.order.check_stop()
    }
}
