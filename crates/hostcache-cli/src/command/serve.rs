//! `serve`: the daemon.

use std::path::{Path, PathBuf};

use hostcache::Cache;
use hostcache_daemon::{
    Access, Config, Daemon, Handout, Notices, Reload, ReloadFlag, StopFlag, Summary,
};
use serde::Serialize;

use crate::cli::{RegionArg, parse_group};
use crate::failure::{Failure, Outcome};
use crate::open;
use crate::output::Output;
use crate::settings::Settings;
use crate::units::whole_millis;

/// Run the daemon: expire, evict ahead of need, recover what dead processes held
///
/// The cache works without it; the daemon takes that work out of the workers' way. A second one on the
/// same region stands by and takes over when the first has ended. SIGTERM and SIGINT end it within a
/// second; it also ends when the region is destroyed. It logs to standard error (RUST_LOG sets the
/// level) and only when something happened. Started by a service manager with $NOTIFY_SOCKET, it says
/// when it is ready, alive and about to end.
///
/// With --memfd the region has no file in any directory: it begins empty with this daemon and lives as
/// long as any process has it, also when the daemon has ended. The socket has mode 0600 (0660 with a
/// group), and is removed at the end; a stale one is replaced, one that somebody listens on never.
///
/// With --settings it reads a TOML file in which every option below from --capacity on may stand under
/// its name with _ for -, such as `recover_every = "100ms"`; an option on the command line is stronger.
/// SIGHUP makes it read the file anew: what changed is logged, and a file with a mistake changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache serve catalog --capacity 256MiB
  hostcache serve catalog --memfd /run/shop/catalog.sock --capacity 256MiB
  hostcache serve catalog --settings /etc/hostcache/catalog.toml
  hostcache serve catalog --once")]
pub(crate) struct Args {
    #[command(flatten)]
    region: RegionArg,
    /// Make one pass over the whole region, then end
    #[arg(long)]
    once: bool,
    /// Read settings from a TOML file, anew at every SIGHUP
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Make the region in sealed memory without a file, and hand it out at this Unix socket to this user's
    /// processes: they attach with unix:SOCKET for a NAME. Needs a capacity
    #[arg(long, value_name = "SOCKET", conflicts_with = "once")]
    memfd: Option<PathBuf>,
    /// With --memfd: hand it out to members of this group too
    #[arg(long, value_name = "GROUP", requires = "memfd", value_parser = parse_group)]
    memfd_group: Option<u32>,
    #[command(flatten)]
    flags: Settings,
}

#[derive(Serialize)]
struct Served {
    region: String,
    end: &'static str,
    led: bool,
    elapsed_ms: u64,
    steps: u64,
    sweeps: u64,
    buckets: u64,
    expired: u64,
    cleared: u64,
    evicted: u64,
    recovered_participants: u64,
    recovered_blocks: u64,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    // Before anything takes time, so that an early signal is heard too.
    let stop = StopFlag::on_signals()?;
    // SIGHUP: only a daemon with a settings file has something to read anew; any other ends with its terminal.
    let reload = match args.settings.as_deref() {
        Some(path) => Some((path, ReloadFlag::on_signal()?)),
        None => None,
    };
    let settings = current(&args.flags, args.settings.as_deref()).map_err(Failure::Usage)?;
    let config = Config { once: args.once, ..settings.config() };
    config.validate()?;
    let name = args.region.name.as_str();
    let core_dumps = settings.core_dumps.unwrap_or(true);
    let access = args.memfd_group.map_or(Access::User, Access::Group);
    let cache = match (&args.memfd, settings.capacity) {
        (Some(_), Some(bytes)) => in_memory(name, bytes, access, core_dumps)?,
        (Some(_), None) => {
            let text = "--memfd makes a region and needs its size: add --capacity 256MiB";
            return Err(Failure::Usage(text.to_owned()));
        }
        (None, capacity) => open::writer_or_create(name, capacity, core_dumps)?,
    };
    // Its end is this function's: the socket goes with it.
    let handout = args.memfd.as_deref().map(|path| Handout::start(&cache, path, access));
    let _handout = handout.transpose()?;
    let mut daemon = Daemon::new(config).notices(Notices::from_environment());
    if let Some((path, flag)) = reload {
        daemon = daemon.reload(Reload::new(flag, || reread(&args.flags, path, &cache)));
    }
    let summary = daemon.run(&cache, &stop)?;
    if output.is_json() {
        output.json(&object(cache.name(), &summary))?;
    }
    Ok(Outcome::Yes)
}

/// A region without a file, that those who may have it can open.
fn in_memory(
    name: &str,
    capacity: u64,
    access: Access,
    core_dumps: bool,
) -> Result<Cache, Failure> {
    let builder = Cache::builder(name).capacity(capacity).mode(access.mode());
    let builder = builder.exclude_from_core_dumps(!core_dumps).memfd();
    let builder = match access {
        Access::Group(group) => builder.group(group),
        _ => builder,
    };
    Ok(builder.create()?)
}

/// The flags, and where they say nothing, the file.
fn current(flags: &Settings, file: Option<&Path>) -> Result<Settings, String> {
    match file {
        Some(path) => Settings::read(path).map(|file| flags.or(&file)),
        None => Ok(flags.clone()),
    }
}

/// What a running daemon can take over from its settings.
fn reread(flags: &Settings, path: &Path, cache: &Cache) -> Result<Config, String> {
    let settings = current(flags, Some(path))?;
    if let Some(wanted) = settings.capacity.filter(|wanted| wanted & !4095 != cache.capacity()) {
        log::warn!(
            "setting-ignored region={} capacity={wanted} reason=\"the region keeps its {} bytes until it is \
             destroyed and made anew\"",
            cache.name(),
            cache.capacity()
        );
    }
    Ok(settings.config())
}

fn object(region: &str, summary: &Summary) -> Served {
    Served {
        region: region.to_owned(),
        end: summary.end.word(),
        led: summary.led,
        elapsed_ms: whole_millis(summary.elapsed),
        steps: summary.steps,
        sweeps: summary.sweeps,
        buckets: summary.buckets,
        expired: summary.expired,
        cleared: summary.cleared,
        evicted: summary.evicted,
        recovered_participants: summary.recovered_participants,
        recovered_blocks: summary.recovered_blocks,
    }
}
