//! `set` and its conditions: add, replace, compare-and-swap.

use super::store::{Change, Draft, Present, Verdict};
use crate::participant::Counter;
use crate::region::Host;
use crate::session::{Failure, Session};

/// When a store takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Always.
    Always,
    /// Only if the key is absent.
    IfAbsent,
    /// Only if it is present.
    IfPresent,
    /// Only if the item still carries this token.
    IfToken(u64),
}

/// When an item ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    /// At this time, milliseconds since boot; `None`: never.
    At(Option<u64>),
    /// When the item that it replaces would have ended; without one, at this time.
    Keep(Option<u64>),
}

/// What to store.
#[derive(Debug, Clone, Copy)]
pub struct SetRequest<'a> {
    /// The value's bytes.
    pub value: &'a [u8],
    /// The caller's own bits.
    pub flags: u32,
    /// Kind of the value's bytes.
    pub encoding: u8,
    /// When the item ends.
    pub deadline: Deadline,
    /// When the store takes effect.
    pub condition: Condition,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetOutcome {
    /// Stored under this token.
    Stored(u64),
    /// The key is present.
    Exists,
    /// The key is absent.
    Missing,
    /// The item carries another token.
    TokenMismatch,
}

pub(super) struct Set<'a> {
    request: SetRequest<'a>,
    deadline: Option<u64>,
    refused: SetOutcome,
}

impl<'a> Set<'a> {
    pub(super) fn new(request: &SetRequest<'a>) -> Self {
        Self { request: *request, deadline: None, refused: SetOutcome::Missing }
    }
}

impl Change for Set<'_> {
    const READS_VALUE: bool = false;

    #[inline]
    fn decide(&mut self, present: Option<Present<'_>>) -> Result<Verdict, Failure> {
        let refused = match (self.request.condition, &present) {
            (Condition::Always, _)
            | (Condition::IfAbsent, None)
            | (Condition::IfPresent, Some(_)) => None,
            (Condition::IfAbsent, Some(_)) => Some(SetOutcome::Exists),
            (Condition::IfPresent | Condition::IfToken(_), None) => Some(SetOutcome::Missing),
            (Condition::IfToken(token), Some(present)) => {
                (token != present.head.token).then_some(SetOutcome::TokenMismatch)
            }
        };
        if let Some(refused) = refused {
            self.refused = refused;
            return Ok(Verdict::Keep);
        }
        let before = self.deadline;
        self.deadline = match (self.request.deadline, present) {
            (Deadline::At(deadline) | Deadline::Keep(deadline), None)
            | (Deadline::At(deadline), Some(_)) => deadline,
            (Deadline::Keep(_), Some(present)) => present.head.deadline,
        };
        Ok(Verdict::Put { revised: self.deadline != before })
    }

    fn needs_present(&self) -> bool {
        let SetRequest { condition, deadline, .. } = self.request;
        condition != Condition::Always || matches!(deadline, Deadline::Keep(_))
    }

    #[inline]
    fn draft(&self) -> Draft<'_> {
        let SetRequest { value, flags, encoding, .. } = self.request;
        Draft { value, flags, encoding, deadline: self.deadline, token: None }
    }
}

impl<H: Host> Session<'_, H> {
    /// Stores a value under a condition. Linearizable and lock-free.
    ///
    /// # Errors
    ///
    /// No room, or a damaged region. Lengths are the caller's to check.
    #[inline(always)]
    pub fn set(&mut self, key: &[u8], request: &SetRequest<'_>) -> Result<SetOutcome, Failure> {
        match self.set_quickly(key, request) {
            Some(token) => Ok(SetOutcome::Stored(token)),
            None => self.set_generally(key, request),
        }
    }

    /// [`Session::set`] of what is nearly always met: a value for a key that has one, under no condition; its token.
    /// `None`: nothing has happened.
    #[inline(always)]
    pub fn set_quickly(&mut self, key: &[u8], request: &SetRequest<'_>) -> Option<u64> {
        let SetRequest { value, flags, encoding, deadline, condition } = *request;
        match (condition, deadline) {
            (Condition::Always, Deadline::At(deadline)) => {
                self.overwrite(key, &Draft { value, flags, encoding, deadline, token: None })
            }
            _ => None,
        }
    }

    /// [`Session::set`] of whatever is met.
    ///
    /// # Errors
    ///
    /// As [`Session::set`].
    #[inline(never)]
    pub fn set_generally(
        &mut self,
        key: &[u8],
        request: &SetRequest<'_>,
    ) -> Result<SetOutcome, Failure> {
        self.tally(Counter::CmdSet, 1);
        let mut set = Set::new(request);
        let stored = self.apply(key, &mut set)?;
        Ok(self.conclude(request, &set, stored))
    }

    /// The outcome of a store that ended, counted.
    pub(super) fn conclude(
        &self,
        request: &SetRequest<'_>,
        set: &Set<'_>,
        stored: Option<u64>,
    ) -> SetOutcome {
        let outcome = match stored {
            Some(token) => SetOutcome::Stored(token),
            None => set.refused,
        };
        if matches!(request.condition, Condition::IfToken(_)) {
            let counter = match outcome {
                SetOutcome::Stored(_) => Counter::CasHits,
                SetOutcome::TokenMismatch => Counter::CasBadval,
                SetOutcome::Exists | SetOutcome::Missing => Counter::CasMisses,
            };
            self.tally(counter, 1);
        }
        outcome
    }
}
