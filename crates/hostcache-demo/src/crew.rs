//! The workers as the parent sees them: started together, listened to, replaced and sent home.
//!
//! A thread per worker reads its reports and keeps the newest one. Nobody waits for a worker that
//! says nothing; what it said last is what counts.

use std::io::{BufRead, BufReader, Read};
use std::mem;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::DemoError;
use crate::child::ChildProcess;
use crate::tally::{Counters, Report, Tally};
use crate::worker::{Assignment, WORKER_ARGUMENT};

/// How long workers may take to attach and say so.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long they may take to end; a worker can wait for SQLite's busy time-out first.
const END_LIMIT: Duration = Duration::from_secs(20);

/// One worker process and what it has reported.
#[derive(Debug)]
pub(crate) struct Worker {
    process: ChildProcess,
    listener: JoinHandle<()>,
    newest: Arc<Mutex<Option<Report>>>,
}

impl Worker {
    fn start(assignment: &Assignment) -> Result<Self, DemoError> {
        let who = format!("worker {}", assignment.number);
        let mut args = vec![WORKER_ARGUMENT.to_owned()];
        args.extend(assignment.to_args());
        let mut process = ChildProcess::start(who, &args, &assignment.scratch, |command| {
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
        })?;
        let newest = Arc::new(Mutex::new(None));
        let output = process
            .child_mut()
            .stdout
            .take()
            .ok_or_else(|| process.failure("has no standard output to listen to".to_owned()))?;
        let listener = thread::spawn({
            let newest = Arc::clone(&newest);
            move || listen(output, &newest)
        });
        Ok(Self { process, listener, newest })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub(crate) fn who(&self) -> &str {
        self.process.who()
    }

    /// The newest report, if there was one.
    pub(crate) fn counters(&self) -> Option<Counters> {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        newest.as_ref().map(|report| report.counters)
    }

    /// Closes its standard input, which asks it to end.
    fn ask_to_end(&mut self) {
        drop(self.process.child_mut().stdin.take());
    }

    /// The last report of a worker whose process has ended or is about to.
    fn last_report(listener: JoinHandle<()>, newest: &Mutex<Option<Report>>) -> Report {
        // A listener ends with its worker's output and has no way to panic.
        let _ = listener.join();
        newest.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
    }
}

/// Keeps the newest report until the output ends.
fn listen(output: impl Read, newest: &Mutex<Option<Report>>) {
    for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
        // A kill can cut the last line short: what does not parse was never said.
        if let Ok(report) = serde_json::from_slice(&line) {
            *newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(report);
        }
    }
}

/// All workers of a demonstration, the killed ones' reports included.
#[derive(Debug)]
pub(crate) struct Crew {
    /// What the next worker is told; its number grows with every start.
    next: Assignment,
    workers: Vec<Worker>,
    /// Sum over workers that have ended.
    ended: Tally,
}

impl Crew {
    /// Starts so many workers and waits until each has attached. `next` names the first.
    pub(crate) fn start(
        next: Assignment,
        workers: usize,
        keep_waiting: impl Fn() -> bool,
    ) -> Result<Self, DemoError> {
        let mut crew = Self { next, workers: Vec::with_capacity(workers), ended: Tally::new() };
        for _ in 0..workers {
            let worker = crew.start_next()?;
            crew.workers.push(worker);
        }
        crew.wait_until_all_serve(keep_waiting)?;
        Ok(crew)
    }

    fn start_next(&mut self) -> Result<Worker, DemoError> {
        let worker = Worker::start(&self.next)?;
        self.next.number += 1;
        Ok(worker)
    }

    fn wait_until_all_serve(&mut self, keep_waiting: impl Fn() -> bool) -> Result<(), DemoError> {
        let deadline = Instant::now() + START_LIMIT;
        while let Some(silent) = self.workers.iter().find(|w| w.counters().is_none()) {
            if !keep_waiting() {
                return Err(DemoError::Interrupted);
            }
            if Instant::now() >= deadline {
                let limit = START_LIMIT.as_secs();
                return Err(silent.process.failure(format!("did not serve within {limit} s")));
            }
            self.expect_running()?;
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// The workers that should be running, each in its place.
    pub(crate) fn workers(&self) -> &[Worker] {
        &self.workers
    }

    /// Everything counted so far, by living and by ended workers.
    pub(crate) fn counters(&self) -> Counters {
        let mut sum = self.ended.counters;
        for counters in self.workers.iter().filter_map(Worker::counters) {
            sum += &counters;
        }
        sum
    }

    /// An error if a worker has ended by itself.
    pub(crate) fn expect_running(&mut self) -> Result<(), DemoError> {
        self.workers.iter_mut().try_for_each(|worker| worker.process.expect_running())
    }

    /// Kills the worker in one place; its reports stay. Returns when the process is gone.
    pub(crate) fn kill(&mut self, place: usize) -> Result<(), DemoError> {
        self.workers[place].process.kill()
    }

    /// Starts a worker in the place of a killed one.
    pub(crate) fn replace(&mut self, place: usize) -> Result<(), DemoError> {
        let replacement = self.start_next()?;
        let killed = mem::replace(&mut self.workers[place], replacement);
        self.ended.merge(&Worker::last_report(killed.listener, &killed.newest));
        Ok(())
    }

    /// Asks all workers to end, waits for them and gives everything they counted.
    pub(crate) fn finish(mut self) -> Result<Tally, DemoError> {
        self.workers.iter_mut().for_each(Worker::ask_to_end);
        for Worker { process, listener, newest } in self.workers {
            process.finish(END_LIMIT)?;
            self.ended.merge(&Worker::last_report(listener, &newest));
        }
        Ok(self.ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(hits: u64) -> String {
        let counters = Counters { hits, ..Counters::default() };
        let report = Report { counters, ..Report::default() };
        serde_json::to_string(&report).expect("a line")
    }

    fn newest_hits(output: &str) -> Option<u64> {
        let newest = Mutex::new(None);
        listen(output.as_bytes(), &newest);
        newest.into_inner().expect("not poisoned").map(|report: Report| report.counters.hits)
    }

    #[test]
    fn the_newest_report_counts() {
        assert_eq!(newest_hits(&format!("{}\n{}\n", line(1), line(2))), Some(2));
    }

    #[test]
    fn a_line_that_a_kill_cut_short_was_never_said() {
        let cut = &line(3)[..20];
        assert_eq!(newest_hits(&format!("{}\n{cut}", line(2))), Some(2));
        assert_eq!(newest_hits(cut), None);
    }
}
