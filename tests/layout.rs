//! Regions outlive the programs that made them: golden regions of every layout version.
//!
//! `data/region-v<N>.zst` is a region of layout version N, taken while its maker was attached. `cargo xtask golden`
//! writes the one of the present version anew; docs on that are in `README.md`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use hostcache::{Cache, CacheBuilder, CounterOptions, OpenError, SetOptions, encoding};
use hostcache_tests::region::TestRegion;
use tempfile::TempDir;
use xxhash_rust::xxh3::xxh3_64;

/// The smallest there is.
const CAPACITY: u64 = 1 << 20;

/// Words of the header that these tests know: every layout version keeps the first two where they are.
const VERSION: usize = 1;
const BOOT_ID: [usize; 2] = [10, 11];
const CHECKSUM: usize = 15;

/// An item of the golden region.
struct Golden {
    key: Vec<u8>,
    value: Vec<u8>,
    flags: u32,
    encoding: u8,
    has_deadline: bool,
}

/// What is in it: keys and values of all sizes, so that every way of storing them is there.
fn contents() -> Vec<Golden> {
    let item = |key: Vec<u8>, value: Vec<u8>, number: u32| Golden {
        key,
        value,
        flags: number.wrapping_mul(0x0101_0101),
        encoding: number.to_le_bytes()[0] % 7,
        has_deadline: number % 3 == 1,
    };
    let bytes =
        |len: usize, salt: usize| (0..len).map(|n| (n * 31 + salt).to_le_bytes()[0]).collect();
    let mut items = vec![
        item(vec![0], Vec::new(), 1),
        item(b"\xff\xfe\x00binary".to_vec(), bytes(256, 0), 2),
        item(vec![b'k'; 1 << 16], b"under the longest key".to_vec(), 3),
        item(b"the largest".to_vec(), bytes(100_000, 7), 4),
    ];
    items.extend((0..200_u32).map(|number| {
        let n = usize::try_from(number).expect("small");
        item(format!("item:{number}").into_bytes(), bytes(n * 13, n), number)
    }));
    items
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data")
}

/// Every golden region by its layout version.
fn golden_regions() -> BTreeMap<u32, Vec<u8>> {
    let files = fs::read_dir(data()).expect("tests/data");
    let regions = files.filter_map(|file| {
        let path = file.expect("an entry").path();
        let name = path.file_name()?.to_str()?.to_owned();
        let version = name.strip_prefix("region-v")?.strip_suffix(".zst")?.parse().ok()?;
        let packed = fs::read(&path).expect("a golden region");
        Some((version, zstd::decode_all(&packed[..]).expect("zstd")))
    });
    regions.collect()
}

/// A directory of one region.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::Builder::new().prefix("hostcache-test-").tempdir().expect("a directory"))
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("golden")
    }

    fn builder(&self) -> CacheBuilder {
        Cache::builder("golden").directory(self.0.path())
    }

    /// A region made of these bytes.
    fn of(bytes: &[u8]) -> Self {
        let place = Self::new();
        let mut options = fs::OpenOptions::new();
        let mut file =
            options.write(true).create_new(true).mode(0o600).open(place.path()).expect("create");
        std::io::Write::write_all(&mut file, bytes).expect("write");
        place
    }
}

fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at * 8..at * 8 + 8].try_into().expect("8 bytes"))
}

fn set_word(bytes: &mut [u8], at: usize, word: u64) {
    bytes[at * 8..at * 8 + 8].copy_from_slice(&word.to_le_bytes());
}

fn correct_checksum(bytes: &mut [u8]) {
    let checksum = xxh3_64(&bytes[..CHECKSUM * 8]);
    set_word(bytes, CHECKSUM, checksum);
}

/// As if the region had been made since this host was booted: else it would be emptied.
fn of_this_boot(mut bytes: Vec<u8>) -> Vec<u8> {
    let place = Place::new();
    let fresh = place.builder().capacity(CAPACITY).create().expect("create");
    let header = fs::read(fresh.path()).expect("a region");
    for at in BOOT_ID {
        let word = word(&header, at);
        set_word(&mut bytes, at, word);
    }
    correct_checksum(&mut bytes);
    bytes
}

fn present_version() -> u32 {
    let place = Place::new();
    place.builder().capacity(CAPACITY).create().expect("create").info().layout_version
}

