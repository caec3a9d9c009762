//! The worker process: serves its stream of requests until its standard input ends.
//!
//! The parent holds the other end of that pipe, so a worker ends when the parent asks it to (by
//! closing the pipe) and when the parent is gone, however it went. Reports go to standard output,
//! one JSON object a line.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hostcache::Cache;

use crate::DemoError;
use crate::scratch::{database_path, truth_path};
use crate::shop::Shop;
use crate::store::Store;
use crate::tally::{Report, Tally};
use crate::traffic::Traffic;
use crate::truth::Truth;

/// The hidden first argument that makes the executable a demo worker. Whoever parses the command
/// line hands everything behind it to [`worker_main`].
pub const WORKER_ARGUMENT: &str = "__demo-worker";

/// Time between two reports: what a kill loses at most.
const REPORT_INTERVAL: Duration = Duration::from_millis(250);

/// What a worker has to know, as plain arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) region: String,
    pub(crate) scratch: PathBuf,
    pub(crate) products: u64,
    pub(crate) seed: u64,
    /// Which worker this is, counted from 1; decides its stream of requests.
    pub(crate) number: u64,
}

impl Assignment {
    /// The arguments behind [`WORKER_ARGUMENT`].
    pub(crate) fn to_args(&self) -> [String; 5] {
        [
            self.region.clone(),
            self.scratch.display().to_string(),
            self.products.to_string(),
            self.seed.to_string(),
            self.number.to_string(),
        ]
    }

    fn from_args(args: &[String]) -> Result<Self, DemoError> {
        let [region, scratch, products, seed, number] = args else {
            return Err(DemoError::WorkerArguments {
                detail: format!("5 arguments expected, {} given", args.len()),
            });
        };
        Ok(Self {
            region: region.clone(),
            scratch: Path::new(scratch).to_path_buf(),
            products: number_from("products", products)?,
            seed: number_from("seed", seed)?,
            number: number_from("worker number", number)?,
        })
    }
}

fn number_from<T: FromStr>(what: &str, text: &str) -> Result<T, DemoError> {
    text.parse().map_err(|_| DemoError::WorkerArguments {
        detail: format!("{what} {text:?} is not a number"),
    })
}

/// Runs a worker process to its end and gives its exit status: 0, or 2 after an error that is
/// written to standard error. `args` are those behind [`WORKER_ARGUMENT`].
#[must_use]
pub fn worker_main(args: &[String]) -> i32 {
    match Assignment::from_args(args).and_then(|assignment| serve(&assignment)) {
        Ok(()) => 0,
        Err(e) => {
            // Nobody is left to tell if standard error is gone too.
            let _ = writeln!(io::stderr(), "demo worker: {e}");
            2
        }
    }
}

fn serve(assignment: &Assignment) -> Result<(), DemoError> {
    let Assignment { region, scratch, products, seed, number } = assignment;
    let cache = Cache::open(region)?;
    let store = Store::open(&database_path(scratch))?;
    let truth = Truth::open(&truth_path(scratch), *products)?;
    let mut shop = Shop::new(cache, store, truth);
    let mut traffic = Traffic::new(*products, *seed, *number);
    let mut tally = Tally::new();
    let asked_to_end = watch_for_end_of_input();
    let mut output = io::stdout().lock();
    // The first report says that the worker is attached and serving.
    send(&tally.report(), &mut output)?;
    let mut report_due = Instant::now() + REPORT_INTERVAL;
    while !asked_to_end.load(Ordering::Relaxed) {
        let answered = shop.serve(traffic.next_request(), &mut tally)?;
        if answered >= report_due {
            send(&tally.report(), &mut output)?;
            report_due = answered + REPORT_INTERVAL;
        }
    }
    send(&tally.report(), &mut output)
}

/// A flag that is raised when standard input ends.
fn watch_for_end_of_input() -> Arc<AtomicBool> {
    let ended = Arc::new(AtomicBool::new(false));
    let raise = Arc::clone(&ended);
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        let mut byte = [0; 1];
        // A failing input is as good as its end: nobody is there to say more.
        while matches!(input.read(&mut byte), Ok(1)) {}
        raise.store(true, Ordering::Relaxed);
    });
    ended
}

fn send(report: &Report, output: &mut impl Write) -> Result<(), DemoError> {
    serde_json::to_writer(&mut *output, report)
        .map_err(io::Error::from)
        .and_then(|()| output.write_all(b"\n"))
        .and_then(|()| output.flush())
        .map_err(DemoError::system("writing a report to", Path::new("standard output")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assignment() -> Assignment {
        Assignment {
            region: "demo-1".to_owned(),
            scratch: PathBuf::from("/somewhere/demo with spaces"),
            products: 1000,
            seed: u64::MAX,
            number: 3,
        }
    }

    #[test]
    fn an_assignment_survives_the_command_line() {
        let args = assignment().to_args();
        assert_eq!(Assignment::from_args(&args).expect("the same"), assignment());
    }

    #[test]
    fn arguments_of_another_kind_are_refused_with_the_reason() {
        let mut args = assignment().to_args();
        args[2] = "many".to_owned();
        let error = Assignment::from_args(&args).expect_err("not a number").to_string();
        assert!(error.contains("products \"many\""), "{error}");
        assert!(Assignment::from_args(&args[1..]).is_err());
        assert_eq!(worker_main(&[]), 2);
    }

    #[test]
    fn a_report_is_one_line() {
        let mut line = Vec::new();
        send(&Tally::new().report(), &mut line).expect("a vector takes everything");
        assert_eq!(line.iter().filter(|&&byte| byte == b'\n').count(), 1);
        assert_eq!(line.last(), Some(&b'\n'));
    }
}
