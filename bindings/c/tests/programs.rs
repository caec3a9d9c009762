//! C programs, compiled and run: each with every warning, against the shared library, against the archive, and with the
//! sanitizers of the compiler.

mod support;

use support::{Language, Link, SANITIZERS, compile, has_runner, run};

const NONE: [&str; 0] = [];

/// Compiles and runs a program in all ways.
fn check(source: &str, language: Language) {
    run(&compile(source, language, Link::Shared, &["-O1", "-g"]), &NONE);
    // Under valgrind, say: once is enough, and it and the sanitizers don't go together.
    if !has_runner() {
        run(&compile(source, language, Link::Static, &["-O2"]), &NONE);
        run(&compile(source, language, Link::Shared, &SANITIZERS), &NONE);
    }
}

#[test]
fn items_are_read_and_written() {
    check("tests/c/items.c", Language::C("c99"));
}
