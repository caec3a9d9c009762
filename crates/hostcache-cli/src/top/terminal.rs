//! The terminal while the live screen has it: raw, on its second screen, without a cursor.

use std::io::{self, Read, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::style::{Attribute, SetAttribute};
use crossterm::terminal::{self, Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen};
use crossterm::{execute, queue};

use super::screen::{Line, Style};

/// What a person wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Quit,
    Pause,
    Slower,
    Faster,
    /// Anything else, and a changed screen: draw anew.
    Other,
}

/// Given back as it was when dropped, also by a panic.
#[derive(Debug)]
pub(crate) struct Terminal {
    keys: Receiver<Key>,
}

impl Terminal {
    pub(crate) fn take() -> io::Result<Self> {
        let keys = keys()?;
        terminal::enable_raw_mode()?;
        // From here on the terminal has to be given back, whatever fails.
        let taken = Self { keys };
        execute!(io::stdout(), EnterAlternateScreen, Hide)?;
        Ok(taken)
    }

    /// Columns and rows. A terminal that does not know its size (a serial line) is as large as most.
    pub(crate) fn size() -> (usize, usize) {
        match terminal::size() {
            Ok((width, height)) if width > 0 && height > 0 => (width.into(), height.into()),
            _ => (80, 24),
        }
    }

    /// A key, or `None` when so much time has passed.
    pub(crate) fn key_within(&self, time: Duration) -> Option<Key> {
        match self.keys.recv_timeout(time) {
            Ok(key) => Some(key),
            Err(RecvTimeoutError::Timeout) => None,
            // The terminal is gone, or can't be read.
            Err(RecvTimeoutError::Disconnected) => Some(Key::Quit),
        }
    }

    /// Draws a whole screen, in one write.
    pub(crate) fn draw(&self, lines: &[Line]) -> io::Result<()> {
        let mut frame = Vec::with_capacity(8192);
        for (row, line) in (0..).zip(lines) {
            queue!(frame, MoveTo(0, row))?;
            match line.style {
                Style::Plain => {}
                Style::Strong => queue!(frame, SetAttribute(Attribute::Bold))?,
                Style::Faint => queue!(frame, SetAttribute(Attribute::Dim))?,
                Style::Title => queue!(frame, SetAttribute(Attribute::Reverse))?,
            }
            frame.extend_from_slice(line.text.as_bytes());
            queue!(frame, SetAttribute(Attribute::Reset), Clear(ClearType::UntilNewLine))?;
        }
        queue!(frame, Clear(ClearType::FromCursorDown))?;
        let mut stdout = io::stdout().lock();
        stdout.write_all(&frame)?;
        stdout.flush()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A terminal that is gone can't be given back.
        let _ = execute!(io::stdout(), Show, LeaveAlternateScreen);
        let _ = terminal::disable_raw_mode();
    }
}

/// Reads keys in a thread of its own, which ends with the process.
fn keys() -> io::Result<Receiver<Key>> {
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new().spawn(move || {
        let mut stdin = io::stdin().lock();
        let mut byte = [0];
        while let Ok(1) = stdin.read(&mut byte) {
            if sender.send(key(byte[0])).is_err() {
                return;
            }
        }
    })?;
    Ok(receiver)
}

fn key(byte: u8) -> Key {
    match byte {
        // Control-C and control-D arrive as bytes from a raw terminal.
        b'q' | b'Q' | 3 | 4 => Key::Quit,
        b'p' | b' ' => Key::Pause,
        b'+' | b'=' => Key::Slower,
        b'-' => Key::Faster,
        _ => Key::Other,
    }
}
