//! The bytes of headers: one place where offsets and sizes are written down.

use xxhash_rust::xxh3::{Xxh3, xxh3_64, xxh3_64_with_seed};

/// The first bytes of a dump: a byte that is no text, a name, and a line end that a text conversion breaks.
pub(crate) const MAGIC: [u8; 8] = *b"\x89hcdump\n";

/// Version of the format.
pub(crate) const VERSION: u16 = 1;

/// Bytes of the file's header.
pub(crate) const FILE_HEADER: usize = 32;

/// Bytes of a record's header.
pub(crate) const RECORD_HEADER: usize = 40;

/// Bytes of a checksum.
pub(crate) const CHECKSUM: usize = 8;

/// The longest key.
pub(crate) const MOST_KEY: u32 = 1 << 16;

const ITEM: u8 = 1;
const END: u8 = 2;

/// An item as a file holds it. Lends its buffers to one item after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StoredItem {
    pub(crate) key: Vec<u8>,
    pub(crate) value: Vec<u8>,
    pub(crate) flags: u32,
    pub(crate) encoding: u8,
    /// When it expires, in milliseconds since the Unix epoch, so that time between dump and load counts.
    pub(crate) deadline: Option<u64>,
}

/// What a record's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordHeader {
    Item { flags: u32, encoding: u8, key_len: u32, value_len: u64, deadline: Option<u64> },
    End { items: u64 },
}

/// The header of a file that was begun at this time.
pub(crate) fn file_header(unix_ms: u64) -> [u8; FILE_HEADER] {
    let mut bytes = [0; FILE_HEADER];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..24].copy_from_slice(&unix_ms.to_le_bytes());
    let checksum = xxh3_64(&bytes[..24]);
    bytes[24..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Says what is wrong with a file's header, if anything.
pub(crate) fn judge_file_header(bytes: &[u8; FILE_HEADER]) -> Result<(), String> {
    if bytes[..8] != MAGIC {
        return Err("this is no dump: its first 8 bytes are not those of one".to_owned());
    }
    let version = u16::from_le_bytes([bytes[8], bytes[9]]);
    // Before the checksum: another version may have another one.
    if version != VERSION {
        return Err(format!(
            "this dump has format version {version}, this program reads version {VERSION}: load it with the \
             version of hostcache that wrote it"
        ));
    }
    if word(bytes, 24) != xxh3_64(&bytes[..24]) {
        return Err("the file's header is damaged: its checksum does not match".to_owned());
    }
    Ok(())
}

impl RecordHeader {
    /// Its bytes, at this offset of the file. The offset is part of every checksum, so that a record that
    /// was moved, or follows a gap, is as wrong as one that was changed.
    pub(crate) fn encode(&self, offset: u64) -> [u8; RECORD_HEADER] {
        let mut bytes = [0; RECORD_HEADER];
        match self {
            Self::Item { flags, encoding, key_len, value_len, deadline } => {
                bytes[0] = ITEM;
                bytes[1] = *encoding;
                bytes[4..8].copy_from_slice(&flags.to_le_bytes());
                bytes[8..12].copy_from_slice(&key_len.to_le_bytes());
                bytes[16..24].copy_from_slice(&value_len.to_le_bytes());
                bytes[24..32].copy_from_slice(&deadline.unwrap_or(0).to_le_bytes());
            }
            Self::End { items } => {
                bytes[0] = END;
                bytes[16..24].copy_from_slice(&items.to_le_bytes());
            }
        }
        let checksum = xxh3_64_with_seed(&bytes[..32], offset);
        bytes[32..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// The header in these bytes, or what is wrong with them.
    pub(crate) fn decode(bytes: &[u8; RECORD_HEADER], offset: u64) -> Result<Self, String> {
        if word(bytes, 32) != xxh3_64_with_seed(&bytes[..32], offset) {
            return Err("a record's header is damaged: its checksum does not match".to_owned());
        }
        let half = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|n| bytes[at + n]));
        match bytes[0] {
            END => Ok(Self::End { items: word(bytes, 16) }),
            ITEM if !(1..=MOST_KEY).contains(&half(8)) => {
                Err(format!("an item has a key of {} bytes: keys have 1 to {MOST_KEY}", half(8)))
            }
            ITEM => Ok(Self::Item {
                flags: half(4),
                encoding: bytes[1],
                key_len: half(8),
                value_len: word(bytes, 16),
                deadline: Some(word(bytes, 24)).filter(|at| *at != 0),
            }),
            kind => Err(format!("a record is of kind {kind}, which this program does not know")),
        }
    }
}

/// The checksum of a record's key and value, to be fed with both.
pub(crate) fn body_checksum(offset: u64) -> Xxh3 {
    Xxh3::with_seed(offset)
}

fn word(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}
