//! A lane's record: everything a participant can hold is named here before it holds it.
//!
//! ```text
//! identity 8 | intent 8 | counters 32 | magazine 32 | pins 47 | quota 1      words; identity and intent are a line each
//! ```

use crate::memory::Memory;
use crate::ordering as ord;
use crate::sync::Ordering;

/// Positions in a record, in words.
pub mod record {
    /// Odd while attached; grows by one at attach and at detach or recovery.
    pub const INCARNATION: u64 = 0;
    /// High-water mark of CAS token sequences: the next owner starts above.
    pub const TOKENS: u64 = 1;
    /// Process id, a hint.
    pub const PID: u64 = 2;
    /// Command name, 16 bytes, a hint.
    pub const COMMAND: u64 = 3;
    /// The slot word of the lane's own new block: hazard while it may be tentative.
    pub const NEW: u64 = if cfg!(loom) { 2 } else { 8 };
    /// The slot word that the lane is about to expect: hazard.
    pub const OLD: u64 = NEW + 1;
    /// The header word of the block that [`OLD`] names.
    pub const OLD_HEADER: u64 = NEW + 2;
    /// First counter.
    pub const COUNTERS: u64 = if cfg!(loom) { 5 } else { 16 };
    /// Number of counters.
    pub const COUNTER_SLOTS: u64 = if cfg!(loom) { 0 } else { 32 };
    /// First magazine entry: a location, or 0.
    pub const MAGAZINE: u64 = COUNTERS + COUNTER_SLOTS;
    /// Number of magazine entries.
    pub const MAGAZINE_SLOTS: u64 = if cfg!(loom) { 2 } else { 32 };
    /// First pin record.
    pub const PINS: u64 = MAGAZINE + MAGAZINE_SLOTS;
    /// Number of pin records.
    pub const PIN_SLOTS: u64 = if cfg!(loom) { 1 } else { 47 };
    /// What the lane holds by pins or a reservation, and may hold. The models have none.
    pub const QUOTA: u64 = PINS + PIN_SLOTS;
    /// Words of a record.
    pub const WORDS: u64 = if cfg!(loom) { QUOTA } else { QUOTA + 1 };
}

/// Who a lane belongs to: hints for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Identity {
    /// Process id as the process saw it.
    pub pid: u32,
    /// Command name, padded with zeros.
    pub command: [u8; 16],
}

impl Identity {
    /// Stores the hints.
    pub(crate) fn store(&self, memory: &Memory, lane_at: u64) {
        if cfg!(loom) {
            return;
        }
        memory.word(lane_at + record::PID).store(self.pid.into(), Ordering::Relaxed);
        memory.copy_in(lane_at + record::COMMAND, &self.command);
    }

    /// Loads the hints.
    pub(crate) fn load(memory: &Memory, lane_at: u64) -> Self {
        let mut identity = Self::default();
        if cfg!(loom) {
            return identity;
        }
        identity.pid = memory.word(lane_at + record::PID).load(ord::record_load()) as u32;
        memory.copy_out(lane_at + record::COMMAND, &mut identity.command);
        identity
    }
}
