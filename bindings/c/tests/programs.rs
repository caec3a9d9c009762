//! C and C++ programs, compiled and run: each with every warning, against the shared library, against the archive, and with the
//! sanitizers of the compiler.

mod support;

use support::{Language, Link, SANITIZERS, compile, has_runner, run};

const NONE: [&str; 0] = [];

/// Compiles and runs a program in all ways.
fn check(source: &str, language: Language, flags: &[&str]) {
    let with = |more: &[&'static str]| -> Vec<&str> {
        flags.iter().copied().chain(more.iter().copied()).collect()
    };
    run(&compile(source, language, Link::Shared, &with(&["-O1", "-g"])), &NONE);
    // Under valgrind, say: once is enough, and it and the sanitizers don't go together.
    if !has_runner() {
        run(&compile(source, language, Link::Static, &with(&["-O2"])), &NONE);
        run(&compile(source, language, Link::Shared, &with(&SANITIZERS)), &NONE);
    }
}

#[test]
fn items_are_read_and_written() {
    check("tests/c/items.c", Language::C("c99"), &[]);
}

#[test]
fn items_are_held_made_and_met_in_place() {
    check("tests/c/in_place.c", Language::C("gnu99"), &[]);
}

#[test]
fn no_argument_brings_a_program_down() {
    check("tests/c/arguments.c", Language::C("c99"), &[]);
}

#[test]
fn forked_children_threads_and_the_dead_share_one_region() {
    check("tests/c/processes.c", Language::C("c99"), &[]);
}

#[test]
fn the_wrapper_throws() {
    check("tests/c/wrapper.cpp", Language::Cpp("c++17"), &[]);
}

#[test]
fn the_wrapper_gives_errors_where_there_are_no_exceptions() {
    let quiet = ["-fno-exceptions"];
    check("tests/c/wrapper_without_exceptions.cpp", Language::Cpp("c++17"), &quiet);
}
