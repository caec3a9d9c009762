//! `man`: manual pages, from the same grammar as the help texts.

use std::fs;
use std::io;
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
        output.raw(rendered(&page_of(&program)).map_err(Failure::Output)?.as_bytes())?;
        return Ok(Outcome::Yes);
    };
    let failed = |path: PathBuf| move |error| Failure::File { operation: "write", path, error };
    fs::create_dir_all(dir).map_err(failed(dir.clone()))?;
    let mut pages = Vec::new();
    for command in iter::once(&program).chain(program.get_subcommands()) {
        let page = page_of(command);
        let name = page.get_filename();
        let path = dir.join(&name);
        rendered(&page).and_then(|page| fs::write(&path, page)).map_err(failed(path))?;
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

/// A page as `man` wants it: what stands behind a help text has a section of the name EXTRA there, and its lines are filled.
fn rendered(page: &Man) -> io::Result<String> {
    const EXAMPLE: &str = ".SH EXAMPLE\n.nf\n";
    let mut bytes = Vec::new();
    page.render(&mut bytes)?;
    let text = String::from_utf8(bytes).map_err(io::Error::other)?;
    let text = text.replace(".SH EXTRA\nExample:\n", EXAMPLE).replace(".SH EXTRA\n", ".SH NOTES\n");
    let text = text.replace("\n\nExample:\n", &format!("\n{EXAMPLE}"));
    Ok(match text.split_once(EXAMPLE) {
        None => text,
        Some((before, after)) => {
            let (lines, next) = after.split_once("\n.SH ").unwrap_or((after.trim_end(), ""));
            let next = if next.is_empty() { String::new() } else { format!(".SH {next}") };
            format!("{before}{EXAMPLE}{lines}\n.fi\n{next}")
        }
    })
}
