//! What a child does: it makes the store, writes until it is killed or stopped, or looks at what is left.

use std::io::{self, Read as _, Write as _};
use std::path::Path;

use clap::ValueEnum;

use crate::content::{Author, KEYS, OTHER, VICTIM, key, value};
use crate::subject::{Kind, Shared};

/// A part in a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Makes the store, and has it open until its input ends: a store that nobody has open may be repaired by who opens it next.
    Maker,
    /// Stops itself before and behind one write.
    Victim,
    /// Reads everything while the victim is dead or stands.
    Reader,
    /// Writes the victim's key and another, and reads them back.
    Writer,
    /// Reads everything at the end.
    LastReader,
}

/// How a child says that a key isn't there.
pub(crate) const LOST: &str = "lost ";
/// How a child says that a value is nobody's.
pub(crate) const WRONG: &str = "wrong ";
/// How a child says what it was told instead of an answer.
pub(crate) const ERROR: &str = "error ";

pub(crate) fn play(role: Role, kind: Kind, directory: &Path) -> Result<(), String> {
    match role {
        Role::Maker => make(kind, directory),
        Role::Victim => write_once(kind, directory),
        Role::Reader | Role::Writer | Role::LastReader => {
            match kind.open(directory) {
                Ok(store) if role == Role::Writer => write(&*store),
                Ok(store) => read(&*store, role == Role::LastReader),
                Err(error) => println!("{ERROR}opening: {error}"),
            }
            Ok(())
        }
    }
}

fn make(kind: Kind, directory: &Path) -> Result<(), String> {
    let store = kind.create(directory)?;
    for index in 0..KEYS {
        store.set(&key(index), &value(index, Author::Maker))?;
    }
    println!("ready");
    let mut rest = Vec::new();
    let waited = io::stdout().flush().and_then(|()| io::stdin().read_to_end(&mut rest));
    waited.map(drop).map_err(|error| format!("waiting for the end: {error}"))
}

fn write_once(kind: Kind, directory: &Path) -> Result<(), String> {
    let store = kind.open(directory)?;
    // A participant as a worker is: it has written before.
    store.set(&key(VICTIM), &value(VICTIM, Author::Maker))?;
    let (key, value) = (key(VICTIM), value(VICTIM, Author::Victim));
    // SAFETY: takes no memory; asks that the parent may trace this process.
    if unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) } != 0 {
        return Err(format!("asking to be traced: {}", io::Error::last_os_error()));
    }
    // SAFETY: takes no memory; stops this process until its parent lets it go on.
    unsafe { libc::raise(libc::SIGSTOP) };
    let result = store.set(&key, &value);
    // SAFETY: as before.
    unsafe { libc::raise(libc::SIGSTOP) };
    result
}

fn read(store: &dyn Shared, at_end: bool) {
    for index in 0..KEYS {
        let authors: &[Author] = match index {
            VICTIM if at_end => &[Author::Maker, Author::Victim, Author::Witness],
            VICTIM => &[Author::Maker, Author::Victim],
            OTHER if at_end => &[Author::Maker, Author::Witness],
            _ => &[Author::Maker],
        };
        look(store, index, authors);
    }
}

fn write(store: &dyn Shared) {
    for index in [VICTIM, OTHER] {
        match store.set(&key(index), &value(index, Author::Witness)) {
            Ok(()) => look(store, index, &[Author::Witness]),
            Err(error) => println!("{ERROR}writing: {error}"),
        }
    }
}

/// Says what is wrong with an item that one of the authors wrote.
fn look(store: &dyn Shared, index: u32, authors: &[Author]) {
    let key = key(index);
    match store.get(&key) {
        Ok(Some(found)) if authors.iter().any(|&author| found == value(index, author)) => {}
        Ok(Some(_)) => println!("{WRONG}{key}"),
        Ok(None) => println!("{LOST}{key}"),
        Err(error) => println!("{ERROR}reading: {error}"),
    }
}
