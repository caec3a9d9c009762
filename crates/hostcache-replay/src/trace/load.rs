//! Decodes traces into memory, line by line.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::io::{self, BufRead, Read};
use std::path::PathBuf;

use super::line::{self, Fields, Line};
use super::{Request, Trace, source};
use crate::ReplayError;
use crate::item::mix;
use crate::progress::Progress;

/// No line may be longer: without a bound, a file that is no trace would be read whole as one line.
const LONGEST_LINE: u64 = 64 << 10;
/// Requests between two looks at the progress.
const PROGRESS_STEP: usize = 1 << 16;

/// Reads all of `files`, one after the other, into one trace; no file at all means standard input.
///
/// The times of a later file count from the last time in those before it.
pub(crate) fn load(files: &[PathBuf], progress: &mut Progress) -> Result<Trace, ReplayError> {
    let stdin = [PathBuf::from("-")];
    let files = if files.is_empty() { &stdin } else { files };
    if files.iter().filter(|path| source::is_stdin(path)).count() > 1 {
        return Err(ReplayError::InvalidOption(
            "standard input (-) is named more than once: it can be read only once".into(),
        ));
    }
    let mut loader = Loader::default();
    loader.trace.phases.push(String::new());
    for path in files {
        let input = source::open(path)
            .map_err(|source| read_error(&source::display_name(path), 0, source))?;
        loader.append(&source::display_name(path), input, progress)?;
    }
    let mut trace = loader.trace;
    if trace.requests.is_empty() {
        let names: Vec<_> = files.iter().map(|path| source::display_name(path)).collect();
        return Err(ReplayError::Empty { sources: names.join(", ") });
    }
    trace.requests.shrink_to_fit();
    trace.key_ids.shrink_to_fit();
    Ok(trace)
}

fn read_error(source_name: &str, line: u64, source: io::Error) -> ReplayError {
    ReplayError::Read { source_name: source_name.into(), line, source }
}

#[derive(Default)]
struct Loader {
    trace: Trace,
    /// Key id to its number.
    numbers: HashMap<u64, u32, BuildHasherDefault<MixHasher>>,
    phase: u16,
    /// What a time in the file at hand is added to.
    file_start_ms: u32,
    /// The latest time so far.
    last_ms: u32,
}

impl Loader {
    fn append(
        &mut self,
        source_name: &str,
        mut input: Box<dyn BufRead>,
        progress: &mut Progress,
    ) -> Result<(), ReplayError> {
        self.file_start_ms = self.last_ms;
        let mut text = Vec::new();
        for number in 1.. {
            text.clear();
            let len = input
                .by_ref()
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut text)
                .map_err(|source| read_error(source_name, number, source))?;
            if len == 0 {
                break;
            }
            self.line(&text).map_err(|detail| ReplayError::Parse {
                source_name: source_name.into(),
                line: number,
                detail,
            })?;
            if self.trace.requests.len().is_multiple_of(PROGRESS_STEP) {
                progress.update(self.trace.requests.len() as u64);
            }
        }
        Ok(())
    }

    fn line(&mut self, text: &[u8]) -> Result<(), String> {
        if text.len() as u64 == LONGEST_LINE && text.last() != Some(&b'\n') {
            return Err(format!("longer than {LONGEST_LINE} bytes: this is not a trace"));
        }
        match line::parse(text)? {
            Line::Nothing => Ok(()),
            Line::Phase(name) => self.open_phase(name),
            Line::Request(fields) => self.push(&fields),
        }
    }

    /// Opens a phase; one that had the same name before goes on.
    fn open_phase(&mut self, name: &[u8]) -> Result<(), String> {
        let name = field_name(&String::from_utf8_lossy(name));
        let phases = &mut self.trace.phases;
        let known = phases.iter().position(|phase| *phase == name);
        let position = known.unwrap_or(phases.len());
        self.phase =
            u16::try_from(position).map_err(|_| format!("more than {} phases", u16::MAX))?;
        if known.is_none() {
            phases.push(name);
        }
        Ok(())
    }

    fn push(&mut self, fields: &Fields) -> Result<(), String> {
        let key_ids = &mut self.trace.key_ids;
        let next = u32::try_from(key_ids.len()).map_err(|_| "more than 2^32 keys".to_string())?;
        let key = *self.numbers.entry(fields.key_id).or_insert_with(|| {
            key_ids.push(fields.key_id);
            next
        });
        let due_ms = match fields.ts_ms {
            // Without a time of its own a request is due with the one before it.
            None => self.trace.requests.last().map_or(0, |request| request.due_ms),
            Some(ts_ms) => self.file_start_ms.checked_add(ts_ms).ok_or_else(|| {
                format!("ts_ms {ts_ms} after {} ms of earlier files: over 2^32", self.file_start_ms)
            })?,
        };
        self.trace.timed |= fields.ts_ms.is_some();
        self.last_ms = self.last_ms.max(due_ms);
        self.trace.requests.push(Request {
            key,
            size: fields.size,
            ttl_secs: fields.ttl_secs,
            due_ms,
            phase: self.phase,
            op: fields.op,
        });
        Ok(())
    }
}

