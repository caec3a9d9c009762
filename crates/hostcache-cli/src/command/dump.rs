//! `dump`: writes every item to a file.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use hostcache::{Cache, Item};
use serde::Serialize;

use crate::cli::RegionArg;
use crate::dump::{DumpWriter, StoredItem};
use crate::failure::{Failure, Outcome};
use crate::open;
use crate::output::{Output, note};
use crate::units::{counted, format_size, unix_ms, whole_millis};

/// Bytes that are written at once.
const BUFFER: usize = 1 << 20;

/// Write every item to a file, for `load`
///
/// With values, flags, encodings and deadlines; a deadline is kept as a time of day, so that the time
/// until the load counts. Others may go on working: each item is written as it was at one moment, but not
/// all of them at the same one. FILE appears whole or not at all, readable by its owner alone. Without
/// FILE, or with -, the dump goes to standard output. Exit code 1 if items were replaced too fast to be
/// copied.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache dump catalog catalog.dump
  hostcache dump catalog | zstd > catalog.dump.zst")]
pub(crate) struct Args {
    #[command(flatten)]
    region: RegionArg,
    /// The file; an existing one is replaced when the dump is complete
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

#[derive(Debug, Default, Serialize)]
struct Dumped {
    items: u64,
    bytes: u64,
    contended: u64,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    let file = args.file.as_deref().filter(|path| *path != Path::new("-"));
    if file.is_none() && output.to_terminal() {
        let text = "a dump is no text for a terminal: name a FILE, or pipe it somewhere";
        return Err(Failure::Usage(text.to_owned()));
    }
    if file.is_none() && output.is_json() {
        let text = "--format json describes the dump on standard output: the dump itself needs a FILE then";
        return Err(Failure::Usage(text.to_owned()));
    }
    let cache = open::observer(&args.region.name)?;
    let dumped = match file {
        None => write(&cache, output.stdout(), &Failure::Output)?,
        Some(path) => to_file(&cache, path)?,
    };
    let size = format_size(dumped.bytes);
    let mut word = format!("{}, {size}", counted(dumped.items, "item"));
    if dumped.contended > 0 {
        word +=
            &format!("; {} were replaced during every copy, and are not in it", dumped.contended);
    }
    if file.is_some() {
        output.report(&dumped, word)?;
    } else {
        note(word);
    }
    Ok((dumped.contended == 0).into())
}

/// By way of a file beside it, so that a dump that fails leaves the one before as it is.
fn to_file(cache: &Cache, path: &Path) -> Result<Dumped, Failure> {
    let fail = |error| Failure::File { operation: "write", path: path.to_owned(), error };
    if path.symlink_metadata().is_ok_and(|found| !found.is_file()) {
        // A pipe, a device, a link: written as it is.
        let file = OpenOptions::new().write(true).truncate(true).open(path).map_err(fail)?;
        return write(cache, BufWriter::with_capacity(BUFFER, file), &fail);
    }
    let partial = partial_path(path);
    let file = claim(&partial).map_err(|error| Failure::File {
        operation: "write",
        path: partial.clone(),
        error,
    })?;
    let finish = || {
        let dumped = write(cache, BufWriter::with_capacity(BUFFER, &file), &fail)?;
        file.sync_all().map_err(fail)?;
        fs::rename(&partial, path).map_err(fail)?;
        Ok(dumped)
    };
    finish().inspect_err(|_| {
        // What can't be removed is overwritten by the next dump.
        let _ = fs::remove_file(&partial);
    })
}

fn partial_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

/// An empty file for this process alone; what a killed dump left is taken over.
fn claim(path: &Path) -> io::Result<File> {
    let busy = |text: String| io::Error::new(io::ErrorKind::ResourceBusy, text);
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).mode(0o600).open(path)?;
    file.try_lock().map_err(|error| busy(format!("another dump is writing there: {error}")))?;
    // The one that held the lock may have put this very file in its place meanwhile.
    let (own, there) = (file.metadata()?, path.symlink_metadata()?);
    if (own.dev(), own.ino()) != (there.dev(), there.ino()) {
        return Err(busy("another dump has just been written there".to_owned()));
    }
    // What was left there may have another mode, or, which this refuses, another owner.
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.set_len(0)?;
    Ok(file)
}

fn write<W: Write>(
    cache: &Cache,
    output: W,
    fail: &impl Fn(io::Error) -> Failure,
) -> Result<Dumped, Failure> {
    let mut writer = DumpWriter::begin(output, unix_ms()).map_err(fail)?;
    let mut walk = cache.items();
    for (key, item) in &mut walk {
        writer.item(&stored(key, item)).map_err(fail)?;
    }
    let (items, bytes) = writer.finish().map_err(fail)?;
    Ok(Dumped { items, bytes, contended: walk.skipped() })
}

fn stored(key: Vec<u8>, item: Item) -> StoredItem {
    // 0 is no deadline.
    let at = |ttl| unix_ms().saturating_add(whole_millis(ttl)).max(1);
    let deadline = item.info.ttl.map(at);
    let (flags, encoding) = (item.info.flags, item.info.encoding);
    StoredItem { key, value: item.value, flags, encoding, deadline }
}
