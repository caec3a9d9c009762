//! The region's header: what attach reads once, and the few words that live.

use super::{Geometry, GeometryError, Shape};
use crate::memory::Memory;
use crate::sync::Ordering;

/// Version of the byte format. Not the crate's version: it changes only when the bytes do.
pub const LAYOUT_VERSION: u32 = 1;

/// `"hostcach"` as a little-endian word.
const MAGIC: u64 = u64::from_le_bytes(*b"hostcach");

/// Words that change while the region lives, each in a line of its own.
pub mod live {
    const LINE: u64 = if cfg!(loom) { 1 } else { 8 };
    const FIRST: u64 = if cfg!(loom) { 0 } else { 64 };
    /// Counts clears.
    pub const EPOCH: u64 = FIRST;
    /// Items and (next word) bytes that the last clear ended.
    pub const CLEARED: u64 = FIRST + LINE;
    /// Bucket at which the next sweep starts.
    pub const SWEEP: u64 = FIRST + 2 * LINE;
    /// Page at which the next search for a run starts.
    pub const RUN_HAND: u64 = FIRST + 3 * LINE;
    /// Where the next look at due times starts. The models have none.
    pub const DUE_HAND: u64 = FIRST + 4 * LINE;
    /// When maintenance last looked at them, in milliseconds since boot.
    pub const DUE_AT: u64 = DUE_HAND + 1;
    /// First word of a bitmap over all lanes: those that may hold pins or a reservation. The models have none.
    pub const PIN_LANES: u64 = 192;
    /// Words of that bitmap.
    pub const PIN_LANE_WORDS: u64 = crate::word::MAX_LANES as u64 / 64;
}

const _: () = assert!(live::PIN_LANES + live::PIN_LANE_WORDS <= 512);

/// What attach reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Sizes.
    pub shape: Shape,
    /// Creation time, seconds since the Unix epoch.
    pub created_unix_secs: u64,
    /// The boot during which the region was made: deadlines count from it.
    pub boot_id: [u8; 16],
    /// TTL of items set without one, milliseconds; 0 for none.
    pub default_ttl_ms: u64,
    /// No item lives longer, milliseconds; 0 for no limit.
    pub max_ttl_ms: u64,
    /// Whoever attaches asks for huge pages. Changes nothing in the bytes.
    pub huge_pages: bool,
}

/// The bits of the header's word of wishes. A reader passes over bits that it does not know.
const HUGE_PAGES: u64 = 1;

/// Why bytes are not a region of this library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderError {
    /// Too short, or the magic is missing.
    NotARegion(String),
    /// Another layout version.
    Version(u32),
    /// A field contradicts another or the size.
    Corrupt(String),
}

impl From<GeometryError> for HeaderError {
    fn from(error: GeometryError) -> Self {
        Self::Corrupt(error.0)
    }
}

/// Number of words that [`Header`] takes, magic, version and checksum included.
const FIELDS: usize = 16;

impl Header {
    /// Bytes at the beginning of a region that say all of it.
    pub const BYTES: usize = FIELDS * 8;

    /// The header of a region of this shape, with nothing said of its making and no wishes.
    #[must_use]
    pub fn plain(shape: Shape) -> Self {
        Self {
            shape,
            created_unix_secs: 0,
            boot_id: [0; 16],
            default_ttl_ms: 0,
            max_ttl_ms: 0,
            huge_pages: false,
        }
    }

    fn encode(&self) -> [u64; FIELDS] {
        let s = &self.shape;
        let [boot_low, boot_high] = [0, 8].map(|at| {
            let mut half = [0; 8];
            half.copy_from_slice(&self.boot_id[at..at + 8]);
            u64::from_le_bytes(half)
        });
        let mut words = [
            MAGIC,
            u64::from(LAYOUT_VERSION),
            s.capacity,
            u64::from(s.lanes),
            s.buckets,
            s.page_words,
            u64::from(s.generation_bits),
            u64::from(s.epoch_bits),
            s.seed,
            self.created_unix_secs,
            boot_low,
            boot_high,
            self.default_ttl_ms,
            self.max_ttl_ms,
            if self.huge_pages { HUGE_PAGES } else { 0 },
            0,
        ];
        words[FIELDS - 1] = checksum(&words);
        words
    }

