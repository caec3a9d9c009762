//! One finding once more.

use std::sync::Arc;

use super::bench::{Bench, Finding};
use super::case::Case;
use super::report::{double_points, kill_points, stop_point};
use super::stops::{Place, Stop};
use super::tracee::Untraceable;

/// Replays the words that a finding ends with.
///
/// # Errors
///
/// What is wrong with the words.
pub fn replay(words: &[String]) -> Result<Result<(), Finding>, String> {
    if words.first().is_some_and(|kind| kind == "pair") {
        return super::pairs::again(&words[1..]);
    }
    let number = |at: usize| -> Result<u64, String> {
        let word = words.get(at).ok_or("too few words: KIND SEED CASE POINT…")?;
        word.parse().map_err(|e| format!("{word:?}: {e}"))
    };
    if words.first().is_some_and(|kind| kind == "case") {
        return super::pairs::again_case(number(1)?, number(2)?);
    }
    let case = Case { seed: number(1)?, number: number(2)? };
    println!("{}", case.describe());
    let mut bench = Bench::new(Arc::default())
        .map_err(|Untraceable| "processes may not be traced here".to_owned())?;
    Ok(match words.first().map(String::as_str) {
        Some("kill") => kill_points(&mut bench, case, false).map(|_| ()),
        Some("double") => double_points(&mut bench, case, Some(number(3)?)).map(|_| ()),
        Some("stop") => {
            let place = Place::Meeting { at: number(5)?, number: number(6)? };
            let stop = Stop { place, operations: number(3)?, seed: number(4)? };
            match stop_point(&mut bench, case, stop) {
                Ok(true) => Ok(()),
                Ok(false) => return Err("the process never came there: another build?".into()),
                Err(finding) => Err(finding),
            }
        }
        other => return Err(format!("{other:?}: kill, double, stop or pair")),
    })
}
