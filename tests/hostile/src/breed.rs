//! Inputs from inputs: a kept corpus, changed at random by a seed.

use std::path::Path;
use std::{fs, io};

use crate::input::{LONGEST, Random};

/// The corpus of a run.
#[derive(Debug)]
pub struct Stock {
    random: Random,
    inputs: Vec<Vec<u8>>,
    kept: usize,
}

impl Stock {
    /// Begins with the kept inputs.
    #[must_use]
    pub fn new(seed: u64, kept: Vec<Vec<u8>>) -> Self {
        Self { random: Random(seed), kept: kept.len(), inputs: kept }
    }

    /// The next input: a kept one as it is first, then fresh ones and changed ones.
    pub fn next(&mut self, number: u64) -> Vec<u8> {
        if let Some(kept) = self.inputs.get(number as usize).filter(|_| number < self.kept as u64) {
            return kept.clone();
        }
        if self.inputs.is_empty() || self.random.below(8) == 0 {
            return self.fresh();
        }
        let mut bytes = self.inputs[self.random.below(self.inputs.len())].clone();
        for _ in 0..=self.random.below(4) {
            self.change(&mut bytes);
        }
        bytes.truncate(LONGEST);
        bytes
    }

    /// Keeps an input that reached something new.
    pub fn keep(&mut self, bytes: Vec<u8>) {
        self.inputs.push(bytes);
    }

    /// All of it.
    #[must_use]
    pub fn all(&self) -> &[Vec<u8>] {
        &self.inputs
    }

    /// Inputs that it began with.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.kept
    }

    /// How many inputs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inputs.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    fn fresh(&mut self) -> Vec<u8> {
        let len = 8 + self.random.below(250);
        (0..len).map(|_| self.random.bits() as u8).collect()
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let len = bytes.len();
        let at = self.random.below(len);
        let some = 1 + self.random.below(12);
        match self.random.below(7) {
            _ if len == 0 => *bytes = self.fresh(),
            0 | 1 => bytes[at] = self.random.bits() as u8,
            2 => bytes[at] ^= 1 << self.random.below(8),
            3 => {
                let more: Vec<u8> = (0..some).map(|_| self.random.bits() as u8).collect();
                bytes.splice(at..at, more);
            }
            4 => drop(bytes.drain(at..(at + some).min(len))),
            5 => {
                let part = bytes[at..(at + some).min(len)].to_vec();
                let to = self.random.below(len);
                bytes.splice(to..to, part);
            }
            _ => {
                let other = &self.inputs[self.random.below(self.inputs.len())];
                bytes.truncate(at);
                bytes.extend_from_slice(&other[other.len().min(at)..]);
            }
        }
    }
}

/// The kept inputs of a directory, by name; none if it is missing.
#[must_use]
pub fn load(directory: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths.iter().filter_map(|path| fs::read(path).ok()).collect()
}

/// Writes inputs to a directory, named by what they are.
///
/// # Errors
///
/// What the system answers.
pub fn store(directory: &Path, inputs: &[Vec<u8>]) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for input in inputs {
        let name = input.iter().fold(0, |hash, &byte| crate::input::mix(hash ^ u64::from(byte)));
        fs::write(directory.join(format!("{name:016x}")), input)?;
    }
    Ok(())
}
