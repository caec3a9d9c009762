//! Is this still the process that opened the handle?
//!
//! A forked child inherits every handle, and with it its parent's byte locks and its place in the
//! region. It must not act under either. So every operation compares [`fork_epoch`] with the value
//! that its handle was opened under; in a child it differs.
//!
//! The epoch lies in a private page with `MADV_WIPEONFORK`: the kernel hands every child a page of
//! zeros, however the child was made. Reading it costs two plain loads, where `getpid` is a system
//! call and wrong besides (a child in a new pid namespace may have its ancestor's number). The
//! first reader in a child finds 0 and draws the next epoch.
//!
//! `pthread_atfork` adds what a page can't: in the child of a `fork()` the handler closes the
//! inherited lock descriptors at once, so that the parent's death is seen though the child lives
//! on (see [`crate::lock`]). A child of a raw `clone` system call runs no handlers: it keeps them
//! open until it touches the handle, executes a program, or ends. That errs on the safe side: a
//! dead parent counts as alive meanwhile. `vfork` and `posix_spawn` children share the parent's
//! memory or execute at once, and are no concern.
//!
//! Where `MADV_WIPEONFORK` is refused (before Linux 4.14, some sandboxes), the handler alone moves
//! the epoch, and the child of a raw `clone` is not noticed.

use std::ptr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64};

/// What a forked child finds zeroed, and writes anew.
pub(crate) struct PrivatePage {
    /// The fork epoch; 0: not drawn yet in this process.
    epoch: AtomicU64,
    /// The time namespace's offset, kept here because a child may be in another one; encoded by
    /// `time`, 0: not read yet in this process.
    pub(crate) clock_offset: AtomicU64,
}

/// The page in use; null until the first call. Set once, and what it points to stays for good.
static PAGE: AtomicPtr<PrivatePage> = AtomicPtr::new(ptr::null_mut());

/// Stands in for the page where the system can't give one that is wiped on fork.
static ORDINARY_PAGE: PrivatePage =
    PrivatePage { epoch: AtomicU64::new(0), clock_offset: AtomicU64::new(0) };

/// The last epoch drawn by this process or, inherited, by an ancestor. Not smaller than the epoch
/// in the page, so a child that draws the next one differs from all its ancestors.
static LAST_EPOCH: AtomicU64 = AtomicU64::new(0);

static HANDLERS_REGISTERED: AtomicBool = AtomicBool::new(false);
static FORKS_STARTED: AtomicU64 = AtomicU64::new(0);
static FORKS_ENDED: AtomicU64 = AtomicU64::new(0);

/// A number that stays the same in this process and differs from that of every ancestor; never 0.
///
/// Unrelated processes may have the same one: compare it only with a value kept in this process's
/// own memory.
#[inline]
pub fn fork_epoch() -> u64 {
    // Relaxed: the word is all there is to read, nothing is published by it.
    let epoch = private_page().epoch.load(Relaxed);
    if epoch != 0 { epoch } else { draw_epoch() }
}

/// The process that made it, for asking at every operation whether this still is it.
#[derive(Debug, Clone, Copy)]
pub struct ProcessMark {
    /// The page's first word.
    now: &'static AtomicU64,
    then: u64,
}

impl ProcessMark {
    /// A mark of this process.
    #[must_use]
    pub fn new() -> Self {
        let then = fork_epoch();
        Self { now: &private_page().epoch, then }
    }

    /// Whether this is the process that made the mark: two loads and a comparison.
    #[inline(always)]
    #[must_use]
    pub fn is_here(&self) -> bool {
        // In a child that has not drawn its epoch the word is 0, which no mark has. Relaxed: as in `fork_epoch`.
        self.now.load(Relaxed) == self.then
    }
}

impl Default for ProcessMark {
    fn default() -> Self {
        Self::new()
    }
}

/// The page that a child finds zeroed.
#[inline]
pub(crate) fn private_page() -> &'static PrivatePage {
    // Acquire: pairs with the Release in `set_up_page`; the page is all zeros before and after.
    let page = PAGE.load(Acquire);
    if page.is_null() {
        return set_up_page();
    }
    // SAFETY: `PAGE` holds either null or a page that is never unmapped and is used only as the
    // two atomics that it begins with.
    unsafe { &*page }
}

