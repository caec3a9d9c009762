//! The one clock of all recorded histories.

/// Nanoseconds of `CLOCK_MONOTONIC_RAW`: one time for all processes of the host, never adjusted.
#[must_use]
pub fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec that the call may write.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_RAW, &raw mut time) };
    assert_eq!(
        failed,
        0,
        "clock_gettime(CLOCK_MONOTONIC_RAW): {}",
        std::io::Error::last_os_error()
    );
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
