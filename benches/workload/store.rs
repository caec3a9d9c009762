//! Where a subject's items live, and sessions of workers that attach to it.

use std::time::Duration;

use crate::subject::{HostcacheSubject, Region, SliceSubject};
use crate::{Distribution, Operation, Session, Subject, Workload};

/// [`Session`] of any subject; called once per batch, so that the loops inside are the subject's own.
pub trait Work {
    /// [`Session::fill`].
    fn fill(&mut self);
    /// [`Session::empty`].
    fn empty(&mut self);
    /// [`Session::check_all`].
    fn check_all(&mut self);
    /// [`Session::count_right`].
    fn count_right(&mut self) -> u32;
    /// [`Session::run`].
    fn run(&mut self, operation: Operation, operations: u64) -> Duration;
    /// [`Session::run_many`].
    fn run_many(&mut self, batch: usize, operations: u64) -> Duration;
    /// [`Session::time_each_get`].
    fn time_each_get(&mut self, operations: u64, note: &mut dyn FnMut(u64));
}

impl<S: Subject> Work for Session<S> {
    fn fill(&mut self) {
        Session::fill(self);
    }

    fn empty(&mut self) {
        Session::empty(self);
    }

    fn check_all(&mut self) {
        Session::check_all(self);
    }

    fn count_right(&mut self) -> u32 {
        Session::count_right(self)
    }

    fn run(&mut self, operation: Operation, operations: u64) -> Duration {
        Session::run(self, operation, operations)
    }

    fn run_many(&mut self, batch: usize, operations: u64) -> Duration {
        Session::run_many(self, batch, operations)
    }

    fn time_each_get(&mut self, operations: u64, note: &mut dyn FnMut(u64)) {
        Session::time_each_get(self, operations, note);
    }
}

/// A subject's items. Workers are processes that attach to it, or threads where one process is all that it has.
pub trait Store {
    /// Begins a session on the items.
    ///
    /// # Errors
    /// If the subject can't be attached to; the message says why.
    fn attach(&self, order: Distribution, seed: u64) -> Result<Box<dyn Work + '_>, String>;

    /// Itself, where its workers are threads of this process.
    fn for_threads(&self) -> Option<&(dyn Store + Sync)> {
        None
    }
}

/// Boxes a session on `subject` whose order of keys is `order`.
pub fn session<'a>(
    subject: impl Subject + 'a,
    workload: Workload,
    order: Distribution,
    seed: u64,
) -> Box<dyn Work + 'a> {
    Box::new(Session::new(subject, Workload { distribution: order, ..workload }, seed))
}

/// A subject that forked processes share as it is, or that one worker alone has.
pub struct Inherited<S>(pub S, pub Workload);

impl<S: Subject> Store for Inherited<S> {
    fn attach(&self, order: Distribution, seed: u64) -> Result<Box<dyn Work + '_>, String> {
        Ok(session(&self.0, self.1, order, seed))
    }
}

/// A subject on the heap of one process, shared by its threads.
pub struct InProcess<S>(pub S, pub Workload);

impl<S: Subject + Sync> Store for InProcess<S> {
    fn attach(&self, order: Distribution, seed: u64) -> Result<Box<dyn Work + '_>, String> {
        Ok(session(&self.0, self.1, order, seed))
    }

    fn for_threads(&self) -> Option<&(dyn Store + Sync)> {
        Some(self)
    }
}

/// hostcache: every worker attaches to the region. The parent never stays attached: it forks.
pub struct Attached(pub Region, pub Workload);

impl Store for Attached {
    fn attach(&self, order: Distribution, seed: u64) -> Result<Box<dyn Work + '_>, String> {
        let subject: HostcacheSubject = self.0.open().map_err(|error| error.to_string())?;
        Ok(session(subject, self.1, order, seed))
    }
}

/// The same, read by `get_slice`.
pub struct AttachedForSlices(pub Region, pub Workload);

impl Store for AttachedForSlices {
    fn attach(&self, order: Distribution, seed: u64) -> Result<Box<dyn Work + '_>, String> {
        let subject: SliceSubject =
            self.0.open_for_slices(&self.1).map_err(|error| error.to_string())?;
        Ok(session(subject, self.1, order, seed))
    }
}