    /// Writes the header of a region that nobody else sees yet: magic last.
    pub fn write(&self, memory: &Memory) {
        for (at, word) in self.encode().into_iter().enumerate().rev() {
            memory.word(at as u64).store(word, Ordering::Relaxed);
        }
    }

    /// Reads and validates.
    ///
    /// # Errors
    ///
    /// What is wrong, the most telling first: not a region, another version, damaged.
    pub fn read(memory: &Memory) -> Result<(Self, Geometry), HeaderError> {
        check_room(memory.words() * 8)?;
        let mut words = [0; FIELDS];
        for (at, word) in words.iter_mut().enumerate() {
            *word = memory.word(at as u64).load(Ordering::Relaxed);
        }
        Self::decode(&words, memory.words())
    }

    /// Validates the header of a region that is not mapped: its first [`Header::BYTES`] bytes, out of `len`.
    ///
    /// # Errors
    ///
    /// As [`Header::read`].
    pub fn parse(bytes: &[u8; Self::BYTES], len: u64) -> Result<(Self, Geometry), HeaderError> {
        check_room(len)?;
        let mut words = [0; FIELDS];
        for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u64::from_ne_bytes(*bytes);
        }
        Self::decode(&words, len / 8)
    }

    /// Validates what the first words of a region say, which has so many in all.
    fn decode(words: &[u64; FIELDS], in_all: u64) -> Result<(Self, Geometry), HeaderError> {
        if words[0] != MAGIC {
            return Err(HeaderError::NotARegion("its first 8 bytes are not the magic".into()));
        }
        if words[1] != u64::from(LAYOUT_VERSION) {
            return Err(HeaderError::Version(u32::try_from(words[1]).unwrap_or(u32::MAX)));
        }
        if words[FIELDS - 1] != checksum(words) {
            return Err(HeaderError::Corrupt("the header's checksum does not match".into()));
        }
        let narrow = |at: usize, what: &str| {
            u32::try_from(words[at])
                .map_err(|_| HeaderError::Corrupt(format!("{what} is {}", words[at])))
        };
        let shape = Shape {
            capacity: words[2],
            lanes: narrow(3, "the number of participant slots")?,
            buckets: words[4],
            page_words: words[5],
            generation_bits: narrow(6, "the number of generation bits")?,
            epoch_bits: narrow(7, "the number of epoch bits")?,
            seed: words[8],
        };
        if shape.capacity / 8 != in_all {
            return Err(HeaderError::Corrupt(format!(
                "the header says {} bytes, the file has {}: it was truncated or extended",
                shape.capacity,
                in_all * 8
            )));
        }
        let mut boot_id = [0; 16];
        boot_id[..8].copy_from_slice(&words[10].to_le_bytes());
        boot_id[8..].copy_from_slice(&words[11].to_le_bytes());
        let header = Self {
            shape,
            created_unix_secs: words[9],
            boot_id,
            default_ttl_ms: words[12],
            max_ttl_ms: words[13],
            huge_pages: words[14] & HUGE_PAGES != 0,
        };
        Ok((header, Geometry::new(shape)?))
    }
}

fn check_room(bytes: u64) -> Result<(), HeaderError> {
    if bytes / 8 >= super::geometry::HEADER_WORDS {
        return Ok(());
    }
    Err(HeaderError::NotARegion(format!("it has {bytes} bytes")))
}

/// Guards against damage, not against malice.
fn checksum(words: &[u64; FIELDS]) -> u64 {
    let mut bytes = Vec::with_capacity(8 * (FIELDS - 1));
    for word in &words[..FIELDS - 1] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    xxhash_rust::xxh3::xxh3_64(&bytes)
}
