//! `cargo xtask faults`: which test notices each planted fault of the shipped code (`fault.rs` of the core).
//!
//! Built once with all faults to choose from, run once with none, which must pass; then with each fault in turn, suite by
//! suite until a test fails. Fewer than 95 of 100 noticed fail the command.

mod suite;
mod trial;

use std::process::{ExitCode, Stdio};
use std::time::Instant;

use suite::Suite;

/// Percent that must be noticed.
const GOAL: usize = 95;

/// A fault as the core lists it.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    name: String,
    class: String,
    what: String,
}

/// Goes through the faults that `args` name, all without a name; `Err` is wrong usage.
pub(crate) fn run(args: &[String]) -> Result<ExitCode, String> {
    let (flags, names): (Vec<&String>, Vec<&String>) =
        args.iter().partition(|arg| arg.starts_with('-'));
    if let Some(flag) = flags.iter().find(|flag| **flag != "--list") {
        return Err(format!("unknown option {flag:?}"));
    }
    let built = suite::build().and_then(|suites| Ok((list(&suites)?, suites)));
    let (known, suites) = match built {
        Ok(built) => built,
        Err(why) => return Ok(failed(&why)),
    };
    if let Some(unknown) = names.iter().find(|name| !known.iter().any(|f| f.name == ***name)) {
        let names: Vec<&str> = known.iter().map(|fault| fault.name.as_str()).collect();
        return Err(format!("unknown fault {unknown:?}: the faults are {}", names.join(", ")));
    }
    let is_wanted =
        |fault: &Fault| names.is_empty() || names.iter().any(|name| **name == fault.name);
    let wanted: Vec<Fault> = known.into_iter().filter(is_wanted).collect();
    if !flags.is_empty() {
        wanted.iter().for_each(|f| println!("{:<24} {:<11} {}", f.name, f.class, f.what));
        return Ok(ExitCode::SUCCESS);
    }
    Ok(match try_all(&suites, &wanted) {
        Ok(code) => code,
        Err(why) => failed(&why),
    })
}

fn failed(why: &str) -> ExitCode {
    println!("FAILED faults: {why}");
    ExitCode::FAILURE
}

fn list(suites: &[Suite]) -> Result<Vec<Fault>, String> {
    let mut command = suite::list_command(suites).ok_or("the core's unit tests were not built")?;
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
    let output = output.map_err(|error| format!("the faults could not be listed: {error}"))?;
    let faults: Vec<Fault> =
        String::from_utf8_lossy(&output.stdout).lines().filter_map(fault).collect();
    if faults.is_empty() { Err("the core lists no fault".into()) } else { Ok(faults) }
}

/// Reads `fault NAME CLASS DESCRIPTION`.
fn fault(line: &str) -> Option<Fault> {
    let mut words = line.strip_prefix("fault ")?.splitn(3, ' ').map(str::to_owned);
    Some(Fault { name: words.next()?, class: words.next()?, what: words.next()? })
}

fn try_all(suites: &[Suite], faults: &[Fault]) -> Result<ExitCode, String> {
    for suite in suites {
        let begin = Instant::now();
        if let Some(by) = trial::run(suite, None)? {
            return Err(format!("nothing planted, and {} fails: {by}", suite.name()));
        }
        println!("nothing planted: {} passes in {:.0?}", suite.name(), begin.elapsed());
    }
    println!("\n{:<24} {:<11} caught by", "fault", "class");
    let mut missed = Vec::new();
    for fault in faults {
        let caught = first_failure(suites, &fault.name)?;
        let by = match &caught {
            Some((suite, by)) => format!("{suite}: {by}"),
            None => "NOTHING".to_owned(),
        };
        println!("{:<24} {:<11} {by}", fault.name, fault.class);
        if caught.is_none() {
            missed.push(fault);
        }
    }
    let caught = faults.len() - missed.len();
    println!("{caught} of {} caught", faults.len());
    missed.iter().for_each(|fault| println!("not caught: {} ({})", fault.name, fault.what));
    let enough = caught * 100 >= faults.len() * GOAL;
    Ok(if enough { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The first suite that fails with a fault, and in what test.
fn first_failure(suites: &[Suite], fault: &str) -> Result<Option<(&'static str, String)>, String> {
    for suite in suites {
        if let Some(by) = trial::run(suite, Some(fault))? {
            return Ok(Some((suite.name(), by)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::{Fault, fault};

    #[test]
    fn a_listed_fault_has_three_parts() {
        let [name, class, what] = ["Name", "bound", "what is wrong"].map(str::to_owned);
        let expected = Fault { name, class, what };
        assert_eq!(fault("fault Name bound what is wrong"), Some(expected));
        assert_eq!(fault("fault Name"), None);
        assert_eq!(fault("test fault::tests::x ... ok"), None);
    }
}
