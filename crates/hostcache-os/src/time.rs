//! Time that every process of the host agrees on, in milliseconds.
//!
//! Deadlines are kept on the monotonic clock, which no one can step. Two things stand in the way
//! of sharing it. A *time namespace* (some containers have one) adds an offset to it, which is
//! read from `/proc` and taken off again. And the precise clock costs more than the coarse one,
//! which lags by up to a tick (1 to 10 ms); a deadline made with [`now_ms`], rounded up, and
//! tested with [`now_coarse_ms`], rounded down, never passes early.
//!
//! Known limit: a process that enters another time namespace by `setns`, alive, keeps the old
//! offset. A forked child reads it anew.

use crate::fork::private_page;
use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;

const NS_PER_SECOND: i64 = 1_000_000_000;
const NS_PER_MS: i64 = 1_000_000;

/// Milliseconds since the host booted, rounded down, by the coarse clock: a few nanoseconds to
/// read, and behind [`now_ms`] by at most a tick and the rounding.
#[inline]
pub fn now_coarse_ms() -> u64 {
    let ns = read_clock(libc::CLOCK_MONOTONIC_COARSE) - host_offset();
    clamp(ns.div_euclid(NS_PER_MS))
}

/// Milliseconds since the host booted, rounded up, by the precise clock.
#[inline]
pub fn now_ms() -> u64 {
    let ns = read_clock(libc::CLOCK_MONOTONIC) - host_offset();
    rounded_up(ns)
}

/// Milliseconds since 1970 by the wall clock, for people to read; it may step either way.
pub fn unix_ms() -> u64 {
    clamp(read_clock(libc::CLOCK_REALTIME).div_euclid(NS_PER_MS))
}

/// An identity of this boot of the host, the same in every container: a region with another one
/// was written before a reboot, and its times mean nothing any more.
///
/// Where the kernel does not give one, the boot's time to the second stands in; all zeros if even
/// that can't be read.
pub fn boot_id() -> [u8; 16] {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .ok()
        .and_then(|text| parse_uuid(&text))
        .or_else(|| fs::read_to_string("/proc/stat").ok().and_then(|text| parse_boot_time(&text)))
        .unwrap_or([0; 16])
}

fn rounded_up(ns: i64) -> u64 {
    clamp(ns.saturating_add(NS_PER_MS - 1).div_euclid(NS_PER_MS))
}

fn clamp(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// A clock's value in nanoseconds, which last for 292 years.
#[inline]
fn read_clock(clock: libc::clockid_t) -> i64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is valid for writes. The call fails only for an unknown clock, and these are
    // older than every supported kernel.
    unsafe { libc::clock_gettime(clock, &raw mut now) };
    now.tv_sec.saturating_mul(NS_PER_SECOND).saturating_add(now.tv_nsec)
}

/// What this process's time namespace adds to the monotonic clock, in nanoseconds.
///
/// Cached in the page that a forked child sees zeroed, since a child may be in another namespace
/// than its parent (`unshare --time --fork`).
#[inline]
fn host_offset() -> i64 {
    // Stored as offset × 2 + 1, so that 0 means "not read yet".
    let word = private_page().clock_offset.load(Relaxed);
    if word != 0 { word.cast_signed() >> 1 } else { read_host_offset() }
}

#[cold]
fn read_host_offset() -> i64 {
    let offset = offset_of_this_namespace();
    // Relaxed: every thread would store the same value, and nothing else depends on it.
    private_page().clock_offset.store(((offset << 1) | 1).cast_unsigned(), Relaxed);
    offset
}

fn offset_of_this_namespace() -> i64 {
    // The file shows the offsets for children. After `unshare(CLONE_NEWTIME)` without a fork they
    // are not this process's own; its own namespace is then almost surely the host's.
    let same = match (
        fs::read_link(Path::new("/proc/self/ns/time")),
        fs::read_link(Path::new("/proc/self/ns/time_for_children")),
    ) {
        (Ok(own), Ok(children)) => own == children,
        _ => true,
    };
    if !same {
        return 0;
    }
    // No such file: a kernel without time namespaces, and no offset.
    fs::read_to_string("/proc/self/timens_offsets").map_or(0, |text| parse_monotonic_offset(&text))
}

