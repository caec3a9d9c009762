//! The committed header is what cbindgen makes of the sources.

mod support;

use std::fs;

use cbindgen::{Builder, Config};
use support::{functions, here};

/// The sources in the order in which the header shows them.
const SOURCES: [&str; 15] = [
    "status",
    "version",
    "handle",
    "clock",
    "open",
    "read",
    "write",
    "update",
    "batch",
    "pin",
    "reservation",
    "iterate",
    "inspect",
    "maintenance",
    "regions",
];

/// The header as the sources have it.
fn generated() -> String {
    let config = Config::from_file(here("cbindgen.toml")).expect("settings");
    let sources = SOURCES.iter();
    let builder = sources.fold(Builder::new().with_config(config), |builder, name| {
        builder.with_src(here(&format!("src/{name}.rs")))
    });
    let mut header = Vec::new();
    builder.generate().expect("bindings").write(&mut header);
    String::from_utf8(header).expect("UTF-8")
}

#[test]
fn the_committed_header_is_the_generated_one() {
    let committed = fs::read_to_string(here("include/hostcache.h")).expect("the header");
    let generated = generated();
    let differs = committed.lines().zip(generated.lines()).position(|(a, b)| a != b);
    assert!(
        committed == generated,
        "include/hostcache.h differs from the sources, first in line {}: write it anew by `cargo xtask header`",
        differs.unwrap_or_else(|| committed.lines().count()) + 1
    );
}

#[test]
#[ignore = "writes the header: cargo xtask header"]
fn write_the_header() {
    let header = generated();
    let names: String = functions(&header).into_iter().map(|name| name + "\n").collect();
    fs::write(here("symbols.txt"), names).expect("the list");
    fs::write(here("include/hostcache.h"), header).expect("the header");
}
