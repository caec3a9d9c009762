//! Every operation of the table in a process that is really killed in the middle of it.
//!
//! A forked child carries out one operation, stepped instruction by instruction, and is killed behind some of them; the model
//! carries out the same without a cache. Then every key shows what it showed before or what some step of the
//! operation left of it, nothing else is there, and after a recovery every byte is accounted for. So the table of
//! operations is the list of what is killed, too: a new one is killed without another line. It wants a geometry in
//! which nothing is evicted; full arenas are [`crate::torture`]'s.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use hostcache::{MaintenanceBudget, SetOptions};

use super::answer::{self, Answer, Seen};
use super::model::ModelItem;
use super::operations::{Operation, TABLE};
use super::setting::{Made, Setting};
use super::{Alone, Handle, Suite, show};
use crate::torture::{Halt, Tracee, Untraceable};

/// Where an operation is killed.
#[derive(Debug, Clone, Copy)]
enum At {
    /// Behind so many instructions.
    Instruction(u64),
    /// After so many nanoseconds at full speed, which no seed replays.
    Time(u64),
}

/// What happened.
#[derive(Debug, Clone, Copy, Default)]
pub struct Killed {
    /// Kills in the middle of an operation.
    pub inside: u64,
    /// Operations that had ended before their kill.
    pub ended: u64,
    /// Operations that were killed before they changed anything that is seen, though they were to.
    pub without_effect: u64,
    /// Operations that were killed behind their effect, or behind a part of it.
    pub with_effect: u64,
}

/// Steps of the suite before the first kill, so that there is something to be harmed.
const BEFORE: u64 = 2_000;
/// Instructions that are stepped at most. Longer are only walks and batches, which are killed at some time after their beginning, too.
const LONGEST: u64 = 10_000;
/// What the child warms up with, and takes away again: no key of the suite.
const WARM: &[u8] = b"warm";

/// Kills every operation of the table so many times, on what was made for it.
///
/// # Panics
///
/// What does not hold.
///
/// # Errors
///
/// `None`: processes may not be traced here.
pub fn kill_every_operation(
    made: &Made,
    setting: &Setting,
    seed: u64,
    each: u64,
) -> Option<Vec<(&'static str, Killed)>> {
    let mut suite = Suite::new(made, setting.clone(), seed);
    suite.walk_through(BEFORE, &mut Alone);
    suite.model.record();
    let kill = |operation: &Operation| {
        let killed = suite.kill_often(operation, each).ok()?;
        Some((operation.name, killed))
    };
    TABLE.iter().map(kill).collect()
}

impl Suite {
    fn kill_often(&mut self, operation: &Operation, each: u64) -> Result<Killed, Untraceable> {
        let mut killed = Killed::default();
        // How long an operation takes depends on what it draws: as long as the last one that came to its end, and a little more.
        let mut length = LONGEST;
        let mut is_long = false;
        for turn in 0..each {
            let at = match turn {
                // The first one comes to its end, if it is not very long.
                0 => At::Instruction(LONGEST),
                _ if is_long && turn % 2 == 1 => At::Time(self.random.log_uniform(1_000, 500_000)),
                _ => At::Instruction(self.random.below(length)),
            };
            self.step = format!("{}, killed at {at:?}", operation.name);
            let ended_at = self.kill(operation, at, &mut killed)?;
            is_long |= turn == 0 && ended_at.is_none();
            length = ended_at.unwrap_or(length + length / 4).clamp(100, LONGEST);
        }
        Ok(killed)
    }

