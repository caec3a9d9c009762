//! Regions of a group: who finds them, who may use them, and what is refused.
//!
//! Each user is a process of its own, this test program once more. Users and groups are ones that no machine has.

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use hostcache::{Cache, CacheBuilder, OpenError};
use support::Scratch;

const ROLE: &str = "HOSTCACHE_GROUPS_ROLE";
const TEST: &str = "a_region_is_shared_by_the_members_of_a_group_and_by_nobody_else";

const OWNER: u32 = 1_912_401;
const MEMBER: u32 = 1_912_402;
const STRANGER: u32 = 1_912_403;
const GROUP: u32 = 1_900_778;
const OTHER_GROUP: u32 = 1_900_779;

fn group_directory() -> PathBuf {
    PathBuf::from(format!("/dev/shm/hostcache-group-{GROUP}"))
}

fn shared() -> PathBuf {
    group_directory().join("shared")
}

/// Takes away what the users made.
struct Tidy;

impl Drop for Tidy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(group_directory());
        for user in [OWNER, MEMBER, STRANGER] {
            let _ = fs::remove_dir_all(format!("/dev/shm/hostcache-{user}"));
        }
    }
}

/// Becomes a user with a primary group and one more, under the strictest umask.
fn setpriv(uid: u32, gid: u32, more: u32) -> Command {
    let mut command = Command::new("setpriv");
    command.arg(format!("--reuid={uid}")).arg(format!("--regid={gid}"));
    command.arg(format!("--groups={more}"));
    command.args(["sh", "-c", "umask 077; exec \"$@\"", "sh"]);
    command.env_remove("HOSTCACHE_DIR").current_dir("/");
    command
}

/// Runs a part of [`play`] as a user.
#[track_caller]
fn as_user(uid: u32, gid: u32, more: u32, role: &str) {
    let mut command = setpriv(uid, gid, more);
    command.arg(std::env::current_exe().expect("this program"));
    command.args(["--exact", TEST, "--nocapture", "--test-threads=1"]).env(ROLE, role);
    let output = command.output().expect("setpriv");
    let said = String::from_utf8_lossy(&output.stdout);
    let why = String::from_utf8_lossy(&output.stderr);
    let done = said.contains(&format!("{role} is done"));
    assert!(output.status.success() && done, "{role}: {}\n{said}\n{why}", output.status);
}

#[track_caller]
fn as_member(role: &str) {
    as_user(MEMBER, MEMBER, GROUP, role);
}

fn settings() -> CacheBuilder {
    Cache::builder("shared").capacity(1 << 20)
}

fn value(cache: &Cache) -> String {
    String::from_utf8(cache.get("k").expect("a value")).expect("text")
}

#[track_caller]
fn refused(answer: Result<Cache, OpenError>, words: &str) {
    let error = answer.map(|_| ()).expect_err("refused");
    assert!(error.to_string().contains(words), "{words:?} is missing in: {error}");
}

fn is_listed() -> bool {
    let listed = Cache::list().expect("a list");
    listed.iter().any(|entry| {
        entry.path == shared()
            && entry.gid == GROUP
            && entry.uid == OWNER
            && entry.problem.is_none()
    })
}

fn play(role: &str) {
    match role {
        "create" => {
            let cache = settings().group_id(GROUP).create().expect("a region");
            cache.set("k", "the owner's").expect("set");
            assert_eq!(cache.path(), shared());
            refused(settings().group_id(GROUP).create(), "exists already");
        }
        "use" => {
            let cache = Cache::open("shared").expect("found by name");
            assert_eq!(cache.path(), shared());
            assert_eq!(value(&cache), "the owner's");
            cache.set("k", "a member's").expect("set");
            assert!(is_listed());
            let reader = Cache::builder("shared").open_read_only().expect("found by name");
            assert_eq!(value(&reader), "a member's");
            let cache = Cache::builder("shared").group_id(GROUP).open().expect("asked for");
            assert_eq!(value(&cache), "a member's");
        }
        "by effective group" => {
            let cache = Cache::builder("shared").group().open().expect("the effective group's");
            assert_eq!(cache.path(), shared());
            let cache = Cache::builder("second").capacity(1 << 20).group().mode(0o640);
            let path = cache.open_or_create().expect("a region").path();
            assert_eq!(fs::metadata(&path).expect("its file").mode() & 0o7777, 0o640);
            Cache::destroy("second").expect("found by name");
        }
        "own first" => {
            let own = settings().open_or_create().expect("a region");
            assert_eq!(own.path(), PathBuf::from(format!("/dev/shm/hostcache-{MEMBER}/shared")));
            assert_eq!(own.get("k"), None, "it was not looked for among the group's");
            assert_eq!(Cache::open("shared").expect("the own one").path(), own.path());
            let cache = Cache::builder("shared").group_id(GROUP).open().expect("asked for");
            assert_eq!(value(&cache), "a member's");
            Cache::destroy("shared").expect("the own one");
            assert_eq!(Cache::open("shared").expect("the group's").path(), shared());
        }
        "a stranger" => {
            let error = Cache::open("shared").map(|_| ()).expect_err("not found");
            assert!(matches!(error, OpenError::Missing { .. }), "{error:?}");
            refused(settings().group_id(GROUP).open(), "ermission denied");
            refused(settings().group_id(GROUP).create(), "not in group 1900778");
            refused(Cache::open(shared().display().to_string()), "ermission denied");
            assert!(!is_listed());
        }
        "a writable file" => refused(Cache::open("shared"), "0666"),
        "a writable directory" => refused(Cache::open("shared"), "2777"),
        "a plain directory" => refused(Cache::open("shared"), "is not shared with a group"),
        "another group's file" => {
            refused(Cache::open("shared"), "belongs to group 1900779, not to group 1900778");
        }
        "a private file" => refused(Cache::open("shared"), "ermission denied"),
        "another group's directory" => {
            refused(settings().group_id(GROUP).open(), "belongs to group 1900779");
        }
        "destroy" => {
            Cache::destroy("shared").expect("found by name");
            assert!(!shared().exists());
        }
        other => panic!("no such role: {other}"),
    }
    println!("{role} is done");
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("chmod");
}

