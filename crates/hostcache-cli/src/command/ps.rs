//! `ps`: who takes part.

use std::fs;

use hostcache::{Cache, ParticipantInfo};
use serde::Serialize;

use crate::bytes::printable;
use crate::cli::RegionArg;
use crate::failure::{Failure, Outcome};
use crate::open;
use crate::output::{Output, note};
use crate::table::{Align, Table};

/// List the participants: which processes use the region, and what each holds
///
/// A process that only reads, attached read-only, needs no participant and is not listed. Pins and reservations
/// of a process are in slots of their own, beside its threads'.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hostcache ps catalog")]
pub(crate) struct Args {
    #[command(flatten)]
    region: RegionArg,
}

#[derive(Serialize)]
struct Participants {
    participants: Vec<Participant>,
}

/// One participant, its state included.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Participant {
    pub(crate) slot: u32,
    pub(crate) incarnation: u64,
    pub(crate) pid: u32,
    /// One of [`STATES`].
    pub(crate) state: &'static str,
    pub(crate) held_bytes: u64,
    pub(crate) pins: u64,
    pub(crate) pinned_bytes: u64,
    pub(crate) reserved_bytes: u64,
    pub(crate) command: String,
}

/// What a participant may be. The lock proves life or death; that a living process is stopped is a hint
/// from the process table, where a process of another pid namespace goes by another number.
pub(crate) const STATES: [&str; 3] = ["alive", "stopped", "dead"];

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    let participants = participants(&open::observer(&args.region.name)?);
    if output.is_json() {
        output.json(&Participants { participants })?;
    } else if participants.is_empty() {
        note("no participants");
    } else {
        output.text(table(&participants))?;
    }
    Ok(Outcome::Yes)
}

/// Everybody who takes part at this moment.
pub(crate) fn participants(cache: &Cache) -> Vec<Participant> {
    cache.participants().into_iter().map(Participant::of).collect()
}

impl Participant {
    fn of(info: ParticipantInfo) -> Self {
        Self {
            slot: info.slot,
            incarnation: info.incarnation,
            pid: info.pid,
            state: state(&info),
            held_bytes: info.held_bytes,
            pins: info.pins,
            pinned_bytes: info.pinned_bytes,
            reserved_bytes: info.reserved_bytes,
            command: info.command,
        }
    }
}

/// Those that hold items in place or reserve room, the most bytes first.
pub(crate) fn holders(participants: &[Participant]) -> Vec<&Participant> {
    let holds = |one: &&Participant| one.pins > 0 || one.reserved_bytes > 0;
    let mut holders: Vec<_> = participants.iter().filter(holds).collect();
    holders
        .sort_by_key(|one| std::cmp::Reverse(one.pinned_bytes.saturating_add(one.reserved_bytes)));
    holders
}

/// The participants as text; `stats` shows them too.
pub(crate) fn table(participants: &[Participant]) -> Table<8> {
    let mut table = Table::with_heading([
        ("SLOT", Align::Right),
        ("PID", Align::Right),
        ("STATE", Align::Left),
        ("HELD", Align::Right),
        ("PINS", Align::Right),
        ("PINNED", Align::Right),
        ("RESERVED", Align::Right),
        ("COMMAND", Align::Left),
    ]);
    for participant in participants {
        table.row([
            participant.slot.to_string(),
            participant.pid.to_string(),
            participant.state.to_owned(),
            participant.held_bytes.to_string(),
            participant.pins.to_string(),
            participant.pinned_bytes.to_string(),
            participant.reserved_bytes.to_string(),
            printable(participant.command.as_bytes()).into_owned(),
        ]);
    }
    table
}

fn state(participant: &ParticipantInfo) -> &'static str {
    if !participant.alive {
        return "dead";
    }
    let stat = fs::read_to_string(format!("/proc/{}/stat", participant.pid)).unwrap_or_default();
    if is_stopped(&stat) { "stopped" } else { "alive" }
}

/// Reads `pid (command) S …`, where the command may contain anything.
fn is_stopped(stat: &str) -> bool {
    stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with(['T', 't']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_process_is_told_by_its_state_and_not_by_its_name() {
        assert!(is_stopped("42 (worker) T 1 42 42"));
        assert!(is_stopped("42 (x) S) t 1 42 42"));
        assert!(!is_stopped("42 (worker) S 1 42 42"));
        assert!(!is_stopped("42 (a) T) R 1 42 42"));
        assert!(!is_stopped(""));
    }
}
