//! How many tests ran: read from the line that a test runner closes with, `test result:` of cargo's or that of pytest.

use std::fmt;
use std::ops::AddAssign;

/// Tests counted over any number of test binaries. Prints as the plain closing line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    /// Tests that the harness calls ignored.
    pub(crate) skipped: u64,
}

impl Counts {
    /// Reads a closing line; `None` for any other line.
    pub(crate) fn from_line(line: &str) -> Option<Self> {
        Self::from_cargo(line).or_else(|| Self::from_pytest(line))
    }

    /// Reads `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    fn from_cargo(line: &str) -> Option<Self> {
        let (_verdict, figures) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let figure = |word: &str| {
            figures
                .split("; ")
                .filter_map(|part| part.split_once(' '))
                .find(|(_, what)| *what == word)
                .and_then(|(number, _)| number.parse().ok())
        };
        Some(Self {
            passed: figure("passed")?,
            failed: figure("failed")?,
            skipped: figure("ignored")?,
        })
    }

    /// Reads `3 passed, 1 skipped, 2 warnings in 4.56s`, with or without a frame of `=`. What ended with an error, in a
    /// fixture perhaps, failed.
    fn from_pytest(line: &str) -> Option<Self> {
        let (outcomes, time) = line.trim_matches(['=', ' ']).rsplit_once(" in ")?;
        if !time.starts_with(|c: char| c.is_ascii_digit()) || !time.contains('s') {
            return None;
        }
        let mut counts = Self::default();
        for outcome in outcomes.split(", ") {
            let (number, word) = outcome.split_once(' ')?;
            let number: u64 = number.parse().ok()?;
            match word {
                "passed" | "xfailed" => counts.passed += number,
                "failed" | "error" | "errors" | "xpassed" => counts.failed += number,
                "skipped" => counts.skipped += number,
                "warning" | "warnings" | "deselected" | "rerun" => {}
                _ => return None,
            }
        }
        Some(counts)
    }

    /// Tests that were really executed.
    pub(crate) fn ran(self) -> u64 {
        self.passed + self.failed
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn a_passing_binary_is_counted() {
        let line = "test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 7 filtered out; \
                    finished in 0.42s";
        assert_eq!(Counts::from_line(line), Some(Counts { passed: 12, failed: 0, skipped: 3 }));
    }

    #[test]
    fn a_failing_binary_is_counted() {
        let line = "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; \
                    finished in 1.00s";
        assert_eq!(Counts::from_line(line), Some(Counts { passed: 1, failed: 2, skipped: 0 }));
    }

    #[test]
    fn a_run_of_pytest_is_counted() {
        for (line, passed, failed, skipped) in [
            ("12 passed in 3.21s", 12, 0, 0),
            ("===== 1 failed, 12 passed, 3 skipped, 1 warning in 63.21s (0:01:03) =====", 12, 1, 3),
            ("2 passed, 1 error in 0.10s", 2, 1, 0),
        ] {
            assert_eq!(
                Counts::from_line(line),
                Some(Counts { passed, failed, skipped }),
                "{line:?}"
            );
        }
    }

    #[test]
    fn other_lines_are_not_counted() {
        for line in [
            "",
            "test result:",
            "test result: ok.",
            "test result: ok. many passed; 0 failed; 0 ignored",
            "test result: ok. 1 passed; 0 failed",
            "running 12 tests",
            "test a_name_with_passed ... ok",
            "no tests ran in 0.01s",
            "12 passed",
            "12 passed in the end",
            "  test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out",
        ] {
            assert_eq!(Counts::from_line(line), None, "{line:?}");
        }
    }

    #[test]
    fn sums_print_as_the_plain_closing_line() {
        let mut sum = Counts { passed: 1, failed: 2, skipped: 3 };
        sum += Counts { passed: 10, failed: 20, skipped: 30 };
        assert_eq!(sum.to_string(), "11 passed, 22 failed, 33 skipped");
        assert_eq!(sum.ran(), 33);
    }
}
