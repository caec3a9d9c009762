//! What `list` shows of a directory.

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use hostcache::Cache;
use support::Scratch;

#[test]
fn regions_are_listed_broken_files_with_what_is_wrong_and_nothing_else() {
    let scratch = Scratch::shared();
    let region = scratch.cache(1 << 20).path();
    fs::write(scratch.path("broken"), "no region").expect("a file");
    let _listener = UnixListener::bind(scratch.path("socket")).expect("a socket");
    fs::create_dir(scratch.path("directory")).expect("a directory");
    symlink(&region, scratch.path("link")).expect("a link");
    let mut listed = Cache::list().expect("a list");
    listed.retain(|entry| entry.path.parent() == Some(scratch.directory()));
    let shown: Vec<(&str, bool)> =
        listed.iter().map(|entry| (entry.name.as_str(), entry.problem.is_some())).collect();
    assert_eq!(shown, [("broken", true), ("test", false)]);
}
