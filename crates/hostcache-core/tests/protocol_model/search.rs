//! Breadth-first search over all interleavings, with a set of 128-bit fingerprints.
//!
//! A state is expanded by every move: one step of one process, a recovery begun, a kill. A process
//! that is stopped for ever is one that gets no more moves, so the search covers it everywhere.
//! For each state the set keeps its fingerprint, its predecessor and the move between them; so a
//! violation is reported with the whole path to it. Two states would have to agree in 128 bits to
//! be confused: for ten million states that has a probability below 10^-24.

use std::fmt::Write as _;

use crate::check;
use crate::config::Config;
use crate::state::{Life, NONE, Pc, State};
use crate::step::{self, Violation};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Move {
    Step(u8),
    Kill(u8),
    /// The first process begins to recover the second.
    Recover(u8, u8),
}

/// How an exploration ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) states: usize,
    /// What was violated, and the moves that lead there.
    pub(crate) violation: Option<(Violation, String)>,
}

/// How a state was found: the state before it, and the move.
struct Found {
    previous: u32,
    by: Move,
}

/// Open addressing; 0 is an empty cell.
struct FingerprintSet {
    cells: Vec<u128>,
    len: usize,
}

impl FingerprintSet {
    fn new() -> FingerprintSet {
        FingerprintSet { cells: vec![0; 1 << 16], len: 0 }
    }

    /// Whether the fingerprint was new.
    fn insert(&mut self, fingerprint: u128) -> bool {
        if self.len * 2 >= self.cells.len() {
            let larger = vec![0; self.cells.len() * 2];
            let old = std::mem::replace(&mut self.cells, larger);
            for fingerprint in old.into_iter().filter(|&f| f != 0) {
                self.place(fingerprint);
            }
        }
        let new = self.place(fingerprint);
        self.len += usize::from(new);
        new
    }

    fn place(&mut self, fingerprint: u128) -> bool {
        let mask = self.cells.len() - 1;
        let mut at = fingerprint as usize & mask;
        loop {
            match self.cells[at] {
                0 => {
                    self.cells[at] = fingerprint;
                    return true;
                }
                same if same == fingerprint => return false,
                _ => at = (at + 1) & mask,
            }
        }
    }
}

/// Two chains of folded 64-bit multiplications with different constants.
fn fingerprint(state: &State) -> u128 {
    fn fold(a: u64, b: u64) -> u64 {
        let product = u128::from(a) * u128::from(b);
        product as u64 ^ (product >> 64) as u64
    }
    let (mut x, mut y) = (0x9e37_79b9_7f4a_7c15_u64, 0xc2b2_ae3d_27d4_eb4f_u64);
    for (i, word) in state.words().into_iter().enumerate() {
        let i = i as u64;
        x = fold(x ^ word, 0xa076_1d64_78bd_642f_u64.wrapping_add(i << 20)).wrapping_add(i);
        y = fold(y ^ word.rotate_left(29), 0xe703_7ed1_a0b4_28db_u64 ^ i << 17) ^ word;
    }
    let y = fold(y ^ 0x8ebc_6af0_9c88_c6e3, 0x5899_65cc_7537_4cc3);
    (u128::from(x) << 64 | u128::from(y)).max(1)
}

/// Every move that is possible in `state`.
fn moves(config: &Config, state: &State, out: &mut Vec<Move>) {
    out.clear();
    for p in 0..config.processes() {
        let process = &state.processes[p];
        if process.life != Life::Running {
            continue;
        }
        let finished = process.pc == Pc::Idle && config.op(p, process.op).is_none();
        if !finished {
            out.push(Move::Step(p as u8));
        }
        let has_something_to_lose = !finished || process.stocked;
        if state.kills > 0 && has_something_to_lose && config.mortal.contains(&(p as u8)) {
            out.push(Move::Kill(p as u8));
        }
        if process.pc == Pc::Idle {
            for patient in 0..config.processes() {
                let free = state.lanes[patient].recoverer == NONE;
                if state.processes[patient].life == Life::Dead && free {
                    out.push(Move::Recover(p as u8, patient as u8));
                }
            }
        }
    }
}

