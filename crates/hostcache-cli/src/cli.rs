//! The command line's grammar: the verbs, and the arguments that several of them share.
//!
//! What a single verb understands stands beside that verb, in `command`.

use std::ffi::OsString;

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::bytes;
use crate::command;
use crate::failure::Failure;
use crate::output::Format;

/// A cache in the memory of one host, shared by many processes
#[derive(Debug, Parser)]
#[command(name = "hostcache", version, max_term_width = 100)]
#[command(after_help = "\
Exit codes: 0 found or done, 1 a miss or a condition not met, 2 an error.
Regions live in $HOSTCACHE_DIR, else in /dev/shm/hostcache-<uid>, those of a group in
/dev/shm/hostcache-group-<gid>; a NAME is looked for in this order. With a / in it, it is a file.
A key or value that begins with - goes after --.

Example:
  hostcache create catalog --capacity 256MiB
  hostcache set catalog user:1 Ada --ttl 30s
  hostcache get catalog user:1")]
pub(crate) struct Cli {
    /// How to print: text, json (one object on one line), or prometheus (stats only)
    #[arg(long, global = true, value_enum, default_value_t = Format::Text, hide_possible_values = true)]
    pub(crate) format: Format,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// The verbs, in the order in which people meet them.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Create(command::create::Args),
    List(command::list::Args),
    Info(command::info::Args),
    Get(command::get::Args),
    Set(command::set::Args),
    Add(command::add::Args),
    Cas(command::cas::Args),
    Delete(command::delete::Args),
    Incr(command::incr::Args),
    Decr(command::decr::Args),
    Touch(command::touch::Args),
    Ttl(command::ttl::Args),
    Keys(command::keys::Args),
    Dump(command::dump::Args),
    Load(command::load::Args),
    Stats(command::stats::Args),
    Top(command::top::Args),
    Ps(command::ps::Args),
    Check(command::check::Args),
    Clear(command::clear::Args),
    Destroy(command::destroy::Args),
    Serve(command::serve::Args),
    Demo(command::demo::Args),
    Replay(command::replay::Args),
    Man(command::man::Args),
    Completions(command::completions::Args),
    #[command(name = hostcache_demo::WORKER_ARGUMENT, hide = true, disable_help_flag = true)]
    DemoWorker(WorkerArgs),
}

impl Verb {
    /// Whether the command's log is what its user wants to read.
    pub(crate) fn is_daemon(&self) -> bool {
        matches!(self, Self::Serve(_))
    }

    /// Whether the command has something to say to Prometheus.
    pub(crate) fn speaks_prometheus(&self) -> bool {
        matches!(self, Self::Stats(_))
    }
}

/// Which region.
#[derive(Debug, Args)]
pub(crate) struct RegionArg {
    /// Name of the region, the path of its file, or unix:SOCKET where a daemon hands it out
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

/// Which key.
#[derive(Debug, Args)]
pub(crate) struct KeyArg {
    /// The key: 1 byte to 64 KiB, any bytes
    #[arg(value_name = "KEY")]
    key: OsString,
    /// KEY is written in hexadecimal digits, such as 00ff
    #[arg(long)]
    hex_key: bool,
}

impl KeyArg {
    /// The key's bytes.
    pub(crate) fn bytes(&self) -> Result<std::borrow::Cow<'_, [u8]>, Failure> {
        bytes::from_argument(&self.key, self.hex_key)
    }
}

/// A group's number, from its name or its number.
pub(crate) fn parse_group(text: &str) -> Result<u32, String> {
    hostcache::group_id(text).ok_or_else(|| {
        format!("there is no group {text:?}: `getent group` lists them, and a number will do too")
    })
}

/// What a parent process passes to a worker that it starts from this program.
#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<String>,
}

/// The grammar without what is hidden, for manual pages and completions: both would show it.
pub(crate) fn public_grammar() -> clap::Command {
    let all = Cli::command();
    let mut public = clap::Command::new("hostcache")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .args(all.get_arguments().cloned())
        .subcommands(all.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned());
    if let Some(about) = all.get_about() {
        public = public.about(about.clone());
    }
    if let Some(help) = all.get_after_help() {
        public = public.after_help(help.clone());
    }
    public
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_contradicts_itself_nowhere() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_verb_explains_itself_with_an_example() {
        for verb in Cli::command().get_subcommands().filter(|verb| !verb.is_hide_set()) {
            let name = verb.get_name();
            let help = verb.clone().render_long_help().to_string();
            assert!(help.contains(&format!("Example:\n  hostcache {name}")), "{name}:\n{help}");
            assert!(verb.get_about().is_some(), "{name} has no description");
        }
    }

    #[test]
    fn the_public_grammar_is_the_grammar_without_hidden_verbs() {
        let visible = |command: clap::Command| {
            let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set());
            verbs.map(|verb| verb.get_name().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(visible(public_grammar()), visible(Cli::command()));
        assert_eq!(public_grammar().get_subcommands().filter(|verb| verb.is_hide_set()).count(), 0);
        public_grammar().debug_assert();
    }

    #[test]
    fn a_worker_gets_its_arguments_as_they_are() {
        let words = ["hostcache", "__demo-worker", "--help", "-x", "--format", "y"];
        let cli = Cli::try_parse_from(words).expect("no argument is judged here");
        match cli.verb {
            Verb::DemoWorker(worker) => assert_eq!(worker.arguments, words[2..]),
            other => panic!("parsed as {other:?}"),
        }
    }
}