/// A phase's name as a part of the result line, where a space, a bracket or an equals sign would
/// end it.
fn field_name(name: &str) -> String {
    let ends = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '[' | ']' | '=');
    let name = name.split(ends).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_");
    if name.is_empty() { "_".into() } else { name }
}

/// Key ids are small and near each other; scattering them is all that a table needs.
#[derive(Default)]
struct MixHasher(u64);

impl Hasher for MixHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, &byte| mix(hash ^ u64::from(byte)));
    }

    fn write_u64(&mut self, key_id: u64) {
        self.0 = mix(key_id);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Reads a trace from text in memory.
#[cfg(test)]
pub(crate) fn load_text(text: impl AsRef<[u8]>) -> Result<Trace, ReplayError> {
    let mut loader = Loader::default();
    loader.trace.phases.push(String::new());
    let input = source::decoded(io::Cursor::new(text.as_ref().to_vec()))
        .map_err(|source| read_error("text", 0, source))?;
    loader.append("text", input, &mut Progress::silent())?;
    Ok(loader.trace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Op;

    const SMALL: &str = "# by hand\n7,100,g,0\n#phase two\n9,40,s,5,10\n7,100,d,0\n7,60,g,0,30\n";

    #[test]
    fn requests_phases_and_keys_are_numbered_in_order() {
        let trace = load_text(SMALL).expect("good trace");
        assert_eq!(trace.key_ids, [7, 9]);
        assert_eq!(trace.phases, ["", "two"]);
        assert!(trace.timed);
        let seen: Vec<_> =
            trace.requests.iter().map(|r| (r.key, r.size, r.ttl_secs, r.due_ms, r.phase)).collect();
        assert_eq!(
            seen,
            [(0, 100, 0, 0, 0), (1, 40, 5, 10, 1), (0, 100, 0, 10, 1), (0, 60, 0, 30, 1)]
        );
        let ops: Vec<_> = trace.requests.iter().map(|request| request.op).collect();
        assert_eq!(ops, [Op::Get, Op::Set, Op::Delete, Op::Get]);
        assert_eq!(trace.longest_value(), 84);
    }

    #[test]
    fn a_compressed_trace_is_the_same_trace() {
        let compressed = zstd::encode_all(SMALL.as_bytes(), 19).expect("compress");
        assert_eq!(load_text(compressed).expect("zstd"), load_text(SMALL).expect("plain"));
    }

    #[test]
    fn a_phase_that_comes_back_goes_on() {
        let trace = load_text("#phase a\n1,20,g,0\n#phase b\n1,20,g,0\n#phase a\n1,20,g,0\n");
        let trace = trace.expect("good trace");
        assert_eq!(trace.phases, ["", "a", "b"]);
        assert_eq!(trace.requests.iter().map(|r| r.phase).collect::<Vec<_>>(), [1, 2, 1]);
    }

    #[test]
    fn phase_names_fit_into_the_result_line() {
        assert_eq!(field_name("100B"), "100B");
        assert_eq!(field_name("warm  up [1]=x"), "warm_up_1_x");
        assert_eq!(field_name("="), "_");
    }

    #[test]
    fn an_error_names_the_source_and_the_line() {
        let error = load_text("# one\n1,20,g,0\n1,20,q,0\n").expect_err("bad op");
        assert!(error.to_string().starts_with("text:3: op is \"q\""), "{error}");
        let long = vec![b'1'; 2 * LONGEST_LINE as usize];
        assert!(load_text(long).expect_err("no trace").to_string().contains("text:1: longer than"));
    }

    #[test]
    fn a_damaged_compressed_file_names_the_line_that_was_reached() {
        let mut compressed = zstd::encode_all(SMALL.as_bytes(), 3).expect("compress");
        compressed.truncate(compressed.len() - 3);
        let error = load_text(compressed).expect_err("cut short");
        assert!(matches!(error, ReplayError::Read { .. }), "{error}");
    }

    #[test]
    fn files_that_are_missing_or_empty_are_named() {
        let missing = PathBuf::from("/nonexistent/a.trace");
        let error = load(&[missing], &mut Progress::silent()).expect_err("missing");
        assert!(error.to_string().contains("/nonexistent/a.trace"), "{error}");
        let none = PathBuf::from("/dev/null");
        let error = load(&[none], &mut Progress::silent()).expect_err("empty");
        assert!(matches!(error, ReplayError::Empty { .. }), "{error}");
        let twice = [PathBuf::from("-"), PathBuf::from("-")];
        let error = load(&twice, &mut Progress::silent()).expect_err("twice");
        assert!(matches!(error, ReplayError::InvalidOption(_)), "{error}");
    }

    #[test]
    fn the_times_of_a_second_file_follow_those_of_the_first() {
        let mut loader = Loader::default();
        for _ in 0..2 {
            let input = source::decoded(io::Cursor::new(&b"1,20,g,0,0\n1,20,g,0,40\n"[..]));
            loader.append("t", input.expect("open"), &mut Progress::silent()).expect("good trace");
        }
        let due: Vec<_> = loader.trace.requests.iter().map(|request| request.due_ms).collect();
        assert_eq!(due, [0, 40, 40, 80]);
    }
}
