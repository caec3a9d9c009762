//! Writing a dump.

use std::io::{self, Write};

use super::record::{self, CHECKSUM, RECORD_HEADER, RecordHeader, StoredItem};

/// A dump that is being written. Without [`finish`](Self::finish) it has no end, and is no whole dump.
#[derive(Debug)]
pub(crate) struct DumpWriter<W: Write> {
    output: W,
    offset: u64,
    items: u64,
}

impl<W: Write> DumpWriter<W> {
    /// Begins a dump at this time. Wants a buffered output.
    pub(crate) fn begin(mut output: W, unix_ms: u64) -> io::Result<Self> {
        output.write_all(&record::file_header(unix_ms))?;
        Ok(Self { output, offset: record::FILE_HEADER as u64, items: 0 })
    }

    /// Adds an item.
    pub(crate) fn item(&mut self, item: &StoredItem) -> io::Result<()> {
        let key_len = u32::try_from(item.key.len()).map_err(io::Error::other)?;
        let header = RecordHeader::Item {
            flags: item.flags,
            encoding: item.encoding,
            key_len,
            value_len: item.value.len() as u64,
            deadline: item.deadline,
        };
        let mut checksum = record::body_checksum(self.offset);
        checksum.update(&item.key);
        checksum.update(&item.value);
        self.output.write_all(&header.encode(self.offset))?;
        self.output.write_all(&item.key)?;
        self.output.write_all(&item.value)?;
        self.output.write_all(&checksum.digest().to_le_bytes())?;
        let body = item.key.len() + item.value.len();
        self.offset += (RECORD_HEADER + body + CHECKSUM) as u64;
        self.items += 1;
        Ok(())
    }

    /// Ends the dump; gives the items and bytes that it has.
    pub(crate) fn finish(mut self) -> io::Result<(u64, u64)> {
        let end = RecordHeader::End { items: self.items };
        self.output.write_all(&end.encode(self.offset))?;
        self.output.flush()?;
        Ok((self.items, self.offset + RECORD_HEADER as u64))
    }
}
