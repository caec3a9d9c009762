//! `cargo xtask wheels`: what is uploaded of the Python package, as far as this machine can make it.
//!
//! Everything ends in `target/wheels`. A step whose target or interpreter is not here is skipped with a line that says how
//! to get it.

use std::path::PathBuf;

use crate::step::Step;
use crate::workspace::{answers, program, require, target_dir};

/// The oldest C library that a wheel asks for.
const MANYLINUX: &str = "manylinux_2_28";

/// The steps: the sources, and a wheel for each kind of system.
pub(crate) fn steps() -> Vec<Step> {
    vec![
        tools(),
        maturin("sdist", "the sources, to build with Rust only", &["sdist"], &[]),
        wheel(
            "x86_64",
            "glibc, one wheel for CPython 3.11 and later",
            "x86_64-unknown-linux-gnu",
            || target("x86_64-unknown-linux-gnu"),
        ),
        wheel("aarch64", "likewise on ARM", "aarch64-unknown-linux-gnu", || {
            target("aarch64-unknown-linux-gnu")
        }),
        wheel("musl", "musl libc", "x86_64-unknown-linux-musl", || {
            target("x86_64-unknown-linux-musl")
        }),
        wheel("musl-aarch64", "likewise on ARM", "aarch64-unknown-linux-musl", || {
            target("aarch64-unknown-linux-musl")
        }),
        maturin(
            "free-threaded",
            "CPython without a GIL, which has no stable ABI",
            &["build", "--release", "--no-default-features", "--interpreter", "python3.14t"],
            &["--compatibility", MANYLINUX, "--zig"],
        )
        .needing(|| require("python3.14t", answers("python3.14t", &["--version"]))),
    ]
}

fn venv(tool: &str) -> PathBuf {
    target_dir().join("wheels-venv/bin").join(tool)
}

/// maturin, and zig as the linker for every target.
fn tools() -> Step {
    let venv_dir = target_dir().join("wheels-venv");
    Step::commands(
        "tools",
        "maturin, and zig as the linker",
        [
            program("python3", ["-m", "venv", &venv_dir.to_string_lossy()]),
            program(venv("pip"), ["install", "--quiet", "maturin>=1.16,<2", "ziglang"]),
        ],
    )
}

fn maturin(name: &'static str, purpose: &'static str, first: &[&str], rest: &[&str]) -> Step {
    let manifest = ["--manifest-path", "python/Cargo.toml", "--out"];
    let out = target_dir().join("wheels");
    let mut command = program(venv("maturin"), first.iter().copied().chain(manifest));
    command.arg(out).args(rest);
    // maturin looks for zig as a module of this Python.
    let bin = target_dir().join("wheels-venv/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = vec![std::path::absolute(&bin).unwrap_or(bin)];
    folders.extend(std::env::split_paths(&path));
    if let Ok(path) = std::env::join_paths(folders) {
        command.env("PATH", path);
    }
    Step::commands(name, purpose, [command])
}

fn wheel(
    name: &'static str,
    purpose: &'static str,
    target: &'static str,
    needs: fn() -> Result<(), String>,
) -> Step {
    let compatibility = if target.ends_with("musl") { "musllinux_1_2" } else { MANYLINUX };
    let rest = ["--target", target, "--compatibility", compatibility, "--zig"];
    maturin(name, purpose, &["build", "--release"], &rest).needing(needs)
}

/// Whether the standard library for a target is installed.
fn target(target: &str) -> Result<(), String> {
    let command = program("rustup", ["target", "list", "--installed"]).output();
    let there = command.is_ok_and(|out| String::from_utf8_lossy(&out.stdout).contains(target));
    require(&format!("the target {target} (rustup target add {target})"), there)
}
