//! Seats: a thread's lane in each cache that it uses.
//!
//! An operation finds its lane in thread-local storage, without a lock or an atomic read-modify-write. A seat belongs to
//! one process: a forked child finds another fork epoch, forgets what it inherited, and attaches anew. At the
//! end of a thread its lanes go back.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use hostcache_core::Lane;
use hostcache_os::fork_epoch;

use crate::OpenError;
use crate::attachment::Attachment;
use crate::place::Place;

/// What all clones of a handle share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) place: Place,
    /// Number of this opening within the process and its forks.
    id: u64,
    writable: bool,
    /// Attachments by fork epoch, newest first; nodes are only added, so a fork at any moment leaves a
    /// whole list to the child.
    attachments: AtomicPtr<Node>,
}

#[derive(Debug)]
struct Node {
    epoch: u64,
    attachment: Arc<Attachment>,
    next: *mut Node,
}

// SAFETY: nodes are immutable once published, and freed only with the list's owner.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

/// One thread's part in one cache.
struct Seat {
    id: u64,
    epoch: u64,
    attachment: Arc<Attachment>,
    /// `None` only while the seat is dropped.
    lane: Option<Lane>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(lane) = self.lane.take() {
            if self.epoch == fork_epoch() {
                self.attachment.leave_lane(lane);
            } else {
                self.attachment.forget_in_child();
            }
        }
    }
}

thread_local! {
    static SEATS: RefCell<Vec<Seat>> = const { RefCell::new(Vec::new()) };
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl Shared {
    pub(crate) fn new(place: Place, attachment: Arc<Attachment>) -> Self {
        let writable = attachment.is_writable();
        let node = Node { epoch: fork_epoch(), attachment, next: std::ptr::null_mut() };
        Self {
            place,
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            writable,
            attachments: AtomicPtr::new(Box::into_raw(Box::new(node))),
        }
    }

    pub(crate) fn is_writable(&self) -> bool {
        self.writable
    }

    /// This process's attachment.
    pub(crate) fn attachment(&self) -> Result<Arc<Attachment>, OpenError> {
        let epoch = fork_epoch();
        let head = self.attachments.load(Ordering::Acquire);
        // SAFETY: the list is never empty, and its nodes live as long as `self`.
        let node = unsafe { &*head };
        if node.epoch == epoch {
            return Ok(Arc::clone(&node.attachment));
        }
        self.attach_anew(epoch, head)
    }

    /// In a forked child: the region by its name, as a process of its own.
    #[cold]
    fn attach_anew(&self, epoch: u64, head: *mut Node) -> Result<Arc<Attachment>, OpenError> {
        // SAFETY: as in `attachment`.
        let inherited = unsafe { &*head };
        inherited.attachment.forget_in_child();
        let attachment = Arc::new(inherited.attachment.attach_again(&self.place)?);
        let node = Node { epoch, attachment: Arc::clone(&attachment), next: head };
        let node = Box::into_raw(Box::new(node));
        match self.attachments.compare_exchange(head, node, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(attachment),
            Err(_) => {
                // Another thread of this child was faster.
                // SAFETY: the node was not published.
                drop(unsafe { Box::from_raw(node) });
                self.attachment()
            }
        }
    }

    /// Runs an operation on this thread's lane.
    #[inline(always)]
    pub(crate) fn with_lane<T>(
        &self,
        operation: impl FnOnce(&Attachment, &mut Lane) -> T,
    ) -> Result<T, Box<OpenError>> {
        let mut operation = Some(operation);
        let seated = SEATS.try_with(|seats| {
            // Borrowed already: a signal handler in the middle of an operation.
            let mut seats = seats.try_borrow_mut().ok()?;
            let at = match seats.iter().position(|seat| seat.id == self.id) {
                Some(at) if self.is_valid(&seats[at]) => at,
                _ => match self.sit(&mut seats) {
                    Ok(at) => at,
                    Err(error) => return Some(Err(Box::new(error))),
                },
            };
            let seat = &mut seats[at];
            let operation = operation.take()?;
            let lane = seat.lane.as_mut()?;
            Some(Ok(operation(&seat.attachment, lane)))
        });
        match (seated, operation) {
            (Ok(Some(result)), _) => result,
            (_, Some(operation)) => self.with_guest_lane(operation).map_err(Box::new),
            // The operation ran, so there is a result.
            (_, None) => unreachable!("an operation that ran has a result"),
        }
    }

    #[inline]
    fn is_valid(&self, seat: &Seat) -> bool {
        seat.epoch == fork_epoch()
            && seat.lane.as_ref().is_some_and(|lane| lane.is_current(&seat.attachment.region))
    }

    #[cold]
    fn sit(&self, seats: &mut Vec<Seat>) -> Result<usize, OpenError> {
        seats.retain(|seat| seat.id != self.id);
        let attachment = self.attachment()?;
        let lane = attachment.take_lane(&self.place)?;
        seats.push(Seat { id: self.id, epoch: fork_epoch(), attachment, lane: Some(lane) });
        Ok(seats.len() - 1)
    }

    /// Where the thread's own seat can't be used: in a signal handler, or at the end of the thread.
    #[cold]
    fn with_guest_lane<T>(
        &self,
        operation: impl FnOnce(&Attachment, &mut Lane) -> T,
    ) -> Result<T, OpenError> {
        let attachment = self.attachment()?;
        let mut lane = attachment.take_lane(&self.place)?;
        let result = operation(&attachment, &mut lane);
        attachment.leave_lane(lane);
        Ok(result)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The last handle: this thread's seat goes now, others' with their threads.
        let _ = SEATS.try_with(|seats| {
            if let Ok(mut seats) = seats.try_borrow_mut() {
                seats.retain(|seat| seat.id != self.id);
            }
        });
        let mut next = *self.attachments.get_mut();
        while !next.is_null() {
            // SAFETY: nodes come from `Box::into_raw`, are in the list once, and nobody else reads
            // it any more.
            let node = unsafe { Box::from_raw(next) };
            if node.epoch != fork_epoch() {
                node.attachment.forget_in_child();
            }
            next = node.next;
        }
    }
}
