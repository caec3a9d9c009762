//! The suites that planted faults are shown to, in order of cost. A further one is a further entry of [`SUITES`].

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::workspace::{cargo, root, target_dir};

/// Test programs of one package, built by one command.
struct Package {
    name: &'static str,
    directory: &'static str,
    /// Which of its tests.
    targets: &'static [&'static str],
    /// Under loom, which sees weak orderings and kills at every access.
    loom: bool,
}

const CORE: Package = Package {
    name: "hostcache-core",
    directory: "crates/hostcache-core",
    targets: &["--lib", "--test", "rounds"],
    loom: false,
};
const MODELS: Package = Package { targets: &["--test", "loom"], loom: true, ..CORE };
const CACHE: Package = Package {
    name: "hostcache",
    directory: "crates/hostcache",
    targets: &["--lib", "--tests"],
    loom: false,
};
const SYSTEM: Package =
    Package { name: "hostcache-tests", directory: "tests", targets: &["--tests"], loom: false };

/// Tests that run one after the other, and for how long at most each program.
struct Plan {
    name: &'static str,
    package: &'static Package,
    /// File names of its programs up to the last hyphen; none: all.
    programs: &'static [&'static str],
    arguments: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
    seconds: u64,
}

/// As small as shows something: the tests' own volumes are some thirty times as large.
const VOLUMES: &[(&str, &str)] = &[
    ("HOSTCACHE_TEST_OPS", "400000"),
    ("HOSTCACHE_TEST_STOPS", "40"),
    ("HOSTCACHE_TEST_KILLS", "60"),
    ("HOSTCACHE_TEST_PROCESSES", "60"),
    ("HOSTCACHE_TEST_SIZES", "200"),
    ("HOSTCACHE_TEST_PIN_OPS", "100000"),
    ("HOSTCACHE_TEST_STEPS", "20000"),
    ("HOSTCACHE_LOOM_EXECUTIONS", "4000"),
];

const SMALL_COUNTERS: &[(&str, &str)] = &[
    ("HOSTCACHE_TEST_OPS", "400000"),
    ("HOSTCACHE_TEST_STOPS", "40"),
    ("HOSTCACHE_TEST_KILLS", "60"),
    ("HOSTCACHE_TEST_SMALL_COUNTERS", "1"),
];

const fn plan(
    name: &'static str,
    package: &'static Package,
    programs: &'static [&'static str],
    seconds: u64,
) -> Plan {
    Plan { name, package, programs, arguments: &[], environment: VOLUMES, seconds }
}

const SUITES: &[Plan] = &[
    plan("core", &CORE, &["hostcache_core"], 60),
    Plan {
        arguments: &["deaths::", "epochs::", "items::", "lanes::", "pages::", "rounds::"],
        environment: &[],
        ..plan("small models", &MODELS, &[], 300)
    },
    plan("cache", &CACHE, &[], 60),
    plan("rounds", &CORE, &["rounds"], 120),
    Plan {
        environment: &[("HOSTCACHE_TEST_PAIRS", "3000"), ("HOSTCACHE_SEED", "7")],
        ..plan("pairs", &SYSTEM, &["pairs"], 400)
    },
    plan("model", &SYSTEM, &["model"], 300),
    Plan {
        // What it shows by chance is in `deaths` to the end.
        arguments: &["--skip", "a_death_at_any_access", "--skip", "::"],
        ..plan("large models", &MODELS, &[], 300)
    },
    Plan { arguments: &["pins::"], environment: &[], ..plan("models of pins", &MODELS, &[], 300) },
    plan("forks", &SYSTEM, &["forks"], 120),
    plan("pins", &SYSTEM, &["pins"], 180),
    plan("processes", &SYSTEM, &["processes"], 240),
    plan("killed", &SYSTEM, &["killed"], 300),
    plan("pairs", &SYSTEM, &["pairs"], 120),
    plan("histories", &SYSTEM, &["histories"], 300),
    Plan {
        environment: SMALL_COUNTERS,
        ..plan("histories of two bits", &SYSTEM, &["histories"], 300)
    },
];