/// The offset in a line such as `monotonic  86400  500000000`; 0 if there is none.
fn parse_monotonic_offset(text: &str) -> i64 {
    text.lines()
        .find_map(|line| {
            let mut words = line.split_ascii_whitespace();
            // Newer kernels name the clock, older ones give its number.
            if !matches!(words.next()?, "monotonic" | "1") {
                return None;
            }
            let seconds: i64 = words.next()?.parse().ok()?;
            let nanoseconds: i64 = words.next()?.parse().ok()?;
            seconds.checked_mul(NS_PER_SECOND)?.checked_add(nanoseconds)
        })
        .filter(|offset| offset.unsigned_abs() < 1 << 62)
        .unwrap_or(0)
}

fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let mut id = [0_u8; 16];
    let mut digits = text.trim().chars().filter(|&c| c != '-');
    for byte in &mut id {
        let high = digits.next()?.to_digit(16)?;
        let low = digits.next()?.to_digit(16)?;
        *byte = u8::try_from(high << 4 | low).ok()?;
    }
    digits.next().is_none().then_some(id)
}

fn parse_boot_time(text: &str) -> Option<[u8; 16]> {
    let line = text.lines().find_map(|line| line.strip_prefix("btime "))?;
    let seconds: u64 = line.trim().parse().ok()?;
    let mut id = [0_u8; 16];
    id[..8].copy_from_slice(b"btime\0\0\0");
    id[8..].copy_from_slice(&seconds.to_le_bytes());
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_millisecond_counts_as_a_whole_one() {
        for (ns, ms) in [(0, 0), (1, 1), (999_999, 1), (1_000_000, 1), (1_000_001, 2), (-5, 0)] {
            assert_eq!(rounded_up(ns), ms, "{ns}");
        }
    }

    #[test]
    fn the_monotonic_offset_is_found_among_the_others() {
        let text = "monotonic      86400         5\nboottime         7         0\n";
        assert_eq!(parse_monotonic_offset(text), 86_400 * NS_PER_SECOND + 5);
        assert_eq!(parse_monotonic_offset("boottime 7 0\nmonotonic -3 0\n"), -3 * NS_PER_SECOND);
        assert_eq!(parse_monotonic_offset("1 2 0\n7 9 0\n"), 2 * NS_PER_SECOND);
    }

    #[test]
    fn an_offset_that_makes_no_sense_counts_as_none() {
        for text in ["", "monotonic", "monotonic x y", "monotonic 9223372036854775807 0"] {
            assert_eq!(parse_monotonic_offset(text), 0, "{text:?}");
        }
    }

    #[test]
    fn a_boot_id_is_read_as_sixteen_bytes() {
        let id = parse_uuid("01234567-89ab-cdef-0123-456789abcdef\n").unwrap();
        assert_eq!(id[..4], [0x01, 0x23, 0x45, 0x67]);
        assert_eq!(id[15], 0xef);
        assert_eq!(parse_uuid("0123"), None);
        assert_eq!(parse_uuid("01234567-89ab-cdef-0123-456789abcdef00"), None);
        assert_eq!(parse_uuid("zz234567-89ab-cdef-0123-456789abcdef"), None);
    }

    #[test]
    fn the_boot_time_stands_in_for_a_boot_id() {
        let id = parse_boot_time("cpu 1 2\nbtime 1700000000\n").unwrap();
        assert_eq!(id[8..], 1_700_000_000_u64.to_le_bytes());
        assert_eq!(parse_boot_time("cpu 1 2\n"), None);
    }

    #[test]
    fn the_boot_id_stays_the_same_and_is_not_zero() {
        assert_eq!(boot_id(), boot_id());
        assert_ne!(boot_id(), [0; 16]);
    }
}
