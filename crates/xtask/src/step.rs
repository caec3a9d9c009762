//! Named steps, run one after the other; a failed one does not stop the rest.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::child;
use crate::counts::Counts;
use crate::summary::Run;

/// One thing to do, under the name it is selected by.
pub(crate) struct Step {
    name: &'static str,
    purpose: &'static str,
    setup: Vec<Command>,
    action: Action,
    needs: fn() -> Result<(), String>,
}

/// What a step does.
enum Action {
    /// Commands in order, up to the first that fails.
    Commands(Vec<Command>),
    /// Test commands, all of them whatever fails: their tests are counted, and none at all is a failure,
    /// because a filter or a cfg that selects nothing looks like success otherwise.
    Tests(Vec<Command>),
    /// A rule over the source tree; `Err` says what breaks it.
    Inspect(fn() -> Result<(), String>),
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

/// What the table shows of one step.
pub(crate) struct Report {
    pub(crate) name: &'static str,
    pub(crate) outcome: Outcome,
    pub(crate) time: Duration,
    pub(crate) counts: Counts,
}

/// Runs the steps that `args` name, all without a name; `--list` only shows them. `Err` is wrong usage.
pub(crate) fn run_selected(steps: Vec<Step>, args: &[String]) -> Result<Run, String> {
    let (flags, names): (Vec<&String>, Vec<&String>) =
        args.iter().partition(|arg| arg.starts_with('-'));
    if let Some(flag) = flags.iter().find(|flag| **flag != "--list") {
        return Err(format!("unknown option {flag:?}"));
    }
    let known: Vec<&str> = steps.iter().map(|step| step.name).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("unknown step {unknown:?}: the steps are {}", known.join(", ")));
    }
    let selected: Vec<Step> = steps
        .into_iter()
        .filter(|step| names.is_empty() || names.iter().any(|name| *name == step.name))
        .collect();
    if !flags.is_empty() {
        selected.iter().for_each(list);
        return Ok(Run::Listed);
    }
    let total = selected.len();
    let reports = selected
        .into_iter()
        .enumerate()
        .map(|(index, step)| {
            println!("\n==> [{}/{total}] {}: {}", index + 1, step.name, step.purpose);
            step.run()
        })
        .collect();
    Ok(Run::Finished(reports))
}

fn list(step: &Step) {
    println!("{:<12} {}", step.name, step.purpose);
    step.setup.iter().for_each(|command| println!("{:<12}   $ {}", "", child::describe(command)));
    if let Action::Commands(commands) | Action::Tests(commands) = &step.action {
        commands.iter().for_each(|command| println!("{:<12}   $ {}", "", child::describe(command)));
    }
}

impl Step {
    /// Commands in order, up to the first that fails.
    pub(crate) fn commands(
        name: &'static str,
        purpose: &'static str,
        commands: impl Into<Vec<Command>>,
    ) -> Self {
        Self::new(name, purpose, Action::Commands(commands.into()))
    }

    /// Test commands: all run, their tests are counted, and at least one must have run.
    pub(crate) fn tests(
        name: &'static str,
        purpose: &'static str,
        commands: impl Into<Vec<Command>>,
    ) -> Self {
        Self::new(name, purpose, Action::Tests(commands.into()))
    }

    /// A rule over the source tree; its `Err` says what breaks it.
    pub(crate) fn inspect(
        name: &'static str,
        purpose: &'static str,
        rule: fn() -> Result<(), String>,
    ) -> Self {
        Self::new(name, purpose, Action::Inspect(rule))
    }

    fn new(name: &'static str, purpose: &'static str, action: Action) -> Self {
        Self { name, purpose, setup: Vec::new(), action, needs: || Ok(()) }
    }

    /// Commands that must succeed before, in order.
    pub(crate) fn after(self, setup: impl Into<Vec<Command>>) -> Self {
        Self { setup: setup.into(), ..self }
    }

    /// Asked when the step's turn comes; `Err` names what is missing, and the step is skipped.
    pub(crate) fn needing(self, needs: fn() -> Result<(), String>) -> Self {
        Self { needs, ..self }
    }

    /// Sets variables for every command, but those that the caller's environment has already.
    pub(crate) fn with_env(mut self, variables: &[(&str, &str)]) -> Self {
        if let Action::Commands(commands) | Action::Tests(commands) = &mut self.action {
            let missing = variables.iter().filter(|(name, _)| std::env::var_os(name).is_none());
            for (name, value) in missing {
                commands.iter_mut().for_each(|command| _ = command.env(name, value));
            }
        }
        self
    }

