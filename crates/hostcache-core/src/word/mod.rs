//! The packed words of a region: each a type with its diagram; no mask stands outside these files.

mod block;
mod control;
mod page;
mod pin;
mod quota;
mod slot;

pub use block::{BlockState, BlockWord};
pub use control::ControlWord;
pub use page::{PageState, PageWord};
pub use pin::PinWord;
pub use quota::QuotaWord;
pub use slot::SlotWord;

/// The lane number of a participant, as owner fields hold it.
pub type LaneId = u16;

/// Owner fields have 13 bits.
pub const MAX_LANES: u32 = 1 << 13;

/// Extracts `bits` bits from `shift` on.
const fn field(word: u64, shift: u32, bits: u32) -> u64 {
    (word >> shift) & ((1 << bits) - 1)
}
