//! Keys, values that prove what they are, and what a region shows.

use hostcache_core::{Got, Host, Region, Value};

/// A deadline that never comes.
pub(super) const FAR: u64 = 1 << 40;
/// What the bytes of a torn value read as.
pub(super) const TORN: u64 = 0xdead_beef;

/// The keys of a run: numbers below a bound.
#[derive(Debug)]
pub(super) struct Keys;

impl Keys {
    pub(super) fn key(number: usize) -> Vec<u8> {
        format!("key-{number}").into_bytes()
    }

    /// The key that warms a magazine.
    pub(super) fn spare() -> Vec<u8> {
        b"spare".to_vec()
    }
}

/// A value: decimal digits, so that it counts; longer ones repeat the mark, shorter ones are it.
pub(super) fn value(mark: u64, len: usize) -> Vec<u8> {
    let text = format!("{mark:016}");
    if len <= 16 {
        return text.into_bytes();
    }
    text.bytes().cycle().take(len).collect()
}

/// The mark of a value, [`TORN`] if its bytes don't belong together. A sum of all bytes that were appended is added.
pub(super) fn mark_in(bytes: &[u8]) -> u64 {
    let whole = bytes.len() - bytes.iter().rev().take_while(|byte| **byte == b'+').count();
    let (body, added) = bytes.split_at(whole);
    let digits =
        |part: &[u8]| std::str::from_utf8(part).ok().and_then(|text| text.parse::<u64>().ok());
    if body.len() <= 16 {
        return digits(body).map_or(TORN, |mark| mark + (added.len() as u64) * 10_000_000_000);
    }
    let Some(mark) = digits(&body[..16]) else { return TORN };
    let period = &body[..16];
    if body.chunks(16).any(|chunk| chunk != &period[..chunk.len()]) {
        return TORN;
    }
    mark + (added.len() as u64) * 10_000_000_000
}

pub(super) fn mark_of(value: &Value<'_>) -> u64 {
    let mut bytes = Vec::new();
    value.copy_to_vec(&mut bytes);
    mark_in(&bytes)
}

/// An item as a reader sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Item {
    pub(super) mark: u64,
    pub(super) len: usize,
    pub(super) deadline: Option<u64>,
    pub(super) token: u64,
}

/// What a key shows; `None`: nothing.
pub(super) fn find<H: Host>(region: &Region, host: &H, key: &[u8]) -> Option<Item> {
    let got = region.get(host, key, false, &mut |value: &Value<'_>| Item {
        mark: mark_of(value),
        len: value.len(),
        deadline: value.head().deadline,
        token: value.head().token,
    });
    match got {
        Ok(Got::Hit(item)) => Some(item),
        Ok(_) => None,
        Err(_) => Some(Item { mark: TORN, len: 0, deadline: None, token: 0 }),
    }
}

/// What every key of a run shows.
pub(super) type View = Vec<Option<Item>>;

pub(super) fn view<H: Host>(region: &Region, host: &H, keys: usize) -> View {
    (0..keys).map(|key| find(region, host, &Keys::key(key))).collect()
}
