//! hostcache side by side with maps, caches, stores and servers, in one run: `cargo xtask bench`.
//!
//! Prints ratios with their spread, judges them by the goals, and writes a dated record with its charts.

mod alone;
mod goals;
mod heap;
mod lmdb;
mod memcached;
mod memory;
mod peer;
mod pin;
mod redis;
mod results;
mod server;
mod together;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, iter};

use clap::{Parser, ValueEnum};
use hostcache_benches::chart::{self, Panel};
use hostcache_benches::{processes, record, settings};

use goals::Measured;
use peer::Peer;
use results::Results;
use together::TASKS;

/// What a quick or void run leaves is not for keeping.
const SCRATCH: &str = "target/bench";
const CORNER: &str = "ns per operation";

/// hostcache side by side with maps, caches, stores and servers
#[derive(Parser)]
struct Arguments {
    /// Fewer rounds, 100,000 keys where they are many; the record goes to target/bench
    #[arg(long)]
    quick: bool,
    /// Whom to measure beside hostcache, DashMap, the floor and the unlocked map [default: all that are there]
    #[arg(long, value_delimiter = ',', value_name = "NAME,NAME")]
    peers: Option<Vec<Peer>>,
    /// A remark for the record, such as what else the machine did
    #[arg(long)]
    note: Option<String>,
    /// Only draw the charts of a record anew
    #[arg(long, value_name = "RECORD")]
    draw: Option<PathBuf>,
}

/// How much is done.
struct Volume {
    rounds: usize,
    rounds_of_two: usize,
    rounds_of_latencies: usize,
    large: u32,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments = Arguments::parse();
    if let Some(path) = &arguments.draw {
        draw(&fs::read_to_string(path)?, path)?;
        return Ok(ExitCode::SUCCESS);
    }
    let volume = if arguments.quick {
        Volume { rounds: 7, rounds_of_two: 3, rounds_of_latencies: 1, large: 100_000 }
    } else {
        Volume { rounds: 61, rounds_of_two: 15, rounds_of_latencies: 7, large: 1_000_000 }
    };
    let (peers, left_out) = select(arguments.peers.as_deref());
    left_out.iter().for_each(|line| eprintln!("skipped {line}"));
    let load = record::load();
    let seed = settings::seed()?;
    let measured = measure(&peers, &volume, seed)?;

    let mut command = "cargo xtask bench".to_owned();
    command += if arguments.quick { " --quick" } else { "" };
    if let Some(chosen) = &arguments.peers {
        let names: Vec<String> = chosen.iter().map(|peer| peer.name()).collect();
        command += &format!(" --peers {}", names.join(","));
    }
    let mut text = record::head("Side by side", &command, seed);
    text.truncate(text.trim_end().len());
    text += &format!("\n* Load at the start: {load}\n");
    let remarks = left_out.iter().map(|line| format!("Left out: {line}"));
    for line in remarks.chain(arguments.note) {
        text += &format!("* {line}\n");
    }
    let void = goals::void(&measured.alone);
    if let Some(why) = &void {
        text += &format!("* **Void**: {why}\n");
    }
    text += &body(&measured, &volume);
    print!("\n{text}");
    let folder = match void {
        None if !arguments.quick => record::folder(),
        _ => PathBuf::from(SCRATCH),
    };
    fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{}-side-by-side.md", record::today()));
    fs::write(&path, &text)?;
    eprintln!("written to {}", path.display());
    draw(&text, &path)?;
    if let Some(why) = void {
        eprintln!("this run is void: {why}. Run it again when the machine is quieter");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Whom to measure, and why others are left out.
fn select(chosen: Option<&[Peer]>) -> (Vec<Peer>, Vec<String>) {
    let wanted =
        |peer: &Peer| peer.is_yardstick() || chosen.is_none_or(|chosen| chosen.contains(peer));
    let mut left_out = Vec::new();
    let mut there = |peer: &Peer| match peer.require() {
        Ok(()) => true,
        Err(missing) => {
            left_out.push(format!("{}: {missing}", peer.name()));
            false
        }
    };
    let all = Peer::value_variants().iter().copied();
    let peers = all.filter(wanted).filter(|peer| there(peer)).collect();
    (peers, left_out)
}

fn measure(peers: &[Peer], volume: &Volume, seed: u64) -> Result<Measured, Box<dyn Error>> {
    let cpus = processes::choose_two()?;
    let mut alone = Results::default();
    processes::pin_to(&cpus[1..])?;
    for group in alone::groups(volume.large) {
        alone::run(&group, peers, volume.rounds, seed, &mut alone)?;
    }
    processes::pin_to(&cpus)?;
    Ok(Measured {
        alone,
        together: together::run(peers, cpus, volume.rounds_of_two, seed)?,
        latencies: together::latencies(peers, cpus, volume.rounds_of_latencies, seed)?,
        bytes_per_item: memory::bytes_per_item()?,
    })
}

fn body(measured: &Measured, volume: &Volume) -> String {
    let Measured { alone, together, latencies, bytes_per_item } = measured;
    format!(
        "\nMedians over rounds, with quartiles in brackets; ratios are formed within a round.\n\n\
         ## Goals\n\n{}\n\
         ## One worker, {} rounds\n\n{}\nRatios, below 1 where hostcache is faster:\n\n{}\n\
         ## Two workers at once, {} rounds\n\n\
         Processes; threads of one process where the subject has no more. *kept* is the share of batches that certainly overlapped.\n\n{}\n\
         ## Latency of get, two workers, {}, {} rounds\n\n\
         The clock, read twice, is in every figure; so is whatever took the CPU away. Servers hold 1,000 keys.\n\n{}\n\
         ## Memory\n\n{bytes_per_item:.1} B of capacity per item of 16 B key and 100 B value, after three times the capacity was set.\n",
        measured.goal_table(),
        volume.rounds,
        alone.table(CORNER),
        alone.ratio_table(),
        volume.rounds_of_two,
        together.table(),
        TASKS[3].0,
        volume.rounds_of_latencies,
        latencies.table(),
    )
}

/// Draws the charts of the record `text` beside `path`.
fn draw(text: &str, path: &Path) -> Result<(), Box<dyn Error>> {
    let hot = ["get hit", "set over existing"].map(|name| format!("{name}, 1,000 keys, 100 B"));
    let many = text.lines().find_map(|line| {
        let case = line.trim_start_matches("| get hit, 1").split('|').next()?.trim();
        let many = line.starts_with("| get hit, 1") && case.ends_with("000 keys, 100 B");
        (many && !case.starts_with(",000 keys")).then(|| format!("get hit, 1{case}"))
    });
    let rows = hot.into_iter().chain(many);
    let rows = rows.chain(iter::once("get_many of 100, a key, 1,000 keys, 100 B".to_owned()));
    let panel = |row: String| {
        let title = format!("{row}: time per operation, logarithmic");
        Panel::from_record(text, &row, &title, &["loop"])
    };
    let panels: Vec<Panel> = rows.filter_map(panel).collect();
    for theme in chart::THEMES {
        let path = path.with_file_name(format!("side-by-side-{}.svg", theme.name));
        fs::write(&path, chart::draw(&panels, "hostcache", theme))?;
        eprintln!("drawn: {}", path.display());
    }
    Ok(())
}
