//! The committed header is what cbindgen makes of the sources.

use std::fs;
use std::path::{Path, PathBuf};

use cbindgen::{Builder, Config};

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

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

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
        differs.map_or(committed.lines().count(), |index| index) + 1
    );
}

#[test]
#[ignore = "writes the header: cargo xtask header"]
fn write_the_header() {
    fs::write(here("include/hostcache.h"), generated()).expect("the header");
}
