//! `cargo xtask test`: everything that must pass before a change lands.
//!
//! Unit tests run with debug assertions; whatever needs volume (models, processes, histories) runs
//! optimised. A test is counted in one step only; what runs it once more under a tool is not counted.

use crate::step::Step;
use crate::workspace::{
    answers, cargo, cargo_loom, program, require, require_valgrind, root, target_dir, through,
};

/// Ends with an error of its own when memcheck found one, whatever the tests said.
const MEMCHECK: &str = "valgrind --quiet --error-exitcode=99 --fair-sched=yes";

/// The steps that apply to this checkout: bindings have theirs once they are there.
pub(crate) fn steps() -> Vec<Step> {
    let mut steps = vec![
        build(),
        units(),
        loom(),
        Step::tests(
            "model",
            "the protocols of the core, explored state by state",
            [cargo(["test", "--no-fail-fast", "--release", "-p", "hostcache-core", "--test", "*"])],
        ),
        system(),
        small_counters(),
        cli(),
        Step::commands(
            "demo",
            "a short run of the demonstration",
            [cargo(["run", "--release", "--", "demo", "--seconds", "6", "--products", "20000"])],
        ),
        memcheck(),
        miri(),
    ];
    steps.extend(root().join("bindings/c/Cargo.toml").exists().then(c));
    steps.extend(root().join("python/pyproject.toml").exists().then(python));
    steps
}

fn build() -> Step {
    Step::commands(
        "build",
        "the release binary and every test",
        [
            cargo(["build", "--release"]),
            cargo(["test", "--no-run", "--workspace", "--exclude", "hostcache-tests"]),
            cargo(["test", "--no-run", "--release", "-p", "hostcache-tests"]),
        ],
    )
}

fn units() -> Step {
    let others = ["hostcache-core", "hostcache-tests", "hostcache-cli"];
    let others = others.iter().flat_map(|package| ["--exclude", package]);
    let test = ["test", "--no-fail-fast"];
    Step::tests(
        "units",
        "unit and doc tests of every crate",
        [
            cargo(test.into_iter().chain(["--workspace"]).chain(others)),
            // The core's other tests are the models, which have steps of their own.
            cargo(test.into_iter().chain(["-p", "hostcache-core", "--lib"])),
            cargo(test.into_iter().chain(["-p", "hostcache-core", "--doc"])),
            // A backing that is built only where it is asked for.
            cargo(test.into_iter().chain([
                "-p",
                "hostcache",
                "--features",
                "shared_memory",
                "--test",
                "segments",
            ])),
        ],
    )
}

/// The core's memory orderings under loom.
pub(crate) fn loom() -> Step {
    Step::tests(
        "loom",
        "the core's memory orderings, model-checked",
        [cargo_loom("test", ["--release", "-p", "hostcache-core", "--test", "loom"])],
    )
}

/// Processes, kills and recorded histories.
pub(crate) fn system() -> Step {
    Step::tests(
        "system",
        "several processes on one region: kills, stops, recorded histories",
        [cargo(["test", "--no-fail-fast", "--release", "-p", "hostcache-tests"])],
    )
}

/// The command line and the daemon as processes.
pub(crate) fn cli() -> Step {
    Step::tests(
        "cli",
        "the command line, end to end",
        [cargo(["test", "--no-fail-fast", "-p", "hostcache-cli"])],
    )
}

/// The histories once more where generations and epochs come round all the time, at a tenth of the volume.
fn small_counters() -> Step {
    let mut histories = cargo([
        "test",
        "--no-fail-fast",
        "--release",
        "-p",
        "hostcache-tests",
        "--test",
        "histories",
    ]);
    for (variable, volume) in [
        ("HOSTCACHE_TEST_SMALL_COUNTERS", "1"),
        ("HOSTCACHE_TEST_OPS", "1000000"),
        ("HOSTCACHE_TEST_STOPS", "100"),
        ("HOSTCACHE_TEST_KILLS", "100"),
    ] {
        histories.env(variable, volume);
    }
    Step::tests("small", "recorded histories with generations and epochs of two bits", [histories])
}

fn memcheck() -> Step {
    let core = cargo(["test", "--no-fail-fast", "-p", "hostcache-core", "--lib"]);
    Step::commands("memcheck", "the core's unit tests under valgrind", [through(MEMCHECK, core)])
        .needing(require_valgrind)
}

fn miri() -> Step {
    let mut core = program("rustup", ["run", "nightly", "cargo", "miri", "test"]);
    core.arg("--target-dir").arg(target_dir().join("miri")).args(["-p", "hostcache-core", "--lib"]);
    Step::commands("miri", "the core's unit tests under miri", [core]).needing(|| {
        let there = answers("rustup", &["run", "nightly", "cargo", "miri", "--version"]);
        require("miri (of the nightly toolchain)", there)
    })
}

fn c() -> Step {
    let manifest = ["--manifest-path", "bindings/c/Cargo.toml"];
    Step::tests(
        "c",
        "the C binding",
        [cargo(["test", "--no-fail-fast", "--release"].into_iter().chain(manifest))],
    )
}

fn python() -> Step {
    let venv = target_dir().join("python-venv");
    let in_venv =
        |tool: &str, args: &[&str]| program(venv.join("bin").join(tool), args.iter().copied());
    Step::commands(
        "python",
        "the Python package, built and installed into an environment of its own",
        [
            program("python3", ["-m", "venv", &venv.to_string_lossy()]),
            in_venv("pip", &["install", "--quiet", "./python[test]"]),
            in_venv("python", &["-m", "pytest", "python/tests"]),
        ],
    )
}
