//! Every error says what was tried, on which region, and what to do: these tests read the texts.

mod support;

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};

use hostcache::{Cache, OpenError};
use support::Scratch;

/// The text of an error, checked for what it has to say.
fn text(result: Result<Cache, OpenError>, parts: &[&str]) -> OpenError {
    let error = result.map(|_| ()).expect_err("it can't be opened");
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in: {text}");
    }
    error
}

#[test]
fn a_missing_region_names_the_ways_to_make_one() {
    let scratch = Scratch::new();
    let error = text(
        scratch.builder("gone").open(),
        &["no region \"gone\" at", "hostcache create gone", ".open_or_create()"],
    );
    assert!(matches!(error, OpenError::Missing { .. }));
    let error = text(scratch.builder("gone").open_or_create(), &["no region \"gone\""]);
    assert!(matches!(error, OpenError::Missing { .. }));
}

#[test]
fn create_on_an_existing_region_is_an_error() {
    let scratch = Scratch::new();
    let _cache = scratch.cache(1 << 20);
    let again = scratch.builder("test").capacity(1 << 20).create();
    text(again, &["\"test\" exists already", "destroy it first"]);
}

#[test]
fn an_existing_region_keeps_its_size_unless_it_must_be_exact() {
    let scratch = Scratch::new();
    let _cache = scratch.cache(1 << 20);
    let attached = scratch.builder("test").capacity(2 << 20).open_or_create().unwrap();
    assert_eq!(attached.capacity(), 1 << 20);
    let exact = scratch.builder("test").capacity(2 << 20).exact().open_or_create();
    text(exact, &["1048576 bytes", "2097152 were asked for", "exact()"]);
}

#[test]
fn a_file_that_is_no_region_is_left_alone() {
    let scratch = Scratch::new();
    fs::write(scratch.path("note"), vec![b'x'; 8192]).unwrap();
    fs::set_permissions(scratch.path("note"), fs::Permissions::from_mode(0o600)).unwrap();
    let error =
        text(scratch.builder("note").open(), &["not a hostcache region", "magic", "move the file"]);
    assert!(matches!(error, OpenError::NotARegion { .. }));
    fs::write(scratch.path("short"), "x").unwrap();
    fs::set_permissions(scratch.path("short"), fs::Permissions::from_mode(0o600)).unwrap();
    text(scratch.builder("short").open(), &["not a hostcache region", "1 bytes"]);
}

#[test]
fn another_layout_version_is_refused_with_both_named() {
    let scratch = Scratch::new();
    let cache = scratch.cache(1 << 20);
    let file = File::options().write(true).open(cache.path()).unwrap();
    file.write_all_at(&7u64.to_le_bytes(), 8).unwrap();
    let error = text(scratch.builder("test").open(), &["layout version 7", "layout version 1"]);
    assert!(matches!(error, OpenError::Incompatible { found: 7, supported: 1, .. }));
}

#[test]
fn a_truncated_or_damaged_region_is_refused() {
    let scratch = Scratch::new();
    let cache = scratch.cache(1 << 20);
    let file = File::options().write(true).open(cache.path()).unwrap();
    file.set_len(1 << 19).unwrap();
    text(scratch.builder("test").open(), &["corrupt", "1048576 bytes", "524288", "truncated"]);
    let other = scratch.builder("other").capacity(1 << 20).create().unwrap();
    let file = File::options().write(true).open(other.path()).unwrap();
    file.write_all_at(&[0xff], 4 * 8).unwrap();
    text(scratch.builder("other").open(), &["corrupt", "checksum", "create it anew"]);
}

#[test]
fn links_directories_and_open_modes_are_refused() {
    let scratch = Scratch::new();
    let cache = scratch.cache(1 << 20);
    symlink(cache.path(), scratch.path("link")).unwrap();
    let error = text(scratch.builder("link").open(), &["link", "symbolic link"]);
    assert!(matches!(error, OpenError::Refused { .. }));
    fs::create_dir(scratch.path("directory")).unwrap();
    text(scratch.builder("directory").open(), &["directory"]);
    fs::set_permissions(cache.path(), fs::Permissions::from_mode(0o666)).unwrap();
    text(scratch.builder("test").open(), &["0666"]);
}

#[test]
fn names_capacities_and_modes_out_of_range_are_refused_with_the_range() {
    let scratch = Scratch::new();
    for name in ["", "-x", ".hidden", "a b", &"x".repeat(31)] {
        text(scratch.builder(name).capacity(1 << 20).create(), &["invalid region name", "1 to 30"]);
    }
    text(scratch.builder("test").capacity(1000).create(), &["1000 bytes", "1 MiB"]);
    text(scratch.builder("test").create(), &["needs a capacity"]);
    text(scratch.builder("test").capacity(1 << 20).mode(0o606).create(), &["mode 606", "0600"]);
    text(
        scratch.builder("test").capacity(1 << 20).participants(9999).create(),
        &["9999 participant"],
    );
}

#[test]
fn no_room_names_what_is_needed_and_what_there_is() {
    let scratch = Scratch::new();
    let error = text(
        scratch.builder("test").capacity(1 << 37).create(),
        &["no room", "137438953472 bytes needed", "available", "--shm-size"],
    );
    assert!(matches!(error, OpenError::NoSpace { .. }));
}

#[test]
fn keys_and_values_out_of_range_are_refused_with_the_limit() {
    let scratch = Scratch::new();
    let cache = scratch.cache(1 << 20);
    let text = cache.set("", "v").expect_err("an empty key").to_string();
    assert!(text.contains("0 bytes") && text.contains("1 to 65536"), "{text}");
    assert!(cache.set(vec![1; 65_536], "v").is_ok());
    assert!(cache.set(vec![1; 65_537], "v").is_err());
    assert!(cache.try_get(vec![1; 65_537]).is_err());
    let limit = cache.max_value_len(1);
    let text = cache.set("k", vec![0; limit + 1]).expect_err("too large").to_string();
    assert!(text.contains(&format!("limit of {limit} bytes")), "{text}");
    cache.set("k", "word").unwrap();
    let text = cache.increment("k", 1).expect_err("no number").to_string();
    assert!(text.contains("not a decimal number") && text.contains("\"test\""), "{text}");
    let reader = scratch.builder("test").open_read_only().unwrap();
    let text = reader.set("k", "v").expect_err("read-only").to_string();
    assert!(text.contains("read-only") && text.contains("Cache::open"), "{text}");
}

#[test]
fn participants_are_used_up_by_living_threads_only() {
    let scratch = Scratch::new();
    let cache = scratch.builder("test").capacity(1 << 20).participants(1).create().unwrap();
    cache.set("k", "v").unwrap();
    let other = scratch.builder("test").open().unwrap();
    let text = other.set("k", "w").expect_err("no slot is left").to_string();
    assert!(
        text.contains("all 1 participant slots") && text.contains(".participants(n)"),
        "{text}"
    );
    assert_eq!(other.get("k").as_deref(), Some(&b"v"[..]), "reads go on");
    drop(cache);
    other.set("k", "w").unwrap();
}

#[test]
fn destroying_a_missing_region_is_an_error() {
    let scratch = Scratch::new();
    let error = Cache::destroy(scratch.path("gone")).expect_err("nothing is there").to_string();
    assert!(error.contains("no region"), "{error}");
    let cache = scratch.cache(1 << 20);
    cache.set("k", "v").unwrap();
    Cache::destroy(scratch.path("test")).unwrap();
    assert_eq!(cache.get("k").as_deref(), Some(&b"v"[..]), "who is attached goes on");
}