/// The bytes of the golden region of the present version, as of this boot.
fn present_golden() -> Vec<u8> {
    let version = present_version();
    let bytes = golden_regions().remove(&version);
    let bytes = bytes.unwrap_or_else(|| {
        panic!("layout version {version} has no golden region: cargo xtask golden makes it")
    });
    assert_eq!(word(&bytes, VERSION), u64::from(version));
    of_this_boot(bytes)
}

fn assert_refused(open: Result<Cache, OpenError>, version: u32) {
    let error = open.expect_err("another layout version");
    let present = present_version();
    assert!(
        matches!(error, OpenError::Incompatible { found, supported, .. } if (found, supported) == (version, present)),
        "{error:?}"
    );
    let text = error.to_string();
    for words in [format!("layout version {version}"), format!("layout version {present}")] {
        assert!(text.contains(&words), "{words:?} in {text}");
    }
    assert!(text.contains("destroy"), "what to do: {text}");
}

/// Every way in refuses a region of another version, and leaves it as it is.
fn assert_refused_everywhere(bytes: &[u8], version: u32) {
    let place = Place::of(bytes);
    let builder = || place.builder().capacity(CAPACITY);
    assert_refused(builder().open(), version);
    assert_refused(builder().open_or_create(), version);
    assert_refused(builder().open_read_only(), version);
    let exists = builder().create().expect_err("exists");
    assert!(matches!(exists, OpenError::Exists { .. }), "{exists}");
    assert!(fs::read(place.path()).expect("the region") == bytes, "the region was changed");
    // The region that the error proposes: beside it, under a name of its own.
    let beside = format!("golden.v{}", present_version());
    assert!(builder().open().is_err_and(|e| e.to_string().contains(&format!("({beside})"))));
    let own = Cache::builder(&*beside).directory(place.0.path()).capacity(CAPACITY);
    let own = own.open_or_create().expect("a region beside the other one");
    own.set("k", "v").expect("set");
    assert!(fs::read(place.path()).expect("the region") == bytes, "the region was changed");
}

fn assert_contents(cache: &Cache) {
    for golden in contents() {
        let key = golden.key.escape_ascii().to_string();
        let item = cache.try_get_item(&golden.key).expect("readable");
        let item = item.unwrap_or_else(|| panic!("{key} is missing"));
        assert!(item.value == golden.value, "{key} has another value");
        assert_eq!((item.info.flags, item.info.encoding), (golden.flags, golden.encoding), "{key}");
        assert_eq!(item.info.ttl.is_some(), golden.has_deadline, "{key}");
    }
    assert_eq!(cache.get("counter").as_deref(), Some(&b"42"[..]));
    assert_eq!(cache.get("other thread").as_deref(), Some(&b"other value"[..]));
    for ended in ["deleted", "expired", "cleared"] {
        assert_eq!(cache.get(ended), None, "{ended}");
    }
}

#[test]
fn the_golden_region_of_this_version_is_read_right_without_write_access() {
    let place = Place::of(&present_golden());
    let cache = place.builder().open_read_only().expect("open read-only");
    assert_contents(&cache);
    // With the counter and the other thread's item; the expired one is not reclaimed yet.
    assert_eq!(cache.keys().count(), contents().len() + 2);
    assert_eq!(cache.stats().curr_items, contents().len() as u64 + 3);
}

#[test]
fn the_golden_region_of_this_version_is_read_and_written() {
    let place = Place::of(&present_golden());
    let cache = place.builder().open().expect("open");
    assert_contents(&cache);
    // Its makers are dead here: one's slot was taken by this handle, the other's is still to be recovered.
    let mut budget = hostcache::MaintenanceBudget::default();
    budget.evictions = 0;
    let report = cache.maintain(&budget).expect("maintain");
    assert_eq!((report.recovered_participants, report.expired), (1, 1), "{report:?}");
    let check = cache.check();
    assert!(check.is_sound() && check.dead_held_bytes == 0, "{check:#?}");
    assert_contents(&cache);

    assert_eq!(cache.increment("counter", 1).expect("increment"), Some(43));
    let token = cache.try_get_item("item:7").expect("readable").expect("present").info.cas_token;
    let swap = SetOptions::new().only_if_token(token);
    assert!(cache.set_with("item:7", "swapped", &swap).expect("swap").is_stored());
    assert!(!cache.set_with("item:7", "again", &swap).expect("swap").is_stored());
    assert!(cache.delete("item:8").expect("delete"));
    assert_eq!(cache.get("item:7").as_deref(), Some(&b"swapped"[..]));
    // Far more than there is room for: eviction works on what it finds.
    for n in 0..2000 {
        cache.set(format!("new:{n}"), vec![b'x'; n * 5 % 8000]).expect("set");
    }
    assert!(cache.stats().evictions > 0);
    let check = cache.check();
    assert!(check.is_sound(), "{check:#?}");
}

