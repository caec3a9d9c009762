//! Ends a replay cleanly on SIGINT, SIGTERM and SIGHUP: a region is memory of the host and would
//! outlive a process that just dies.
//!
//! The handler sets a flag that the replay looks at. While no replay runs, the signals do what they
//! did before.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{io, mem, ptr};

use crate::ReplayError;

const SIGNALS: [libc::c_int; 3] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP];

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
/// Replays that watch, and what the signals did before the first of them.
static WATCHERS: Mutex<Watchers> = Mutex::new(Watchers { count: 0, before: Vec::new() });

struct Watchers {
    count: usize,
    before: Vec<(libc::c_int, libc::sigaction)>,
}

/// Watches for the signals as long as it lives.
pub(crate) struct Interrupt(());

impl Interrupt {
    /// Installs the handlers, unless another replay of this process has.
    pub(crate) fn watch() -> Result<Self, ReplayError> {
        let mut watchers = watchers();
        watchers.count += 1;
        // From here on dropping it puts back what has been changed so far.
        let watch = Self(());
        if watchers.count > 1 {
            return Ok(watch);
        }
        INTERRUPTED.store(false, Relaxed);
        for signal in SIGNALS {
            match install(signal) {
                Ok(Some(before)) => watchers.before.push((signal, before)),
                Ok(None) => {}
                Err(source) => {
                    drop(watchers);
                    return Err(ReplayError::System {
                        operation: "installing a signal handler",
                        source,
                    });
                }
            }
        }
        Ok(watch)
    }

    /// Whether one of the signals has come.
    pub(crate) fn came(&self) -> bool {
        INTERRUPTED.load(Relaxed)
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        let mut watchers = watchers();
        watchers.count -= 1;
        if watchers.count == 0 {
            for (signal, before) in watchers.before.drain(..) {
                // SAFETY: `before` is what the kernel gave for this signal and lives through the
                // call. It can't fail: both arguments have worked before.
                unsafe { libc::sigaction(signal, &before, ptr::null_mut()) };
            }
        }
    }
}

/// Leaves the signals to the parent: in a child, an interruption by the terminal reaches both, and
/// the parent tells its children when to end.
pub(crate) fn leave_to_parent() {
    for (signal, action) in [
        (libc::SIGINT, libc::SIG_IGN),
        (libc::SIGHUP, libc::SIG_IGN),
        (libc::SIGTERM, libc::SIG_DFL),
    ] {
        // SAFETY: both are actions that the kernel knows; no handler is involved.
        unsafe { libc::signal(signal, action) };
    }
}

extern "C" fn note(_signal: libc::c_int) {
    INTERRUPTED.store(true, Relaxed);
}

/// Sets the handler and returns the action before it; `None` for a signal that is ignored, as
/// `nohup` arranges it, and stays so.
fn install(signal: libc::c_int) -> io::Result<Option<libc::sigaction>> {
    // SAFETY: the structure is plain data, valid when zero.
    let mut before: libc::sigaction = unsafe { mem::zeroed() };
    // SAFETY: asks only; `before` lives through the call.
    if unsafe { libc::sigaction(signal, ptr::null(), &mut before) } != 0 {
        return Err(io::Error::last_os_error());
    }
    if before.sa_sigaction == libc::SIG_IGN {
        return Ok(None);
    }
    // SAFETY: as above.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    let handler: extern "C" fn(libc::c_int) = note;
    action.sa_sigaction = handler as *const () as libc::sighandler_t;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: the handler stores to one atomic, which is allowed in a handler, and is part of the
    // program, so it stays in place; `action` is filled in and lives through the call.
    if unsafe { libc::sigaction(signal, &action, ptr::null_mut()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(Some(before))
}

fn watchers() -> MutexGuard<'static, Watchers> {
    // The data is a count and a list, sound at every step.
    WATCHERS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handler_of(signal: libc::c_int) -> libc::sighandler_t {
        // SAFETY: plain data, valid when zero.
        let mut action: libc::sigaction = unsafe { mem::zeroed() };
        // SAFETY: asks only; `action` lives through the call.
        unsafe { libc::sigaction(signal, ptr::null(), &mut action) };
        action.sa_sigaction
    }

    #[test]
    fn a_signal_is_noted_and_the_old_action_comes_back() {
        let before = handler_of(libc::SIGTERM);
        let first = Interrupt::watch().expect("handlers");
        let second = Interrupt::watch().expect("handlers");
        assert!(!first.came());
        drop(first);
        // SAFETY: the handler is still in place, so the signal only sets the flag.
        unsafe { libc::raise(libc::SIGTERM) };
        assert!(second.came());
        drop(second);
        assert_eq!(handler_of(libc::SIGTERM), before);
    }
}
