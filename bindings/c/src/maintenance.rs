//! What the daemon does, for a program that keeps its cache itself.

use hostcache::{Leadership, MaintenanceBudget};

use crate::boundary::{self, OutStruct, end, growing, guard};
use crate::handle::{cache, hostcache_t, out_handle};
use crate::status::{HOSTCACHE_EXISTS, HOSTCACHE_MISS, HOSTCACHE_OK, hostcache_status_t};

/// How much one maintenance step may do. HOSTCACHE_INIT sets `size`, and all the rest to 0, which stands for the usual amount.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct hostcache_budget_t {
    pub size: usize,
    /// Buckets to look through for expired and cleared items. 0: 4096.
    pub buckets: u32,
    /// Items to evict ahead of need. 0: 256; UINT32_MAX: none.
    pub evictions: u32,
    /// 1: don't look for dead participants.
    pub without_recovery: u32,
    /// Leave it 0.
    pub reserved: u32,
}

growing!(hostcache_budget_t, 24);

impl From<hostcache_budget_t> for MaintenanceBudget {
    fn from(budget: hostcache_budget_t) -> Self {
        let mut usual = Self::default();
        if budget.buckets != 0 {
            usual.buckets = budget.buckets;
        }
        usual.evictions = match budget.evictions {
            0 => usual.evictions,
            u32::MAX => 0,
            evictions => evictions,
        };
        usual.recover = budget.without_recovery == 0;
        usual
    }
}

/// What one maintenance step did. HOSTCACHE_INIT sets `size`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct hostcache_maintenance_report_t {
    pub size: usize,
    /// Buckets looked through.
    pub buckets: u64,
    /// Expired items reclaimed.
    pub expired: u64,
    /// Items of an earlier clear reclaimed.
    pub cleared: u64,
    /// Items evicted ahead of need.
    pub evicted: u64,
    /// Dead participants recovered.
    pub recovered_participants: u64,
    /// Blocks that came back from them.
    pub recovered_blocks: u64,
    /// 1: the sweep over the index came round to its start.
    pub sweep_finished: u64,
}

growing!(hostcache_maintenance_report_t, 64);

/// One bounded step of recovery, expiry and eviction ahead of need: all that the daemon does. `budget` and `report` may be NULL. Call it now and
/// then (the daemon does, some ten times a second) in a program that runs without one; processes that both do it do no harm.
/// Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_maintain(
    cache: *mut hostcache_t,
    budget: *const hostcache_budget_t,
    report: *mut hostcache_maintenance_report_t,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let (out, cache, budget) = unsafe {
            (OutStruct::optional(report)?, self::cache(cache)?, boundary::options(budget)?)
        };
        let did = cache.maintain(&budget.map_or_else(MaintenanceBudget::default, Into::into))?;
        if let Some(out) = out {
            out.put(&hostcache_maintenance_report_t {
                size: 0,
                buckets: did.buckets,
                expired: did.expired,
                cleared: did.cleared,
                evicted: did.evicted,
                recovered_participants: did.recovered_participants,
                recovered_blocks: did.recovered_blocks,
                sweep_finished: did.sweep_finished.into(),
            });
        }
        Ok(HOSTCACHE_OK)
    })
}

/// The daemon's office, held by at most one process of the host, and lost with it.
pub struct hostcache_leadership_t {
    _leadership: Leadership,
}

/// Takes the daemon's office of a region: a daemon that is started meanwhile stands by. HOSTCACHE_EXISTS: somebody else has it. Unless it is
/// HOSTCACHE_OK, `*out` is NULL.
/// The caller ends it with hostcache_resign. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_try_lead(
    cache: *mut hostcache_t,
    out: *mut *mut hostcache_leadership_t,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let (out, cache) = unsafe { (out_handle(out)?, self::cache(cache)?) };
        let Some(leadership) = cache.try_lead()? else { return Ok(HOSTCACHE_EXISTS) };
        out.hand_out(hostcache_leadership_t { _leadership: leadership });
        Ok(HOSTCACHE_OK)
    })
}

/// Gives the daemon's office up. NULL is allowed. No other thread may use it any more. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_resign(leadership: *mut hostcache_leadership_t) {
    // SAFETY: the arguments are as the header says.
    unsafe { end(leadership) };
}

/// Whether somebody has the daemon's office at this moment: HOSTCACHE_OK, or HOSTCACHE_MISS.
/// Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_is_led(cache: *mut hostcache_t) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let led = unsafe { self::cache(cache) }?.is_led()?;
        Ok(if led { HOSTCACHE_OK } else { HOSTCACHE_MISS })
    })
}
