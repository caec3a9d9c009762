//! What `cargo xtask install-c` lays out, and what the library exports.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use support::{Language, WARNINGS, answers, functions, here, installed, output, skipped, succeed};

/// The functions that the header declares.
fn declared() -> BTreeSet<String> {
    functions(&fs::read_to_string(here("include/hostcache.h")).expect("the header"))
}

#[test]
fn the_symbols_of_the_library_are_those_of_the_header_and_of_the_list() {
    let listed = fs::read_to_string(here("symbols.txt")).expect("the list");
    let listed: BTreeSet<String> = listed.lines().map(str::to_owned).collect();
    let mut nm = Command::new("nm");
    let library = installed().join("lib/libhostcache.so");
    let symbols = succeed(nm.args(["-D", "--defined-only", "--format=posix"]).arg(library));
    let exported: BTreeSet<String> =
        symbols.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    assert!(listed.len() > 80, "{} symbols", listed.len());
    assert_eq!(exported, listed, "exported, listed: `cargo xtask header` writes the list anew");
    assert_eq!(declared(), listed, "declared, listed");
}

#[test]
fn every_function_says_whether_threads_and_signal_handlers_may_call_it() {
    let header = fs::read_to_string(here("include/hostcache.h")).expect("the header");
    let mut comment = String::new();
    for line in header.lines() {
        match line.strip_prefix("// ") {
            Some(text) => comment = format!("{comment} {text}"),
            None => {
                if line.contains(" hostcache_") || line.contains("*hostcache_") {
                    let is_function = line.ends_with(");") && !line.starts_with('#');
                    let said = ["Thread-safe", "thread"].iter().any(|it| comment.contains(it));
                    let signals = comment.to_lowercase().contains("async-signal-safe");
                    assert!(!is_function || (said && signals), "{line}\n{comment}");
                }
                comment.clear();
            }
        }
    }
}

#[test]
fn the_header_is_of_the_library_version() {
    let header = fs::read_to_string(here("include/hostcache.h")).expect("the header");
    let version = env!("CARGO_PKG_VERSION");
    assert!(header.contains(&format!("#define HOSTCACHE_VERSION \"{version}\"\n")), "{version}");
}

#[test]
fn the_header_compiles_alone_in_every_language() {
    let languages = [
        Language::C("c99"),
        Language::C("c11"),
        Language::C("c17"),
        Language::Cpp("c++11"),
        Language::Cpp("c++14"),
        Language::Cpp("c++17"),
        Language::Cpp("c++20"),
    ];
    for language in languages {
        let kind = if matches!(language, Language::C(_)) { "c" } else { "c++" };
        let mut compiler = language.compiler();
        compiler.args(["-fsyntax-only", "-Wconversion", "-x", kind, "include/hostcache.h"]);
        // The header is the main file here, which compilers remark on.
        compiler.arg("-Wno-pragma-once-outside-header");
        succeed(&mut compiler);
    }
}

#[test]
fn the_shared_library_is_found_by_the_name_of_its_abi() {
    let lib = installed().join("lib");
    let mut readelf = Command::new("readelf");
    let dynamic = succeed(readelf.arg("-d").arg(lib.join("libhostcache.so")));
    let soname = dynamic.lines().find(|line| line.contains("(SONAME)")).expect("a soname");
    let name = soname.split(['[', ']']).nth(1).expect("a name in brackets");
    assert!(name.starts_with("libhostcache.so."), "{name}");
    let whole = fs::canonicalize(lib.join(name)).expect("a link of that name");
    let version = concat!("libhostcache.so.", env!("CARGO_PKG_VERSION"));
    assert!(whole.ends_with(version), "{}", whole.display());
    assert_eq!(fs::canonicalize(lib.join("libhostcache.so")).expect("a link"), whole);
}

/// A program that finds the library by what was installed alone, and says so.
const PROGRAM: &str = r#"
#include <hostcache.h>
#include <stdio.h>
int main(void) { puts(hostcache_version()); return 0; }
"#;

