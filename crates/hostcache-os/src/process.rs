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
