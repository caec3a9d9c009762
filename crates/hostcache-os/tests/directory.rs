//! Which directories are made, found and trusted.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod support;

use hostcache_os::{
    FileError, FileKind, check_directory, default_directory, ensure_directory, region_directories,
};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use support::{add_acl, alone, become_user, in_child, is_root, scratch, skip};

/// Users and groups that no test machine has.
const OWNER: u32 = 1_912_345;
const STRANGER: u32 = 1_954_321;
const GROUP: u32 = 1_900_777;

fn mode_of(path: &Path) -> u32 {
    path.symlink_metadata().unwrap().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

/// Only for a child: the environment belongs to the whole process.
fn set_directory(value: impl AsRef<std::ffi::OsStr>) {
    // SAFETY: the child has one thread.
    unsafe { std::env::set_var("HOSTCACHE_DIR", value) };
}

fn own_directory() -> PathBuf {
    // SAFETY: the call takes nothing and can't fail.
    PathBuf::from(format!("/dev/shm/hostcache-{}", unsafe { libc::geteuid() }))
}

#[test]
fn the_default_directory_is_the_users_own_unless_the_variable_names_another() {
    alone(|| {
        in_child(|| {
            // SAFETY: the child has one thread.
            unsafe { std::env::remove_var("HOSTCACHE_DIR") };
            assert_eq!(default_directory(), own_directory());
            set_directory("");
            assert_eq!(default_directory(), own_directory());
            set_directory("/some/where");
            assert_eq!(default_directory(), Path::new("/some/where"));
            std::env::set_current_dir("/dev").unwrap();
            set_directory("shm/relative");
            assert_eq!(default_directory(), Path::new("/dev/shm/relative"));
        });
    });
}

#[test]
fn a_missing_directory_is_made_for_the_owner_alone_under_any_umask() {
    alone(|| {
        let dir = scratch();
        in_child(|| {
            for umask in [0, 0o022, 0o177] {
                // SAFETY: the call takes a number; the child has the mask for itself.
                unsafe { libc::umask(umask) };
                let path = dir.path().join(format!("under-{umask:o}"));
                ensure_directory(&path).unwrap();
                assert_eq!(mode_of(&path), 0o700, "under umask {umask:04o}");
                ensure_directory(&path).unwrap();
            }
        });
        ensure_directory(&dir.path().join("a/b/c/")).unwrap();
        assert_eq!(mode_of(&dir.path().join("a/b")) & 0o077, 0);
    });
}

#[test]
fn what_is_no_directory_is_refused_with_its_kind() {
    let dir = scratch();
    let real = dir.path().join("real");
    ensure_directory(&real).unwrap();
    let link = dir.path().join("link");
    symlink(&real, &link).unwrap();
    let dangling = dir.path().join("dangling");
    symlink("nowhere", &dangling).unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    for (path, expected) in [
        (link, FileKind::Symlink),
        (dir.path().join("link/"), FileKind::Symlink),
        (dangling, FileKind::Symlink),
        (file, FileKind::Regular),
    ] {
        match ensure_directory(&path) {
            Err(FileError::NotADirectory { kind, .. }) => assert_eq!(kind, expected),
            other => panic!("{}: {other:?}", path.display()),
        }
    }
    assert!(!dir.path().join("nowhere").exists());
}

#[test]
fn a_directory_that_others_may_write_is_refused() {
    let dir = scratch();
    let path = dir.path().join("open");
    ensure_directory(&path).unwrap();
    for bad in [0o777, 0o1777, 0o702, 0o770, 0o720, 0o2777] {
        set_mode(&path, bad);
        match ensure_directory(&path) {
            Err(FileError::BadMode { mode, .. }) => assert_eq!(mode, bad),
            other => panic!("{bad:04o}: {other:?}"),
        }
        assert_eq!(mode_of(&path), bad, "a directory that was there is not changed");
    }
    for good in [0o700, 0o755, 0o750, 0o2770, 0o2775] {
        set_mode(&path, good);
        ensure_directory(&path).unwrap();
        assert_eq!(mode_of(&path), good);
    }
}

#[test]
fn a_directory_with_a_default_access_control_list_is_refused() {
    let dir = scratch();
    if !add_acl(dir.path(), c"system.posix_acl_default") {
        skip("no access control lists here");
        return;
    }
    let refused = check_directory(dir.path());
    assert!(matches!(refused, Err(FileError::BadMode { .. })), "{refused:?}");
}

#[test]
fn a_missing_directory_is_not_trusted() {
    let refused = check_directory(&scratch().path().join("no"));
    assert!(matches!(refused, Err(FileError::Missing { .. })), "{refused:?}");
}

#[test]
fn another_users_directory_is_refused_unless_it_is_a_group_directory_elsewhere() {
    alone(|| {
        if !is_root() {
            skip("giving a directory to another user needs root");
            return;
        }
        let dir = scratch();
        set_mode(dir.path(), 0o755);
        let path = dir.path().join("theirs");
        ensure_directory(&path).unwrap();
        // The place of a user's own directory, taken by another user before.
        let squatted = tempfile::Builder::new()
            .prefix(&format!("hostcache-{STRANGER}"))
            .rand_bytes(0)
            .tempdir_in("/dev/shm")
            .unwrap();
        let squatted = squatted.path();
        let give_away = |path: &Path, mode| {
            chown(path, Some(OWNER), Some(GROUP)).unwrap();
            set_mode(path, mode);
        };
        let is_refused = |path: &Path| {
            let refused = ensure_directory(path);
            assert!(
                matches!(refused, Err(FileError::ForeignOwner { uid: OWNER, .. })),
                "{refused:?}"
            );
        };
        give_away(&path, 0o755);
        is_refused(&path);
        give_away(&path, 0o2775);
        give_away(squatted, 0o2775);
        is_refused(&path);
        in_child(|| {
            become_user(STRANGER, STRANGER, &[]);
            is_refused(&path);
        });
        in_child(|| {
            become_user(STRANGER, STRANGER, &[GROUP]);
            ensure_directory(&path).unwrap();
            is_refused(squatted);
        });
    });
}

#[test]
fn every_readable_directory_is_listed_the_default_one_first() {
    alone(|| {
        let named = scratch();
        let shared = tempfile::Builder::new().prefix("hostcache-").tempdir_in("/dev/shm").unwrap();
        set_mode(shared.path(), 0o700);
        let link = PathBuf::from(format!("{}-link", shared.path().display()));
        symlink("/etc", &link).unwrap();
        let link = tempfile::TempPath::try_from_path(link).unwrap();
        in_child(|| {
            set_directory(named.path());
            let all = region_directories();
            assert_eq!(all[0], named.path());
            assert!(all.iter().any(|path| path == shared.path()), "{all:?}");
            assert!(!all.contains(&link.to_path_buf()));
            set_directory(named.path().join("missing"));
            assert!(!region_directories().contains(&named.path().join("missing")));
            set_directory(shared.path());
            let all = region_directories();
            assert_eq!(all.iter().filter(|path| *path == shared.path()).count(), 1);
            if is_root() {
                become_user(STRANGER, STRANGER, &[]);
                assert!(!region_directories().iter().any(|path| path == shared.path()));
            }
        });
    });
}