#[test]
fn a_region_of_another_version_is_refused_with_both_versions_named() {
    let golden = present_golden();
    let present = present_version();
    for version in [0, present + 1, u32::MAX] {
        let mut bytes = golden.clone();
        set_word(&mut bytes, VERSION, version.into());
        // The version counts before the checksum, which another version may have elsewhere.
        assert_refused_everywhere(&bytes, version);
        correct_checksum(&mut bytes);
        assert_refused_everywhere(&bytes, version);
    }
}

#[test]
fn golden_regions_of_earlier_versions_are_refused_by_name() {
    let present = present_version();
    for (version, bytes) in golden_regions() {
        assert!(version <= present, "region-v{version} comes from the future");
        if version != present {
            assert_refused_everywhere(&of_this_boot(bytes), version);
        }
    }
}

#[test]
fn a_region_from_before_a_reboot_is_emptied_and_never_read() {
    let mut bytes = present_golden();
    let other_boot = !word(&bytes, BOOT_ID[0]);
    set_word(&mut bytes, BOOT_ID[0], other_boot);
    correct_checksum(&mut bytes);
    let place = Place::of(&bytes);
    let refused = place.builder().open_read_only().expect_err("deadlines mean nothing");
    assert!(refused.to_string().contains("before the last reboot"), "{refused}");
    let cache = place.builder().open().expect("open");
    assert_eq!((cache.stats().curr_items, cache.capacity()), (0, CAPACITY));
    assert!(cache.check().is_sound());
}

#[test]
#[ignore = "writes tests/data: run by cargo xtask golden"]
fn write_the_golden_region() {
    let region = TestRegion::create_with(|builder| builder.capacity(CAPACITY).participants(16));
    let cache = &region.cache;
    cache.set("cleared", "before the clear").expect("set");
    cache.clear().expect("clear");
    for golden in contents() {
        let options = SetOptions::new().flags(golden.flags).encoding(golden.encoding);
        // For longer than any test will run.
        let century = Duration::from_secs(100 * 365 * 86_400);
        let options = if golden.has_deadline { options.ttl(century) } else { options };
        cache.set_with(&golden.key, "replaced by the next", &options).expect("set");
        cache.set_with(&golden.key, &golden.value, &options).expect("set");
    }
    cache.set("deleted", "once here").expect("set");
    assert!(cache.delete("deleted").expect("delete"));
    let at_once = SetOptions::new().ttl(Duration::ZERO).encoding(encoding::UTF8);
    cache.set_with("expired", "gone at once", &at_once).expect("set");
    cache.increment_with("counter", 1, &CounterOptions::new().initial(41)).expect("increment");
    cache.increment("counter", 1).expect("increment");
    let bytes = thread::scope(|scope| {
        let (set, is_set) = mpsc::channel();
        let (taken, is_taken) = mpsc::channel::<()>();
        scope.spawn(move || {
            cache.set("other thread", "other value").expect("set");
            set.send(()).expect("waited for");
            // Ends when the other end is dropped.
            let _ = is_taken.recv();
        });
        is_set.recv().expect("the other thread has set its item");
        assert_contents(cache);
        assert_eq!(cache.stats().evictions, 0, "all of it has room");
        assert!(cache.check().is_sound());
        // While two threads are attached, so that the region has participants to recover.
        let bytes = fs::read(cache.path()).expect("the region");
        drop(taken);
        bytes
    });
    let path = data().join(format!("region-v{}.zst", cache.info().layout_version));
    let packed = zstd::encode_all(&bytes[..], 19).expect("zstd");
    fs::create_dir_all(data()).expect("tests/data");
    fs::write(&path, &packed).expect("write");
    println!("{}: {} bytes", path.display(), packed.len());
}