    fn run(self) -> Report {
        let start = Instant::now();
        let mut counts = Counts::default();
        let outcome = match (self.needs)() {
            Err(missing) => Outcome::Skipped(missing),
            Ok(()) => match run_all(self.setup).and_then(|()| self.action.run(&mut counts)) {
                Ok(()) => Outcome::Passed,
                Err(why) => Outcome::Failed(why),
            },
        };
        match &outcome {
            Outcome::Passed => {}
            Outcome::Failed(why) => println!("FAILED {}: {why}", self.name),
            Outcome::Skipped(why) => println!("skipped {}: {why}", self.name),
        }
        Report { name: self.name, outcome, time: start.elapsed(), counts }
    }
}

impl Action {
    fn run(self, counts: &mut Counts) -> Result<(), String> {
        match self {
            Self::Commands(commands) => run_all(commands),
            Self::Tests(mut commands) => run_tests(&mut commands, counts),
            Self::Inspect(rule) => rule(),
        }
    }
}

/// Runs commands in order, up to the first that fails.
fn run_all(mut commands: Vec<Command>) -> Result<(), String> {
    commands.iter_mut().try_for_each(|command| {
        announce(command);
        child::run(command)
    })
}

/// Runs every command; the first failure is the one reported.
fn run_tests(commands: &mut [Command], counts: &mut Counts) -> Result<(), String> {
    let mut result = Ok(());
    for command in commands {
        announce(command);
        result = result.and(child::run_counting(command, counts));
    }
    if result.is_ok() && counts.ran() == 0 {
        return Err("no test ran".to_owned());
    }
    result
}

fn announce(command: &Command) {
    println!("$ {}", child::describe(command));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::shell;

    #[test]
    fn commands_stop_at_the_first_failure() {
        let commands = [shell("exit 0"), shell("exit 7"), shell("exit 8")];
        let report = Step::commands("sample", "", commands).run();
        assert!(matches!(report.outcome, Outcome::Failed(why) if why.contains('7')));
    }

    #[test]
    fn tests_go_on_after_a_failure() {
        let line = "echo 'test result: ok. 1 passed; 0 failed; 0 ignored'";
        let commands = [shell(&format!("{line}; exit 1")), shell(line)];
        let report = Step::tests("sample", "", commands).run();
        assert!(matches!(report.outcome, Outcome::Failed(_)));
        assert_eq!(report.counts.passed, 2);
    }

    #[test]
    fn tests_do_not_run_where_what_comes_before_them_fails() {
        let line = "echo 'test result: ok. 1 passed; 0 failed; 0 ignored'";
        let step = || Step::tests("sample", "", [shell(line)]);
        let report = step().after([shell("exit 0")]).run();
        assert_eq!((report.outcome, report.counts.passed), (Outcome::Passed, 1));
        let report = step().after([shell("exit 7"), shell(line)]).run();
        assert!(matches!(report.outcome, Outcome::Failed(why) if why.contains('7')));
        assert_eq!(report.counts.passed, 0);
    }

    #[test]
    fn a_test_step_that_runs_no_test_fails() {
        let report = Step::tests("sample", "", [shell("exit 0")]).run();
        assert_eq!(report.outcome, Outcome::Failed("no test ran".to_owned()));
    }

    #[test]
    fn a_step_that_lacks_its_tool_is_skipped() {
        let step = Step::commands("sample", "", [shell("exit 1")]);
        let report = step.needing(|| Err("no tool".to_owned())).run();
        assert_eq!(report.outcome, Outcome::Skipped("no tool".to_owned()));
    }

    #[test]
    fn unknown_steps_and_options_are_refused() {
        for arg in ["unknown", "--unknown"] {
            let steps = vec![Step::commands("sample", "", [])];
            assert!(run_selected(steps, &[arg.to_owned()]).is_err(), "{arg}");
        }
    }

    #[test]
    fn only_the_named_steps_run() {
        let steps = vec![
            Step::inspect("other", "", || Err("ran".to_owned())),
            Step::inspect("sample", "", || Ok(())),
        ];
        let Ok(Run::Finished(reports)) = run_selected(steps, &["sample".to_owned()]) else {
            panic!("the step is known");
        };
        assert_eq!(reports.iter().map(|report| report.name).collect::<Vec<_>>(), ["sample"]);
    }
}
