//! What the guard against truncation takes, and what it leaves to others.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use hostcache_os::{Mapping, TruncationGuard};

const LEN: u64 = 4 * 4096;

fn mapped(writable: bool) -> (File, Mapping) {
    let file = tempfile::tempfile_in("/dev/shm").expect("a file");
    file.write_all_at(&[0xaa; LEN as usize], 0).expect("written");
    let mapping = Mapping::map(&file, LEN as usize, writable).expect("mapped");
    (file, mapping)
}

fn word(mapping: &Mapping, index: usize) -> &AtomicU64 {
    assert!(index < mapping.len() / 8);
    // SAFETY: in bounds and aligned, and accessed as this atomic only.
    unsafe { AtomicU64::from_ptr(mapping.as_ptr().as_ptr().cast::<u64>().add(index)) }
}

/// How a forked child ended that ran `body` to its end, or did not.
fn in_child(body: impl FnOnce()) -> Result<i32, i32> {
    // SAFETY: the child uses what the C library keeps usable over a fork, and ends without clean-up.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        body();
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(0) };
    }
    assert!(pid > 0, "forking: {}", io::Error::last_os_error());
    let mut status = 0;
    // SAFETY: `status` may be written, and the process is a child of ours.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    match libc::WIFSIGNALED(status) {
        true => Err(libc::WTERMSIG(status)),
        false => Ok(libc::WEXITSTATUS(status)),
    }
}

fn installed() -> usize {
    // SAFETY: zeros are a valid `sigaction`, which may be written.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(libc::SIGBUS, ptr::null(), &raw mut action);
        action.sa_sigaction
    }
}

extern "C" fn note_and_end(_: libc::c_int) {
    // SAFETY: ends the process at once.
    unsafe { libc::_exit(42) };
}

#[test]
fn lost_pages_become_zeros_in_all_of_the_mapping_and_in_no_other() {
    for writable in [false, true] {
        let end = in_child(|| {
            let (file, mapping) = mapped(writable);
            let (_other_file, other) = mapped(true);
            let guard = TruncationGuard::new(&mapping).expect("guarded");
            let other_guard = TruncationGuard::new(&other).expect("guarded");
            assert!(!guard.is_lost());
            file.set_len(4096).expect("cut off");
            assert_ne!(word(&mapping, 0).load(Ordering::Relaxed), 0);
            assert_eq!(word(&mapping, 1024).load(Ordering::Relaxed), 0);
            assert!(guard.is_lost() && !other_guard.is_lost());
            assert_eq!(word(&mapping, 0).load(Ordering::Relaxed), 0);
            assert_ne!(word(&other, 1024).load(Ordering::Relaxed), 0);
            if writable {
                word(&mapping, 5).store(7, Ordering::Relaxed);
            }
        });
        assert_eq!(end, Ok(0));
    }
}

#[test]
fn nothing_is_installed_until_it_is_asked_for() {
    let end = in_child(|| {
        let before = installed();
        let (_file, mapping) = mapped(true);
        assert_eq!(installed(), before);
        drop(TruncationGuard::new(&mapping).expect("guarded"));
        assert_ne!(installed(), before);
    });
    assert_eq!(end, Ok(0));
}

#[test]
fn a_foreign_fault_goes_to_the_handler_before_and_without_one_ends_the_process() {
    let fault = |previous: libc::sighandler_t| {
        move || {
            // SAFETY: a valid disposition.
            unsafe { libc::signal(libc::SIGBUS, previous) };
            let (_file, guarded) = mapped(true);
            let _guard = TruncationGuard::new(&guarded).expect("guarded");
            let (file, foreign) = mapped(true);
            file.set_len(0).expect("cut off");
            word(&foreign, 0).load(Ordering::Relaxed);
        }
    };
    assert_eq!(in_child(fault(note_and_end as *const () as usize)), Ok(42));
    assert_eq!(in_child(fault(libc::SIG_DFL)), Err(libc::SIGBUS));
    assert_eq!(in_child(fault(libc::SIG_IGN)), Err(libc::SIGBUS));
}

#[test]
fn a_signal_that_was_sent_is_no_fault() {
    let sent = |previous: libc::sighandler_t| {
        move || {
            // SAFETY: a valid disposition.
            unsafe { libc::signal(libc::SIGBUS, previous) };
            let (_file, guarded) = mapped(true);
            let _guard = TruncationGuard::new(&guarded).expect("guarded");
            // SAFETY: takes numbers.
            unsafe { libc::raise(libc::SIGBUS) };
        }
    };
    assert_eq!(in_child(sent(note_and_end as *const () as usize)), Ok(42));
    assert_eq!(in_child(sent(libc::SIG_DFL)), Err(libc::SIGBUS));
    assert_eq!(in_child(sent(libc::SIG_IGN)), Ok(0));
}

#[test]
fn a_guard_that_ended_guards_nothing_and_its_place_is_used_again() {
    let end = in_child(|| {
        for _ in 0..1000 {
            let (file, mapping) = mapped(true);
            let guard = TruncationGuard::new(&mapping).expect("guarded");
            assert!(!guard.is_lost());
            file.set_len(0).expect("cut off");
            word(&mapping, 0).load(Ordering::Relaxed);
            assert!(guard.is_lost());
        }
        let (file, mapping) = mapped(true);
        drop(TruncationGuard::new(&mapping).expect("guarded"));
        file.set_len(0).expect("cut off");
        word(&mapping, 0).load(Ordering::Relaxed);
    });
    assert_eq!(end, Err(libc::SIGBUS));
}
