//! What `list` shows of a directory.

mod support;

use std::fs;
use std::os::unix::fs::{FileExt, symlink};
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, Ordering};

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

/// To touch a mapped page of it that is just gone would be the end of who only asks for a list.
#[test]
fn a_file_that_is_cut_off_meanwhile_harms_no_list() {
    let scratch = Scratch::shared();
    let region = scratch.cache(1 << 20).path();
    let head = fs::read(&region).expect("the file")[..4096].to_vec();
    let file = fs::File::options().write(true).open(&region).expect("the file");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                file.set_len(0).expect("cut off");
                file.set_len(1 << 20).expect("made long again");
                file.write_all_at(&head, 0).expect("the header written");
            }
        });
        for _ in 0..2000 {
            let listed = Cache::list().expect("a list");
            assert!(listed.iter().any(|entry| entry.path == region));
            // Refused, or mapped and not touched.
            let _ = Cache::builder("test")
                .directory(scratch.directory())
                .survive_truncation(true)
                .open();
        }
        stop.store(true, Ordering::Relaxed);
    });
}
