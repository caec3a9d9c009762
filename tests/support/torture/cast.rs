//! Who does what in a pair: two operations on one key or on two of one bucket, from a start state.

use super::act::{Act, Op, Script};
use super::bench::{Bench, Scene};
use super::shape::{SECOND, SURVIVOR, VICTIM};
use super::start::{self, Start};
use crate::random::Random;

/// One half of a pair.
#[derive(Debug, Clone, Copy)]
struct Part {
    name: &'static str,
    op: Op,
    script: Script,
    /// Whether its key is there; `None`: it has no key.
    wants: Option<bool>,
}

const fn part(name: &'static str, op: Op, wants: Option<bool>) -> Part {
    Part { name, op, script: Script::Once, wants }
}

const PARTS: [Part; 15] = [
    part("set", Op::Set, Some(false)),
    part("overwrite", Op::Set, Some(true)),
    part("delete", Op::Delete, Some(true)),
    part("add", Op::Add, Some(false)),
    part("increment", Op::Increment, Some(true)),
    part("take", Op::Take, Some(true)),
    part("evict", Op::EvictAhead, None),
    part("drain", Op::Drain, Some(true)),
    part("sweep", Op::Sweep, None),
    part("clear", Op::Clear, None),
    part("touch", Op::Touch, Some(true)),
    part("recover", Op::Recover, None),
    part("get", Op::Get, Some(true)),
    Part { script: Script::Round, ..part("round", Op::Set, Some(true)) },
    Part { script: Script::Cycle, ..part("cycle", Op::Add, Some(false)) },
];

const STARTS: [Start; 7] = [
    Start::Few,
    Start::Crowded,
    Start::Churned,
    Start::Full,
    Start::Expired,
    Start::Dead,
    Start::DeadCrowded,
];

/// Pairs on one key and on two of one bucket, with counters of full width and of two bits.
pub(super) const PAIRS: u64 = (PARTS.len() * PARTS.len() * 4) as u64;
/// Neighbours are unlike each other, and all come once before one comes again: this has no divisor in common with the
/// number of pairs.
const STRIDE: u64 = 487;

/// A pair, ready to begin.
pub(super) struct Setting {
    pub(super) scene: Scene,
    /// The two, and a third who may come between.
    pub(super) acts: [Act; 3],
}

/// Which parts a case has, and whether on two keys and with small counters.
fn parts_of(number: u64) -> ([Part; 2], bool, bool) {
    let pair = number % PAIRS * STRIDE % PAIRS;
    let n = PARTS.len() as u64;
    let parts = [PARTS[(pair % n) as usize], PARTS[(pair / n % n) as usize]];
    (parts, pair / (n * n) % 2 == 1, pair / (n * n * 2) == 1)
}

/// Whether a case is of parts with these names.
pub(super) fn is_of(number: u64, names: [&str; 2]) -> bool {
    parts_of(number).0.map(|part| part.name) == names
}

/// The name of a part, if there is one of that name.
pub(super) fn name_of(name: &str) -> Option<&'static str> {
    PARTS.iter().map(|part| part.name).find(|known| *known == name)
}

pub(super) fn stage(bench: &mut Bench, seed: u64, number: u64) -> Setting {
    let mut random = Random::salted(seed, number);
    let (parts, two_keys, small) = parts_of(number);
    let is_there = |op| parts.iter().any(|part| part.op == op);
    let start = if is_there(Op::Recover) && random.percent(80) {
        *random.pick(&[Start::Dead, Start::DeadCrowded, Start::DeadFull])
    } else if is_there(Op::Sweep) && random.percent(70) {
        Start::Expired
    } else if is_there(Op::EvictAhead) && random.percent(70) {
        Start::Full
    } else {
        *random.pick(&STARTS)
    };
    let buckets = (two_keys || random.percent(50)).then_some(2);
    let scene = start::build_in(bench, start, buckets, small, &mut random);
    bench.lay_out(&scene);
    let view = bench.view(scene.keys);
    let draw = |is_present: bool, random: &mut Random| {
        let fit: Vec<usize> =
            (0..scene.keys).filter(|key| view[*key].is_some() == is_present).collect();
        let any = random.below(scene.keys as u64) as usize;
        if fit.is_empty() { any } else { *random.pick(&fit) }
    };
    let mut wants = parts.map(|part| part.wants);
    if wants[0].is_none() || wants[1].is_some() && random.percent(50) {
        wants.swap(0, 1);
    }
    let shared = draw(wants[0].unwrap_or(true), &mut random);
    let lens = [1, 16, 16, 40, 200, 1_500, 7_000];
    let act = |at: usize, random: &mut Random| {
        let Part { op, script, wants, .. } = parts[at];
        let key = if two_keys { draw(wants.unwrap_or(true), random) } else { shared };
        let len = *random.pick(&lens);
        // A round is one only among blocks of one size.
        let same = view[key].filter(|_| script == Script::Round).map(|item| item.len);
        Act {
            op,
            script,
            lane: [VICTIM, SECOND][at],
            key,
            len: same.unwrap_or(len),
            mark: 1_000_000 * (at as u64 + 1) + random.below(1_000_000 - 100),
            warm: random.percent(60),
        }
    };
    let acts = [act(0, &mut random), act(1, &mut random)];
    let third = Act {
        op: *random.pick(&[Op::Get, Op::Set, Op::Add, Op::Delete, Op::Increment, Op::Take]),
        script: Script::Once,
        lane: SURVIVOR,
        key: acts[random.below(2) as usize].key,
        len: *random.pick(&lens),
        mark: 3_000_000,
        warm: false,
    };
    Setting { scene, acts: [acts[0], acts[1], third] }
}
