//! How far a replay is, on standard error: a bar on a terminal, else a line every few seconds.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

/// Time between two lines where no terminal can show a bar.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Shows how far one stage is.
pub(crate) struct Progress(Kind);

enum Kind {
    Bar(ProgressBar),
    Lines {
        verb: &'static str,
        total: Option<u64>,
        due: Instant,
    },
    #[cfg(test)]
    Silent,
}

impl Progress {
    /// The decoding of traces whose length is not known.
    pub(crate) fn reading() -> Self {
        Self::new("read", None, "{spinner} {human_pos} requests read, {elapsed}")
    }

    /// The replay of `total` requests.
    pub(crate) fn replaying(total: u64) -> Self {
        let template = "{wide_bar} {human_pos}/{human_len} requests, {rate}/s, {eta} left";
        Self::new("replayed", Some(total), template)
    }

    /// Shows nothing.
    #[cfg(test)]
    pub(crate) fn silent() -> Self {
        Self(Kind::Silent)
    }

    fn new(verb: &'static str, total: Option<u64>, template: &str) -> Self {
        if !io::stderr().is_terminal() {
            return Self(Kind::Lines { verb, total, due: Instant::now() + LINE_INTERVAL });
        }
        let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        if let Ok(style) = ProgressStyle::with_template(template) {
            // The template's own `{per_sec}` shows fractions of a request.
            bar.set_style(style.with_key(
                "rate",
                |state: &ProgressState, out: &mut dyn fmt::Write| {
                    let _ = write!(out, "{:.0}", state.per_sec());
                },
            ));
        }
        bar.tick();
        Self(Kind::Bar(bar))
    }

    /// Notes that `done` requests are through. Cheap, but not for every request.
    pub(crate) fn update(&mut self, done: u64) {
        match &mut self.0 {
            Kind::Bar(bar) => bar.set_position(done),
            Kind::Lines { verb, total, due } => {
                let now = Instant::now();
                if now >= *due {
                    *due = now + LINE_INTERVAL;
                    say(&line(verb, *total, done));
                }
            }
            #[cfg(test)]
            Kind::Silent => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Kind::Bar(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

fn line(verb: &str, total: Option<u64>, done: u64) -> String {
    match total {
        None => format!("{verb} {done} requests"),
        Some(total) => {
            let percent = u128::from(done) * 100 / u128::from(total.max(1));
            format!("{verb} {done} of {total} requests ({percent} %)")
        }
    }
}

/// Writes a line for people. That nobody can read it is no reason to end a replay.
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_how_much_is_done() {
        assert_eq!(line("read", None, 12), "read 12 requests");
        assert_eq!(line("replayed", Some(200), 50), "replayed 50 of 200 requests (25 %)");
        assert_eq!(line("replayed", Some(0), 0), "replayed 0 of 0 requests (0 %)");
    }
}
