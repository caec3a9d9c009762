//! The examples and what the README shows, compiled and run as it says.

mod support;

use std::fs;
use std::process::Command;

use support::{
    Language, Link, answers, compile, here, in_regions, installed, regions, run, skipped, succeed,
};

const NONE: [&str; 0] = [];

/// What stands in a fenced block of the README, the first that has these words.
fn block(language: &str, words: &str) -> String {
    let readme = fs::read_to_string(here("README.md")).expect("the README");
    let fence = format!("```{language}\n");
    let blocks = readme.split(&fence).skip(1).filter_map(|rest| rest.split("```").next());
    let mut blocks = blocks.filter(|block| block.contains(words));
    blocks.next().unwrap_or_else(|| panic!("no {language} block with {words:?}")).to_owned()
}

#[test]
fn a_newcomer_compiles_the_readme_by_the_line_that_it_gives() {
    let home = tempfile::tempdir().expect("a directory");
    std::os::unix::fs::symlink(installed(), home.path().join(".local")).expect("a link");
    let snippet = block("c", "hostcache_open_or_create");
    fs::write(home.path().join("quickstart.c"), &snippet).expect("a file");
    let mut line = Command::new("sh");
    line.arg("-c").arg(block("sh", "cc quickstart.c")).current_dir(home.path());
    succeed(line.env("HOME", home.path()));
    let regions = regions();
    let mut program = in_regions(&home.path().join("quickstart"), regions.path());
    assert_eq!(succeed(&mut program), "Ada\n");
    // The example is the same, below its comment.
    let example = fs::read_to_string(here("examples/quickstart.c")).expect("the example");
    assert_eq!(example.split_once('\n').map(|(_, code)| code), Some(snippet.as_str()));
}

#[test]
fn the_readme_in_cpp_does_what_it_says() {
    let source = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme.cpp");
    fs::write(&source, block("cpp", "hostcache.hpp")).expect("a file");
    let source = source.to_str().expect("UTF-8");
    assert_eq!(run(&compile(source, Language::Cpp("c++17"), Link::Shared, &[]), &NONE), "Ada\n");
}

#[test]
fn the_quickstart_runs() {
    let program = compile("examples/quickstart.c", Language::C("c99"), Link::Shared, &[]);
    assert_eq!(run(&program, &NONE), "Ada\n");
}

#[test]
fn the_workers_of_a_prefork_server_count_and_cache_together() {
    let program = compile("examples/prefork_server.c", Language::C("c99"), Link::Shared, &[]);
    let said = run(&program, &["3"]);
    assert!(said.contains("3 workers") && said.contains("200 requests, "), "{said}");
}

#[test]
fn images_are_made_and_drawn_without_a_copy() {
    let program = compile("examples/image_cache.c", Language::C("c99"), Link::Shared, &[]);
    assert_eq!(run(&program, &NONE), "4 images of 250 KiB drawn by 3 processes\n");
}

/// Runs a binding of another language; it uses every function that it has, and says so. `probe` are arguments with which the
/// interpreter ends well if it has all that is needed.
fn attaches(interpreter: &str, probe: &[&str], args: &[&str], script: &str) {
    if !answers(interpreter, probe) {
        return skipped(script, &format!("{interpreter} with an FFI is not installed"));
    }
    let regions = regions();
    let mut command = Command::new(interpreter);
    command.args(args).arg(here(&format!("examples/{script}")));
    command.arg(installed().join("lib/libhostcache.so")).env("HOSTCACHE_DIR", regions.path());
    let said = succeed(&mut command);
    assert!(said.contains("refused: hostcache status 5: region \"ffi\""), "{said}");
    assert!(said.ends_with("visits: 42\n"), "{said}");
}

#[test]
fn python_attaches_by_ctypes() {
    attaches("python3", &["-c", "import ctypes"], &["-B"], "hostcache_ctypes.py");
}

#[test]
fn lua_attaches_by_the_ffi_of_luajit() {
    attaches("luajit", &["-e", "require('ffi')"], &[], "hostcache.lua");
}

#[test]
fn php_attaches_by_its_ffi() {
    let probe = ["-d", "ffi.enable=1", "-r", "FFI::cdef('int getpid(void);');"];
    attaches("php", &probe, &["-d", "ffi.enable=1"], "hostcache.php");
}
