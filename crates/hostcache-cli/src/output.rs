//! Everything that a command prints.
//!
//! Standard output carries data only. It is buffered, so that a long list costs few system calls, and every
//! write may fail: with a full disk, or with a reader that went away.

use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Write};

use clap::ValueEnum;
use serde::Serialize;

use crate::failure::Failure;

/// `--format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people and shell scripts
    Text,
    /// One JSON object per command, on one line
    Json,
    /// Prometheus' text format, of stats only
    Prometheus,
}

/// Where a command prints.
pub(crate) struct Output {
    format: Format,
    stdout: BufWriter<io::Stdout>,
    to_terminal: bool,
}

impl Output {
    pub(crate) fn new(format: Format) -> Self {
        let stdout = io::stdout();
        let to_terminal = stdout.is_terminal();
        Self { format, stdout: BufWriter::new(stdout), to_terminal }
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Whether a person reads along, who is to be spared control characters and missing line ends.
    pub(crate) fn to_terminal(&self) -> bool {
        self.to_terminal
    }

    /// One line of text.
    pub(crate) fn line(&mut self, text: impl Display) -> Result<(), Failure> {
        writeln!(self.stdout, "{text}").map_err(Failure::Output)
    }

    /// Text that ends its own lines.
    pub(crate) fn text(&mut self, text: impl Display) -> Result<(), Failure> {
        write!(self.stdout, "{text}").map_err(Failure::Output)
    }

    /// Bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.stdout.write_all(bytes).map_err(Failure::Output)
    }

    /// Standard output itself, buffered, for what is neither text nor JSON.
    pub(crate) fn stdout(&mut self) -> &mut impl Write {
        &mut self.stdout
    }

    /// One JSON object on its line.
    pub(crate) fn json(&mut self, object: &impl Serialize) -> Result<(), Failure> {
        serde_json::to_writer(&mut self.stdout, object)
            .map_err(|error| Failure::Output(error.into()))?;
        self.raw(b"\n")
    }

    /// The object with `--format json`, else a word for a person.
    pub(crate) fn report(
        &mut self,
        object: &impl Serialize,
        word: impl Display,
    ) -> Result<(), Failure> {
        if self.is_json() {
            return self.json(object);
        }
        note(word);
        Ok(())
    }

    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.stdout.flush().map_err(Failure::Output)
    }
}

/// A word for a person, on standard error if that is a terminal: scripts have the exit code.
pub(crate) fn note(word: impl Display) {
    let mut stderr = io::stderr().lock();
    if stderr.is_terminal() {
        // A note that can't be written is not worth an error.
        let _ = writeln!(stderr, "{word}");
    }
}
