//! Seats: a thread's lane in each cache that it uses.
//!
//! An operation finds its lane in thread-local storage, without a lock or an atomic read-modify-write; the seat used last
//! is found by one pointer. A seat belongs to one process: a forked child finds another fork epoch, forgets what it inherited, and attaches anew. At the
//! end of a thread its lanes go back.

use std::cell::{RefCell, UnsafeCell};
use std::mem::ManuallyDrop;
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering, compiler_fence};

use hostcache_core::fault::{Fault, planted};
use hostcache_core::{Lane, Ticket};
use hostcache_os::{ProcessMark, fork_epoch};

use crate::OpenError;
use crate::attachment::Attachment;
use crate::follow::Lookout;
use crate::last;
use crate::place::Place;

/// What all clones of a handle share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) place: Place,
    /// Number of this opening within the process and its forks; another one once it has gone over to another region, so
    /// that no seat fits any more.
    id: AtomicU64,
    writable: bool,
    /// Attachments, newest first: that of each fork epoch, and of each region that had the name. Nodes are only added, so
    /// a fork at any moment leaves a whole list to the child, and what was borrowed stays.
    attachments: AtomicPtr<Node>,
    lookout: Lookout,
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
pub(crate) struct Seat {
    id: u64,
    process: ProcessMark,
    ticket: Ticket,
    /// Set while an operation is under way: a signal handler in the middle of it must keep off.
    busy: AtomicBool,
    attachment: Arc<Attachment>,
    /// Taken out only when the seat is dropped.
    lane: UnsafeCell<ManuallyDrop<Lane>>,
}

/// One use of a seat's lane; ends it also when the operation unwinds.
struct InUse<'a>(&'a AtomicBool);

impl Drop for InUse<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        // Against a signal handler of this thread, the only one who may come between.
        compiler_fence(Ordering::SeqCst);
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Seat {
    /// Whether this is the seat of a cache, in this process.
    #[inline(always)]
    fn is_for(&self, id: u64) -> bool {
        self.id == id && (self.process.is_here() || planted(Fault::ChildKeepsLane))
    }

    /// Whether no operation is under way on the lane, and it was not taken away.
    #[inline(always)]
    fn is_free(&self) -> bool {
        !self.busy.load(Ordering::Relaxed) && self.is_current()
    }

    #[inline(always)]
    fn is_current(&self) -> bool {
        self.ticket.is_current(&self.attachment.region)
    }

    /// Runs an operation on the lane.
    ///
    /// # Safety
    ///
    /// No operation is under way.
    #[inline(always)]
    unsafe fn run<T>(&self, operation: impl FnOnce(&Attachment, &mut Lane) -> T) -> T {
        self.busy.store(true, Ordering::Relaxed);
        let _in_use = InUse(&self.busy);
        compiler_fence(Ordering::SeqCst);
        // SAFETY: seats never leave their thread; no operation was under way (contract), and `busy` keeps those that
        // begin in a signal handler off the lane until the reference is gone.
        operation(&self.attachment, unsafe { &mut *self.lane.get() })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if ptr::eq(last::get(), self) {
            last::set(ptr::null());
        }
        // SAFETY: a value is dropped once, and nobody uses the lane behind this.
        let lane = unsafe { ManuallyDrop::take(self.lane.get_mut()) };
        if self.process.is_here() {
            self.attachment.leave_lane(lane);
        } else {
            self.attachment.forget_in_child();
        }
    }
}

