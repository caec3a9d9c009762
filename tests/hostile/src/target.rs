//! The targets, by name.

use crate::guarded::Guarded;
use crate::handles::{self, Stage};
use crate::images::{self, Image, WORDS};
use crate::operations;
use crate::program::Tally;

/// What an input is run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The core, between guard pages.
    Core,
    /// The whole library, over a sealed descriptor.
    Cache,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Core, Self::Cache];

    /// As the command line says it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Cache => "cache",
        }
    }

    /// The target of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|target| target.name() == name)
    }
}

/// What all runs of one process share.
#[derive(Debug)]
pub struct Range {
    target: Target,
    images: Vec<Image>,
    guarded: Guarded,
    stage: Option<Stage>,
}

impl Range {
    /// Images and memory for a target.
    #[must_use]
    pub fn new(target: Target) -> Self {
        let guarded = Guarded::new(WORDS);
        let images = images::all(&guarded);
        let stage = (target == Target::Cache).then(Stage::new);
        Self { target, images, guarded, stage }
    }

    /// Runs an input.
    ///
    /// # Panics
    ///
    /// On a finding.
    pub fn run(&self, bytes: &[u8]) -> Tally {
        match &self.stage {
            None => operations::run(&self.images, &self.guarded, bytes),
            Some(stage) => handles::run(&self.images, stage, bytes),
        }
    }

    /// The target.
    #[must_use]
    pub fn target(&self) -> Target {
        self.target
    }
}
