//! The table after the last step, and the exit code.

use std::process::ExitCode;
use std::time::Duration;

use crate::counts::Counts;
use crate::step::{Outcome, Report};

/// What `run_selected` did.
pub(crate) enum Run {
    /// Only showed the steps.
    Listed,
    /// Ran them.
    Finished(Vec<Report>),
}

impl Run {
    /// Prints the table.
    pub(crate) fn finish(self) -> ExitCode {
        let Self::Finished(reports) = self else { return ExitCode::SUCCESS };
        print!("\n{}", table(&reports));
        exit_code(&reports)
    }

    /// Prints the table and, alone on the last line, the sum of the tests.
    pub(crate) fn finish_counted(self) -> ExitCode {
        let Self::Finished(reports) = self else { return ExitCode::SUCCESS };
        let mut sum = Counts::default();
        reports.iter().for_each(|report| sum += report.counts);
        print!("\n{}\n{sum}\n", table(&reports));
        exit_code(&reports)
    }
}

fn exit_code(reports: &[Report]) -> ExitCode {
    let failed = reports.iter().any(|report| matches!(report.outcome, Outcome::Failed(_)));
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn table(reports: &[Report]) -> String {
    let mut lines = format!("{:<12} {:<8} {:>9}  tests\n", "step", "result", "time");
    let mut steps = [0; 3];
    for report in reports {
        let (index, word, why) = match &report.outcome {
            Outcome::Passed => (0, "passed", ""),
            Outcome::Failed(why) => (1, "FAILED", why.lines().next().unwrap_or_default()),
            Outcome::Skipped(why) => (2, "skipped", why.as_str()),
        };
        steps[index] += 1;
        let tests = if report.counts == Counts::default() {
            String::new()
        } else {
            report.counts.to_string()
        };
        let notes: Vec<&str> =
            [tests.as_str(), why].into_iter().filter(|n| !n.is_empty()).collect();
        let line = format!(
            "{:<12} {word:<8} {:>9}  {}",
            report.name,
            seconds(report.time),
            notes.join("; ")
        );
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    let [passed, failed, skipped] = steps;
    // Not in the words of the closing line, which counts tests.
    lines.push_str(&format!("steps: {passed} passed / {failed} failed / {skipped} skipped\n"));
    lines
}

fn seconds(time: Duration) -> String {
    let whole = time.as_secs();
    if whole < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} m {:02} s", whole / 60, whole % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_line_for_each_step_and_their_sum() {
        let report = |name, outcome, seconds, passed| Report {
            name,
            outcome,
            time: Duration::from_secs(seconds),
            counts: Counts { passed, ..Counts::default() },
        };
        let reports = [
            report("units", Outcome::Passed, 5, 40),
            report("loom", Outcome::Failed("exit status: 101\nmore".to_owned()), 61, 2),
            report("miri", Outcome::Skipped("miri is not installed".to_owned()), 0, 0),
        ];
        assert_eq!(
            table(&reports),
            "\
step         result        time  tests
units        passed       5.0 s  40 passed, 0 failed, 0 skipped
loom         FAILED    1 m 01 s  2 passed, 0 failed, 0 skipped; exit status: 101
miri         skipped      0.0 s  miri is not installed
steps: 1 passed / 1 failed / 1 skipped
"
        );
    }
}
