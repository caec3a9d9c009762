//! The replay itself: what one process does with its share of the requests.
//!
//! LENGTHS: a shared array holds, by key number, the length that the last set of the key stored, and
//! 0 if the key was never set, or deleted since. Requests are done one at a time, whichever process
//! does them, so a hit must have exactly this length; this also holds where a key's size changes from
//! request to request. The turn order carries the entries from process to process.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::ReplayError;
use crate::item;
use crate::store::Store;
use crate::tally::Tally;
use crate::trace::{Op, Request, Trace};
use crate::turn::Stopped;

/// The longest sleep of a paced replay; between two it looks whether it shall end.
const LONGEST_SLEEP: Duration = Duration::from_millis(50);

/// Lets requests in, one after the other.
pub(crate) trait Gate {
    /// Waits until `request` may be done.
    fn enter(&mut self, request: u64) -> Result<(), Stopped>;
    /// Says that it is done.
    fn leave(&mut self, request: u64);
    /// Time since request 0 was let in. Called by who has been let in.
    fn elapsed(&self) -> Duration;
    /// Called now and then by who has been let in and waits.
    fn idle(&mut self) -> Result<(), Stopped>;
}

/// Which requests belong to this process: `first`, `first + step` and so on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    pub(crate) first: usize,
    pub(crate) step: usize,
}

/// Why a process ended before its share did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A hit gave wrong bytes.
    WrongValue(String),
    /// An operation failed, so that the figures would mean nothing.
    Operation(String),
    /// Somebody asked for it.
    Stopped,
}

impl From<Stopped> for Fault {
    fn from(Stopped: Stopped) -> Self {
        Self::Stopped
    }
}

impl From<Fault> for ReplayError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::WrongValue(detail) => Self::WrongValue(detail),
            Fault::Operation(detail) => Self::Operation(detail),
            Fault::Stopped => Self::Interrupted,
        }
    }
}

/// One process's part of a replay. Its loop allocates nothing.
pub(crate) struct Replayer<'a, S> {
    trace: &'a Trace,
    store: &'a S,
    /// LENGTHS.
    lengths: &'a [AtomicU32],
    /// Receives values.
    read: Vec<u8>,
    /// Values to set are filled in here.
    write: Vec<u8>,
    pub(crate) tally: Tally,
    /// What the first set that failed said.
    pub(crate) first_set_error: Option<String>,
}

impl<'a, S: Store> Replayer<'a, S> {
    pub(crate) fn new(trace: &'a Trace, store: &'a S, lengths: &'a [AtomicU32]) -> Self {
        let longest = trace.longest_value();
        Self {
            trace,
            store,
            lengths,
            read: Vec::with_capacity(longest),
            write: vec![0; longest],
            tally: Tally::new(trace.phases.len()),
            first_set_error: None,
        }
    }

    /// Does the requests of `share`, each when `gate` lets it in and, if `paced`, when it is due.
    pub(crate) fn run(
        &mut self,
        gate: &mut impl Gate,
        share: Share,
        paced: bool,
    ) -> Result<(), Fault> {
        let trace = self.trace;
        for index in (share.first..trace.requests.len()).step_by(share.step) {
            let request = &trace.requests[index];
            gate.enter(index as u64)?;
            if paced {
                wait_until(gate, Duration::from_millis(u64::from(request.due_ms)))?;
            }
            self.request(index, request)?;
            gate.leave(index as u64);
        }
        Ok(())
    }

    #[inline]
    fn request(&mut self, index: usize, request: &Request) -> Result<(), Fault> {
        let key_id = self.trace.key_ids[request.key as usize];
        let key = item::key(key_id);
        match request.op {
            Op::Get => {
                let hit = self
                    .store
                    .get(&key, &mut self.read)
                    .map_err(|error| failed(index, key_id, "getting", &error))?;
                self.tally.phases[usize::from(request.phase)].count_get(request.size, hit);
                if hit {
                    let len = self.lengths[request.key as usize].load(Relaxed);
                    item::check(key_id, len, &self.read)
                        .map_err(|mismatch| wrong_value(index, key_id, len, &mismatch))
                } else {
                    self.set(index, request, key_id, &key)
                }
            }
            Op::Set => self.set(index, request, key_id, &key),
            Op::Delete => self.delete(index, request, key_id, &key),
        }
    }

    fn set(
        &mut self,
        index: usize,
        request: &Request,
        key_id: u64,
        key: &[u8],
    ) -> Result<(), Fault> {
        let len = item::value_len(request.size);
        let value = &mut self.write[..len as usize];
        item::fill(key_id, value);
        match self.store.set(key, value, request.ttl_secs) {
            Ok(()) => {
                self.lengths[request.key as usize].store(len, Relaxed);
                Ok(())
            }
            Err(error) => self.set_failed(index, request, key_id, key, &error),
        }
    }

    /// A set that fails counts as a miss next time, so an older value must not stay either.
    #[cold]
    fn set_failed(
        &mut self,
        index: usize,
        request: &Request,
        key_id: u64,
        key: &[u8],
        error: &str,
    ) -> Result<(), Fault> {
        self.tally.set_errors += 1;
        self.first_set_error.get_or_insert_with(|| describe(index, key_id, "setting", error));
        self.delete(index, request, key_id, key)
    }

    fn delete(
        &mut self,
        index: usize,
        request: &Request,
        key_id: u64,
        key: &[u8],
    ) -> Result<(), Fault> {
        self.store.delete(key).map_err(|error| failed(index, key_id, "deleting", &error))?;
        self.lengths[request.key as usize].store(0, Relaxed);
        Ok(())
    }
}

/// Waits until `due` after the start.
fn wait_until(gate: &mut impl Gate, due: Duration) -> Result<(), Stopped> {
    while let Some(rest) = due.checked_sub(gate.elapsed()).filter(|rest| !rest.is_zero()) {
        gate.idle()?;
        std::thread::sleep(rest.min(LONGEST_SLEEP));
    }
    Ok(())
}

#[cold]
fn wrong_value(index: usize, key_id: u64, len: u32, mismatch: &item::Mismatch) -> Fault {
    let key = describe_key(index, key_id);
    Fault::WrongValue(match len {
        0 => format!("{key} is a hit, but the key was never set, or deleted since"),
        _ => format!("{key}: {mismatch}"),
    })
}

#[cold]
fn failed(index: usize, key_id: u64, verb: &str, error: &str) -> Fault {
    Fault::Operation(describe(index, key_id, verb, error))
}

fn describe(index: usize, key_id: u64, verb: &str, error: &str) -> String {
    format!("{verb} in {} failed: {error}", describe_key(index, key_id))
}

fn describe_key(index: usize, key_id: u64) -> String {
    let key = item::mix(key_id);
    format!("request {} (key_id {key_id}, key {key:016x})", index + 1)
}

#[cfg(test)]
#[path = "replay_tests.rs"]
mod tests;
