//! The format by itself: what was written is read, and nothing else is.

use super::read::DamagedDump;
use super::record::{CHECKSUM, FILE_HEADER, RECORD_HEADER, RecordHeader};
use super::{DumpReader, DumpWriter, Step, StoredItem};

const NO_LIMIT: fn(usize) -> usize = |_| usize::MAX;

fn items() -> Vec<StoredItem> {
    let item = |key: &[u8], value: Vec<u8>, flags, encoding, deadline| StoredItem {
        key: key.to_vec(),
        value,
        flags,
        encoding,
        deadline,
    };
    vec![
        item(b"a", b"first".to_vec(), 0, 0, None),
        item(b"\0\xff\n", Vec::new(), u32::MAX, 255, Some(1)),
        item(&[b'k'; 1 << 16], (0..=255).cycle().take(200_000).collect(), 7, 5, Some(u64::MAX)),
    ]
}

fn dump(items: &[StoredItem]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = DumpWriter::begin(&mut bytes, 1_234).expect("a Vec takes all");
    for item in items {
        writer.item(item).expect("a Vec takes all");
    }
    let (written, size) = writer.finish().expect("a Vec takes all");
    assert_eq!((written, size), (items.len() as u64, bytes.len() as u64));
    bytes
}

/// All items of a dump, and how it ended.
fn load(bytes: &[u8], most: fn(usize) -> usize) -> (Vec<StoredItem>, Result<(), DamagedDump>) {
    let mut found = Vec::new();
    let mut reader = match DumpReader::begin(bytes) {
        Ok(reader) => reader,
        Err(error) => return (found, Err(error)),
    };
    let mut item = StoredItem::default();
    loop {
        match reader.next(&mut item, most) {
            Ok(Step::Item) => found.push(item.clone()),
            Ok(Step::TooLarge { .. }) => {}
            Ok(Step::End) => return (found, Ok(())),
            Err(error) => return (found, Err(error)),
        }
    }
}

#[test]
fn what_was_written_is_read() {
    for count in 0..=3 {
        let items = &items()[..count];
        let (found, end) = load(&dump(items), NO_LIMIT);
        assert_eq!((found.as_slice(), end.is_ok()), (items, true));
    }
}

#[test]
fn a_value_that_is_too_large_is_passed_over() {
    let (found, end) = load(&dump(&items()), |_| 4);
    assert!(end.is_ok());
    assert_eq!(found, items()[1..2], "only the empty value is that small");
}

#[test]
fn a_dump_that_is_cut_short_ends_with_an_error_there() {
    let bytes = dump(&items()[..2]);
    for len in 0..bytes.len() {
        let (found, end) = load(&bytes[..len], NO_LIMIT);
        let error = end.expect_err("has no end");
        assert_eq!(error.offset, len as u64, "{error}");
        assert!(error.problem.contains("cut short"), "{error}");
        assert!(items().starts_with(&found));
    }
}

#[test]
fn any_changed_bit_is_noticed_before_its_item_is_given_out() {
    let items = &items()[..2];
    let bytes = dump(items);
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let (found, end) = load(&changed, NO_LIMIT);
        let error = end.expect_err("a bit is wrong");
        assert!(items.starts_with(&found), "bit {bit}: {found:?}");
        assert!(error.offset <= bytes.len() as u64, "bit {bit}: {error}");
    }
}

#[test]
fn a_record_in_another_place_is_noticed() {
    let bytes = dump(&items()[..2]);
    let first = FILE_HEADER..FILE_HEADER + RECORD_HEADER + 1 + 5 + CHECKSUM;
    let without_first = [&bytes[..first.start], &bytes[first.end..]].concat();
    let twice_first = [&bytes[..first.end], &bytes[first.clone()], &bytes[first.end..]].concat();
    for (changed, items) in [(without_first, 0), (twice_first, 1)] {
        let (found, end) = load(&changed, NO_LIMIT);
        assert!(end.is_err());
        assert_eq!(found.len(), items);
    }
}

#[test]
fn bodies_that_changed_places_are_noticed() {
    let mut twins = vec![items()[0].clone(), items()[0].clone()];
    (twins[1].key, twins[1].value) = (b"b".to_vec(), b"other".to_vec());
    let mut bytes = dump(&twins);
    let body = 1 + 5 + CHECKSUM;
    let first = FILE_HEADER + RECORD_HEADER;
    let second = first + body + RECORD_HEADER;
    let (before, after) = bytes.split_at_mut(second);
    before[first..first + body].swap_with_slice(&mut after[..body]);
    let (found, end) = load(&bytes, NO_LIMIT);
    assert!(end.is_err() && found.is_empty(), "{found:?}");
}

#[test]
fn what_follows_the_end_is_an_error_and_so_is_a_wrong_count() {
    let mut bytes = dump(&items()[..1]);
    let end = bytes.len() - RECORD_HEADER;
    bytes.push(0);
    let (found, error) = load(&bytes, NO_LIMIT);
    assert!(error.expect_err("a byte too many").problem.contains("follows the end"));
    assert_eq!(found.len(), 1);
    bytes.truncate(end);
    bytes.extend(RecordHeader::End { items: 2 }.encode(end as u64));
    let error = load(&bytes, NO_LIMIT).1.expect_err("counts wrong");
    assert!(error.problem.contains("counts 2 items, but 1 stand before it"), "{error}");
}

#[test]
fn a_length_without_bytes_behind_it_takes_no_memory() {
    let header = RecordHeader::Item {
        flags: 0,
        encoding: 0,
        key_len: 1,
        value_len: u64::MAX,
        deadline: None,
    };
    let mut bytes = dump(&[]);
    bytes.truncate(FILE_HEADER);
    bytes.extend(header.encode(FILE_HEADER as u64));
    bytes.extend(b"kvvv");
    for most in [NO_LIMIT, |_| 1000] {
        let error = load(&bytes, most).1.expect_err("cut short");
        assert!(error.problem.contains("cut short"), "{error}");
    }
}

#[test]
fn other_files_and_other_versions_are_refused_by_name() {
    let error = load(&[b'x'; 100], NO_LIMIT).1.expect_err("no dump");
    assert!(error.problem.contains("no dump"), "{error}");
    let mut bytes = dump(&[]);
    bytes[8] = 2;
    let error = load(&bytes, NO_LIMIT).1.expect_err("another version");
    assert!(error.problem.contains("format version 2, this program reads version 1"), "{error}");
}
