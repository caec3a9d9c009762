//! Where the workspace is, how its cargo is called, and which tools this machine has.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The workspace root: every command runs there.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here)
}

/// `program ARGS…` at the root.
pub(crate) fn program<'a>(
    program: impl AsRef<OsStr>,
    args: impl IntoIterator<Item = &'a str>,
) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root()).args(args);
    command
}

/// `cargo ARGS…` at the root, with the cargo that runs us.
pub(crate) fn cargo<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), args)
}

/// `cargo SUBCOMMAND ARGS…` under `--cfg loom`, in a target directory of its own: in a shared one the
/// changed flags would make every later build start anew.
pub(crate) fn cargo_loom<'a>(subcommand: &str, args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = cargo([subcommand, "--target-dir"]);
    command.arg(target_dir().join("loom")).args(args).env("RUSTFLAGS", "--cfg loom");
    command
}

/// The same with a counter at every edge, as fuzzers want it, and the short step bounds of `--cfg fuzzing`; debug
/// assertions on. A target is named, so that build scripts are not built so.
pub(crate) fn cargo_coverage<'a>(
    subcommand: &str,
    args: impl IntoIterator<Item = &'a str>,
) -> Command {
    const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module \
        -Cllvm-args=-sanitizer-coverage-level=3 \
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
        -Cllvm-args=-sanitizer-coverage-pc-table";
    let mut command = cargo([subcommand, "--target", &host(), "--target-dir"]);
    command.arg(target_dir().join("coverage")).args(args).env("RUSTFLAGS", FLAGS);
    command.env("CARGO_PROFILE_RELEASE_LTO", "off");
    command.env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true");
    command.env("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true");
    command
}

/// What the compiler calls this machine.
fn host() -> String {
    let told = program("rustc", ["-vV"]).output();
    let told = told.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let host =
        told.as_deref().unwrap_or_default().lines().find_map(|line| line.strip_prefix("host: "));
    host.unwrap_or("x86_64-unknown-linux-gnu").to_owned()
}

/// The directory that cargo builds in, from the root.
pub(crate) fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from)
}

/// Makes a cargo command run its binaries through another program, such as valgrind.
pub(crate) fn through(runner: &str, mut command: Command) -> Command {
    command.env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER", runner);
    command
}

/// The reason for a skip where an optional tool is not there.
pub(crate) fn require(tool: &str, there: bool) -> Result<(), String> {
    if there { Ok(()) } else { Err(format!("{tool} is not installed")) }
}

/// Valgrind counts instructions and checks memory.
pub(crate) fn require_valgrind() -> Result<(), String> {
    require("valgrind", answers("valgrind", &["--version"]))
}

/// Whether `name ARGS…` runs and succeeds: the test of an optional tool.
pub(crate) fn answers(name: &str, args: &[&str]) -> bool {
    program(name, args.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A child that does what a test needs.
#[cfg(test)]
pub(crate) fn shell(script: &str) -> Command {
    program("sh", ["-c", script])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_holds_the_workspace_manifest() {
        let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
        assert!(manifest.contains("[workspace]"));
    }

    #[test]
    fn a_tool_that_is_missing_does_not_answer() {
        assert!(answers("sh", &["-c", "exit 0"]));
        assert!(!answers("sh", &["-c", "exit 1"]));
        assert!(!answers("no-such-program-here", &[]));
    }
}
