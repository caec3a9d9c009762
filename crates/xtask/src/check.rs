//! `cargo xtask check`: what can be judged without running anything.

use std::process::Command;

use crate::sources;
use crate::step::Step;
use crate::workspace::{answers, cargo, cargo_loom, require};

/// The checks, the quick ones first.
pub(crate) fn steps() -> Vec<Step> {
    vec![
        Step::commands("fmt", "the formatting of every file", [cargo(["fmt", "--all", "--check"])]),
        Step::inspect("sizes", "files stay small enough to read", sources::sizes),
        Step::inspect("atomics", "the core takes atomics from sync.rs only", sources::atomics),
        Step::commands(
            "clippy",
            "lints, warnings denied",
            [clippy([]), clippy(["--all-features"])],
        ),
        Step::commands(
            "clippy-loom",
            "lints of the core as loom sees it",
            [cargo_loom(
                "clippy",
                ["-p", "hostcache-core", "--all-targets", "--", "-D", "warnings"],
            )],
        ),
        docs(),
        Step::commands(
            "deny",
            "licences, sources and duplicates of the dependencies",
            [cargo(["deny", "check", "bans", "licenses", "sources"])],
        )
        .needing(cargo_deny),
        Step::commands(
            "advisories",
            "known vulnerabilities of the dependencies",
            [cargo(["deny", "check", "advisories"])],
        )
        .needing(advisory_database),
    ]
}

fn clippy<const N: usize>(features: [&str; N]) -> Command {
    let scope = ["clippy", "--workspace", "--all-targets"];
    cargo(scope.into_iter().chain(features).chain(["--", "-D", "warnings"]))
}

fn docs() -> Step {
    let mut doc = cargo(["doc", "--no-deps", "--workspace"]);
    doc.env("RUSTDOCFLAGS", "-Dwarnings");
    Step::commands("docs", "the documentation builds, every link resolves", [doc])
}

fn cargo_deny() -> Result<(), String> {
    require("cargo-deny", answers("cargo", &["deny", "--version"]))
}

/// The database lives on the network: without it there is nothing to compare with.
fn advisory_database() -> Result<(), String> {
    cargo_deny()?;
    if answers("cargo", &["deny", "fetch", "db"]) {
        Ok(())
    } else {
        Err("the advisory database can't be fetched from here".to_owned())
    }
}
