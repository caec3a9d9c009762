//! What must hold of every state, and when everything is quiet.

use crate::explore::Violation;
use crate::state::{Block, CELLS, Kind, PAGES, State};

/// A slot names one incarnation, in a page that is cut for it.
pub(crate) fn linked_blocks(state: &State) -> Result<(), Violation> {
    for (place, slot) in state.slots.iter().enumerate() {
        let Some(slot) = slot else { continue };
        let Some(header) = state.cells[place] else {
            return Err("a linked block is data");
        };
        if header.block != Block::Published || header.generation != slot.generation {
            return Err("a linked block is not the one that was linked");
        }
        let word = state.pages[place / CELLS].word;
        if !word.has_header(place % CELLS) {
            return Err("a linked block is in a page that is not cut for it");
        }
        let tail = state.pages[1];
        if word.kind == Kind::RunHead && (tail.word.kind != Kind::RunTail || tail.run != 1) {
            return Err("a linked run is not whole");
        }
    }
    Ok(())
}

/// With every operation ended and every dead process recovered: each page is free, or cut into chunks that are free or
/// linked, or part of a linked run.
pub(crate) fn all_is_accounted_for(state: &State) -> Result<(), Violation> {
    for page in 0..PAGES {
        let word = state.pages[page].word;
        let accounted = match word.kind {
            Kind::Free => true,
            Kind::Owned | Kind::Drain => false,
            Kind::Slab | Kind::RunHead => {
                let chunks = if word.kind == Kind::Slab { word.chunks() } else { 1 };
                (page * CELLS..page * CELLS + chunks).all(|place| {
                    let is_free = state.cells[place].is_some_and(|h| h.block == Block::Free);
                    state.slots[place].is_some() || is_free
                })
            }
            Kind::RunTail => state.pages[0].word.kind == Kind::RunHead,
        };
        if !accounted {
            return Err("quiet, and a block or page is lost");
        }
    }
    Ok(())
}

/// The cells, for a trace.
pub(crate) fn short_of(state: &State) -> String {
    let cells = state.cells.iter().map(|cell| match cell {
        None => "data".to_owned(),
        Some(h) => match h.block {
            Block::Free => format!("free {}", h.generation),
            Block::Claimed => format!("P{} {}", h.owner, h.generation),
            Block::Published => format!("sealed {}", h.generation),
        },
    });
    cells.collect::<Vec<_>>().join(", ")
}