#[test]
fn pkg_config_finds_the_library() {
    if !answers("pkg-config", &["--version"]) {
        return skipped("pkg-config finds the library", "pkg-config is not installed");
    }
    let scratch = tempfile::tempdir().expect("a directory");
    let (source, program) = (scratch.path().join("program.c"), scratch.path().join("program"));
    fs::write(&source, PROGRAM).expect("a file");
    let pkg_config = |args: &[&str]| {
        let mut command = Command::new("pkg-config");
        command.env("PKG_CONFIG_PATH", installed().join("lib/pkgconfig")).args(args);
        succeed(command.arg("hostcache")).trim().to_owned()
    };
    assert_eq!(pkg_config(&["--modversion"]), env!("CARGO_PKG_VERSION"));
    assert!(pkg_config(&["--libs", "--static"]).contains("-lpthread"));
    let flags = pkg_config(&["--cflags", "--libs"]);
    let mut gcc = Command::new("gcc");
    gcc.args(WARNINGS).arg("-o").arg(&program).arg(&source).args(flags.split_whitespace());
    succeed(&mut gcc);
    let mut run = Command::new(&program);
    run.env("LD_LIBRARY_PATH", installed().join("lib"));
    assert_eq!(succeed(&mut run).trim(), env!("CARGO_PKG_VERSION"));
}

#[test]
fn a_program_that_shares_no_library_is_linked_by_what_pkg_config_says() {
    let scratch = tempfile::tempdir().expect("a directory");
    let (source, program) = (scratch.path().join("program.c"), scratch.path().join("program"));
    let link = |text: &str, flags: &[&str]| {
        fs::write(&source, text).expect("a file");
        let mut gcc = Command::new("gcc");
        gcc.arg("-static").arg("-o").arg(&program).arg("-I").arg(installed().join("include"));
        output(gcc.arg(&source).arg("-L").arg(installed().join("lib")).args(flags))
    };
    if !link("int main(void) { return 0; }", &[]).status.success() {
        return skipped("a program that shares no library", "there is no libc to link it with");
    }
    let settings = fs::read_to_string(installed().join("lib/pkgconfig/hostcache.pc"));
    let settings = settings.expect("the file of pkg-config");
    let private = settings.lines().find_map(|line| line.strip_prefix("Libs.private:"));
    let private = private.expect("what the archive needs").split_whitespace();
    let flags: Vec<&str> = std::iter::once("-lhostcache").chain(private).collect();
    let linked = link(PROGRAM, &flags);
    assert!(linked.status.success(), "{}", String::from_utf8_lossy(&linked.stderr));
    assert_eq!(succeed(&mut Command::new(&program)).trim(), env!("CARGO_PKG_VERSION"));
}

#[test]
fn cmake_finds_the_library() {
    if !answers("cmake", &["--version"]) {
        return skipped("CMake finds the library", "cmake is not installed");
    }
    let scratch = tempfile::tempdir().expect("a directory");
    fs::write(scratch.path().join("program.c"), PROGRAM).expect("a file");
    let project = "cmake_minimum_required(VERSION 3.16)\nproject(program C)\n\
                   find_package(hostcache 0.1 REQUIRED)\n\
                   add_executable(shared program.c)\n\
                   target_link_libraries(shared hostcache::hostcache)\n\
                   add_executable(archive program.c)\n\
                   target_link_libraries(archive hostcache::static)\n";
    fs::write(scratch.path().join("CMakeLists.txt"), project).expect("a file");
    let build = scratch.path().join("build");
    let mut configure = Command::new("cmake");
    configure.arg("-S").arg(scratch.path()).arg("-B").arg(&build);
    succeed(configure.arg(format!("-DCMAKE_PREFIX_PATH={}", installed().display())));
    succeed(Command::new("cmake").arg("--build").arg(&build));
    for program in ["shared", "archive"] {
        let version = succeed(&mut Command::new(build.join(program)));
        assert_eq!(version.trim(), env!("CARGO_PKG_VERSION"), "{program}");
    }
}

#[test]
fn the_man_page_is_one() {
    let page = installed().join("share/man/man3/hostcache.3");
    let text = fs::read_to_string(&page).expect("the page");
    for word in
        [".TH HOSTCACHE 3", ".SH NAME", ".SH SYNOPSIS", ".SH EXAMPLES", env!("CARGO_PKG_VERSION")]
    {
        assert!(text.contains(word), "{word}");
    }
    for name in declared() {
        let mentioned = text.contains(&name.replace('_', "\\_")) || text.contains(&name);
        assert!(mentioned, "{name} is not in the man page");
    }
    if !answers("groff", &["--version"]) {
        return skipped("the man page has no warnings", "groff is not installed");
    }
    let warnings = output(Command::new("groff").args(["-man", "-ww", "-z"]).arg(&page)).stderr;
    assert!(warnings.is_empty(), "{}", String::from_utf8_lossy(&warnings));
}