/// Makes `by` in `state`, and checks what must hold of every step and after it.
fn apply(config: &Config, state: &State, by: Move) -> Result<State, Violation> {
    let mut next = *state;
    match by {
        Move::Step(p) => step::step(config, &mut next, usize::from(p))?,
        Move::Kill(p) => step::kill(&mut next, usize::from(p)),
        Move::Recover(p, patient) => step::begin_recovery(&mut next, usize::from(p), patient),
    }
    check::after_move(config, state, &mut next)?;
    Ok(next)
}

/// Explores everything that `config` allows, up to the first violation.
pub(crate) fn explore(config: &Config) -> Outcome {
    let mut seen = FingerprintSet::new();
    let mut found = vec![Found { previous: 0, by: Move::Step(0) }];
    let initial = config.initial();
    seen.insert(fingerprint(&initial));
    let mut level = vec![(initial, 0_u32)];
    let mut next_level = Vec::new();
    let mut possible = Vec::new();
    while !level.is_empty() {
        for (state, index) in level.drain(..) {
            moves(config, &state, &mut possible);
            if index % 64 == 0
                && let Err(violation) = finishes_alone(config, &state)
            {
                let path = path(config, &found, index, None);
                return Outcome { states: seen.len, violation: Some((violation, path)) };
            }
            for &by in &possible {
                match apply(config, &state, by) {
                    Ok(next) => {
                        let fingerprint = fingerprint(&next);
                        if seen.insert(fingerprint) {
                            next_level.push((next, found.len() as u32));
                            found.push(Found { previous: index, by });
                        }
                    }
                    Err(violation) => {
                        let path = path(config, &found, index, Some(by));
                        return Outcome { states: seen.len, violation: Some((violation, path)) };
                    }
                }
            }
        }
        std::mem::swap(&mut level, &mut next_level);
    }
    Outcome { states: seen.len, violation: None }
}

/// P1 of the design, on a sample of states: each process ends its operation while all others stand.
fn finishes_alone(config: &Config, state: &State) -> Result<(), Violation> {
    for p in 0..config.processes() {
        let mut alone = *state;
        let op = alone.processes[p].op;
        let mut steps = 0;
        while alone.processes[p].life == Life::Running
            && alone.processes[p].pc != Pc::Idle
            && alone.processes[p].op == op
        {
            alone = apply(config, &alone, Move::Step(p as u8))?;
            steps += 1;
            if steps > 200 {
                return Err("a process waits for another one");
            }
        }
    }
    Ok(())
}

/// The moves that lead to a state, with what each process was about to do.
fn path(config: &Config, found: &[Found], index: u32, last: Option<Move>) -> String {
    let mut moves: Vec<Move> = last.into_iter().collect();
    let mut at = index;
    while at != 0 {
        moves.push(found[at as usize].by);
        at = found[at as usize].previous;
    }
    let mut text = String::new();
    let mut state = config.initial();
    for by in moves.into_iter().rev() {
        let line = match by {
            Move::Step(p) => {
                let process = &state.processes[usize::from(p)];
                match config.op(usize::from(p), process.op) {
                    Some(op) if process.patient == NONE => {
                        format!("P{p} {op:?}: {:?} {}", process.pc, process.cursor)
                    }
                    _ => format!("P{p} recovers P{}: {:?}", process.patient, process.pc),
                }
            }
            Move::Kill(p) => format!("P{p} is killed"),
            Move::Recover(p, patient) => format!("P{p} begins to recover P{patient}"),
        };
        // A string takes every write.
        let _ = writeln!(text, "  {line}");
        match apply(config, &state, by) {
            Ok(next) => state = next,
            Err(_) => break,
        }
        let _ = writeln!(text, "      {}", check::describe(config, &state));
    }
    text
}

#[test]
fn states_that_differ_have_different_words() {
    use crate::config::{K, Op};
    use std::collections::HashSet;

    let config = Config::new("set, delete, get", &[&[Op::Set(K), Op::Delete(K)], &[Op::Get(K)]])
        .kills(2, &[0, 1])
        .magazines()
        .reattach();
    let mut in_full = HashSet::new();
    let mut level = vec![config.initial()];
    let mut possible = Vec::new();
    while let Some(state) = level.pop() {
        if in_full.insert(format!("{state:?}")) {
            moves(&config, &state, &mut possible);
            for &by in &possible {
                level.push(apply(&config, &state, by).expect("this program passes"));
            }
        }
    }
    assert_eq!(explore(&config).states, in_full.len());
}