/// A suite whose programs are built.
pub(super) struct Suite {
    plan: &'static Plan,
    programs: Vec<PathBuf>,
}

impl Suite {
    pub(super) fn name(&self) -> &'static str {
        self.plan.name
    }

    /// How long one program may take.
    pub(super) fn limit(&self) -> Duration {
        Duration::from_secs(self.plan.seconds)
    }

    /// Its programs, with a fault or without.
    pub(super) fn commands(&self, fault: Option<&str>) -> impl Iterator<Item = Command> {
        self.programs.iter().map(move |program| {
            let mut command = Command::new(program);
            command.current_dir(root().join(self.plan.package.directory));
            command.args(self.plan.arguments).envs(self.plan.environment.iter().copied());
            command.env("HOSTCACHE_FAULT", fault.unwrap_or_default());
            command
        })
    }
}

/// Builds all of them.
pub(super) fn build() -> Result<Vec<Suite>, String> {
    let mut built: Vec<(&Package, Vec<PathBuf>)> = Vec::new();
    for package in [&CORE, &CACHE, &SYSTEM, &MODELS] {
        built.push((package, programs_of(package)?));
    }
    let suite = |plan: &'static Plan| {
        let is_meant = |package: &Package| {
            (package.name, package.loom) == (plan.package.name, plan.package.loom)
        };
        let all = built.iter().filter(|(package, _)| is_meant(package)).flat_map(|(_, all)| all);
        let wanted = |program: &&PathBuf| {
            plan.programs.is_empty() || plan.programs.iter().any(|name| *name == stem(program))
        };
        let programs: Vec<PathBuf> = all.filter(wanted).cloned().collect();
        let missing = programs.is_empty();
        if missing {
            Err(format!("{} has no program", plan.name))
        } else {
            Ok(Suite { plan, programs })
        }
    };
    SUITES.iter().map(suite).collect()
}

/// What prints the faults that can be planted, one a line.
pub(super) fn list_command(suites: &[Suite]) -> Option<Command> {
    let mut command = suites.first()?.commands(None).next()?;
    command.args(["--ignored", "--exact", "fault::tests::the_names_of_all_faults", "--nocapture"]);
    Some(command)
}

/// Builds a package's tests with faults to choose from, in a target directory of its own. Optimised, for the volumes; but
/// not across crates, for the time to build.
fn programs_of(package: &Package) -> Result<Vec<PathBuf>, String> {
    let (directory, flags) = match package.loom {
        false => ("fault", "--cfg hostcache_fault"),
        true => ("fault-loom", "--cfg hostcache_fault --cfg loom"),
    };
    let mut command = cargo(["test", "--no-run", "--release", "-p", package.name]);
    command.args(package.targets).arg("--target-dir").arg(target_dir().join(directory));
    command.env("RUSTFLAGS", flags).env("CARGO_PROFILE_RELEASE_LTO", "off");
    command
        .env("CARGO_PROFILE_RELEASE_DEBUG", "0")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("cargo could not be started: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("the tests of {} do not build\n{said}", package.name));
    }
    Ok(said.lines().filter_map(program).map(|path| root().join(path)).collect())
}

/// Reads `  Executable tests/rounds.rs (PATH)`.
fn program(line: &str) -> Option<&Path> {
    let line = line.trim_start().strip_prefix("Executable ")?;
    Some(Path::new(line.rsplit_once('(')?.1.strip_suffix(')')?))
}

/// A program's name without the hash behind its last hyphen.
pub(super) fn stem(program: &Path) -> &str {
    let name = program.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.rsplit_once('-').map_or(name, |(stem, _)| stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_read_from_what_cargo_says() {
        let line = "  Executable unittests src/lib.rs (target/fault/release/deps/a_b-0f1)";
        let path = program(line).expect("a program");
        assert_eq!(path, Path::new("target/fault/release/deps/a_b-0f1"));
        assert_eq!(stem(path), "a_b");
        assert_eq!(program("   Compiling a v0.1.0 (/x/y)"), None);
    }
}
