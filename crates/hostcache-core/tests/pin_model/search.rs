//! Every state that a program can reach, breadth first.

use std::collections::HashMap;
use std::fmt::Write;

use crate::state::{BLOCKS, Config, Life, NONE, Pc, State, value_of};
use crate::step::{Stepper, Violation};

#[derive(Clone, Copy, Debug)]
enum Move {
    Step(u8),
    Kill(u8),
    Recover(u8, u8),
}

pub(crate) struct Outcome {
    pub(crate) states: usize,
    pub(crate) violation: Option<(Violation, String)>,
}

fn moves(config: &Config, state: &State) -> Vec<Move> {
    let mut moves = Vec::new();
    for (p, process) in state.processes.iter().enumerate() {
        let finished = process.pc == Pc::Idle && config.op(p, process.op).is_none();
        if process.pc == Pc::Dead {
            continue;
        }
        if !finished {
            moves.push(Move::Step(p as u8));
            if state.kills > 0 && process.pc != Pc::Idle {
                moves.push(Move::Kill(p as u8));
            }
        }
        if process.pc == Pc::Idle && process.op != NONE && p < config.programs.len() {
            for (patient, dead) in state.processes.iter().enumerate() {
                if dead.pc == Pc::Dead && state.lanes[patient].recoverer == NONE {
                    moves.push(Move::Recover(p as u8, patient as u8));
                }
            }
        }
    }
    moves
}

fn apply(config: &Config, state: &State, by: Move) -> Result<State, Violation> {
    let mut next = *state;
    match by {
        Move::Step(p) => {
            Stepper { config, state: &mut next, p: usize::from(p) }.step()?;
        }
        Move::Kill(p) => {
            let process = &mut next.processes[usize::from(p)];
            process.pc = Pc::Dead;
            process.holds = crate::state::Name::NONE;
            let patient = process.patient;
            process.patient = NONE;
            next.kills -= 1;
            if patient != NONE {
                next.lanes[usize::from(patient)].recoverer = NONE;
            }
        }
        Move::Recover(p, patient) => {
            Stepper { config, state: &mut next, p: usize::from(p) }.begin_recovery(patient);
        }
    }
    check(config, &next)?;
    Ok(next)
}

fn check(config: &Config, state: &State) -> Result<(), Violation> {
    for process in &state.processes {
        let held = process.holds;
        if held.is_none() {
            continue;
        }
        let block = state.blocks[usize::from(held.location)];
        let in_place = block.header.is_published() || block.header.life == Life::Orphan;
        if !in_place || block.header.generation != held.generation {
            return Err("a held block is given away");
        }
        if block.value != value_of(held.location, held.generation) {
            return Err("a held item changed");
        }
    }
    let slot = state.slot;
    if !slot.is_none() {
        let header = state.header(slot.location);
        if !header.is_published() || header.generation != slot.generation {
            return Err("a linked block is in other hands");
        }
    }
    let quiet = state
        .processes
        .iter()
        .enumerate()
        .all(|(p, process)| process.pc == Pc::Idle && config.op(p, process.op).is_none());
    if quiet {
        for location in (0..BLOCKS as u8).filter(|&location| location != slot.location) {
            if state.header(location).life != Life::Free {
                return Err("a block is lost");
            }
        }
    }
    Ok(())
}

/// Explores everything that `config` allows, up to the first violation.
pub(crate) fn explore(config: &Config) -> Outcome {
    let initial = config.initial();
    let mut seen = HashMap::from([(initial, 0u32)]);
    let mut found = vec![(initial, 0u32, Move::Step(0))];
    let mut at = 0;
    while at < found.len() {
        let state = found[at].0;
        for by in moves(config, &state) {
            match apply(config, &state, by) {
                Ok(next) => {
                    let index = found.len() as u32;
                    if let std::collections::hash_map::Entry::Vacant(entry) = seen.entry(next) {
                        entry.insert(index);
                        found.push((next, at as u32, by));
                    }
                }
                Err(violation) => {
                    let path = path(&found, at, by);
                    return Outcome { states: found.len(), violation: Some((violation, path)) };
                }
            }
        }
        at += 1;
    }
    Outcome { states: found.len(), violation: None }
}

fn path(found: &[(State, u32, Move)], mut at: usize, last: Move) -> String {
    let mut lines = vec![format!("  {last:?}")];
    while at != 0 {
        let (state, previous, by) = found[at];
        let before = found[previous as usize].0;
        let pc = match by {
            Move::Step(p) => before.processes[usize::from(p)].pc,
            _ => Pc::Idle,
        };
        lines.push(format!(
            "  {by:?} {pc:?}\n      slot {:?} headers {:?} records {:?}",
            state.slot,
            state.blocks.map(|block| block.header),
            state.lanes.map(|lane| lane.record)
        ));
        at = previous as usize;
    }
    lines.reverse();
    let mut text = String::new();
    for line in lines {
        // A string takes every write.
        let _ = writeln!(text, "{line}");
    }
    text
}
