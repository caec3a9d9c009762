//! Memcached in its text protocol.

use std::cell::RefCell;
use std::io::{self, Write};

use hostcache_benches::{Key, Subject};

use crate::server::{Wire, number, unexpected};

/// A connection to a server.
pub(crate) struct Memcached(pub(crate) RefCell<Wire>);

/// The 16 bytes that stand for a key: the protocol has no room for blanks and control characters in keys.
struct Text([u8; 16]);

impl Text {
    fn of(key: &Key) -> Self {
        let [_, index] = key.words();
        Self(std::array::from_fn(|at| b"0123456789abcdef"[(index >> (60 - 4 * at)) as usize & 15]))
    }
}

impl Wire {
    /// `VALUE KEY FLAGS LENGTH` and the value for every key that is there, in the order of the request, then `END`.
    fn values(&mut self, mut each: impl FnMut(&[u8], Vec<u8>), reuse: Vec<u8>) -> io::Result<()> {
        let mut reuse = Some(reuse);
        loop {
            let line = self.line()?;
            if line == b"END" {
                return Ok(());
            }
            let words: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
            let [b"VALUE", key, _, len] = words[..] else { return Err(unexpected(line)) };
            let (key, len) = (key.to_vec(), number(len)?);
            let mut value = reuse.take().unwrap_or_default();
            self.value(len, &mut value)?;
            each(&key, value);
        }
    }
}

impl Memcached {
    fn done<T>(result: io::Result<T>) -> T {
        result.unwrap_or_else(|error| panic!("memcached: {error}"))
    }
}

impl Subject for Memcached {
    fn get_into(&self, key: &Key, buf: &mut Vec<u8>) -> bool {
        let wire = &mut *self.0.borrow_mut();
        wire.request.extend([&b"get "[..], &Text::of(key).0, b"\r\n"].concat());
        let mut hit = false;
        let reuse = std::mem::take(buf);
        let take = |_: &[u8], value| (*buf, hit) = (value, true);
        Self::done(wire.send().and_then(|()| wire.values(take, reuse)));
        hit
    }

    fn set(&self, key: &Key, value: &[u8]) {
        let wire = &mut *self.0.borrow_mut();
        wire.request.extend([b"set ", &Text::of(key).0[..]].concat());
        Self::done(write!(wire.request, " 0 0 {}\r\n", value.len()));
        wire.request.extend(value);
        wire.request.extend(b"\r\n");
        Self::done(wire.send());
        let answer = Self::done(wire.line());
        assert_eq!(answer, b"STORED");
    }

    /// One `get` of all keys.
    fn get_many(&self, keys: &[Key]) -> Vec<Option<Vec<u8>>> {
        let wire = &mut *self.0.borrow_mut();
        wire.request.extend(b"get");
        keys.iter().for_each(|key| wire.request.extend([b" ", &Text::of(key).0[..]].concat()));
        wire.request.extend(b"\r\n");
        let mut values = vec![None; keys.len()];
        let mut at = 0;
        let place = |key: &[u8], value| {
            while Text::of(&keys[at]).0 != key {
                at += 1;
            }
            values[at] = Some(value);
            at += 1;
        };
        Self::done(wire.send().and_then(|()| wire.values(place, Vec::new())));
        values
    }

    fn take_out(&self, key: &Key) -> bool {
        let wire = &mut *self.0.borrow_mut();
        wire.request.extend([b"delete ", &Text::of(key).0[..], b"\r\n"].concat());
        Self::done(wire.send());
        Self::done(wire.line()) == b"DELETED"
    }
}
