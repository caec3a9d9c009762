//! What a person wants to read about a process. Nothing is decided by it: a process id means
//! nothing in another pid namespace and is used again after its holder's death.

/// This process's id in its own pid namespace.
pub fn pid() -> u32 {
    std::process::id()
}

/// The first 15 bytes of the command's name, padded with zeros; all zeros if the system won't say.
pub fn command_name() -> [u8; 16] {
    let mut name = [0_u8; 16];
    if let Ok(text) = std::fs::read("/proc/self/comm") {
        let text = text.strip_suffix(b"\n").unwrap_or(&text);
        let n = text.len().min(name.len() - 1);
        name[..n].copy_from_slice(&text[..n]);
    }
    name
}

/// Bytes of the host's memory that could be had without swapping; `None` if the system won't say. What a container may
/// take of them is not in it.
pub fn available_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Lets another thread run, between the attempts of a bounded retry.
pub fn yield_now() {
    std::thread::yield_now();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_name_is_what_the_kernel_shows() {
        let name = command_name();
        let shown = std::fs::read_to_string("/proc/self/comm").unwrap();
        let end = name.iter().position(|&b| b == 0).unwrap();
        assert_eq!(&name[..end], shown.trim_end_matches('\n').as_bytes());
        assert!(end > 0);
    }
}
