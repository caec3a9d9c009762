//! What `set`, `add` and `cas` have in common: the value, its options, and what became of it.

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;

use hostcache::{Cache, Lifetime, SetOptions, SetOutcome, encoding};
use serde::Serialize;

use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::units;

/// Names of the agreed encodings.
const ENCODINGS: [(&str, u8); 7] = [
    ("bytes", encoding::BYTES),
    ("utf8", encoding::UTF8),
    ("integer", encoding::INTEGER),
    ("pickle", encoding::PICKLE),
    ("msgpack", encoding::MSGPACK),
    ("json", encoding::JSON),
    ("array", encoding::ARRAY),
];

/// The value.
#[derive(Debug, clap::Args)]
pub(crate) struct ValueArg {
    /// The value; read from standard input to its end if absent or -
    #[arg(value_name = "VALUE")]
    value: Option<OsString>,
}

/// Options of a store.
#[derive(Debug, clap::Args)]
pub(crate) struct StoreArgs {
    /// Expire this long from now (0: at once), or live forever; otherwise the region's default TTL
    #[arg(long, value_name = "DURATION", value_parser = units::parse_lifetime)]
    pub(crate) ttl: Option<Lifetime>,
    /// The caller's own 32 bits, given back with the value
    #[arg(long, value_name = "N", default_value_t = 0)]
    flags: u32,
    /// The kind of the value's bytes: bytes, utf8, integer, pickle, msgpack, json, array, or 0 to 255
    #[arg(long, value_name = "KIND", value_parser = parse_encoding, default_value = "bytes")]
    encoding: u8,
}

impl StoreArgs {
    pub(crate) fn options(&self) -> SetOptions {
        SetOptions::new()
            .lifetime(self.ttl.unwrap_or_default())
            .flags(self.flags)
            .encoding(self.encoding)
    }
}

#[derive(Serialize)]
struct Stored {
    stored: bool,
    outcome: &'static str,
    cas_token: Option<u64>,
}

/// Stores the value and reports.
pub(crate) fn store(
    cache: &Cache,
    key: &[u8],
    value: &ValueArg,
    options: &SetOptions,
    output: &mut Output,
) -> Result<Outcome, Failure> {
    let value = read_value(value, cache.max_value_len(key.len()))?;
    let outcome = cache.set_with(key, value, options)?;
    let (name, word) = match outcome {
        SetOutcome::Stored(_) => ("stored", "stored"),
        SetOutcome::Exists => ("exists", "not stored: the key exists"),
        SetOutcome::Missing => ("missing", "not stored: no such key"),
        SetOutcome::TokenMismatch => {
            ("token_mismatch", "not stored: the item has another CAS token")
        }
        // The enum may grow; what is not stored is not stored.
        _ => ("not_stored", "not stored"),
    };
    let cas_token = match outcome {
        SetOutcome::Stored(token) => Some(token.0),
        _ => None,
    };
    output.report(&Stored { stored: outcome.is_stored(), outcome: name, cas_token }, word)?;
    Ok(outcome.is_stored().into())
}

/// The value's bytes. Of standard input no more is read than shows that it is too large for the region,
/// so that an endless stream ends in that error and not in want of memory.
fn read_value(value: &ValueArg, limit: usize) -> Result<Cow<'_, [u8]>, Failure> {
    match &value.value {
        Some(word) if word != "-" => Ok(Cow::Borrowed(word.as_bytes())),
        _ => {
            let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
            let mut bytes = Vec::new();
            io::stdin().lock().take(most).read_to_end(&mut bytes).map_err(Failure::Input)?;
            Ok(Cow::Owned(bytes))
        }
    }
}

/// `utf8 (1)`, or the bare number of a kind that is not agreed.
pub(crate) fn encoding_name(encoding: u8) -> String {
    match ENCODINGS.iter().find(|(_, number)| *number == encoding) {
        Some((name, number)) => format!("{name} ({number})"),
        None => encoding.to_string(),
    }
}

fn parse_encoding(text: &str) -> Result<u8, String> {
    let known = ENCODINGS.iter().find(|(name, _)| *name == text).map(|(_, number)| *number);
    known.or_else(|| text.parse().ok()).ok_or_else(|| {
        let names: Vec<&str> = ENCODINGS.iter().map(|(name, _)| *name).collect();
        format!("write one of {}, or a number from 0 to 255", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_have_names_and_numbers() {
        assert_eq!(parse_encoding("json"), Ok(encoding::JSON));
        assert_eq!(parse_encoding("200"), Ok(200));
        assert!(parse_encoding("yaml").expect_err("unknown").contains("msgpack"));
        assert!(parse_encoding("256").is_err());
        assert_eq!(encoding_name(1), "utf8 (1)");
        assert_eq!(encoding_name(99), "99");
    }
}
