//! Redis in its protocol (RESP2).

use std::cell::RefCell;
use std::io::{self, Write};

use hostcache_benches::{Key, Subject};

use crate::server::{Wire, number, unexpected};

/// A connection to a server.
pub(crate) struct Redis(pub(crate) RefCell<Wire>);

impl Wire {
    /// Adds a command of this many parts, and the first of them.
    fn command(&mut self, name: &str, parts: usize) -> io::Result<()> {
        write!(self.request, "*{parts}\r\n")?;
        self.part(name.as_bytes())
    }

    fn part(&mut self, part: &[u8]) -> io::Result<()> {
        write!(self.request, "${}\r\n", part.len())?;
        self.request.extend(part);
        self.request.extend(b"\r\n");
        Ok(())
    }

    /// `$LENGTH` and the bytes; false for a length of -1, which stands for nothing.
    fn bulk(&mut self, value: &mut Vec<u8>) -> io::Result<bool> {
        let line = self.line()?;
        let len = line.strip_prefix(b"$").ok_or_else(|| unexpected(line))?;
        if len == b"-1" {
            return Ok(false);
        }
        let len = number(len)?;
        self.value(len, value)?;
        Ok(true)
    }
}

impl Redis {
    fn talk<T>(&self, talk: impl FnOnce(&mut Wire) -> io::Result<T>) -> T {
        talk(&mut self.0.borrow_mut()).unwrap_or_else(|error| panic!("redis: {error}"))
    }
}

impl Subject for Redis {
    fn get_into(&self, key: &Key, buf: &mut Vec<u8>) -> bool {
        self.talk(|wire| {
            wire.command("GET", 2)?;
            wire.part(key.as_ref())?;
            wire.send()?;
            wire.bulk(buf)
        })
    }

    fn set(&self, key: &Key, value: &[u8]) {
        self.talk(|wire| {
            wire.command("SET", 3)?;
            wire.part(key.as_ref())?;
            wire.part(value)?;
            wire.send()?;
            let answer = wire.line()?;
            if answer == b"+OK" { Ok(()) } else { Err(unexpected(answer)) }
        });
    }

    /// One `MGET`.
    fn get_many(&self, keys: &[Key]) -> Vec<Option<Vec<u8>>> {
        self.talk(|wire| {
            wire.command("MGET", 1 + keys.len())?;
            keys.iter().try_for_each(|key| wire.part(key.as_ref()))?;
            wire.send()?;
            let answer = wire.line()?;
            if answer.strip_prefix(b"*").and_then(|count| number(count).ok()) != Some(keys.len()) {
                return Err(unexpected(answer));
            }
            let one = |_| {
                let mut value = Vec::new();
                Ok(wire.bulk(&mut value)?.then_some(value))
            };
            keys.iter().map(one).collect()
        })
    }

    fn take_out(&self, key: &Key) -> bool {
        self.talk(|wire| {
            wire.command("DEL", 2)?;
            wire.part(key.as_ref())?;
            wire.send()?;
            Ok(wire.line()? == b":1")
        })
    }
}
