//! What must hold: of every state, of every move, and when everything is quiet.

use std::fmt::Write as _;

use crate::config::{Config, Op};
use crate::state::{BlockState, Life, NONE, Name, Pc, Slot, State};
use crate::step::Violation;

/// Checks `next`, which one move made of `before`, and brings its ghosts up to date.
pub(crate) fn after_move(
    config: &Config,
    before: &State,
    next: &mut State,
) -> Result<(), Violation> {
    linked_blocks(config, next)?;
    every_block_is_named(config, next)?;
    let visible = visible_values(config, next)?;
    histories(config, before, next, visible)?;
    quiescence(config, next)
}

/// LINKED: a slot names exactly one incarnation, which is whole and in no other hands.
fn linked_blocks(config: &Config, state: &State) -> Result<(), Violation> {
    for (i, slot) in state.slots.iter().enumerate() {
        if slot.word.is_empty() {
            continue;
        }
        let block = state.block(slot.word.location());
        if block.header.state == BlockState::Free {
            return Err("a linked block is free");
        }
        if block.header.generation != slot.generation {
            return Err("a linked block has gone on to another incarnation");
        }
        if block.value == NONE || config.key_of(block.value) != Some(block.key) {
            return Err("a linked block is not wholly written");
        }
        let same =
            |other: &Slot| !other.word.is_empty() && other.word.location() == slot.word.location();
        if state.slots[i + 1..].iter().any(same) {
            return Err("two slots name one block");
        }
    }
    Ok(())
}

/// P4: whoever holds a block has named it in its record, so that its recovery finds it.
fn every_block_is_named(config: &Config, state: &State) -> Result<(), Violation> {
    for location in 0..config.blocks() as u8 {
        let header = state.block(location).header;
        let at = Name::new(location, header.generation);
        let named = match header.state {
            BlockState::Free => true,
            BlockState::Claimed => state.lanes[usize::from(header.owner)].names(location),
            BlockState::Published => {
                let linked = |s: &Slot| !s.word.is_empty() && s.word.location() == location;
                let owner = &state.lanes[usize::from(header.owner)];
                state.slots.iter().any(linked)
                    || owner.work == location
                    || owner.kept == location
                    || state.lanes.iter().any(|lane| lane.unlinking && lane.old == at)
            }
        };
        if !named {
            return Err("a block is lost: not free, not linked, and in nobody's record");
        }
    }
    Ok(())
}

/// ONE-INSTANCE: the visible values, at most one of each key, all of them committed.
fn visible_values(config: &Config, state: &State) -> Result<u32, Violation> {
    let mut values = 0;
    let mut keys = [false; 3];
    for i in (0..usize::from(config.slots)).filter(|&i| state.is_visible(i)) {
        let block = state.block(state.slots[i].word.location());
        if !state.slots[i].committed {
            return Err("a word is visible that its owner has not committed");
        }
        if std::mem::replace(&mut keys[usize::from(block.key)], true) {
            return Err("two instances of one key are visible");
        }
        values |= 1 << block.value;
    }
    Ok(values)
}

/// Whether a reader would find `key`.
pub(crate) fn is_present(state: &State, key: u8) -> bool {
    (0..state.slots.len())
        .any(|i| state.is_visible(i) && state.block(state.slots[i].word.location()).key == key)
}

/// What is gone stays gone, nothing goes by itself, and who looks long enough sees what there is.
fn histories(
    config: &Config,
    before: &State,
    next: &mut State,
    visible: u32,
) -> Result<(), Violation> {
    let was_visible = visible_values(config, before)?;
    if visible & next.ended != 0 {
        return Err("a value came back that was over, or that its recovered writer never set");
    }
    let lost = was_visible & !visible;
    let removes =
        |i: usize| before.processes[i].pc == Pc::Swap && before.processes[i] != next.processes[i];
    if lost != 0 && !(0..config.processes()).any(removes) {
        return Err("an item vanished that nobody removed");
    }
    next.ended |= lost;
    for p in 0..config.processes() {
        let process = next.processes[p];
        if process.pc == Pc::Idle || process.life != Life::Running {
            continue;
        }
        if let Some(Op::Get(key) | Op::Delete(key)) = config.op(p, process.op) {
            next.processes[p].absent |= !is_present(next, key);
        }
    }
    Ok(())
}

/// P4, exactly: with every operation ended and every dead process recovered, each block is free,
/// linked, or the magazine entry of a living process.
fn quiescence(config: &Config, state: &State) -> Result<(), Violation> {
    let processes = &state.processes[..config.processes()];
    let quiet = |p: usize| match processes[p].life {
        Life::Running => processes[p].pc == Pc::Idle && config.op(p, processes[p].op).is_none(),
        Life::Dead => false,
        Life::Gone => true,
    };
    if !(0..processes.len()).all(quiet) {
        return Ok(());
    }
    if (0..state.slots.len()).any(|i| state.slots[i].word.is_tentative() && !state.is_visible(i)) {
        return Err("quiet, and an uncommitted word is left");
    }
    for location in 0..config.blocks() as u8 {
        let header = state.block(location).header;
        let linked = state
            .slots
            .iter()
            .filter(|s| !s.word.is_empty() && s.word.location() == location)
            .count();
        let accounted = match header.state {
            BlockState::Free => linked == 0,
            BlockState::Published => linked == 1,
            BlockState::Claimed => {
                let owner = usize::from(header.owner);
                linked == 0
                    && processes[owner].life == Life::Running
                    && processes[owner].stocked
                    && state.lanes[owner].kept == location
            }
        };
        if !accounted {
            return Err("quiet, and a block is not accounted for");
        }
    }
    Ok(())
}

/// One line for a trace.
pub(crate) fn describe(config: &Config, state: &State) -> String {
    let mut text = format!("control v{}", state.control.version);
    // A string takes every write.
    if state.control.pending != NONE {
        let _ = write!(text, " pending {}", state.control.pending);
    }
    for slot in &state.slots[..usize::from(config.slots)] {
        let word = slot.word;
        let kind = if word.is_tentative() { "tentative" } else { "slot" };
        let _ = match word.is_empty() {
            true => write!(text, " | empty"),
            false => write!(
                text,
                " | {kind} L{} s{} (g{})",
                word.location(),
                word.short(),
                slot.generation
            ),
        };
    }
    for (i, block) in state.blocks[..config.blocks()].iter().enumerate() {
        let h = block.header;
        let owner = if h.owner == NONE { String::new() } else { format!(" P{}", h.owner) };
        let key = if block.key == NONE { String::new() } else { format!(" k{}", block.key) };
        let _ = write!(text, " || L{i} {:?}{owner} g{}{key}", h.state, h.generation);
    }
    text
}
