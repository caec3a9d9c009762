//! Pins: items held in place while others replace, delete, evict or clear them (`docs/protocol.md` §7).
//!
//! Hazard pointers (Michael, IEEE TPDS 2004) on blocks. A holder stores a record in its lane, passes a barrier, and looks at
//! the header: PUBLISHED with the pin bit set, in the generation that it found. Who unlinks such a block makes it an ORPHAN,
//! passes a barrier, and scans the records. So either the holder sees the ORPHAN, or the scan sees the record. A block
//! without the bit is retired as ever: what was never pinned pays nothing.
//!
//! Every record that was ever stored is released by the same steps, whether it came to hold the block or not: mark it
//! released, barrier, look, adopt an ORPHAN that nobody holds, clear. The last to release adopts, and a death at any
//! point leaves a record that says where to look.

mod adopt;
mod hold;
mod lane;
mod quota;
mod scan;

pub use hold::{PinFailure, PinSlot, Pinned};
pub use lane::PinLane;
