//! Which lines of the library were reached: the blocks that the build counts, by the program's own debug lines.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{fs, io};

use crate::coverage::Coverage;

/// Writes, for every source file of the library, how many lines that begin a block were reached, and which were not;
/// prints the sums. Needs `addr2line`.
///
/// # Errors
///
/// What the system answers.
pub fn write(path: &Path, coverage: &Coverage) -> io::Result<()> {
    let base = load_base()?;
    let blocks = coverage.blocks();
    let input: String =
        blocks.iter().map(|(address, _)| format!("{:#x}\n", address.wrapping_sub(base))).collect();
    let program = std::env::current_exe()?;
    let mut child = Command::new("addr2line")
        .arg("-e")
        .arg(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().ok_or_else(|| io::Error::other("no pipe"))?;
    let feeder = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output()?;
    feeder.join().map_err(|_| io::Error::other("a thread ended"))??;
    let mut files: BTreeMap<String, BTreeMap<u32, bool>> = BTreeMap::new();
    for (line, (_, reached)) in String::from_utf8_lossy(&output.stdout).lines().zip(&blocks) {
        let place = line.split(' ').next().unwrap_or_default();
        let Some((file, number)) = place.rsplit_once(':') else { continue };
        let Some(at) = file.find("crates/hostcache") else { continue };
        let Ok(number) = number.parse() else { continue };
        *files.entry(file[at..].to_owned()).or_default().entry(number).or_default() |= reached;
    }
    let mut text = String::new();
    for (file, lines) in &files {
        let missed: Vec<String> =
            lines.iter().filter(|(_, reached)| !**reached).map(|(n, _)| n.to_string()).collect();
        let line = format!(
            "{file}: {} of {} lines{}{}\n",
            lines.len() - missed.len(),
            lines.len(),
            if missed.is_empty() { "" } else { ", not " },
            missed.join(" ")
        );
        text.push_str(&line);
    }
    fs::write(path, &text)
}

/// Where the program was loaded.
fn load_base() -> io::Result<usize> {
    let maps = fs::read_to_string("/proc/self/maps")?;
    let first = maps.split('-').next().unwrap_or_default();
    usize::from_str_radix(first, 16).map_err(io::Error::other)
}
