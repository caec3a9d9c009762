//! `load`: reads a dump.

use std::fs::File;
use std::io::{self, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};

use hostcache::{Cache, Lifetime, SetOptions, WriteError};
use serde::Serialize;

use crate::cli::RegionArg;
use crate::dump::{DumpReader, Step, StoredItem};
use crate::failure::{Failure, Outcome};
use crate::open;
use crate::output::Output;
use crate::units;

/// Bytes that are read at once.
const BUFFER: usize = 1 << 20;

/// Load the items of a dump into a region
///
/// Items whose deadline has passed since are left out. A key that is in the region already keeps the value
/// it has there, which is newer; with --replace the dump's value takes its place. Without FILE, or with -,
/// the dump is read from standard input. A damaged or cut dump is an error that names the place; what
/// stood before it has been loaded. Exit code 1 if items were left out for want of room.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache load catalog catalog.dump --capacity 256MiB
  zstd -dc catalog.dump.zst | hostcache load catalog")]
pub(crate) struct Args {
    #[command(flatten)]
    region: RegionArg,
    /// The file that dump wrote
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Create the region with this capacity if it is missing
    #[arg(long, value_name = "SIZE", value_parser = units::parse_size)]
    capacity: Option<u64>,
    /// The dump's values take the place of those in the region
    #[arg(long)]
    replace: bool,
}

/// What became of the items of a dump.
#[derive(Debug, Default, Serialize)]
struct Loaded {
    loaded: u64,
    /// Keys that were there already.
    kept: u64,
    /// Deadline passed.
    expired: u64,
    /// Larger than the region takes, or no room to be had.
    refused: u64,
    /// Items of the region that ended for want of room meanwhile, those of the dump included.
    evicted: u64,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    let file = args.file.as_deref().filter(|path| *path != Path::new("-"));
    let (input, origin): (Box<dyn Read>, String) = match file {
        Some(path) => {
            let fail = |error| Failure::File { operation: "read", path: path.to_owned(), error };
            (Box::new(File::open(path).map_err(fail)?), path.display().to_string())
        }
        None if io::stdin().is_terminal() => {
            let text = "there is no dump on a terminal: name a FILE, or pipe a dump into it";
            return Err(Failure::Usage(text.to_owned()));
        }
        None => (Box::new(io::stdin().lock()), "standard input".to_owned()),
    };
    // Judged before a region is made for it.
    let mut loaded = Loaded::default();
    let reader = DumpReader::begin(BufReader::with_capacity(BUFFER, input))
        .map_err(|damage| broken_off(&origin, &damage, &loaded))?;
    let cache = open::writer_or_create(&args.region.name, args.capacity, true)?;
    let evictions = cache.stats().evictions;
    let result = load(&cache, reader, args.replace, &mut loaded);
    loaded.evicted = cache.stats().evictions.saturating_sub(evictions);
    result.map_err(|problem| broken_off(&origin, &problem, &loaded))?;
    output.report(&loaded, words(&loaded))?;
    Ok((loaded.refused == 0).into())
}

fn load<R: Read>(
    cache: &Cache,
    mut reader: DumpReader<R>,
    replace: bool,
    loaded: &mut Loaded,
) -> Result<(), String> {
    let mut item = StoredItem::default();
    loop {
        let step = reader.next(&mut item, |key_len| cache.max_value_len(key_len));
        match step.map_err(|damage| damage.to_string())? {
            Step::End => return Ok(()),
            Step::TooLarge { .. } => loaded.refused += 1,
            Step::Item => store(cache, &item, replace, loaded).map_err(|e| e.to_string())?,
        }
    }
}

fn store(
    cache: &Cache,
    item: &StoredItem,
    replace: bool,
    loaded: &mut Loaded,
) -> Result<(), WriteError> {
    if item.deadline.is_some_and(|at| at <= units::unix_ms()) {
        loaded.expired += 1;
        return Ok(());
    }
    let lifetime = item.deadline.map_or(Lifetime::Forever, Lifetime::UnixMillis);
    let options = SetOptions::new().lifetime(lifetime).flags(item.flags).encoding(item.encoding);
    let options = if replace { options } else { options.only_if_absent() };
    match cache.set_with(&item.key, &item.value, &options) {
        Ok(outcome) if outcome.is_stored() => loaded.loaded += 1,
        Ok(_) => loaded.kept += 1,
        // Others may hold the memory; the next item may be smaller.
        Err(WriteError::NoRoom { .. } | WriteError::TooLarge { .. }) => loaded.refused += 1,
        Err(error) => return Err(error),
    }
    Ok(())
}

fn broken_off(origin: &str, problem: &dyn std::fmt::Display, loaded: &Loaded) -> Failure {
    Failure::Load(format!(
        "can't load {origin}: {problem}; {} loaded before",
        units::counted(loaded.loaded, "item")
    ))
}

fn words(loaded: &Loaded) -> String {
    let Loaded { loaded, kept, expired, refused, evicted } = loaded;
    let mut words = format!("{} loaded", units::counted(*loaded, "item"));
    for (count, what) in [
        (kept, "kept as they were in the region"),
        (expired, "left out: expired since the dump"),
        (refused, "left out: the region has no room for them"),
        (evicted, "evicted for want of room meanwhile"),
    ] {
        if *count > 0 {
            words += &format!("; {count} {what}");
        }
    }
    words
}
