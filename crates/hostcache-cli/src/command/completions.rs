//! `completions`: a script that makes a shell complete verbs and options.

use clap_complete::Shell;

use crate::cli::public_grammar;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Print a shell's completion script
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache completions bash > /etc/bash_completion.d/hostcache
  hostcache completions zsh > \"${fpath[1]}/_hostcache\"
  hostcache completions fish > ~/.config/fish/completions/hostcache.fish")]
pub(crate) struct Args {
    /// Which shell
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut public_grammar(), "hostcache", &mut script);
    output.raw(&script)?;
    Ok(Outcome::Yes)
}
