//! `cargo xtask test`: everything that must pass before a change lands.
//!
//! Unit tests run with debug assertions; whatever needs volume (models, processes, histories) runs
//! optimised. A test is counted in one step only; what runs it once more under a tool is not counted.

use std::process::Command;

use crate::step::Step;
use crate::workspace::{
    answers, cargo, cargo_coverage, cargo_loom, program, require, require_valgrind, root,
    target_dir, through,
};

/// Ends with an error of its own when memcheck found one, whatever the tests said.
const MEMCHECK: &str = "valgrind --quiet --error-exitcode=99 --fair-sched=yes";

/// Packages that are only tested optimised.
const OPTIMISED: [&str; 4] = ["--exclude", "hostcache-tests", "--exclude", "hostcache-hostile"];

/// What only benchmarks need: `cargo xtask bench` builds it, and checks every answer that it gets.
const BENCH_ONLY: [&str; 2] = ["--exclude", "hostcache-peers"];

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
        segments(),
        hostile(),
        cli(),
        Step::commands(
            "demo",
            "a short run of the demonstration",
            [cargo(["run", "--release", "--", "demo", "--seconds", "6", "--products", "20000"])],
        ),
        memcheck(),
        miri(),
    ];
    steps.extend(root().join("python/pyproject.toml").exists().then(python));
    // Behind Python, whose package takes part where languages meet.
    if root().join("bindings/c/Cargo.toml").exists() {
        steps.extend([c(), c_clang(), c_memcheck()]);
    }
    steps
}

fn build() -> Step {
    Step::commands(
        "build",
        "the release binary and every test",
        [
            cargo(["build", "--release"]),
            cargo(
                ["test", "--no-run", "--workspace"].into_iter().chain(OPTIMISED).chain(BENCH_ONLY),
            ),
            in_release("--no-run", []),
        ],
    )
}

fn units() -> Step {
    let others = ["hostcache-core", "hostcache-cli", "hostcache-c"];
    let others = others.iter().flat_map(|package| ["--exclude", package]);
    let others = others.chain(OPTIMISED).chain(BENCH_ONLY);
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
        [in_release("--no-fail-fast", [])],
    )
}

/// The tests of several processes, of regions in named segments too.
fn in_release<const N: usize>(how: &str, which: [&str; N]) -> Command {
    let package = ["-p", "hostcache-tests", "--features", "shared_memory"];
    cargo(["test", how, "--release"].into_iter().chain(package).chain(which))
}

/// Regions that an enemy writes: guided by coverage, with debug assertions and short step bounds; then the library as it
/// ships, and a system that fails it.
pub(crate) fn hostile() -> Step {
    let test = ["--no-fail-fast", "--release", "-p", "hostcache-hostile", "--test"];
    let guided = test.into_iter().chain(["hostile", "--features", "coverage"]);
    let plain = ["test"].into_iter().chain(test).chain(["*"]);
    Step::tests(
        "hostile",
        "regions that an enemy writes, and a system that fails: fuzzing, a live mutator, the double-fetch hunt",
        [cargo_coverage("test", guided), cargo(plain)],
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
    let histories = in_release("--no-fail-fast", ["--test", "histories"]);
    let histories = with(histories, [("HOSTCACHE_TEST_SMALL_COUNTERS", "1")]);
    let what = "recorded histories with generations and epochs of two bits";
    Step::tests("small", what, [with(histories, A_TENTH)])
}

/// Several processes once more where their region is a named segment, at a tenth of the volume.
fn segments() -> Step {
    let tests = ["--test", "histories", "--test", "processes", "--test", "forks"];
    let tests = with(in_release("--no-fail-fast", tests), [("HOSTCACHE_TEST_BACKING", "segment")]);
    let what = "several processes on a region in a named segment";
    Step::tests("segments", what, [with(tests, A_TENTH)])
}

/// A tenth of what the campaigns do by default.
const A_TENTH: [(&str, &str); 5] = [
    ("HOSTCACHE_TEST_OPS", "1000000"),
    ("HOSTCACHE_TEST_STOPS", "100"),
    ("HOSTCACHE_TEST_KILLS", "100"),
    ("HOSTCACHE_TEST_PROCESSES", "100"),
    ("HOSTCACHE_TEST_SIZES", "500"),
];

fn with<const N: usize>(mut command: Command, variables: [(&str, &str); N]) -> Command {
    command.envs(variables);
    command
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

/// What the tests link is the release build, which they install for themselves; they themselves need no speed.
fn c() -> Step {
    Step::tests(
        "c",
        "the C binding: C and C++ programs compiled and run, the header, the installed files",
        [cargo(["test", "--no-fail-fast", "-p", "hostcache-c"])],
    )
}

/// The C and C++ programs alone, once more.
fn c_programs() -> Command {
    cargo(["test", "--no-fail-fast", "-p", "hostcache-c", "--test", "programs"])
}

fn c_clang() -> Step {
    let mut programs = c_programs();
    programs.env("CC", "clang").env("CXX", "clang++");
    Step::commands("c-clang", "the C and C++ programs, compiled by clang", [programs])
        .needing(|| require("clang", answers("clang++", &["--version"])))
}

fn c_memcheck() -> Step {
    let mut programs = c_programs();
    programs.env("HOSTCACHE_C_RUNNER", MEMCHECK);
    Step::commands("c-memcheck", "the C and C++ programs under valgrind", [programs])
        .needing(require_valgrind)
}

fn python() -> Step {
    let venv = target_dir().join("python-venv");
    let in_venv =
        |tool: &str, args: &[&str]| program(venv.join("bin").join(tool), args.iter().copied());
    let pytest =
        in_venv("python", &["-m", "pytest", "-c", "python/pyproject.toml", "python/tests"]);
    Step::tests(
        "python",
        "the Python package, built and installed into an environment of its own",
        [pytest],
    )
    .after([
        program("python3", ["-m", "venv", &venv.to_string_lossy()]),
        in_venv("pip", &["install", "--quiet", "./python[test]"]),
    ])
    .needing(|| {
        let check = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))";
        require("Python 3.11 or later with venv (python3)", answers("python3", &["-c", check]))
    })
}
