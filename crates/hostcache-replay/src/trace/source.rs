//! Where the text of a trace comes from: a file or standard input, plain or zstd.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

/// Bytes read at once.
const BUFFER: usize = 1 << 20;
/// The longest history window that zstd can write; its decoder refuses more than 27 unless told.
const LONGEST_WINDOW_LOG: u32 = 31;

/// What a path is called in messages.
pub(super) fn display_name(path: &Path) -> String {
    if is_stdin(path) { "standard input".into() } else { path.display().to_string() }
}

pub(super) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Opens a trace for reading as text.
pub(super) fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    if is_stdin(path) { decoded(io::stdin().lock()) } else { decoded(File::open(path)?) }
}

/// The text of `source`, decompressed if it begins as zstd does.
pub(super) fn decoded<R: Read + 'static>(mut source: R) -> io::Result<Box<dyn BufRead>> {
    // A pipe may hand over less than four bytes at once, hence a read to the end of the prefix.
    let mut prefix = Vec::with_capacity(4);
    source.by_ref().take(4).read_to_end(&mut prefix)?;
    let compressed = is_zstd(&prefix);
    let whole = Cursor::new(prefix).chain(source);
    if !compressed {
        return Ok(Box::new(BufReader::with_capacity(BUFFER, whole)));
    }
    let mut decoder = zstd::Decoder::new(whole)?;
    decoder.window_log_max(LONGEST_WINDOW_LOG)?;
    Ok(Box::new(BufReader::with_capacity(BUFFER, decoder)))
}

/// Whether these are the first bytes of a zstd frame or of a skippable frame before one.
fn is_zstd(prefix: &[u8]) -> bool {
    matches!(prefix, [0x28, 0xB5, 0x2F, 0xFD] | [0x50..=0x5F, 0x2A, 0x4D, 0x18])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands over one byte at a time, as a slow pipe does.
    struct Slow(Cursor<Vec<u8>>);

    impl Read for Slow {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let len = buf.len().min(1);
            self.0.read(&mut buf[..len])
        }
    }

    fn text_of(bytes: Vec<u8>) -> String {
        let mut text = String::new();
        let mut source = decoded(Slow(Cursor::new(bytes))).expect("open");
        source.read_to_string(&mut text).expect("read");
        text
    }

    #[test]
    fn plain_and_compressed_text_are_told_apart() {
        let text = "1,17,g,0\n2,18,g,0\n".repeat(50);
        assert_eq!(text_of(text.clone().into_bytes()), text);
        let compressed = zstd::encode_all(text.as_bytes(), 3).expect("compress");
        assert_eq!(text_of(compressed.clone()), text);
        // Two frames after one another, as `cat a.zst b.zst` makes them.
        assert_eq!(text_of([compressed.clone(), compressed].concat()), text.repeat(2));
    }

    #[test]
    fn inputs_shorter_than_the_magic_are_plain() {
        for text in ["", "1", "1,2"] {
            assert_eq!(text_of(text.into()), text);
        }
    }
}
