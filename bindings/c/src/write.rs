//! Storing a value.

use std::ffi::c_void;
use std::time::Duration;

use hostcache::{CasToken, Condition, Lifetime, SetOptions, SetOutcome};

use crate::boundary::{self, Out, bytes, growing, guard, key};
use crate::handle::{cache, hostcache_t};
use crate::status::{
    HOSTCACHE_EXISTS, HOSTCACHE_MISS, HOSTCACHE_OK, Outcome, hostcache_status_t, invalid,
};

/// How long an item lives; `time_ms` beside it says more.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum hostcache_lifetime_t {
    /// The handle's default TTL, else the region's, else until it is evicted. `time_ms` is not looked at.
    HOSTCACHE_LIFETIME_DEFAULT = 0,
    /// Until it is evicted, whatever the defaults say; a limit of TTLs still holds. `time_ms` is not looked at.
    HOSTCACHE_LIFETIME_FOREVER = 1,
    /// For `time_ms` milliseconds from now. 0: expired at once.
    HOSTCACHE_LIFETIME_TTL = 2,
    /// Until `time_ms` milliseconds since the Unix epoch.
    HOSTCACHE_LIFETIME_UNTIL = 3,
    /// What the item had before; on a missing key the default. `time_ms` is not looked at.
    HOSTCACHE_LIFETIME_KEEP = 4,
}

/// When a value is stored.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum hostcache_condition_t {
    /// Always.
    HOSTCACHE_ALWAYS = 0,
    /// Only if the key is absent, else HOSTCACHE_EXISTS.
    HOSTCACHE_IF_ABSENT = 1,
    /// Only if the key is present, else HOSTCACHE_MISS.
    HOSTCACHE_IF_PRESENT = 2,
    /// Only if the item still carries `cas_token`, else HOSTCACHE_EXISTS, or HOSTCACHE_MISS if there is none.
    HOSTCACHE_IF_TOKEN = 3,
}

/// Options of a store. HOSTCACHE_INIT sets `size`, and all the rest to 0, which stands for a plain hostcache_set.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct hostcache_set_options_t {
    pub size: usize,
    /// What `lifetime` says.
    pub time_ms: u64,
    /// What the item must carry, with HOSTCACHE_IF_TOKEN.
    pub cas_token: u64,
    /// A hostcache_lifetime_t.
    pub lifetime: u32,
    /// A hostcache_condition_t.
    pub condition: u32,
    /// The caller's own 32 bits, given back with the item.
    pub flags: u32,
    /// The kind of the value's bytes, a hostcache_encoding_t or a number of your own, 0 to 255.
    pub encoding: u32,
}

growing!(hostcache_set_options_t, 40);

/// A lifetime from its two numbers.
pub(crate) fn lifetime(kind: u32, time_ms: u64) -> Outcome<Lifetime> {
    use hostcache_lifetime_t::*;
    const DEFAULT: u32 = HOSTCACHE_LIFETIME_DEFAULT as u32;
    const FOREVER: u32 = HOSTCACHE_LIFETIME_FOREVER as u32;
    const TTL: u32 = HOSTCACHE_LIFETIME_TTL as u32;
    const UNTIL: u32 = HOSTCACHE_LIFETIME_UNTIL as u32;
    const KEEP: u32 = HOSTCACHE_LIFETIME_KEEP as u32;
    match kind {
        DEFAULT => Ok(Lifetime::Default),
        FOREVER => Ok(Lifetime::Forever),
        TTL => Ok(Lifetime::Ttl(Duration::from_millis(time_ms))),
        UNTIL => Ok(Lifetime::UnixMillis(time_ms)),
        KEEP => Ok(Lifetime::Keep),
        other => Err(invalid(format!("{other} is no hostcache_lifetime_t"))),
    }
}

/// The lifetime of a plain `ttl_ms`: 0 is none.
pub(crate) fn plain_lifetime(ttl_ms: u64) -> Lifetime {
    match ttl_ms {
        0 => Lifetime::Default,
        ms => Lifetime::Ttl(Duration::from_millis(ms)),
    }
}

impl hostcache_set_options_t {
    fn build(&self) -> Outcome<SetOptions> {
        use hostcache_condition_t::*;
        const ALWAYS: u32 = HOSTCACHE_ALWAYS as u32;
        const IF_ABSENT: u32 = HOSTCACHE_IF_ABSENT as u32;
        const IF_PRESENT: u32 = HOSTCACHE_IF_PRESENT as u32;
        const IF_TOKEN: u32 = HOSTCACHE_IF_TOKEN as u32;
        let condition = match self.condition {
            ALWAYS => Condition::Always,
            IF_ABSENT => Condition::IfAbsent,
            IF_PRESENT => Condition::IfPresent,
            IF_TOKEN => Condition::IfToken(CasToken(self.cas_token)),
            other => return Err(invalid(format!("{other} is no hostcache_condition_t"))),
        };
        let encoding = u8::try_from(self.encoding)
            .map_err(|_| invalid(format!("{} is no encoding: 0 to 255", self.encoding)))?;
        Ok(SetOptions::new()
            .lifetime(lifetime(self.lifetime, self.time_ms)?)
            .condition(condition)
            .flags(self.flags)
            .encoding(encoding))
    }
}

