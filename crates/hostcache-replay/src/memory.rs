//! What the kernel says about this process: its anonymous memory and its threads.

use std::fs;

use crate::ReplayError;

/// Bytes of anonymous memory in use (`RssAnon`): heap and stacks, not mapped files or shared memory.
pub(crate) fn rss_anon() -> Result<u64, ReplayError> {
    status_number("RssAnon").map(|kib| kib * 1024)
}

/// Threads of this process.
pub(crate) fn threads() -> Result<u64, ReplayError> {
    status_number("Threads")
}

/// Gives memory that was freed back to the system: otherwise later allocations would be served from
/// what decoding the trace left over, and their growth would not show.
pub(crate) fn release_free_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: always allowed; the allocator takes its own locks.
    unsafe {
        libc::malloc_trim(0);
    }
}

fn status_number(name: &str) -> Result<u64, ReplayError> {
    const PATH: &str = "/proc/self/status";
    let text = fs::read_to_string(PATH)
        .map_err(|source| ReplayError::System { operation: "reading /proc/self/status", source })?;
    parse_status(&text, name).ok_or_else(|| {
        ReplayError::Operation(format!("{PATH} has no number {name}: mount a Linux /proc"))
    })
}

fn parse_status(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_by_their_whole_name() {
        let text = "Name:\tx\nRssAnonymous:\t1 kB\nRssAnon:\t   2048 kB\nThreads:\t3\n";
        assert_eq!(parse_status(text, "RssAnon"), Some(2048));
        assert_eq!(parse_status(text, "Threads"), Some(3));
        assert_eq!(parse_status(text, "Rss"), None);
        assert_eq!(parse_status(text, "Name"), None);
    }

    #[test]
    fn this_process_has_memory_and_threads() {
        assert!(rss_anon().expect("status") > 0);
        assert!(threads().expect("status") >= 1);
    }
}