/// The number of forks so far if none is under way in another thread.
///
/// The same answer before and after some steps proves that no child was made between them.
pub(crate) fn forks_if_quiet() -> Option<u64> {
    // Ended first: if the later look at the started ones finds no more, none was under way then.
    let ended = FORKS_ENDED.load(SeqCst);
    let started = FORKS_STARTED.load(SeqCst);
    (started == ended).then_some(started)
}

#[cold]
#[inline(never)]
fn draw_epoch() -> u64 {
    register_handlers();
    // The counter moves before the page does. In the other order a thread that is stopped in
    // between would leave a page that is ahead of the counter, and a child of that moment would
    // draw its parent's number again.
    let drawn = LAST_EPOCH.fetch_add(1, Relaxed) + 1;
    match private_page().epoch.compare_exchange(0, drawn, Relaxed, Relaxed) {
        Ok(_) => drawn,
        Err(drawn_by_another_thread) => drawn_by_another_thread,
    }
}

/// Registers the fork handlers if nobody has. Two threads at once may both do it: the handlers
/// bear being run twice, and a lock here could be inherited in a locked state.
fn register_handlers() {
    if HANDLERS_REGISTERED.load(Relaxed) {
        return;
    }
    // SAFETY: the handlers are functions of this library. They call nothing but atomics, `fstat`,
    // `lseek` and `close`, which is allowed in the child of a process with several threads.
    let failed = unsafe {
        libc::pthread_atfork(Some(before_fork), Some(after_fork_in_parent), Some(in_child))
    };
    if failed == 0 {
        HANDLERS_REGISTERED.store(true, Relaxed);
    }
}

extern "C" fn before_fork() {
    FORKS_STARTED.fetch_add(1, SeqCst);
}

extern "C" fn after_fork_in_parent() {
    FORKS_ENDED.fetch_add(1, SeqCst);
}

extern "C" fn in_child() {
    // The other threads, and their forks under way, do not exist here.
    FORKS_ENDED.store(FORKS_STARTED.load(SeqCst), SeqCst);
    crate::descriptor::close_all_in_child();
    // What the kernel has done already, unless the page is the ordinary one.
    let page = private_page();
    page.clock_offset.store(0, Relaxed);
    page.epoch.store(0, Relaxed);
}

#[cold]
#[inline(never)]
fn set_up_page() -> &'static PrivatePage {
    let fresh = map_wiped_page().unwrap_or_else(|| (&raw const ORDINARY_PAGE).cast_mut());
    // Release: pairs with the Acquire in `private_page`.
    match PAGE.compare_exchange(ptr::null_mut(), fresh, Release, Acquire) {
        // SAFETY: `fresh` is zeroed, aligned, and from now on never unmapped.
        Ok(_) => unsafe { &*fresh },
        Err(other) => {
            if !ptr::eq(fresh, &raw const ORDINARY_PAGE) {
                // SAFETY: this thread mapped `fresh` and nobody else has seen it.
                unsafe { libc::munmap(fresh.cast(), page_size()) };
            }
            // SAFETY: another thread has installed a page by the same rules.
            unsafe { &*other }
        }
    }
}

/// A zeroed page that is zeroed again in every child; `None` if the system has no such thing.
fn map_wiped_page() -> Option<*mut PrivatePage> {
    let len = page_size();
    // SAFETY: a new anonymous mapping at an address of the kernel's choice touches no other.
    let page = unsafe {
        libc::mmap(
            ptr::null_mut(),
            len,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if page == libc::MAP_FAILED {
        return None;
    }
    // SAFETY: `page` and `len` are the mapping just made.
    if unsafe { libc::madvise(page, len, libc::MADV_WIPEONFORK) } != 0 {
        // SAFETY: likewise, and nobody else has seen it.
        unsafe { libc::munmap(page, len) };
        return None;
    }
    Some(page.cast())
}

fn page_size() -> usize {
    // SAFETY: `sysconf` takes a number and returns one.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}
