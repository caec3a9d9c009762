//! Every memory ordering stronger than Relaxed, by name, with its partner.
//!
//! Code says `ord::slot_load()`, not `Acquire`: the argument stands here once. Under loom the environment
//! variable `HOSTCACHE_WEAKEN` names one site that becomes Relaxed, so that a test can show which
//! model notices.

use crate::fault::{Fault, planted};
use crate::sync::{Ordering, fence};

macro_rules! orderings {
    ($($(#[$doc:meta])* $name:ident = $strong:ident;)*) => {
        $($(#[$doc])*
        #[inline(always)]
        pub(crate) fn $name() -> Ordering {
            site(stringify!($name), Ordering::$strong)
        })*

        /// The names of all sites, for the test that weakens them one by one.
        pub const SITES: &[&str] = &[$(stringify!($name)),*];
    };
}

orderings! {
    /// Reads a slot that leads to a block. Acquire: pairs with [`slot_publish`], so that the header and the
    /// payload of the named block are seen as its owner sealed them.
    slot_load = Acquire;
    /// Links, replaces or unlinks: changes a slot. Release: everything stored into the new block before is
    /// visible to [`slot_load`]. Acquire: what is done to the block that it unlinked comes after.
    slot_publish = AcqRel;
    /// Reads a header before its payload. Acquire: the payload loads stay behind it; pairs with
    /// [`header_seal`].
    header_load = Acquire;
    /// Claims or retires a block. Acquire: pairs with [`header_free`], the former owner's last accesses come
    /// before. Release: pairs with [`header_load`] of the next who meets the header.
    header_claim = AcqRel;
    /// Seals a filled block. Release: pairs with [`header_load`].
    header_seal = Release;
    /// Gives a block back. Release: pairs with [`header_claim`].
    header_free = Release;
    /// Loads a control word before a scan. Acquire: pairs with [`control_commit`].
    control_load = Acquire;
    /// Commits or finishes an insertion. AcqRel: pairs with [`control_load`]; who sees the new version sees
    /// the tentative word that it commits, and everything the scan before it saw.
    control_commit = AcqRel;
    /// Names the word that a lane is about to expect. SeqCst read-modify-write: with [`hazard_fence`] the full
    /// barrier between this store and the re-read of header and slot; its partner is [`hazard_scan_fence`].
    /// Weaker permits the scan to miss the name while the re-read misses what came before the scan.
    hazard_publish = SeqCst;
    /// Reads a page word before the headers of its page. Acquire: pairs with [`page_change`].
    page_load = Acquire;
    /// Changes a page word. Release: the cut's headers come before; pairs with [`page_load`].
    page_change = AcqRel;
    /// Advances the clear epoch. Release: what a walk unlinked before is unlinked for who sees the new epoch; pairs
    /// with [`reader_fence`], which stands between the epoch and the second look at an item's header.
    epoch_advance = AcqRel;
    /// Writes a participant's record (intent, magazine, incarnation). Release: what was done under a name comes before
    /// the name is dropped, whenever the writer dies; pairs with [`record_load`].
    record_store = Release;
    /// Reads a participant's record. Acquire: pairs with [`record_store`].
    record_load = Acquire;
    /// Stores a pin. Release: an adopter that meets this one instead of its slot's last one sees that released. SeqCst
    /// read-modify-write: [`pin_fence`] relies on it (of a weaker exchange the compiler makes a plain store).
    pin_store = SeqCst;
    /// Releases a pin. Release: the holder's last reads of the block come before; pairs with [`pin_load`]. SeqCst
    /// read-modify-write, as above.
    pin_release = SeqCst;
    /// Reads another lane's pin. Acquire: pairs with [`pin_release`]; what the adopter stores into the block comes
    /// behind the holder's reads.
    pin_load = Acquire;
    /// Changes a quota. AcqRel: what is counted out is over; what is counted in begins behind [`quota_fence`].
    quota_change = AcqRel;
}

// What follows looks as if it had to be strong and need not be. Why, stands in `docs/orderings.md`.

/// Re-reads a slot behind the full barrier of [`hazard_publish`], or behind its control word.
#[inline(always)]
pub(crate) const fn slot_recheck() -> Ordering {
    Ordering::Relaxed
}

/// Re-reads a header behind [`reader_fence`].
#[inline(always)]
pub(crate) const fn header_recheck() -> Ordering {
    Ordering::Relaxed
}

/// Reads another lane's names behind [`hazard_scan_fence`].
#[inline(always)]
pub(crate) const fn hazard_load() -> Ordering {
    Ordering::Relaxed
}

/// Drops a name: as a hazard that needs nothing, but names are of the record, too.
#[inline(always)]
pub(crate) fn hazard_clear() -> Ordering {
    record_store()
}

/// Reads the clear epoch.
#[inline(always)]
pub(crate) const fn epoch_load() -> Ordering {
    Ordering::Relaxed
}

#[cfg(not(loom))]
#[inline(always)]
fn site(_name: &'static str, strong: Ordering) -> Ordering {
    strong
}

/// `<site>` makes both halves of an exchange Relaxed, `<site>-acquire` and `<site>-release` one of them.
#[cfg(loom)]
fn site(name: &'static str, strong: Ordering) -> Ordering {
    match chosen().and_then(|chosen| chosen.strip_prefix(name)) {
        Some("") => Ordering::Relaxed,
        Some("-acquire") => Ordering::Release,
        Some("-release") => Ordering::Acquire,
        _ => strong,
    }
}

#[cfg(loom)]
fn weakened(name: &str) -> bool {
    chosen() == Some(name)
}

#[cfg(loom)]
fn chosen() -> Option<&'static str> {
    use std::sync::OnceLock;
    static SITE: OnceLock<Option<String>> = OnceLock::new();
    SITE.get_or_init(|| std::env::var("HOSTCACHE_WEAKEN").ok()).as_deref()
}

#[cfg(not(loom))]
#[inline(always)]
fn weakened(_name: &str) -> bool {
    false
}

/// Fences, weakened by the same variable.
pub const FENCES: &[&str] = &[
    "reader_fence",
    "writer_fence",
    "hazard_scan_fence",
    "pin_fence",
    "pin_scan_fence",
    "quota_fence",
];

/// Between the copy of a payload and the second look at its header. Acquire: a copied byte of a newer
/// incarnation was stored behind [`writer_fence`], so the header load that follows sees the claim.
#[inline(always)]
pub(crate) fn reader_fence() {
    if !weakened("reader_fence") {
        fence(Ordering::Acquire);
    }
}

/// Between the claim of a block and the first store to its payload. Release: pairs with [`reader_fence`]. The
/// claim's own Acquire does not keep its store before the payload's (it does on x86, not on ARM).
#[inline(always)]
pub(crate) fn writer_fence() {
    if !weakened("writer_fence") && !planted(Fault::NoWriterFence) {
        fence(Ordering::Release);
    }
}

/// Behind the exchange of [`hazard_publish`], whose site it shares. On x86-64 every exchange is a full barrier, so
/// there it costs nothing; the language gives loads behind a SeqCst exchange no place in that order, and neither
/// do other machines.
#[inline(always)]
pub(crate) fn hazard_fence() {
    if cfg!(any(loom, miri, not(target_arch = "x86_64"))) && !weakened("hazard_publish") {
        full_barrier();
    }
}

/// Before all lanes' names are scanned. SeqCst: pairs with [`hazard_publish`]; either the scan sees the
/// name, or the namer's re-read sees that the slot has changed.
#[inline]
pub(crate) fn hazard_scan_fence() {
    if !weakened("hazard_scan_fence") {
        full_barrier();
    }
}

#[cfg(not(loom))]
#[inline(always)]
fn full_barrier() {
    fence(Ordering::SeqCst);
}

/// One of the two barriers comes first, and the other sees what came before it: that, and nothing of what a fence
/// does besides. A fence would publish what was stored before it, and so hide a weakened [`slot_publish`], which on
/// x86-64 has no fence before it.
#[cfg(loom)]
fn full_barrier() {
    use crate::sync::{AtomicU64, lazy_static};
    lazy_static! {
        static ref ORDER: AtomicU64 = AtomicU64::new(0);
    }
    ORDER.fetch_add(1, Ordering::AcqRel);
}

/// Between the change of a pin (stored or released) and the look at the block's header. SeqCst: pairs with
/// [`pin_scan_fence`]; either the look sees ORPHAN, or the scan sees the change.
///
/// The change is a sequentially consistent read-modify-write ([`pin_store`], [`pin_release`]), which on x86-64 is a full
/// barrier of the processor: there only the compiler has to be told.
#[inline(always)]
pub(crate) fn pin_fence() {
    #[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
    crate::sync::compiler_fence(Ordering::SeqCst);
    #[cfg(not(all(target_arch = "x86_64", not(loom), not(miri))))]
    if !weakened("pin_fence") {
        fence(Ordering::SeqCst);
    }
}

/// Between a block's becoming an ORPHAN and the scan of all lanes' pins. SeqCst: pairs with [`pin_fence`].
#[inline]
pub(crate) fn pin_scan_fence() {
    if !weakened("pin_scan_fence") {
        fence(Ordering::SeqCst);
    }
}

/// Between the growth of the own quota and the sum of all. SeqCst: pairs with itself; of two lanes that grow at once
/// at least one sees the other.
#[inline]
pub(crate) fn quota_fence() {
    if !weakened("quota_fence") {
        fence(Ordering::SeqCst);
    }
}
