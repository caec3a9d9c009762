//! Breadth-first search over every state that a model can reach, for models that need no search of their own.
//!
//! A state is known by two 64-bit hashes. For each the search keeps its predecessor and the move between them, so a
//! violation is reported with the whole path to it. A process that is stopped for ever is one that gets no more
//! moves, so stops need no move of their own.

use std::collections::HashSet;
use std::fmt::{Debug, Write as _};
use std::hash::{DefaultHasher, Hash, Hasher};

/// A property that a move broke.
pub(crate) type Violation = &'static str;

/// What is explored.
pub(crate) trait Model {
    type State: Clone + Hash + Debug;
    type Move: Copy + Debug;

    /// Where it begins.
    fn initial(&self) -> Self::State;

    /// Every move that is possible in a state.
    fn moves(&self, state: &Self::State, out: &mut Vec<Self::Move>);

    /// Makes a move, and checks what must hold of it and after it.
    fn apply(&self, state: &Self::State, by: Self::Move) -> Result<Self::State, Violation>;

    /// A line for a trace.
    fn describe(&self, state: &Self::State, by: Self::Move) -> String;
}

/// How an exploration ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) states: usize,
    /// What was violated, and the moves that lead there.
    pub(crate) violation: Option<(Violation, String)>,
}

fn fingerprint(state: &impl Hash) -> u128 {
    let half = |salt: u64| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        state.hash(&mut hasher);
        hasher.finish()
    };
    u128::from(half(0)) << 64 | u128::from(half(1))
}

/// Explores everything, up to the first violation.
pub(crate) fn explore<M: Model>(model: &M) -> Outcome {
    let initial = model.initial();
    let mut seen = HashSet::from([fingerprint(&initial)]);
    let mut found: Vec<Option<(usize, M::Move)>> = vec![None];
    let mut level = vec![(initial, 0)];
    let mut possible = Vec::new();
    while !level.is_empty() {
        let mut next_level = Vec::new();
        for (state, index) in level {
            possible.clear();
            model.moves(&state, &mut possible);
            for &by in &possible {
                match model.apply(&state, by) {
                    Ok(next) => {
                        if seen.insert(fingerprint(&next)) {
                            next_level.push((next, found.len()));
                            found.push(Some((index, by)));
                        }
                    }
                    Err(violation) => {
                        let path = path(model, &found, index, by);
                        return Outcome { states: seen.len(), violation: Some((violation, path)) };
                    }
                }
            }
        }
        level = next_level;
    }
    Outcome { states: seen.len(), violation: None }
}

fn path<M: Model>(
    model: &M,
    found: &[Option<(usize, M::Move)>],
    index: usize,
    last: M::Move,
) -> String {
    let mut moves = vec![last];
    let mut at = index;
    while let Some((previous, by)) = found[at] {
        moves.push(by);
        at = previous;
    }
    let mut text = String::new();
    let mut state = model.initial();
    for by in moves.into_iter().rev() {
        // A string takes every write.
        let _ = writeln!(text, "  {}", model.describe(&state, by));
        match model.apply(&state, by) {
            Ok(next) => state = next,
            Err(_) => break,
        }
    }
    let _ = writeln!(text, "  {state:?}");
    text
}

/// Explores to the end; every property holds.
pub(crate) fn holds<M: Model>(name: &str, model: &M) {
    let outcome = explore(model);
    println!("{name}: {} states", outcome.states);
    if let Some((violation, path)) = outcome.violation {
        panic!("{name}: {violation}\n{path}");
    }
}

/// Explores with a rule, where everything holds, and without, where what the rule is for is found.
pub(crate) fn is_needed<M: Model>(name: &str, with: &M, without: &M, expected: Violation) {
    holds(name, with);
    let outcome = explore(without);
    let Some((violation, path)) = outcome.violation else {
        panic!("{name}: {} states without the rule, and nothing broke", outcome.states);
    };
    println!("{name}: without the rule, after {} states: {violation}", outcome.states);
    assert_eq!(violation, expected, "{path}");
}
