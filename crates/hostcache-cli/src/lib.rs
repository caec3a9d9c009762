//! The command line `hostcache`: `hostcache VERB NAME [KEY [VALUE]]`.
//!
//! A library with a thin `main`, so that a test program can host it too. One file per verb stands in
//! `command`; each prints through `output` alone.
//!
//! * **Exit codes.** 0: found or done. 1: a miss, or a condition that was not met. 2: an error, also one
//!   of usage. (A demo or replay that was interrupted ends with 130.)
//! * **Streams.** Data goes to standard output and nothing else does; errors go to standard error as
//!   `hostcache: <text>`. A few words for people ("stored", "no such key") go to standard error, only if
//!   that is a terminal. A reader that goes away (`| head -1`) ends the command quietly.
//! * **Formats.** Text for people, or `--format json`: one object per command on one line, with stable
//!   snake_case names. Bytes that are not UTF-8 stand there as `{"hex": "00ff"}`. `stats` speaks
//!   Prometheus' text format too.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

mod advice;
mod bytes;
mod classes;
mod cli;
mod command;
mod dump;
mod failure;
mod figures;
mod logging;
mod open;
mod output;
mod prometheus;
mod remedies;
mod repeat;
mod settings;
mod table;
mod top;
mod units;

use cli::Cli;
use failure::ERROR;
use output::{Format, Output};

/// Runs one command line, the program's name included, and returns the process's exit code.
pub fn run<I, T>(args: I) -> ExitCode
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    if cli.format == Format::Prometheus && !cli.verb.speaks_prometheus() {
        complain("--format prometheus is understood by stats only: use text or json");
        return ExitCode::from(ERROR);
    }
    logging::start(cli.verb.is_daemon());
    let mut output = Output::new(cli.format);
    let result = command::run(cli.verb, &mut output).and_then(|outcome| {
        output.flush()?;
        Ok(outcome)
    });
    match result {
        Ok(outcome) => outcome.into(),
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            complain(&failure.to_string());
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Prints what the argument parser has to say: a help text, or an error in this program's form.
fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // As everywhere, a reader that went away is no reason to complain.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let text = error.render().to_string();
    match text.strip_prefix("error: ") {
        Some(message) => complain(message.trim_end()),
        // The help text that stands in for an error when the verb is missing.
        None => drop(error.print()),
    }
    ExitCode::from(ERROR)
}

fn complain(text: &str) {
    // Nobody is left to be told if this fails.
    let _ = writeln!(io::stderr().lock(), "hostcache: {text}");
}