#[test]
fn a_region_is_shared_by_the_members_of_a_group_and_by_nobody_else() {
    if let Ok(role) = std::env::var(ROLE) {
        return play(&role);
    }
    let probe =
        setpriv(OWNER, OWNER, GROUP).arg(std::env::current_exe().unwrap()).arg("--list").output();
    if !probe.is_ok_and(|output| output.status.success()) {
        println!("skipped: becoming another user needs root and setpriv");
        return;
    }
    let _tidy = Tidy;
    as_user(OWNER, OWNER, GROUP, "create");
    let directory = fs::metadata(group_directory()).unwrap();
    assert_eq!((directory.mode() & 0o7777, directory.gid()), (0o2770, GROUP));
    let file = fs::metadata(shared()).unwrap();
    assert_eq!((file.mode() & 0o7777, file.uid(), file.gid()), (0o660, OWNER, GROUP));
    as_member("use");
    as_user(MEMBER, GROUP, MEMBER, "by effective group");
    as_member("own first");
    as_user(STRANGER, STRANGER, STRANGER, "a stranger");
    // Root is in no group, and trusts this one since it names it.
    let cache = Cache::builder("shared").directory(group_directory()).group_id(GROUP).open();
    assert_eq!(value(&cache.expect("asked for")), "a member's");
    refused(Cache::open(shared().display().to_string()), "belongs to user 1912401");

    set_mode(&shared(), 0o666);
    as_member("a writable file");
    set_mode(&shared(), 0o600);
    as_member("a private file");
    set_mode(&shared(), 0o660);
    chown(shared(), Some(MEMBER), Some(OTHER_GROUP)).unwrap();
    set_mode(&shared(), 0o660);
    as_member("another group's file");
    chown(shared(), Some(OWNER), Some(GROUP)).unwrap();
    set_mode(&group_directory(), 0o2777);
    as_member("a writable directory");
    set_mode(&group_directory(), 0o2750);
    as_member("a plain directory");
    chown(group_directory(), Some(MEMBER), Some(OTHER_GROUP)).unwrap();
    set_mode(&group_directory(), 0o2770);
    as_member("another group's directory");
    chown(group_directory(), Some(OWNER), Some(GROUP)).unwrap();
    set_mode(&group_directory(), 0o2770);
    as_member("destroy");
}

#[test]
fn a_named_directory_becomes_the_groups() {
    let scratch = Scratch::shared();
    let directory = scratch.directory().join("shared");
    let settings = || Cache::builder("test").capacity(1 << 20).directory(&directory).group();
    let cache = settings().create().unwrap();
    cache.set("k", "v").unwrap();
    assert_eq!(fs::metadata(&directory).unwrap().mode() & 0o7777, 0o2770);
    assert_eq!(fs::metadata(cache.path()).unwrap().mode() & 0o7777, 0o660);
    assert_eq!(settings().open().unwrap().get("k").as_deref(), Some(&b"v"[..]));
    let plain = scratch.builder("test").group().capacity(1 << 20);
    refused(plain.create(), "need a directory of mode 2770");
    let far = Cache::builder("test").capacity(1 << 20).directory(directory.join("a/b")).group();
    refused(far.create(), "mkdir");
}
