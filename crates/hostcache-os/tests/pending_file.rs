//! A file appears whole or not at all.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod support;

use hostcache_os::{
    FileError, PendingFile, UnsealedMemfd, allocated_bytes, duplicate, file_identity, file_len,
    link_count, same_file,
};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Barrier;
use support::{alone, in_child, is_root, scratch, skip};

fn names_in(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_published_file_is_whole_and_all_its_memory_is_there() {
    let dir = scratch();
    let pending = PendingFile::create(dir.path(), 1 << 20, 0o600).unwrap();
    assert_eq!(link_count(pending.file()).unwrap(), 0);
    let file = pending.publish("region").unwrap();
    assert_eq!(file_len(&file).unwrap(), 1 << 20);
    assert!(allocated_bytes(&file).unwrap() >= 1 << 20);
    assert_eq!(link_count(&file).unwrap(), 1);
    assert!(same_file(&file, &dir.path().join("region")).unwrap());
    assert!(!same_file(&file, &dir.path().join("other")).unwrap());
    assert_eq!(names_in(dir.path()), ["region"]);
}

#[test]
fn a_file_kept_without_a_name_has_its_memory_and_leaves_nothing() {
    let dir = scratch();
    let file = PendingFile::create(dir.path(), 1 << 20, 0o600).unwrap().into_unnamed();
    assert_eq!((file_len(&file).unwrap(), link_count(&file).unwrap()), (1 << 20, 0));
    assert!(allocated_bytes(&file).unwrap() >= 1 << 20);
    assert_eq!(names_in(dir.path()), Vec::<String>::new());
}

#[test]
fn a_descriptor_is_duplicated_only_while_it_is_the_same_files() {
    let dir = scratch();
    let new = || PendingFile::create(dir.path(), 4096, 0o600).unwrap().into_unnamed();
    let (file, other) = (new(), new());
    let identity = file_identity(&file).unwrap();
    let copy = duplicate(&file, identity).unwrap();
    assert_eq!(file_identity(&copy).unwrap(), identity);
    assert_ne!(file_identity(&other).unwrap(), identity);
    let error = duplicate(&other, identity).unwrap_err().to_string();
    assert!(error.contains("another file's"), "{error}");
}

#[test]
fn a_file_that_takes_several_steps_to_allocate_is_allocated_to_its_end() {
    let dir = scratch();
    let len = (33 << 20) + 4096;
    let pending = PendingFile::create(dir.path(), len, 0o600).unwrap();
    assert_eq!(file_len(pending.file()).unwrap(), len);
    assert!(allocated_bytes(pending.file()).unwrap() >= len);
}

#[test]
fn the_mode_is_exact_under_any_umask() {
    alone(|| {
        in_child(|| {
            for umask in [0, 0o022, 0o077, 0o777] {
                for mode in [0o600, 0o660, 0o640] {
                    // SAFETY: the call takes a number; the child has the mask for itself.
                    unsafe { libc::umask(umask) };
                    let dir = Path::new("/dev/shm");
                    let pending = PendingFile::create(dir, 4096, mode).unwrap();
                    let actual = pending.file().metadata().unwrap().permissions().mode() & 0o7777;
                    assert_eq!(actual, mode, "under umask {umask:04o}");
                }
            }
        });
    });
}

#[test]
fn publish_replaces_nothing() {
    let dir = scratch();
    let make = || PendingFile::create(dir.path(), 4096, 0o600).unwrap();
    std::fs::write(dir.path().join("a-file"), "keep me").unwrap();
    std::fs::create_dir(dir.path().join("a-directory")).unwrap();
    std::os::unix::fs::symlink("nowhere", dir.path().join("a-link")).unwrap();
    for taken in ["a-file", "a-directory", "a-link"] {
        match make().publish(taken) {
            Err(FileError::Exists { path }) => assert_eq!(path, dir.path().join(taken)),
            other => panic!("{taken}: {other:?}"),
        }
    }
    assert_eq!(std::fs::read(dir.path().join("a-file")).unwrap(), b"keep me");
    assert!(!dir.path().join("nowhere").exists());
}

#[test]
fn publish_takes_one_component_only() {
    let dir = scratch();
    for bad in ["", ".", "..", "a/b", "/a", "../a", "a\0b"] {
        let pending = PendingFile::create(dir.path(), 4096, 0o600).unwrap();
        assert!(matches!(pending.publish(bad), Err(FileError::Os(_))), "{bad:?}");
    }
    assert!(names_in(dir.path()).is_empty());
}

#[test]
fn of_several_creators_exactly_one_wins() {
    const CREATORS: u64 = 8;
    let dir = scratch();
    for round in 0..50 {
        let name = format!("round-{round}");
        let barrier = Barrier::new(usize::try_from(CREATORS).unwrap());
        let create = |len: u64| {
            let pending = PendingFile::create(dir.path(), len, 0o600).unwrap();
            barrier.wait();
            match pending.publish(&name) {
                Ok(_) => Some(len),
                Err(FileError::Exists { .. }) => None,
                Err(other) => panic!("{other}"),
            }
        };
        let winners: Vec<u64> = std::thread::scope(|scope| {
            let creators: Vec<_> =
                (1..=CREATORS).map(|n| scope.spawn(move || create(n * 4096))).collect();
            creators.into_iter().filter_map(|creator| creator.join().unwrap()).collect()
        });
        assert_eq!(winners.len(), 1, "{winners:?}");
        assert_eq!(std::fs::metadata(dir.path().join(&name)).unwrap().len(), winners[0]);
    }
}

#[test]
fn a_dropped_file_leaves_nothing() {
    let dir = scratch();
    let pending = PendingFile::create(dir.path(), 4096, 0o600).unwrap();
    drop(pending);
    assert!(names_in(dir.path()).is_empty());
}

#[test]
fn a_killed_creator_leaves_nothing() {
    alone(|| {
        let dir = scratch();
        let pid = support::spawn_copy(support::Way::Fork, || {
            let _pending = PendingFile::create(dir.path(), 4096, 0o600).unwrap();
            // SAFETY: sends this process the signal that it can't survive.
            unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
        });
        assert_eq!(support::reap(pid), libc::SIGKILL);
        assert!(names_in(dir.path()).is_empty());
    });
}

#[test]
fn a_missing_directory_and_impossible_lengths_are_errors() {
    let dir = scratch();
    let missing = PendingFile::create(&dir.path().join("no"), 4096, 0o600);
    assert!(matches!(missing, Err(FileError::Missing { .. })), "{missing:?}");
    for len in [0, u64::MAX] {
        let impossible = PendingFile::create(dir.path(), len, 0o600);
        assert!(matches!(impossible, Err(FileError::Os(_))), "{impossible:?}");
    }
}

#[test]
fn more_than_the_filesystem_has_is_refused_with_both_numbers() {
    let dir = scratch();
    let needed = 1 << 60;
    match PendingFile::create(dir.path(), needed, 0o600) {
        Err(FileError::NoSpace { path, needed: n, available }) => {
            assert_eq!((path.as_path(), n), (dir.path(), needed));
            assert!(available > 0 && available < needed, "{available}");
        }
        // A /dev/shm without a limit.
        Err(FileError::Os(error)) => skip(&format!("no limit here: {error}")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_full_tmpfs_is_an_error_at_creation_and_gets_its_memory_back() {
    alone(|| {
        let dir = scratch();
        let mount_point = dir.path().join("small");
        std::fs::create_dir(&mount_point).unwrap();
        if !is_root() {
            skip("mounting a small tmpfs needs root");
            return;
        }
        in_child(|| {
            let target = std::ffi::CString::new(mount_point.to_str().unwrap()).unwrap();
            let (tmpfs, size) = (c"tmpfs", c"size=1m");
            // SAFETY: all names end with NUL; what is mounted is seen by this child only.
            let mounted = unsafe {
                libc::unshare(libc::CLONE_NEWNS) == 0
                    && libc::mount(
                        tmpfs.as_ptr(),
                        c"/".as_ptr(),
                        std::ptr::null(),
                        libc::MS_REC | libc::MS_PRIVATE,
                        std::ptr::null(),
                    ) == 0
                    && libc::mount(
                        tmpfs.as_ptr(),
                        target.as_ptr(),
                        tmpfs.as_ptr(),
                        0,
                        size.as_ptr().cast(),
                    ) == 0
            };
            if !mounted {
                skip(&format!("no mount namespace: {}", std::io::Error::last_os_error()));
                return;
            }
            let create = |len| PendingFile::create(&mount_point, len, 0o600);
            for _ in 0..3 {
                match create(2 << 20) {
                    Err(FileError::NoSpace { needed, available, .. }) => {
                        assert_eq!(needed, 2 << 20);
                        assert!(available <= 1 << 20, "{available}");
                    }
                    other => panic!("{other:?}"),
                }
                let kept = create(768 << 10).unwrap();
                assert!(matches!(create(512 << 10), Err(FileError::NoSpace { .. })));
                drop(kept);
                create(768 << 10).unwrap();
            }
        });
    });
}

#[test]
fn a_limit_on_file_sizes_is_an_error_and_not_a_signal() {
    alone(|| {
        in_child(|| {
            let limit = libc::rlimit { rlim_cur: 1 << 20, rlim_max: 1 << 20 };
            // SAFETY: `limit` is valid for reads; the child has the limit for itself.
            assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) }, 0);
            match PendingFile::create(Path::new("/dev/shm"), 2 << 20, 0o600) {
                Err(FileError::Os(error)) => {
                    assert_eq!(error.source.raw_os_error(), Some(libc::EFBIG));
                }
                other => panic!("{other:?}"),
            }
            PendingFile::create(Path::new("/dev/shm"), 1 << 20, 0o600).unwrap();
            match UnsealedMemfd::create("limited", 2 << 20, 0o600, None) {
                Err(FileError::Os(error)) => {
                    assert_eq!(error.source.raw_os_error(), Some(libc::EFBIG));
                }
                other => panic!("{other:?}"),
            }
            UnsealedMemfd::create("limited", 1 << 20, 0o600, None).unwrap();
        });
    });
}
