//! What the figures mean, in words: what is wrong with a region, and what to do about it.
//!
//! Rules over plain facts, each with its threshold as a named constant and its reason. A rule that has too
//! little to go by says nothing. `stats`, `top` and `check` show what they find.

mod facts;
mod rules;
#[cfg(test)]
mod tests;

use serde::Serialize;

pub(crate) use facts::Facts;
pub(crate) use rules::advice;

/// One thing that stands out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Advice {
    /// A stable name for programs.
    pub(crate) finding: &'static str,
    /// What is wrong, with figures.
    pub(crate) text: String,
    /// What to do about it.
    pub(crate) remedy: String,
}

impl std::fmt::Display for Advice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.text, self.remedy)
    }
}
