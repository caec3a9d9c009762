//! Instructions of one function, counted by `valgrind --tool=callgrind`.

use std::error::Error;
use std::path::Path;
use std::process::Command;

/// Instructions per call that a program spends in functions of these names (`*` stands for anything), from entry to
/// return.
///
/// # Errors
/// If valgrind can't be started, the program fails, or nothing was counted.
pub fn count(
    functions: &[&str],
    program: &Path,
    args: &[&str],
    calls: u32,
) -> Result<f64, Box<dyn Error>> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--demangle=no"])
        .args(functions.iter().map(|name| format!("--toggle-collect={name}")))
        .arg(program)
        .args(args)
        .output()
        .map_err(|error| format!("starting valgrind: {error}; is it installed?"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text.lines().find_map(|line| line.split("Collected :").nth(1));
    match collected.and_then(|number| number.trim().parse::<f64>().ok()) {
        Some(collected) if output.status.success() && collected > 0.0 => {
            Ok(collected / f64::from(calls))
        }
        _ => Err(format!("{} {args:?}: nothing counted\n{text}", program.display()).into()),
    }
}
