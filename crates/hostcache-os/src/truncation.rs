//! Surviving the truncation of a mapped file, on request.
//!
//! Whoever touches a page of a file that was cut off gets SIGBUS, and ends. No check in user space can rule that out
//! for a file that others may write. Who asks for it gets a handler instead, which puts zeros in the place of the whole
//! mapping, notes that it is lost, and lets the access go on: to the code above, the region has become an empty one of
//! this process alone. Memory of another process is never touched, and no other fault is taken: what lies in no
//! guarded mapping goes to the handler that was there before, or ends the process as it would have.
//!
//! A signal handler is a property of the whole process, so nothing is installed until the first mapping is guarded.
//! Whoever installs a handler for SIGBUS afterwards replaces this one; a runtime that wants both must come first.
//!
//! The handler is async-signal-safe: it reads a list whose nodes are never freed, and calls `mmap` and, for a
//! foreign fault, `sigaction`. The idea is that of the Wayland library for its clients' buffers.

use crate::error::OsError;
use crate::mapping::Mapping;
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::path::Path;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicUsize, Ordering};
use std::{io, mem};

/// A mapping as the handler knows it. Nodes are never freed, and used again.
#[derive(Debug)]
struct Node {
    /// Address of the first byte; 0: none is guarded. Stored last, behind the others.
    start: AtomicUsize,
    len: AtomicUsize,
    protection: AtomicI32,
    lost: AtomicBool,
    taken: AtomicBool,
    next: *const Node,
}

// SAFETY: all but `next` is atomic, and that never changes once the node is in the list.
unsafe impl Sync for Node {}

/// All nodes, the newest first.
static NODES: AtomicPtr<Node> = AtomicPtr::new(ptr::null_mut());

/// What was installed before.
struct Previous(UnsafeCell<MaybeUninit<libc::sigaction>>);

// SAFETY: written once, before the handler that reads it is installed.
unsafe impl Sync for Previous {}

static PREVIOUS: Previous = Previous(UnsafeCell::new(MaybeUninit::uninit()));

/// Guards a mapping as long as it lives; it must be dropped before the mapping is.
#[derive(Debug)]
pub struct TruncationGuard {
    node: &'static Node,
}

impl TruncationGuard {
    /// Guards a mapping, and installs the handler if that was not done yet.
    pub fn new(mapping: &Mapping) -> Result<Self, OsError> {
        install()?;
        let node = free_node();
        let writable = if mapping.is_writable() { libc::PROT_WRITE } else { 0 };
        // Relaxed: `start` publishes them.
        node.len.store(mapping.len(), Ordering::Relaxed);
        node.protection.store(libc::PROT_READ | writable, Ordering::Relaxed);
        node.lost.store(false, Ordering::Relaxed);
        // Release: pairs with the Acquire load of the handler.
        node.start.store(mapping.as_ptr().as_ptr().addr(), Ordering::Release);
        Ok(Self { node })
    }

    /// Whether the file was cut off and zeros stand in its place.
    pub fn is_lost(&self) -> bool {
        // Acquire: pairs with the handler's Release, so that who sees the loss sees the zeros.
        self.node.lost.load(Ordering::Acquire)
    }
}

impl Drop for TruncationGuard {
    fn drop(&mut self) {
        // Release twice: the next owner of the node, who takes it by an Acquire, sees it unused.
        self.node.start.store(0, Ordering::Release);
        self.node.taken.store(false, Ordering::Release);
    }
}

/// A node that nobody uses, or a new one.
fn free_node() -> &'static Node {
    let mut next: *const Node = NODES.load(Ordering::Acquire);
    // SAFETY: nodes are never freed.
    while let Some(node) = unsafe { next.as_ref() } {
        // Acquire: pairs with the Release of `drop`.
        if !node.taken.swap(true, Ordering::Acquire) {
            return node;
        }
        next = node.next;
    }
    let node: &'static mut Node = Box::leak(Box::new(Node {
        start: AtomicUsize::new(0),
        len: AtomicUsize::new(0),
        protection: AtomicI32::new(0),
        lost: AtomicBool::new(false),
        taken: AtomicBool::new(true),
        next: ptr::null(),
    }));
    let mut head = NODES.load(Ordering::Acquire);
    loop {
        node.next = head;
        // Release: pairs with the Acquire loads above and in the handler.
        match NODES.compare_exchange_weak(head, node, Ordering::Release, Ordering::Acquire) {
            Ok(_) => return node,
            Err(now) => head = now,
        }
    }
}