/// The caller's options, those of a plain set for NULL.
///
/// # Safety
///
/// As [`boundary::options`].
pub(crate) unsafe fn set_options(at: *const hostcache_set_options_t) -> Outcome<SetOptions> {
    // SAFETY: the caller's.
    unsafe { boundary::options(at) }?.map_or(Ok(SetOptions::new()), |options| options.build())
}

/// A status and the token of what was stored.
pub(crate) fn stored(outcome: SetOutcome, token: &Out<u64>) -> Outcome {
    Ok(match outcome {
        SetOutcome::Stored(CasToken(stored)) => {
            token.put(stored);
            HOSTCACHE_OK
        }
        SetOutcome::Missing => HOSTCACHE_MISS,
        // Exists, TokenMismatch: there is something else.
        _ => HOSTCACHE_EXISTS,
    })
}

/// Stores in one of the ways below.
///
/// # Safety
///
/// As the functions below.
#[inline(always)]
unsafe fn store(
    cache: *mut hostcache_t,
    (key, key_len): (*const c_void, usize),
    (value, value_len): (*const c_void, usize),
    cas_token: *mut u64,
    options: impl FnOnce() -> Outcome<SetOptions>,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the caller's.
        let (token, cache, key, value) = unsafe {
            let token = Out::optional(cas_token, 0);
            let value = bytes(value, value_len, "the value");
            (token, self::cache(cache)?, self::key(key, key_len)?, value?)
        };
        stored(cache.set_with(key, value, &options()?)?, &token)
    })
}

/// Stores a value, whatever was there. It expires `ttl_ms` milliseconds from now (0: none, the handle's or region's default, if
/// there is one).
/// Key and value are copied. Linearizable and lock-free: no other process sees half of it. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_set(
    cache: *mut hostcache_t,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    ttl_ms: u64,
) -> hostcache_status_t {
    let options = || Ok(SetOptions::new().lifetime(plain_lifetime(ttl_ms)));
    let (key, value) = ((key, key_len), (value, value_len));
    // SAFETY: the arguments are as the header says.
    unsafe { store(cache, key, value, std::ptr::null_mut(), options) }
}

/// hostcache_set with options (NULL: none). `*cas_token` is the item's token if it was stored, else 0; NULL if it is not wanted.
/// An unmet condition is HOSTCACHE_EXISTS or HOSTCACHE_MISS, as hostcache_condition_t says.
/// Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_set_with(
    cache: *mut hostcache_t,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    options: *const hostcache_set_options_t,
    cas_token: *mut u64,
) -> hostcache_status_t {
    let (key, value) = ((key, key_len), (value, value_len));
    // SAFETY: the arguments are as the header says.
    unsafe { store(cache, key, value, cas_token, || set_options(options)) }
}

/// Stores a value only if the key is absent, else HOSTCACHE_EXISTS. `ttl_ms` as for hostcache_set.
/// Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_add(
    cache: *mut hostcache_t,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    ttl_ms: u64,
) -> hostcache_status_t {
    let options = || Ok(SetOptions::new().lifetime(plain_lifetime(ttl_ms)).only_if_absent());
    let (key, value) = ((key, key_len), (value, value_len));
    // SAFETY: the arguments are as the header says.
    unsafe { store(cache, key, value, std::ptr::null_mut(), options) }
}

/// Stores a value only if the key is present, else HOSTCACHE_MISS. `ttl_ms` as for hostcache_set.
/// Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_replace(
    cache: *mut hostcache_t,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    ttl_ms: u64,
) -> hostcache_status_t {
    let options = || Ok(SetOptions::new().lifetime(plain_lifetime(ttl_ms)).only_if_present());
    let (key, value) = ((key, key_len), (value, value_len));
    // SAFETY: the arguments are as the header says.
    unsafe { store(cache, key, value, std::ptr::null_mut(), options) }
}

/// Stores a value only if the item still carries the token that hostcache_get_item gave, else HOSTCACHE_EXISTS, or HOSTCACHE_MISS
/// if there is none. `*new_token` is the item's token if it was stored, else 0; NULL if it is not wanted. `ttl_ms` as for
/// hostcache_set.
/// Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_compare_and_swap(
    cache: *mut hostcache_t,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    ttl_ms: u64,
    cas_token: u64,
    new_token: *mut u64,
) -> hostcache_status_t {
    let token = CasToken(cas_token);
    let options = || Ok(SetOptions::new().lifetime(plain_lifetime(ttl_ms)).only_if_token(token));
    let (key, value) = ((key, key_len), (value, value_len));
    // SAFETY: the arguments are as the header says.
    unsafe { store(cache, key, value, new_token, options) }
}
