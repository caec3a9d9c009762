//! `cargo xtask weaken`: which model notices each memory ordering.
//!
//! The loom models run once as they are, then once for every site of the core's `ordering.rs` with that one made
//! Relaxed (a fence is dropped). First the small models, which are explored to the end; the large ones only
//! if none of those fails. A site that nothing notices fails the command.

use std::process::{Command, ExitCode, Stdio};

use crate::workspace::cargo_loom;

/// Modules of small models.
const SMALL: [&str; 5] = ["epochs::", "items::", "lanes::", "pages::", "rounds::"];

/// Executions of each large model.
const EXECUTIONS: &str = "4000";

/// Goes through the sites that `args` name, all without a name; `Err` is wrong usage.
pub(crate) fn run(args: &[String]) -> Result<ExitCode, String> {
    let known = match sites() {
        Ok(known) => known,
        Err(why) => return Ok(failed(&why)),
    };
    if let Some(unknown) = args.iter().find(|arg| !known.contains(arg)) {
        return Err(format!("unknown site {unknown:?}: the sites are {}", known.join(", ")));
    }
    match failing(None, &[]) {
        Ok(models) if models.is_empty() => {}
        Ok(models) => return Ok(failed(&format!("nothing weakened, and fails: {models:?}"))),
        Err(why) => return Ok(failed(&why)),
    }
    let selected: Vec<&String> =
        known.iter().filter(|site| args.is_empty() || args.contains(site)).collect();
    println!("{:<20} noticed by", "site");
    let mut unnoticed = 0;
    for site in &selected {
        let models = failing(Some(site), &SMALL).and_then(|models| match models.as_slice() {
            [] => failing(Some(site), &[]),
            _ => Ok(models),
        });
        match models {
            Ok(models) if models.is_empty() => {
                unnoticed += 1;
                println!("{site:<20} NOTHING");
            }
            Ok(models) => println!("{site:<20} {}", models.join(", ")),
            Err(why) => return Ok(failed(&why)),
        }
    }
    println!("{} of {} noticed", selected.len() - unnoticed, selected.len());
    Ok(if unnoticed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn failed(why: &str) -> ExitCode {
    println!("FAILED weaken: {why}");
    ExitCode::FAILURE
}

/// The loom models, with what is said to the test program.
fn models(weakened: Option<&str>) -> Command {
    let model = ["--release", "-p", "hostcache-core", "--test", "loom", "--"];
    let mut command = cargo_loom("test", model);
    command.env("HOSTCACHE_LOOM_EXECUTIONS", EXECUTIONS);
    // A value that names no site weakens none.
    command.env("HOSTCACHE_WEAKEN", weakened.unwrap_or_default());
    command
}

/// Its output, build messages aside.
fn output_of(mut command: Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
    let output = output.map_err(|error| format!("the models could not be started: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What the core's `ordering.rs` names.
fn sites() -> Result<Vec<String>, String> {
    let mut command = models(None);
    command.args(["--ignored", "--exact", "the_names_of_all_sites", "--nocapture"]);
    let sites: Vec<String> = output_of(command)?
        .lines()
        .filter_map(|line| line.strip_prefix("site "))
        .map(str::to_owned)
        .collect();
    if sites.is_empty() {
        Err("the models do not build, or name no site".into())
    } else {
        Ok(sites)
    }
}

/// The models that fail, among those whose name contains one of `filters`.
fn failing(weakened: Option<&str>, filters: &[&str]) -> Result<Vec<String>, String> {
    let mut command = models(weakened);
    command.args(filters).args(["--skip", "a_death_at_any_access"]);
    let output = output_of(command)?;
    if !output.contains("test result: ") {
        return Err(format!("the models did not end with {weakened:?} weakened"));
    }
    Ok(failures(&output))
}

/// Names in lines of the form `test NAME ... FAILED`.
fn failures(output: &str) -> Vec<String> {
    output
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::failures;

    #[test]
    fn failed_models_are_named() {
        let output = "test a::b ... ok\ntest a::c ... FAILED\ntest result: FAILED. 1 passed";
        assert_eq!(failures(output), ["a::c"]);
    }
}