fn install() -> Result<(), OsError> {
    static DONE: OnceLock<Result<(), i32>> = OnceLock::new();
    let done = DONE.get_or_init(|| {
        // SAFETY: an all-zero `sigaction` is a valid one.
        let mut ours: libc::sigaction = unsafe { mem::zeroed() };
        ours.sa_sigaction = handler as *const () as usize;
        // On the stack for signals where the program has one: the thread's own may be what is at its end.
        ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        let failed = || io::Error::last_os_error().raw_os_error().unwrap_or(0);
        // SAFETY: nobody else touches `PREVIOUS` yet: the handler is installed by the second call, and this closure
        // runs once.
        unsafe {
            libc::sigemptyset(&raw mut ours.sa_mask);
            if libc::sigaction(libc::SIGBUS, ptr::null(), (*PREVIOUS.0.get()).as_mut_ptr()) != 0
                || libc::sigaction(libc::SIGBUS, &raw const ours, ptr::null_mut()) != 0
            {
                return Err(failed());
            }
        }
        Ok(())
    });
    done.map_err(|errno| {
        OsError::new("sigaction(SIGBUS)", Path::new(""), io::Error::from_raw_os_error(errno))
    })
}

/// Runs on the thread that touched a page that is gone.
extern "C" fn handler(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid `siginfo_t`; the address counts only if the code says so.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr().addr()) };
    if code == libc::BUS_ADRERR && replace(address) {
        return;
    }
    pass_on(signal, info, context);
}

/// Puts zeros in the place of the guarded mapping that an address lies in.
fn replace(address: usize) -> bool {
    let mut next: *const Node = NODES.load(Ordering::Acquire);
    // SAFETY: nodes are never freed.
    while let Some(node) = unsafe { next.as_ref() } {
        let start = node.start.load(Ordering::Acquire);
        let len = node.len.load(Ordering::Relaxed);
        if start != 0 && address.wrapping_sub(start) < len {
            let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
            let protection = node.protection.load(Ordering::Relaxed);
            let at = ptr::without_provenance_mut(start);
            // SAFETY: replaces exactly a mapping of this library, whose bytes are only accessed as atomics or copied
            // by machine code, and believed by nobody; the thread that faulted is in the middle of using it, so it is
            // still there. `mmap` is a system call, and keeps `errno` unless it fails.
            let zeros = unsafe { libc::mmap(at, len, protection, kind, -1, 0) };
            if zeros == libc::MAP_FAILED {
                return false;
            }
            // Release: pairs with `is_lost`.
            node.lost.store(true, Ordering::Release);
            return true;
        }
        next = node.next;
    }
    false
}

/// As if this handler were not there.
fn pass_on(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: written before this handler was installed, and never again.
    let previous = unsafe { (*PREVIOUS.0.get()).assume_init_ref() };
    let action = previous.sa_sigaction;
    // SAFETY: as in `handler`.
    let is_fault = unsafe { (*info).si_code } > 0;
    if action == libc::SIG_IGN && !is_fault {
        return;
    }
    if action == libc::SIG_DFL || action == libc::SIG_IGN {
        // A fault ends the process even where the signal is ignored; the access is repeated and does so.
        // SAFETY: all-zero is a valid `sigaction`, that of the default.
        unsafe {
            let default: libc::sigaction = mem::zeroed();
            libc::sigaction(signal, &raw const default, ptr::null_mut());
            // Sent by `kill`, it would not come again.
            if !is_fault {
                libc::raise(signal);
            }
        }
    } else if previous.sa_flags & libc::SA_SIGINFO != 0 {
        type Action = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);
        // SAFETY: whoever installed it said that it is a function of this kind.
        let action: Action = unsafe { mem::transmute(action) };
        action(signal, info, context);
    } else {
        // SAFETY: as above.
        let action: extern "C" fn(libc::c_int) = unsafe { mem::transmute(action) };
        action(signal);
    }
}
