//! `--every` and `--count`: a command that reports again and again.

use std::time::Duration;

use crate::failure::Failure;

/// Calls `round` once, or with an interval again and again: `count` times, or until the process is ended.
pub(crate) fn repeat(
    every: Option<Duration>,
    count: Option<u64>,
    mut round: impl FnMut() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut rounds = 0_u64;
    loop {
        round()?;
        rounds += 1;
        let Some(interval) = every.filter(|_| count.is_none_or(|count| rounds < count)) else {
            return Ok(());
        };
        std::thread::sleep(interval);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(every: Option<Duration>, count: Option<u64>) -> u32 {
        let mut rounds = 0;
        repeat(every, count, || {
            rounds += 1;
            Ok(())
        })
        .expect("no round fails");
        rounds
    }

    #[test]
    fn once_without_an_interval_and_count_times_with_one() {
        assert_eq!(rounds(None, None), 1);
        assert_eq!(rounds(Some(Duration::ZERO), Some(3)), 3);
        assert_eq!(rounds(Some(Duration::ZERO), Some(1)), 1);
    }

    #[test]
    fn a_failing_round_ends_it() {
        let failing = repeat(Some(Duration::ZERO), None, || Err(Failure::Usage("no".into())));
        assert!(failing.is_err());
    }
}
