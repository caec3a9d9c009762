//! Reading a dump.

use std::fmt;
use std::io::{self, Read};

use super::record::{self, CHECKSUM, FILE_HEADER, RECORD_HEADER, RecordHeader, StoredItem};

/// Bytes at a time of a value that is passed over.
const PIECE: u64 = 64 << 10;

/// Where a dump ceases to make sense, and why.
#[derive(Debug)]
pub(crate) struct DamagedDump {
    /// Offset of the record, or of the byte that is missing.
    pub(crate) offset: u64,
    /// What is wrong there.
    pub(crate) problem: String,
}

impl fmt::Display for DamagedDump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at offset {}: {}", self.offset, self.problem)
    }
}

/// What the next record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// An item, filled in.
    Item,
    /// An item whose value is longer than the caller can use; its key is filled in, its value is not.
    TooLarge {
        /// Length of the value in bytes.
        value_len: u64,
    },
    /// The end, with as many items as there were.
    End,
}

/// A dump that is being read.
#[derive(Debug)]
pub(crate) struct DumpReader<R: Read> {
    input: R,
    offset: u64,
    items: u64,
}

impl<R: Read> DumpReader<R> {
    /// Reads the file's header. Wants a buffered input.
    pub(crate) fn begin(input: R) -> Result<Self, DamagedDump> {
        let mut reader = Self { input, offset: 0, items: 0 };
        let mut header = [0; FILE_HEADER];
        reader.fill(&mut header)?;
        record::judge_file_header(&header).map_err(|problem| DamagedDump { offset: 0, problem })?;
        Ok(reader)
    }

    /// Reads the next record. A value longer than `most_value` says for a key of that length is compared with
    /// its checksum and passed over, never held in memory.
    pub(crate) fn next(
        &mut self,
        item: &mut StoredItem,
        most_value: impl Fn(usize) -> usize,
    ) -> Result<Step, DamagedDump> {
        let start = self.offset;
        let damaged = |problem| DamagedDump { offset: start, problem };
        let mut header = [0; RECORD_HEADER];
        self.fill(&mut header)?;
        match RecordHeader::decode(&header, start).map_err(damaged)? {
            RecordHeader::End { items } => self.end(start, items),
            RecordHeader::Item { flags, encoding, key_len, value_len, deadline } => {
                (item.flags, item.encoding, item.deadline) = (flags, encoding, deadline);
                let mut checksum = record::body_checksum(start);
                self.append(&mut item.key, u64::from(key_len))?;
                checksum.update(&item.key);
                let fits = value_len <= most_value(item.key.len()) as u64;
                if fits {
                    self.append(&mut item.value, value_len)?;
                    checksum.update(&item.value);
                } else {
                    let mut left = value_len;
                    while left > 0 {
                        let piece = left.min(PIECE);
                        self.append(&mut item.value, piece)?;
                        checksum.update(&item.value);
                        left -= piece;
                    }
                    item.value.clear();
                }
                let mut stored = [0; CHECKSUM];
                self.fill(&mut stored)?;
                if u64::from_le_bytes(stored) != checksum.digest() {
                    let text =
                        "an item is damaged: the checksum of its key and value does not match";
                    return Err(damaged(text.to_owned()));
                }
                self.items += 1;
                Ok(if fits { Step::Item } else { Step::TooLarge { value_len } })
            }
        }
    }

    fn end(&mut self, start: u64, items: u64) -> Result<Step, DamagedDump> {
        if items != self.items {
            let problem =
                format!("the end counts {items} items, but {} stand before it", self.items);
            return Err(DamagedDump { offset: start, problem });
        }
        let mut more = [0];
        match self.input.read(&mut more) {
            Ok(0) => Ok(Step::End),
            Ok(_) => Err(self.damaged("something follows the end of the dump".to_owned())),
            Err(error) => Err(self.unreadable(&error)),
        }
    }

    /// Fills a small buffer.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), DamagedDump> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.input.read(&mut buffer[filled..]) {
                Ok(0) => return Err(self.cut_short()),
                Ok(n) => (filled, self.offset) = (filled + n, self.offset + n as u64),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.unreadable(&error)),
            }
        }
        Ok(())
    }

    /// Replaces what is in a buffer by so many bytes. It grows with what is really there, so that a length
    /// without bytes behind it takes no memory.
    fn append(&mut self, buffer: &mut Vec<u8>, len: u64) -> Result<(), DamagedDump> {
        buffer.clear();
        let result = self.input.by_ref().take(len).read_to_end(buffer);
        self.offset += buffer.len() as u64;
        match result {
            Ok(read) if read as u64 == len => Ok(()),
            Ok(_) => Err(self.cut_short()),
            Err(error) => Err(self.unreadable(&error)),
        }
    }

    fn damaged(&self, problem: String) -> DamagedDump {
        DamagedDump { offset: self.offset, problem }
    }

    fn cut_short(&self) -> DamagedDump {
        self.damaged("the dump is cut short: it ends here, without its end record".to_owned())
    }

    fn unreadable(&self, error: &io::Error) -> DamagedDump {
        self.damaged(format!("can't read on: {error}"))
    }
}