    /// Kills one; where it ended, if it did before.
    fn kill(
        &mut self,
        operation: &Operation,
        at: At,
        killed: &mut Killed,
    ) -> Result<Option<u64>, Untraceable> {
        let mut victim = Tracee::start(|| self.child(operation))?;
        let mut ended_at = None;
        match at {
            At::Time(nanos) => {
                ended_at = victim.kill_after(Duration::from_nanos(nanos)).then_some(LONGEST);
            }
            At::Instruction(last) => {
                let mut done = 0;
                while done < last && ended_at.is_none() {
                    done += 1;
                    ended_at = (victim.step() == Halt::Signed).then_some(done);
                }
                drop(victim);
            }
        }
        let before = self.model.items().clone();
        self.acting = false;
        (operation.run)(self);
        self.acting = true;
        let after = self.model.items().clone();
        let trail = self.model.take_trail();
        self.recover();
        assert_eq!(self.handles[0].stats().evictions, 0, "{}", self.step);

        let (mut changed, mut left) = (0, 0);
        let known: BTreeSet<Vec<u8>> =
            before.keys().chain(trail.iter().map(|(key, _)| key)).cloned().collect();
        for key in &known {
            let left_of_it = trail.iter().filter(|(of, _)| of == key).map(|(_, item)| item.clone());
            let mut allowed: Vec<Option<ModelItem>> = left_of_it.collect();
            let last = allowed.last().cloned();
            // What has come to its end must be seen to its end.
            if ended_at.is_some() && last.is_some() {
                allowed.drain(..allowed.len() - 1);
            } else {
                allowed.push(before.get(key).cloned());
            }
            let found = self.adopt(key, &allowed);
            if last.is_some() && before.get(key) != after.get(key) {
                let has_changed = found.as_ref() != before.get(key);
                (changed, left) =
                    (changed + u64::from(has_changed), left + u64::from(!has_changed));
            }
        }
        if operation.name == "clear" {
            assert!(
                changed == 0 || left == 0,
                "{}: {changed} of {} cleared",
                self.step,
                left + changed
            );
        }
        let met: BTreeSet<Vec<u8>> = self.handles[0].keys().collect();
        let unknown = met.difference(&known).find(|key| key.as_slice() != WARM);
        assert_eq!(unknown, None, "{}: a key that nobody set", self.step);
        let _ = self.handles[0].delete(WARM);
        match ended_at {
            Some(_) => killed.ended += 1,
            None => killed.inside += 1,
        }
        if ended_at.is_none() {
            killed.with_effect += u64::from(changed > 0);
            killed.without_effect += u64::from(changed == 0 && left > 0);
        }
        Ok(ended_at)
    }

    /// The child: attached as a worker is that has worked before, it stops, does the operation, and stops again.
    fn child(&mut self, operation: &Operation) -> Infallible {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            for handle in &self.handles {
                let warm = || -> Result<(), Box<dyn std::error::Error>> {
                    handle.set(WARM, b"1")?;
                    drop(handle.pin(WARM)?);
                    handle.reserve(WARM, 10, &SetOptions::new())?.cancel();
                    handle.delete(WARM)?;
                    Ok(())
                };
                warm().unwrap_or_else(|e| panic!("warming up: {e}"));
            }
            // SAFETY: stops this process until its tracer lets it go on.
            unsafe { libc::raise(libc::SIGSTOP) };
            (operation.run)(self);
            // SAFETY: as above.
            unsafe { libc::raise(libc::SIGSTOP) };
        }));
        if let Err(panic) = outcome {
            let text = panic.downcast_ref::<String>().map_or("no text", String::as_str);
            let _ = writeln!(std::io::stderr(), "{}, before the kill: {text}", self.step);
        }
        // SAFETY: ends a forked child without the parent's exit handlers.
        unsafe { libc::_exit(70) }
    }

    /// Whoever died is recovered, and every byte accounted for.
    fn recover(&self) {
        let mut budget = MaintenanceBudget::default();
        (budget.buckets, budget.evictions, budget.recover) = (0, 0, true);
        loop {
            let report = self.handles[0].maintain(&budget);
            let report = report.unwrap_or_else(|e| panic!("{}: {e}", self.step));
            if report.recovered_participants == 0 {
                break;
            }
        }
        let report = self.handles[0].check();
        assert!(report.is_sound(), "{}: {report:#?}", self.step);
        let lost = report.dead_held_bytes + report.pinned_bytes + report.reserved_bytes;
        assert_eq!(lost, 0, "{}: {report:#?}", self.step);
    }

    /// The model takes over what the cache shows of a key, if that is allowed.
    fn adopt(&mut self, key: &[u8], allowed: &[Option<ModelItem>]) -> Option<ModelItem> {
        let handle = Handle { cache: self.handles[0].clone(), counts: true };
        let real = answer::item(handle.cache.get_item(key), self.precision());
        let context = self.context(&handle, key.len());
        let seen = |item: &Option<ModelItem>| -> Option<Seen> {
            item.as_ref().filter(|item| !context.is_over(item)).map(|item| item.seen(context))
        };
        let found = allowed.iter().find(|item| real.agrees_with(&Answer::Item(seen(item))));
        let found = found.cloned().unwrap_or_else(|| {
            let expected: Vec<String> =
                allowed.iter().map(|item| Answer::Item(seen(item)).to_string()).collect();
            panic!("{}: key {}: {real}, not of {expected:#?}", self.step, show(key));
        });
        self.model.put(key, found.clone(), real.token());
        found
    }
}
