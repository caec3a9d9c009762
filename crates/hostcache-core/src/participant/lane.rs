//! A lane: one thread's part in a region.

use super::counter::{self, Counter};
use super::magazine::Magazine;
use crate::fault::{Fault, planted};
use crate::layout::{Identity, record};
use crate::ordering as ord;
use crate::region::{Host, Region};
use crate::session::Session;
use crate::sync::{AtomicU64, Ordering};
use crate::word::LaneId;

/// An attached lane. Belongs to one thread at a time; what it holds is named in its record.
#[derive(Debug)]
pub struct Lane {
    pub(crate) id: LaneId,
    ticket: Ticket,
    next_token: u64,
    token_limit: u64,
    pub(crate) magazine: Magazine,
    /// Keys and values that an operation had to copy out.
    pub(crate) scratch: Vec<u8>,
    /// First word of a run that the operation under way must not evict for its own sake: what is there decides what it stores.
    pub(crate) spared: Option<u64>,
}

/// The words of a lane's record.
pub(crate) type Record = [AtomicU64; record::WORDS as usize];

/// One incarnation of one lane.
#[derive(Debug, Clone, Copy)]
pub struct Ticket {
    /// First word of the lane's record.
    at: u64,
    incarnation: u64,
}

impl Ticket {
    /// The lane's number.
    pub(crate) fn lane(self, region: &Region) -> LaneId {
        ((self.at - region.geometry.lanes_at) / record::WORDS) as LaneId
    }

    #[inline(always)]
    pub(super) fn record(self, region: &Region) -> &Record {
        region.memory.array(self.at)
    }

    /// Whether it is still this incarnation's lane: false after its byte lock was lost in a living process and others
    /// recovered it.
    #[inline(always)]
    #[must_use]
    pub fn is_current(&self, region: &Region) -> bool {
        let word = region.word(self.at + record::INCARNATION);
        word.load(Ordering::Relaxed) == self.incarnation || planted(Fault::LaneNotCompared)
    }
}

/// Tokens taken from the record at once: their high-water mark is stored before the first is used.
const TOKEN_CHUNK: u64 = if cfg!(loom) { 4 } else { 1 << 16 };
/// A token is `| lane + 1: 16 | sequence 48 |`.
const TOKEN_SEQUENCE: u32 = 48;

impl Lane {
    /// Takes a lane whose byte the caller holds: recovers what a dead owner left, then begins a new incarnation.
    pub fn attach(region: &Region, id: LaneId, identity: &Identity) -> Self {
        let word = region.lane_word(id, record::INCARNATION);
        let mut incarnation = word.load(ord::record_load());
        let recover = || {
            if planted(Fault::AttachWithoutRecovery) { 0 } else { region.recover_contents(id) }
        };
        let recovered = (incarnation % 2 == 1).then(recover);
        incarnation = incarnation.wrapping_add(1 + u64::from(recovered.is_some()));
        identity.store(&region.memory, region.geometry.lane_at(id));
        word.store(incarnation, ord::record_store());
        let lane = Self {
            id,
            ticket: Ticket { at: region.geometry.lane_at(id), incarnation },
            next_token: 0,
            token_limit: 0,
            magazine: Magazine::new(),
            scratch: Vec::new(),
            spared: None,
        };
        if let Some(blocks) = recovered {
            let record = lane.record(region);
            counter::add(record, Counter::RecoveredParticipants, 1);
            counter::add(record, Counter::RecoveredBlocks, blocks);
        }
        lane
    }

    /// Gives everything back. The caller drops the byte lock afterwards.
    pub fn detach<H: Host>(mut self, region: &Region, host: &H) {
        if !self.ticket.is_current(region) {
            return;
        }
        let incarnation = self.ticket.incarnation;
        let id = self.id;
        Session::new(region, &mut self, host).flush_magazine();
        region
            .lane_word(id, record::INCARNATION)
            .store(incarnation.wrapping_add(1), ord::record_store());
    }

    /// The lane's record.
    #[inline(always)]
    pub(crate) fn record<'a>(&self, region: &'a Region) -> &'a Record {
        self.ticket.record(region)
    }

    /// Number of the lane.
    #[must_use]
    pub fn id(&self) -> LaneId {
        self.id
    }

    /// The incarnation that was begun when it was attached.
    #[must_use]
    pub fn incarnation(&self) -> u64 {
        self.ticket.incarnation
    }

    /// What tells whether the lane is still this one's.
    #[must_use]
    pub fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// A token that no item of this region ever had.
    #[inline]
    pub(crate) fn token(&mut self, region: &Region) -> u64 {
        if self.next_token == self.token_limit {
            self.take_tokens(region);
        }
        let token = self.next_token;
        self.next_token = token.wrapping_add(1);
        ((u64::from(self.id) + 1) << TOKEN_SEQUENCE) | (token & ((1 << TOKEN_SEQUENCE) - 1))
    }

    #[cold]
    fn take_tokens(&mut self, region: &Region) {
        let word = &self.record(region)[record::TOKENS as usize];
        self.next_token = word.load(Ordering::Relaxed);
        self.token_limit = self.next_token.wrapping_add(TOKEN_CHUNK);
        if !planted(Fault::TokensReissued) {
            word.store(self.token_limit, ord::record_store());
        }
    }
}

/// A participant as its record shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneView {
    /// Odd while attached or not yet recovered.
    pub incarnation: u64,
    /// Hints.
    pub identity: Identity,
}

impl Region {
    /// What a lane's record shows.
    #[must_use]
    pub fn lane_view(&self, lane: LaneId) -> LaneView {
        LaneView {
            incarnation: self.lane_word(lane, record::INCARNATION).load(ord::record_load()),
            identity: Identity::load(&self.memory, self.geometry.lane_at(lane)),
        }
    }

    /// Whether a lane is attached, or was when its owner died.
    #[must_use]
    pub fn is_attached(&self, lane: LaneId) -> bool {
        self.lane_word(lane, record::INCARNATION).load(ord::record_load()) % 2 == 1
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Lane, TOKEN_CHUNK};
    use crate::fixture::{Fixture, Still};
    use crate::layout::Identity;

    #[test]
    fn no_token_is_given_twice_whoever_has_the_lane() {
        let Fixture { region, .. } = &Fixture::new();
        let attach = || Lane::attach(region, 3, &Identity::default());
        let mut last = 0;
        let mut take = |lane: &mut Lane| {
            let token = lane.token(region);
            assert!(token > last, "{token} after {last}");
            last = token;
        };
        let mut first = attach();
        (0..TOKEN_CHUNK + 3).for_each(|_| take(&mut first));
        first.detach(region, &Still);
        // This one dies.
        take(&mut attach());
        take(&mut attach());
    }
}