thread_local! {
    static SEATS: RefCell<Vec<Rc<Seat>>> = const { RefCell::new(Vec::new()) };
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl Shared {
    pub(crate) fn new(place: Place, attachment: Arc<Attachment>) -> Self {
        let writable = attachment.is_writable();
        let node = Node { epoch: fork_epoch(), attachment, next: ptr::null_mut() };
        Self {
            place,
            id: AtomicU64::new(NEXT_ID.fetch_add(1, Ordering::Relaxed)),
            writable,
            attachments: AtomicPtr::new(Box::into_raw(Box::new(node))),
            lookout: Lookout::new(),
        }
    }

    pub(crate) fn is_writable(&self) -> bool {
        self.writable
    }

    fn id(&self) -> u64 {
        // With the store in `go_over`: who sees the number sees the attachment that it stands for.
        self.id.load(Ordering::Acquire)
    }

    /// This process's attachment, to keep.
    pub(crate) fn attachment(&self) -> Result<Arc<Attachment>, OpenError> {
        self.attached().cloned()
    }

    /// This process's attachment.
    #[inline]
    pub(crate) fn attached(&self) -> Result<&Arc<Attachment>, OpenError> {
        let epoch = fork_epoch();
        let head = self.attachments.load(Ordering::Acquire);
        // SAFETY: the list is never empty, and its nodes live as long as `self`.
        let node = unsafe { &*head };
        if node.epoch == epoch {
            return Ok(&node.attachment);
        }
        self.attach_anew(epoch, head)
    }

    /// In a forked child: the region by its name, as a process of its own.
    #[cold]
    fn attach_anew(&self, epoch: u64, head: *mut Node) -> Result<&Arc<Attachment>, OpenError> {
        // SAFETY: as in `attached`.
        let inherited = unsafe { &*head };
        inherited.attachment.forget_in_child();
        let attachment = Arc::new(inherited.attachment.attach_again(&self.place)?);
        let node = Box::into_raw(Box::new(Node { epoch, attachment, next: head }));
        match self.attachments.compare_exchange(head, node, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: as in `attached`.
            Ok(_) => Ok(&unsafe { &*node }.attachment),
            Err(_) => {
                // Another thread of this child was faster.
                // SAFETY: the node was not published.
                drop(unsafe { Box::from_raw(node) });
                self.attached()
            }
        }
    }

    /// Goes over to the region that has the name by now, if it is time to look and there is another one; whether it did.
    #[inline]
    pub(crate) fn keep_up(&self) -> bool {
        !self.place.is_private() && self.lookout.is_due() && self.look()
    }

    /// [`Shared::keep_up`] at every 64th of a count: what is nearly always met has no time for the clock. Goes over for the
    /// operations that come.
    #[inline(always)]
    pub(crate) fn keep_up_now_and_then(&self, count: u64) {
        if count.is_multiple_of(64) {
            self.keep_up_at_last();
        }
    }

    #[cold]
    #[inline(never)]
    fn keep_up_at_last(&self) {
        self.keep_up();
    }

    #[cold]
    fn look(&self) -> bool {
        let head = self.attachments.load(Ordering::Acquire);
        // SAFETY: as in `attached`.
        let old = unsafe { &*head };
        // A forked child finds what has the name when it attaches.
        if old.epoch != fork_epoch() || !old.attachment.is_replaced() {
            return false;
        }
        let Some(new) = old.attachment.successor(&self.place) else { return false };
        old.attachment.abandon(&self.place);
        self.go_over(head, new)
    }

    fn go_over(&self, head: *mut Node, new: Attachment) -> bool {
        let node = Node { epoch: fork_epoch(), attachment: Arc::new(new), next: head };
        let node = Box::into_raw(Box::new(node));
        let gone =
            self.attachments.compare_exchange(head, node, Ordering::AcqRel, Ordering::Acquire);
        if gone.is_err() {
            // Another thread was faster.
            // SAFETY: the node was not published.
            drop(unsafe { Box::from_raw(node) });
            return true;
        }
        // SAFETY: as in `attached`.
        unsafe { &*head }.attachment.leave();
        // With the load in `id`.
        self.id.store(NEXT_ID.fetch_add(1, Ordering::Relaxed), Ordering::Release);
        true
    }

    /// Runs an operation on this thread's lane.
    #[inline(always)]
    pub(crate) fn with_lane<T>(
        &self,
        operation: impl FnOnce(&Attachment, &mut Lane) -> T,
    ) -> Result<T, Box<OpenError>> {
        if let Some(seat) = self.last_seat()
            && seat.is_free()
            && !self.keep_up()
        {
            // SAFETY: none is under way.
            return Ok(unsafe { seat.run(operation) });
        }
        self.with_other_seat(operation)
    }

    /// Runs a read on the seat used last if that is this thread's seat here. Without a look at whether the lane was taken
    /// away, or is in use: a reader does nothing on it but count.
    #[inline(always)]
    pub(crate) fn with_last_ticket<T>(
        &self,
        read: impl FnOnce(&Attachment, Ticket) -> Option<T>,
    ) -> Option<T> {
        let seat = self.last_seat()?;
        read(&seat.attachment, seat.ticket)
    }

    /// Runs a write on the seat used last if that is this thread's seat here, and its lane was not taken away.
    #[inline(always)]
    pub(crate) fn with_last_current_lane<T>(
        &self,
        write: impl FnOnce(&Attachment, &mut Lane) -> Option<T>,
    ) -> Option<T> {
        let seat = self.last_seat().filter(|seat| seat.is_free())?;
        // SAFETY: none is under way.
        unsafe { seat.run(write) }
    }

    /// The seat used last, if it is this thread's seat in this cache.
    #[inline(always)]
    fn last_seat(&self) -> Option<&Seat> {
        // SAFETY: the last is null or a seat of this thread that `SEATS` keeps; a seat that is dropped clears it first, and
        // seats of this cache are dropped by this thread only, behind the use of the reference.
        let last = unsafe { last::get().as_ref() }?;
        last.is_for(self.id.load(Ordering::Relaxed)).then_some(last)
    }

    /// On a seat that is not the one used last, or is not there yet.
    #[cold]
    fn with_other_seat<T>(
        &self,
        operation: impl FnOnce(&Attachment, &mut Lane) -> T,
    ) -> Result<T, Box<OpenError>> {
        let Some(seat) = self.seat().transpose()? else {
            return self.with_guest_lane(operation);
        };
        last::set(Rc::as_ptr(&seat));
        if seat.busy.load(Ordering::Relaxed) {
            return self.with_guest_lane(operation);
        }
        if self.keep_up() {
            return self.with_other_seat(operation);
        }
        // SAFETY: none is under way.
        Ok(unsafe { seat.run(operation) })
    }

    /// This thread's seat, made if need be. `None`: there can be none, in a signal handler or at the end of the thread.
    fn seat(&self) -> Option<Result<Rc<Seat>, Box<OpenError>>> {
        let seat = SEATS.try_with(|seats| {
            // Borrowed already: a signal handler in the middle of this function.
            let mut seats = seats.try_borrow_mut().ok()?;
            let id = self.id();
            if let Some(seat) = seats.iter().find(|seat| seat.is_for(id) && seat.is_current()) {
                return Some(Ok(Rc::clone(seat)));
            }
            // Of an ancestor, or one whose lane was taken away, or in a region that was left; an operation may be interrupted
            // in the middle of it.
            seats.retain(|seat| {
                let is_in_use = seat.busy.load(Ordering::Relaxed);
                is_in_use || (seat.id != id && !seat.attachment.is_left())
            });
            Some(self.sit(id).inspect(|seat| seats.push(Rc::clone(seat))))
        });
        seat.ok().flatten()
    }

    fn sit(&self, id: u64) -> Result<Rc<Seat>, Box<OpenError>> {
        let attachment = self.attachment()?;
        let lane = attachment.take_lane(&self.place)?;
        Ok(Rc::new(Seat {
            id,
            process: ProcessMark::new(),
            ticket: lane.ticket(),
            busy: AtomicBool::new(false),
            attachment,
            lane: UnsafeCell::new(ManuallyDrop::new(lane)),
        }))
    }

    /// Where the thread's own seat can't be used: in a signal handler, or at the end of the thread.
    #[cold]
    fn with_guest_lane<T>(
        &self,
        operation: impl FnOnce(&Attachment, &mut Lane) -> T,
    ) -> Result<T, Box<OpenError>> {
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
                let id = self.id();
                seats.retain(|seat| seat.id != id && !seat.attachment.is_left());
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

#[cfg(test)]
mod tests {
    use crate::Cache;

    #[test]
    fn a_lane_that_was_taken_away_is_not_gone_on_with() {
        let scratch = tempfile::tempdir().expect("a directory");
        let builder = Cache::builder("test").directory(scratch.path()).capacity(1 << 20);
        let cache = builder.create().expect("a region");
        let use_all = |key: &str| {
            cache.set(key, [1; 300]).expect("there is room");
            assert!(cache.get(key).is_some());
            // Its magazine keeps the block.
            cache.delete(key).expect("sound");
        };
        use_all("before");
        let region = &cache.shared.attached().expect("attached").region;
        let attached = || (0..32).find(|&lane| region.is_attached(lane));
        let before = attached().expect("this thread's");
        let incarnation = region.lane_view(before).incarnation;
        // What others do who find its byte free: the process closed descriptors that are not its own.
        region.recover_lane(before);
        assert_eq!(attached(), None);
        use_all("after");
        let after = attached().expect("it attached anew");
        let again = region.lane_view(after).incarnation;
        assert!(after != before || again > incarnation, "{again} after {incarnation}");
        let report = cache.check();
        assert!(report.is_sound(), "{report:#?}");
    }
}
