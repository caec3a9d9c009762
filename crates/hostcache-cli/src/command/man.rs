//! `man`: manual pages, from the same grammar as the help texts.

use std::fs;
use std::iter;
use std::path::PathBuf;

use clap_mangen::Man;
use serde::Serialize;

use crate::cli::public_grammar;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Write the manual pages: hostcache.1, and one for each verb
///
/// Without --dir the page of the program itself goes to standard output.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache man --dir /usr/local/share/man/man1
  hostcache man | man -l -")]
pub(crate) struct Args {
    /// Write all pages into this directory, which is made if it is missing
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

#[derive(Serialize)]
struct Written {
    pages: Vec<String>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    // clap's verb `help` explains nothing that the pages do not.
    let mut program = public_grammar().disable_help_subcommand(true);
    program.build();
    let Some(dir) = &args.dir else {
        let mut page = Vec::new();
        page_of(&program).render(&mut page).map_err(Failure::Output)?;
        output.raw(&page)?;
        return Ok(Outcome::Yes);
    };
    let failed = |path: PathBuf| move |error| Failure::File { operation: "write", path, error };
    fs::create_dir_all(dir).map_err(failed(dir.clone()))?;
    let mut pages = Vec::new();
    for command in iter::once(&program).chain(program.get_subcommands()) {
        let page = page_of(command);
        let name = page.get_filename();
        page.generate_to(dir).map_err(failed(dir.join(&name)))?;
        pages.push(name);
    }
    let word = format!("{} pages in {}", pages.len(), dir.display());
    output.report(&Written { pages }, word)?;
    Ok(Outcome::Yes)
}

fn page_of(command: &clap::Command) -> Man {
    let version = env!("CARGO_PKG_VERSION");
    Man::new(command.clone()).source(format!("hostcache {version}")).manual("hostcache")
}
