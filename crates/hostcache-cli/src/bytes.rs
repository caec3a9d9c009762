//! Keys and values between the command line, which has words, and the cache, which has bytes.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::failure::Failure;

/// Bytes in JSON: a string if they are UTF-8, else an object `{"hex": "00ff"}`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JsonBytes<'a>(pub(crate) &'a [u8]);

impl Serialize for JsonBytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Ok(text) = std::str::from_utf8(self.0) {
            return serializer.serialize_str(text);
        }
        let mut object = serializer.serialize_map(Some(1))?;
        object.serialize_entry("hex", &to_hex(self.0))?;
        object.end()
    }
}

/// The bytes of an argument: as they were typed, or written in hexadecimal digits.
pub(crate) fn from_argument(argument: &OsStr, hex: bool) -> Result<Cow<'_, [u8]>, Failure> {
    let bytes = argument.as_bytes();
    if !hex {
        return Ok(Cow::Borrowed(bytes));
    }
    from_hex(bytes).map(Cow::Owned).ok_or_else(|| {
        Failure::Usage(format!(
            "{argument:?} is not hexadecimal: with --hex-key write two digits per byte, such as 00ff"
        ))
    })
}

/// Text that shows any bytes without disturbing a terminal.
pub(crate) fn printable(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => Cow::Borrowed(text),
        Ok(text) => Cow::Owned(text.chars().map(printable_char).collect()),
        Err(_) => Cow::Owned(bytes.escape_ascii().to_string()),
    }
}

fn printable_char(c: char) -> String {
    if c.is_control() { c.escape_default().to_string() } else { c.to_string() }
}

fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        // Writing to a String does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn from_hex(digits: &[u8]) -> Option<Vec<u8>> {
    let nibble = |digit: u8| (digit as char).to_digit(16).and_then(|n| u8::try_from(n).ok());
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks_exact(2).map(|pair| Some(nibble(pair[0])? << 4 | nibble(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives_hexadecimal() {
        let all: Vec<u8> = (0..=255).collect();
        let hex = to_hex(&all);
        assert_eq!(from_hex(hex.as_bytes()).as_deref(), Some(&all[..]));
        assert_eq!(from_hex(hex.to_uppercase().as_bytes()), Some(all));
    }

    #[test]
    fn odd_or_foreign_digits_are_no_hexadecimal() {
        for wrong in ["0", "0x", "gg", "00 ff", "é"] {
            assert_eq!(from_hex(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn json_tells_text_from_other_bytes() {
        let json = |bytes| serde_json::to_string(&JsonBytes(bytes)).expect("no I/O");
        assert_eq!(json("naïve \"x\"\n".as_bytes()), r#""naïve \"x\"\n""#);
        assert_eq!(json(b"\x00\xff"), r#"{"hex":"00ff"}"#);
        assert_eq!(json(b""), r#""""#);
    }

    #[test]
    fn printable_escapes_what_a_terminal_would_obey() {
        assert_eq!(printable(b"user:1"), "user:1");
        assert_eq!(printable("größe".as_bytes()), "größe");
        assert_eq!(printable(b"a\x1b[2J\n"), "a\\u{1b}[2J\\n");
        assert_eq!(printable(b"\xffa"), "\\xffa");
    }
}
