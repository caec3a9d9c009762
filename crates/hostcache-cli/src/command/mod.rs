//! The verbs, one file each: the arguments it understands, and `run`.

use crate::cli::Verb;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

pub(crate) mod add;
pub(crate) mod cas;
pub(crate) mod check;
pub(crate) mod clear;
pub(crate) mod completions;
mod counter;
pub(crate) mod create;
pub(crate) mod decr;
pub(crate) mod delete;
pub(crate) mod demo;
pub(crate) mod destroy;
pub(crate) mod dump;
pub(crate) mod get;
pub(crate) mod incr;
pub(crate) mod info;
pub(crate) mod keys;
pub(crate) mod list;
pub(crate) mod load;
pub(crate) mod man;
pub(crate) mod ps;
pub(crate) mod replay;
pub(crate) mod serve;
pub(crate) mod set;
pub(crate) mod stats;
mod store;
pub(crate) mod top;
pub(crate) mod touch;
pub(crate) mod ttl;

/// Runs one verb.
pub(crate) fn run(verb: Verb, output: &mut Output) -> Result<Outcome, Failure> {
    match verb {
        Verb::Create(args) => create::run(&args, output),
        Verb::List(_) => list::run(output),
        Verb::Info(args) => info::run(&args, output),
        Verb::Get(args) => get::run(&args, output),
        Verb::Set(args) => set::run(&args, output),
        Verb::Add(args) => add::run(&args, output),
        Verb::Cas(args) => cas::run(&args, output),
        Verb::Delete(args) => delete::run(&args, output),
        Verb::Incr(args) => incr::run(&args, output),
        Verb::Decr(args) => decr::run(&args, output),
        Verb::Touch(args) => touch::run(&args, output),
        Verb::Ttl(args) => ttl::run(&args, output),
        Verb::Keys(args) => keys::run(&args, output),
        Verb::Dump(args) => dump::run(&args, output),
        Verb::Load(args) => load::run(&args, output),
        Verb::Stats(args) => stats::run(&args, output),
        Verb::Top(args) => top::run(&args, output),
        Verb::Ps(args) => ps::run(&args, output),
        Verb::Check(args) => check::run(&args, output),
        Verb::Clear(args) => clear::run(&args, output),
        Verb::Destroy(args) => destroy::run(&args, output),
        Verb::Serve(args) => serve::run(&args, output),
        Verb::Demo(args) => demo::run(&args, output),
        Verb::Replay(args) => replay::run(&args, output),
        Verb::Man(args) => man::run(&args, output),
        Verb::Completions(args) => completions::run(&args, output),
        Verb::DemoWorker(worker) => Ok(demo::run_worker(&worker.arguments)),
    }
}
