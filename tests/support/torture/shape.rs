//! Sizes of the regions that are tortured, and who has which lane.

use hostcache_core::layout::Shape;
use hostcache_core::word::LaneId;

/// Words of a region: 1 MiB, the smallest capacity.
pub(super) const WORDS: usize = (1 << 20) / 8;
/// Participant slots.
pub(super) const LANES: usize = 8;

/// Who makes the start state.
pub(super) const BUILDER: LaneId = 0;
/// Who is killed or stopped.
pub(super) const VICTIM: LaneId = 1;
/// Who died before, and was not recovered.
pub(super) const EARLIER: LaneId = 2;
/// Who is killed second, or runs beside the victim.
pub(super) const SECOND: LaneId = 3;
/// Who goes on.
pub(super) const SURVIVOR: LaneId = 4;
/// Whose pins the start state has.
pub(super) const PINNER: LaneId = 5;
/// The victim's lane for pins or a reservation.
pub(super) const HOLDER: LaneId = 6;

/// A region with so many buckets, and counters of two bits or of full width.
pub(super) fn shape(buckets: u64, small: bool) -> Shape {
    let shape = Shape::new((WORDS * 8) as u64, Some(LANES as u32), None, 7)
        .unwrap_or_else(|e| panic!("{e}"));
    let (generation_bits, epoch_bits) = if small { (2, 2) } else { (16, 32) };
    Shape { buckets, generation_bits, epoch_bits, ..shape }
}
