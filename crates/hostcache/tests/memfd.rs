//! Regions in a sealed memfd, by their descriptor.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use hostcache::{Cache, OpenError, WriteError};
use hostcache_os::{UnsealedMemfd, passing};

mod support;
use support::Scratch;

fn made() -> Cache {
    Cache::builder("catalog").capacity(2 << 20).memfd().create().expect("a region")
}

fn descriptor(cache: &Cache) -> OwnedFd {
    cache.as_fd().expect("its descriptor").try_clone_to_owned().expect("a duplicate")
}

#[test]
fn what_one_handle_sets_the_other_gets_and_no_directory_shows_it() {
    let one = made();
    let other = Cache::from_fd(descriptor(&one)).expect("the region once more");
    one.set("k", "v").expect("set");
    assert_eq!(other.get("k").as_deref(), Some(&b"v"[..]));
    other.increment_with("n", 1, &hostcache::CounterOptions::new().initial(1)).expect("count");
    assert_eq!(one.get("n").as_deref(), Some(&b"1"[..]));
    assert_eq!((one.name(), other.name()), ("catalog", "catalog"));
    assert_eq!(one.path().display().to_string(), "memfd:catalog");
    assert_eq!(one.info().allocated_bytes, 2 << 20, "its memory is reserved");
    assert!(Cache::list().expect("a list").iter().all(|entry| entry.path != one.path()));
    // Each attachment has a lock of its own: both are seen to live.
    let alive: Vec<bool> = one.participants().iter().map(|p| p.alive).collect();
    assert_eq!(alive, [true, true]);
    drop(one);
    assert!(other.contains("k"), "it lives as long as anybody has it");
    assert_eq!(other.participants().len(), 1);
}

#[test]
fn settings_count_as_for_any_region() {
    let minute = Duration::from_secs(60);
    let settings = Cache::builder("x").capacity(1 << 20).participants(3).default_ttl(minute);
    let cache = settings.memfd().create().expect("a region");
    let info = cache.info();
    assert_eq!((info.participant_slots, info.default_ttl), (3, Some(minute)));
    let again = Cache::builder("mine").max_ttl(minute).open_fd(descriptor(&cache)).expect("again");
    assert_eq!(again.name(), "mine");
    let failed = |builder: hostcache::CacheBuilder| builder.memfd().create().expect_err("refused");
    let error = failed(Cache::builder("a/b").capacity(1 << 20));
    assert!(matches!(error, OpenError::InvalidName { .. }), "{error}");
    assert!(failed(Cache::builder("x")).to_string().contains("needs a capacity"));
    assert!(failed(Cache::builder("x").capacity(1)).to_string().contains("x"));
}

#[test]
fn a_read_only_handle_reads_and_hands_on_what_can_only_be_read() {
    let cache = made();
    cache.set("k", "v").expect("set");
    let reader = Cache::builder("r").open_fd_read_only(descriptor(&cache)).expect("to be read");
    let second = Cache::from_fd(descriptor(&reader)).expect("an O_RDONLY descriptor");
    for reader in [reader, second] {
        assert_eq!(reader.get("k").as_deref(), Some(&b"v"[..]));
        assert!(matches!(reader.set("k", "w"), Err(WriteError::ReadOnly { .. })));
        assert!(!reader.info().writable);
    }
}

#[test]
fn a_region_file_is_taken_by_its_descriptor_too() {
    let scratch = Scratch::new();
    let by_name = scratch.cache(1 << 20);
    let by_fd = Cache::from_fd(descriptor(&by_name)).expect("the file's descriptor");
    by_fd.set("k", "v").expect("set");
    assert!(by_name.contains("k"));
    assert_eq!(by_fd.path(), by_name.path());
    assert_eq!(by_fd.name(), by_name.path().display().to_string());
}

#[test]
fn refusals_name_what_was_found_and_what_to_do() {
    let unsealed = UnsealedMemfd::create("loose", 1 << 20, 0o600, None).expect("memory");
    let loose: OwnedFd = unsealed.file().try_clone().expect("a duplicate").into();
    let error = Cache::from_fd(loose).expect_err("unsealed");
    assert!(matches!(error, OpenError::Refused { .. }), "{error}");
    let text = error.to_string();
    for words in ["region \"loose\"", "memfd:loose is refused", "F_SEAL_SHRINK", "SIGBUS"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let empty = Cache::from_fd(unsealed.seal().expect("sealed").into()).expect_err("no region");
    assert!(matches!(empty, OpenError::NotARegion { .. }), "{empty}");
    let short = UnsealedMemfd::create("short", 100, 0o600, None).expect("memory");
    let short = Cache::from_fd(short.seal().expect("sealed").into()).expect_err("too short");
    assert!(
        short.to_string().contains("memfd:short is not a hostcache region (it has 100 bytes)"),
        "{short}"
    );
    let null = File::options().read(true).write(true).open("/dev/null").expect("open");
    let device = Cache::from_fd(null.into()).expect_err("a device").to_string();
    assert!(device.contains("/dev/null is refused: it is a device"), "{device}");
}

#[test]
fn a_socket_that_hands_out_no_region_is_refused() {
    let scratch = Scratch::new();
    let path = scratch.directory().join("socket");
    let missing = Cache::from_socket(&path).expect_err("nothing there");
    assert!(matches!(missing, OpenError::Missing { .. }), "{missing}");
    let long = Cache::from_socket("/".repeat(200)).expect_err("too long").to_string();
    assert!(long.contains("a socket's has 1 to 107"), "{long}");
    let listener = UnixListener::bind(&path).expect("bind");
    let answers = [
        (passing::REFUSED.to_owned() + "go away", "the daemon there says: go away"),
        (passing::ACCEPTED.to_owned() + "catalog", "no hostcache daemon of this version"),
        ("HTTP/1.1 400 Bad Request".to_owned(), "answered \"HTTP/1.1"),
        (String::new(), "answered \"\""),
    ];
    for (answer, words) in answers {
        let text = std::thread::scope(|scope| {
            scope.spawn(|| {
                let (stream, _) = listener.accept().expect("a connection");
                if !answer.is_empty() {
                    passing::send(&stream, &answer, None).expect("sent");
                }
            });
            Cache::from_socket(&path).expect_err("no region").to_string()
        });
        assert!(text.contains(words), "{words}: {text}");
    }
    // Nobody takes connections, and as many wait as may.
    while passing::connect(&path, Duration::from_millis(1)).is_ok() {}
    let text = Cache::from_socket(&path).expect_err("full").to_string();
    assert!(text.contains("did not answer within 5 seconds"), "{text}");
    drop(listener);
    let text = Cache::from_socket(&path).expect_err("stale").to_string();
    assert!(text.contains("nobody listens there: start `hostcache serve"), "{text}");
}
