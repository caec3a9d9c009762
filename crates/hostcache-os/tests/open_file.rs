//! What is opened as a region's file, and what is refused.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod support;

use hostcache_os::{FileError, FileKind, PendingFile, open_region_file, same_file, unlink};
use std::ffi::CString;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use support::{SetOnDrop, add_acl, alone, become_user, in_child, is_root, scratch, skip};

/// Users and groups that no test machine has.
const OWNER: u32 = 1_912_345;
const STRANGER: u32 = 1_954_321;
const GROUP: u32 = 1_900_777;

fn region(dir: &Path, mode: u32) -> PathBuf {
    PendingFile::create(dir, 4096, mode).unwrap().publish("region").unwrap();
    dir.join("region")
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

#[track_caller]
fn assert_kind(path: &Path, expected: FileKind) {
    for writable in [false, true] {
        match open_region_file(path, writable) {
            Err(FileError::NotRegular { kind, .. }) => assert_eq!(kind, expected),
            other => panic!("{}: {other:?}", path.display()),
        }
    }
}

#[test]
fn an_own_file_opens_for_reading_and_for_writing() {
    let dir = scratch();
    for mode in [0o600, 0o660, 0o640, 0o644] {
        let path = region(dir.path(), mode);
        for writable in [false, true] {
            let file = open_region_file(&path, writable).unwrap();
            assert!(same_file(&file, &path).unwrap());
        }
        unlink(&path).unwrap();
    }
}

#[test]
fn a_file_opened_for_reading_can_not_be_written() {
    let dir = scratch();
    let path = region(dir.path(), 0o600);
    let file = open_region_file(&path, false).unwrap();
    assert!(file.set_len(0).is_err());
}

#[test]
fn a_missing_file_is_told_as_such() {
    let dir = scratch();
    let path = dir.path().join("region");
    for answer in [open_region_file(&path, false).map(drop), unlink(&path)] {
        assert!(matches!(answer, Err(FileError::Missing { .. })), "{answer:?}");
    }
}

#[test]
fn a_symbolic_link_is_refused_even_to_a_good_file() {
    let dir = scratch();
    let path = region(dir.path(), 0o600);
    let link = dir.path().join("link");
    symlink(&path, &link).unwrap();
    assert_kind(&link, FileKind::Symlink);
    assert_kind(&dir.path().join("link/"), FileKind::Symlink);
    symlink("nowhere", dir.path().join("dangling")).unwrap();
    assert_kind(&dir.path().join("dangling"), FileKind::Symlink);
}

#[test]
fn what_is_no_regular_file_is_refused_without_waiting() {
    let dir = scratch();
    assert_kind(dir.path(), FileKind::Directory);
    assert_kind(Path::new("/dev/null"), FileKind::Device);

    let fifo = dir.path().join("fifo");
    let name = CString::new(fifo.to_str().unwrap()).unwrap();
    // SAFETY: `name` ends with NUL.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    assert_kind(&fifo, FileKind::Fifo);

    let socket = dir.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    assert_kind(&socket, FileKind::Socket);
}

#[test]
fn a_file_with_two_names_is_refused_until_one_is_gone() {
    let dir = scratch();
    let path = region(dir.path(), 0o600);
    let second = dir.path().join("second");
    std::fs::hard_link(&path, &second).unwrap();
    let refused = open_region_file(&path, true);
    assert!(matches!(refused, Err(FileError::HardLinked { nlink: 2, .. })), "{refused:?}");
    unlink(&second).unwrap();
    open_region_file(&path, true).unwrap();
}

#[test]
fn a_file_that_everybody_may_write_is_refused() {
    let dir = scratch();
    let path = region(dir.path(), 0o600);
    for bad in [0o666, 0o602, 0o622, 0o777] {
        set_mode(&path, bad);
        match open_region_file(&path, false) {
            Err(FileError::BadMode { mode, .. }) => assert_eq!(mode, bad),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_file_with_an_access_control_list_is_refused() {
    let dir = scratch();
    let path = region(dir.path(), 0o600);
    if !add_acl(&path, c"system.posix_acl_access") {
        skip(&format!("no access control lists here: {}", std::io::Error::last_os_error()));
        return;
    }
    let refused = open_region_file(&path, true);
    assert!(matches!(refused, Err(FileError::BadMode { .. })), "{refused:?}");
}

#[test]
fn a_filesystem_that_is_not_known_to_serve_is_refused() {
    let refused = open_region_file(Path::new("/proc/self/comm"), false);
    match refused {
        Err(FileError::UnsupportedFilesystem { magic, .. }) => assert_eq!(magic, 0x9fa0),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_refusal_names_the_path() {
    let dir = scratch();
    let path = region(dir.path(), 0o600);
    set_mode(&path, 0o666);
    let link = dir.path().join("link");
    symlink(&path, &link).unwrap();
    for refused in [&path, &link, &dir.path().join("missing")] {
        let text = open_region_file(refused, true).unwrap_err().to_string();
        assert!(text.contains(refused.to_str().unwrap()), "{text}");
    }
}

#[test]
fn a_foreign_file_is_refused_unless_it_is_shared_with_a_group_of_the_callers() {
    alone(|| {
        if !is_root() {
            skip("giving a file to another user needs root");
            return;
        }
        let dir = scratch();
        set_mode(dir.path(), 0o755);
        let path = region(dir.path(), 0o644);
        chown(&path, Some(OWNER), Some(GROUP)).unwrap();
        let owner_of_refused = |writable| match open_region_file(&path, writable) {
            Err(FileError::ForeignOwner { uid, expected, .. }) => (uid, expected),
            other => panic!("{other:?}"),
        };
        // Not even root takes another user's word for it.
        assert_eq!(owner_of_refused(true), (OWNER, 0));
        in_child(|| {
            become_user(STRANGER, STRANGER, &[]);
            assert_eq!(owner_of_refused(false), (OWNER, STRANGER));
        });
        in_child(|| {
            become_user(OWNER, OWNER, &[]);
            open_region_file(&path, true).unwrap();
        });
        set_mode(&path, 0o640);
        in_child(|| {
            become_user(STRANGER, STRANGER, &[GROUP]);
            open_region_file(&path, false).unwrap();
            assert!(matches!(open_region_file(&path, true), Err(FileError::Os(_))));
        });
        set_mode(&path, 0o660);
        in_child(|| {
            become_user(STRANGER, GROUP, &[]);
            open_region_file(&path, true).unwrap();
        });
        // To be in its group is not enough.
        chown(&path, None, Some(0)).unwrap();
        set_mode(&path, 0o604);
        assert_eq!(owner_of_refused(true), (OWNER, 0));
        chown(&path, None, Some(GROUP)).unwrap();
        // The group's bits must say that it is meant to be shared.
        set_mode(&path, 0o604);
        in_child(|| {
            become_user(STRANGER, STRANGER, &[STRANGER + 1]);
            assert_eq!(owner_of_refused(false), (OWNER, STRANGER));
        });
    });
}

#[test]
fn roots_file_is_trusted_by_those_who_may_open_it() {
    alone(|| {
        if !is_root() {
            skip("making a file of root's needs root");
            return;
        }
        let dir = scratch();
        set_mode(dir.path(), 0o755);
        let path = region(dir.path(), 0o644);
        in_child(|| {
            become_user(STRANGER, STRANGER, &[]);
            open_region_file(&path, false).unwrap();
            assert!(matches!(open_region_file(&path, true), Err(FileError::Os(_))));
        });
    });
}

#[test]
fn a_path_that_is_exchanged_all_the_time_gives_the_good_file_or_a_refusal() {
    let dir = scratch();
    let good = region(dir.path(), 0o600);
    let evil = dir.path().join("evil");
    std::fs::write(&evil, "everybody's").unwrap();
    set_mode(&evil, 0o666);
    let (bait, next) = (dir.path().join("bait"), dir.path().join("next"));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                // The good file must not have two names when it is opened, so it moves.
                std::fs::rename(&good, &bait).unwrap();
                std::fs::rename(&bait, &good).unwrap();
                symlink(&evil, &next).unwrap();
                std::fs::rename(&next, &bait).unwrap();
            }
        });
        let _stop = SetOnDrop(&stop);
        let mut opened = 0;
        for _ in 0..20_000 {
            match open_region_file(&bait, true) {
                Ok(file) => {
                    assert_eq!(file.metadata().unwrap().len(), 4096);
                    opened += 1;
                }
                Err(
                    FileError::NotRegular { kind: FileKind::Symlink, .. }
                    | FileError::Missing { .. }
                    // The link was gone again when its kind was asked for.
                    | FileError::Os(_),
                ) => {}
                Err(other) => panic!("{other}"),
            }
        }
        println!("opened {opened} times");
    });
}
