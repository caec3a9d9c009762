//! A mapping is the file's bytes, writable or not as asked.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod support;

use hostcache_os::{Mapping, PendingFile, open_region_file, unlink};
use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use support::{Way, alone, reap, scratch, spawn_copy};
use tempfile::TempDir;

const LEN: usize = 64 << 10;

fn region(dir: &TempDir) -> File {
    PendingFile::create(dir.path(), LEN as u64, 0o600).unwrap().publish("region").unwrap()
}

fn word(mapping: &Mapping, index: usize) -> &AtomicU64 {
    assert!((index + 1) * 8 <= mapping.len());
    // SAFETY: within the mapping, aligned, and only ever used as an atomic.
    unsafe { AtomicU64::from_ptr(mapping.as_ptr().as_ptr().cast::<u64>().add(index)) }
}

/// The kernel's lines about the mapping: its permissions, then its flags.
fn what_the_kernel_says(mapping: &Mapping) -> (String, String) {
    let start = format!("{:x}-", mapping.as_ptr().as_ptr() as usize);
    let text = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let mut lines = text.lines().skip_while(|line| !line.starts_with(&start));
    let permissions = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let flags = lines.find(|line| line.starts_with("VmFlags:")).unwrap().to_owned();
    (permissions, flags)
}

#[test]
fn what_one_mapping_writes_another_reads() {
    let dir = scratch();
    let file = region(&dir);
    let writer = Mapping::map(&file, LEN, true).unwrap();
    let reader = Mapping::map(&file, LEN, false).unwrap();
    assert_eq!((writer.len(), reader.len()), (LEN, LEN));
    assert!(writer.is_writable() && !reader.is_writable());
    for index in [0, 1, LEN / 8 - 1] {
        assert_eq!(word(&reader, index).load(SeqCst), 0);
        word(&writer, index).store(7 + index as u64, SeqCst);
        assert_eq!(word(&reader, index).load(SeqCst), 7 + index as u64);
    }
}

#[test]
fn a_mapping_outlives_its_file_and_its_name() {
    let dir = scratch();
    let file = region(&dir);
    let first = Mapping::map(&file, LEN, true).unwrap();
    let second = Mapping::map(&file, LEN, true).unwrap();
    drop(file);
    unlink(&dir.path().join("region")).unwrap();
    word(&first, 3).store(3, SeqCst);
    assert_eq!(word(&second, 3).load(SeqCst), 3);
}

#[test]
fn a_read_only_mapping_can_not_be_written() {
    alone(|| {
        let dir = scratch();
        drop(region(&dir));
        let file = open_region_file(&dir.path().join("region"), false).unwrap();
        let mapping = Mapping::map(&file, LEN, false).unwrap();
        assert_eq!(what_the_kernel_says(&mapping).0, "r--s");
        let status = reap(spawn_copy(Way::Fork, || word(&mapping, 0).store(1, SeqCst)));
        assert_eq!(status & 0x7f, libc::SIGSEGV);
        assert_eq!(word(&mapping, 0).load(SeqCst), 0);
    });
}

#[test]
fn a_file_open_for_reading_alone_is_not_mapped_for_writing() {
    let dir = scratch();
    drop(region(&dir));
    let file = open_region_file(&dir.path().join("region"), false).unwrap();
    let refused = Mapping::map(&file, LEN, true).unwrap_err();
    assert_eq!(refused.source.raw_os_error(), Some(libc::EACCES));
}

#[test]
fn a_length_of_nothing_or_beyond_the_file_is_refused() {
    let dir = scratch();
    let file = region(&dir);
    for bad in [0, LEN + 1, usize::MAX] {
        Mapping::map(&file, bad, true).unwrap_err();
        Mapping::map(&file, bad, false).unwrap_err();
    }
    assert_eq!(Mapping::map(&file, LEN - 4096, true).unwrap().len(), LEN - 4096);
}

#[test]
fn a_mapping_is_left_out_of_core_dumps_on_request() {
    let dir = scratch();
    let mapping = Mapping::map(&region(&dir), LEN, true).unwrap();
    let is_left_out = || what_the_kernel_says(&mapping).1.split(' ').any(|flag| flag == "dd");
    assert!(!is_left_out());
    mapping.dont_dump().unwrap();
    assert!(is_left_out());
}

#[test]
fn populating_stays_within_the_mapping() {
    let dir = scratch();
    for writable in [false, true] {
        let mapping = Mapping::map(&region(&dir), LEN, writable).unwrap();
        for (offset, len) in [(0, LEN), (LEN / 2, LEN / 2), (4096, 4096)] {
            match mapping.populate(offset, len) {
                Ok(()) => {}
                Err(old) => assert_eq!(old.source.raw_os_error(), Some(libc::EINVAL), "{old}"),
            }
        }
        for (offset, len) in [(0, LEN + 1), (LEN, 1), (usize::MAX, 2)] {
            let refused = mapping.populate(offset, len).unwrap_err();
            assert_eq!(refused.source.kind(), std::io::ErrorKind::InvalidInput);
        }
        unlink(&dir.path().join("region")).unwrap();
    }
}
