//! The library installed in a scratch directory, and C and C++ programs compiled against it and run.

// Each test binary uses a part of it.
#![allow(dead_code)]

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// Every warning that C and C++ programs may be compiled with.
pub(crate) const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Werror", "-pedantic"];

/// What a program is compiled with beside warnings; the sanitizers of the compiler itself.
pub(crate) const SANITIZERS: [&str; 3] =
    ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g"];

/// Below this package.
pub(crate) fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The functions that a header declares.
pub(crate) fn functions(header: &str) -> BTreeSet<String> {
    let code = header.lines().filter(|line| !line.starts_with("//") && line.ends_with(");"));
    let name = |line: &str| line.split('(').next()?.rsplit([' ', '*']).next().map(str::to_owned);
    code.filter_map(name).collect()
}

/// The root of the workspace.
pub(crate) fn workspace() -> PathBuf {
    here("../..")
}

/// Where the tests of this binary put their files.
fn scratch() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// Says why a test did not do all that its name says; past the test harness, which keeps what passes quiet.
pub(crate) fn skipped(what: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {what}: {why}");
}

/// The prefix that `cargo xtask install-c` filled, once for all tests.
pub(crate) fn installed() -> &'static Path {
    static PREFIX: OnceLock<PathBuf> = OnceLock::new();
    PREFIX.get_or_init(|| {
        let prefix = scratch().join("prefix");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut install = Command::new(cargo);
        install.args(["run", "--quiet", "--package", "xtask", "--", "install-c", "--prefix"]);
        succeed(install.arg(&prefix).current_dir(workspace()));
        prefix
    })
}

/// Runs a command that must succeed; what it printed.
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = output(command);
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}{err}", output.status);
    out.into_owned()
}

/// Runs a command without input.
pub(crate) fn output(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output();
    output.unwrap_or_else(|error| panic!("{command:?} could not be started: {error}"))
}

/// Whether a program is there.
pub(crate) fn answers(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    let command = command.args(args).stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// One language in one of its versions.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Language {
    C(&'static str),
    Cpp(&'static str),
}

impl Language {
    /// The compiler: `CC` and `CXX` name another than gcc.
    pub(crate) fn compiler(self) -> Command {
        let (variable, usual, version) = match self {
            Self::C(version) => ("CC", "gcc", version),
            Self::Cpp(version) => ("CXX", "g++", version),
        };
        let compiler = std::env::var_os(variable).unwrap_or_else(|| usual.into());
        let mut command = Command::new(compiler);
        command.arg(format!("-std={version}")).args(WARNINGS).current_dir(here(""));
        command
    }
}

/// How a program is linked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Link {
    Shared,
    Static,
}

/// Compiles a source below this package against the installed library.
pub(crate) fn compile(source: &str, language: Language, link: Link, flags: &[&str]) -> PathBuf {
    let prefix = installed();
    let unique = format!("{source} {language:?} {link:?} {flags:?}");
    let name: String = unique.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '.').collect();
    let program = scratch().join(format!("{name}.out"));
    let mut command = language.compiler();
    command.arg("-I").arg(prefix.join("include")).args(flags);
    command.arg("-o").arg(&program).arg(source).arg("-pthread");
    match link {
        Link::Shared => {
            let lib = prefix.join("lib");
            command.arg("-L").arg(&lib).arg("-lhostcache");
            command.arg(format!("-Wl,-rpath,{}", lib.display()));
        }
        Link::Static => {
            command.arg(prefix.join("lib/libhostcache.a")).args(["-ldl", "-lm"]);
        }
    }
    succeed(&mut command);
    program
}

/// A directory of regions for one program, removed with it.
pub(crate) fn regions() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("hostcache-c-").tempdir_in("/dev/shm").expect("a directory")
}

/// Runs a program on regions of its own, through the tool that `HOSTCACHE_C_RUNNER` names, if any; what it printed.
pub(crate) fn run(program: &Path, args: &[impl AsRef<OsStr>]) -> String {
    let regions = regions();
    succeed(in_regions(program, regions.path()).args(args))
}

/// A program on the regions of a directory.
pub(crate) fn in_regions(program: &Path, regions: &Path) -> Command {
    let runner = std::env::var("HOSTCACHE_C_RUNNER").unwrap_or_default();
    let mut words = runner.split_whitespace();
    let mut command = match words.next() {
        Some(tool) => {
            let mut command = Command::new(tool);
            command.args(words).arg(program);
            command
        }
        None => Command::new(program),
    };
    command.env("HOSTCACHE_DIR", regions);
    command
}

/// Whether programs run through a tool, which sanitizers don't bear.
pub(crate) fn has_runner() -> bool {
    std::env::var_os("HOSTCACHE_C_RUNNER").is_some_and(|runner| !runner.is_empty())
}
