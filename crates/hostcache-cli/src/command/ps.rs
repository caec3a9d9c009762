//! `ps`: who takes part.

use std::fs;

use hostcache::ParticipantInfo;
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
struct Participants<'a> {
    participants: Vec<Participant<'a>>,
}

#[derive(Serialize)]
struct Participant<'a> {
    slot: u32,
    incarnation: u64,
    pid: u32,
    state: &'static str,
    held_bytes: u64,
    pins: u64,
    pinned_bytes: u64,
    reserved_bytes: u64,
    command: &'a str,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<Outcome, Failure> {
    let participants = open::observer(&args.region.name)?.participants();
    if output.is_json() {
        let participants = participants.iter().map(object).collect();
        output.json(&Participants { participants })?;
    } else if participants.is_empty() {
        note("no participants");
    } else {
        output.text(table(&participants))?;
    }
    Ok(Outcome::Yes)
}

fn object(participant: &ParticipantInfo) -> Participant<'_> {
    Participant {
        slot: participant.slot,
        incarnation: participant.incarnation,
        pid: participant.pid,
        state: state(participant),
        held_bytes: participant.held_bytes,
        pins: participant.pins,
        pinned_bytes: participant.pinned_bytes,
        reserved_bytes: participant.reserved_bytes,
        command: &participant.command,
    }
}

/// The participants as text; `stats` shows them too.
pub(crate) fn table(participants: &[ParticipantInfo]) -> Table<8> {
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
            state(participant).to_owned(),
            participant.held_bytes.to_string(),
            participant.pins.to_string(),
            participant.pinned_bytes.to_string(),
            participant.reserved_bytes.to_string(),
            printable(participant.command.as_bytes()).into_owned(),
        ]);
    }
    table
}

/// `alive`, `stopped` or `dead`. The lock proves life or death; that a living process is stopped is a hint
/// from the process table, where a process of another pid namespace goes by another number.
pub(crate) fn state(participant: &ParticipantInfo) -> &'static str {
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
