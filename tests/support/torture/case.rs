//! A case: which operation starts from which state. One number says all.

use super::act::{Act, Op, Script};
use super::bench::{Bench, Scene};
use super::shape::VICTIM;
use super::start::{self, Start};
use crate::random::Random;

/// A case, by its number and the seed of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    /// The run's seed.
    pub seed: u64,
    /// All combinations of operation, start state and width of the counters follow each other; then they come again
    /// with other keys and lengths.
    pub number: u64,
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.seed, self.number)
    }
}

impl Case {
    /// Combinations before they come again.
    #[must_use]
    pub fn combinations() -> u64 {
        (Op::ALL.len() * Start::ALL.len() * 2) as u64
    }

    pub(super) fn random(&self) -> Random {
        Random::salted(self.seed, self.number)
    }

    pub(super) fn start(&self) -> Start {
        Start::ALL[(self.number / Op::ALL.len() as u64 % Start::ALL.len() as u64) as usize]
    }

    pub(super) fn op(&self) -> Op {
        Op::ALL[(self.number % Op::ALL.len() as u64) as usize]
    }

    pub(super) fn is_small(&self) -> bool {
        self.number / (Op::ALL.len() * Start::ALL.len()) as u64 % 2 == 1
    }

    /// What it is, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        let bits = if self.is_small() { "2 bits" } else { "all bits" };
        format!("{} from {}, counters of {bits}", self.op().name(), self.start().name())
    }

    /// Sets up the start state, and chooses key and length.
    pub(super) fn stage(&self, bench: &mut Bench) -> (Scene, Act) {
        let mut random = self.random();
        let scene = start::build(bench, self.start(), self.is_small(), &mut random);
        let act = draw(self.op(), &scene, &mut random);
        (scene, act)
    }
}

/// An act on one of a scene's keys.
pub(super) fn draw(op: Op, scene: &Scene, random: &mut Random) -> Act {
    // The last two keys are absent.
    let absent = scene.keys - 1 - random.below(2) as usize;
    let present = random.below(scene.keys as u64 - 2) as usize;
    let wants_absent = match op {
        Op::Add => random.percent(75),
        Op::Set | Op::Publish => random.percent(50),
        _ => random.percent(10),
    };
    Act {
        op,
        lane: VICTIM,
        key: if wants_absent { absent } else { present },
        len: *random.pick(&[1, 16, 16, 40, 90, 200, 700, 1_500, 3_000, 7_000, 20_000]),
        mark: 1_000_000 + random.below(1_000_000),
        warm: random.percent(60),
        script: Script::Once,
    }
}
