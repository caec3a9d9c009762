//! What a caller may say beside a key and a value.

use std::time::Duration;

/// How long an item lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lifetime {
    /// The handle's default TTL, else the region's, else for ever.
    #[default]
    Default,
    /// For ever (until evicted), whatever the defaults say; a `max_ttl` still caps it.
    Forever,
    /// For this long from now. Zero means: expired at once.
    Ttl(Duration),
    /// Until this many milliseconds since the Unix epoch.
    UnixMillis(u64),
    /// What the item had before; on a missing key as [`Lifetime::Default`].
    Keep,
}

/// When a `set` takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Condition {
    /// Always.
    #[default]
    Always,
    /// Only if the key is absent (`add`).
    IfAbsent,
    /// Only if the key is present (`replace`).
    IfPresent,
    /// Only if the item still carries this token (`compare_and_swap`).
    IfToken(CasToken),
}

/// Opaque version of one item: differs between any two values ever stored in a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CasToken(pub u64);

/// The kind of a value's bytes, beside the caller's own flags. Any number is allowed; these are agreed.
pub mod encoding {
    /// Plain bytes: what Rust and C write unless told otherwise.
    pub const BYTES: u8 = 0;
    /// UTF-8 text.
    pub const UTF8: u8 = 1;
    /// A decimal integer.
    pub const INTEGER: u8 = 2;
    /// A Python pickle.
    pub const PICKLE: u8 = 3;
    /// MessagePack.
    pub const MSGPACK: u8 = 4;
    /// JSON.
    pub const JSON: u8 = 5;
    /// An array with its type and shape.
    pub const ARRAY: u8 = 6;
    /// Rust's `bincode`.
    pub const BINCODE: u8 = 7;
    /// A Python pickle with the buffers that it refers to behind it.
    pub const PICKLE_BUFFERS: u8 = 8;
    /// An application's own.
    pub const CUSTOM: u8 = 128;
}

/// Options of [`Cache::set_with`](crate::Cache::set_with).
///
/// ```
/// use hostcache::SetOptions;
/// use std::time::Duration;
/// let options = SetOptions::new().ttl(Duration::from_millis(1500)).flags(7);
/// # let _ = options;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SetOptions {
    pub(crate) lifetime: Lifetime,
    pub(crate) condition: Condition,
    pub(crate) flags: u32,
    pub(crate) encoding: u8,
}

impl SetOptions {
    /// Default lifetime, unconditional, flags 0, encoding 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The item expires this long from now, in steps of a millisecond.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.lifetime = Lifetime::Ttl(ttl);
        self
    }

    /// The item expires at this wall-clock instant, converted to a remaining time when it is set.
    #[must_use]
    pub fn expires_at_unix_millis(mut self, at: u64) -> Self {
        self.lifetime = Lifetime::UnixMillis(at);
        self
    }

    /// An item that is replaced hands its deadline on.
    #[must_use]
    pub fn keep_ttl(mut self) -> Self {
        self.lifetime = Lifetime::Keep;
        self
    }

    /// Any [`Lifetime`].
    #[must_use]
    pub fn lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// The caller's own 32 bits, given back with the item.
    #[must_use]
    pub fn flags(mut self, flags: u32) -> Self {
        self.flags = flags;
        self
    }

    /// The kind of the value's bytes, see [`encoding`].
    #[must_use]
    pub fn encoding(mut self, encoding: u8) -> Self {
        self.encoding = encoding;
        self
    }

    /// Any [`Condition`].
    #[must_use]
    pub fn condition(mut self, condition: Condition) -> Self {
        self.condition = condition;
        self
    }

    /// Store only if the key is absent.
    #[must_use]
    pub fn only_if_absent(self) -> Self {
        self.condition(Condition::IfAbsent)
    }

    /// Store only if the key is present.
    #[must_use]
    pub fn only_if_present(self) -> Self {
        self.condition(Condition::IfPresent)
    }

    /// Store only if the item still carries this token.
    #[must_use]
    pub fn only_if_token(self, token: CasToken) -> Self {
        self.condition(Condition::IfToken(token))
    }
}

/// What became of a conditional store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetOutcome {
    /// The value is in the cache under this token.
    Stored(CasToken),
    /// Not stored: the key is present (only-if-absent).
    Exists,
    /// Not stored: the key is absent (only-if-present, only-if-token).
    Missing,
    /// Not stored: the item carries another token by now.
    TokenMismatch,
}

impl SetOutcome {
    /// Whether the value was stored.
    #[must_use]
    pub fn is_stored(self) -> bool {
        matches!(self, SetOutcome::Stored(_))
    }
}

impl From<Condition> for hostcache_core::Condition {
    #[inline(always)]
    fn from(condition: Condition) -> Self {
        match condition {
            Condition::Always => Self::Always,
            Condition::IfAbsent => Self::IfAbsent,
            Condition::IfPresent => Self::IfPresent,
            Condition::IfToken(CasToken(token)) => Self::IfToken(token),
        }
    }
}

impl From<hostcache_core::SetOutcome> for SetOutcome {
    fn from(outcome: hostcache_core::SetOutcome) -> Self {
        match outcome {
            hostcache_core::SetOutcome::Stored(token) => Self::Stored(CasToken(token)),
            hostcache_core::SetOutcome::Exists => Self::Exists,
            hostcache_core::SetOutcome::Missing => Self::Missing,
            hostcache_core::SetOutcome::TokenMismatch => Self::TokenMismatch,
        }
    }
}

/// Options of [`Cache::increment_with`](crate::Cache::increment_with).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CounterOptions {
    pub(crate) initial: Option<u64>,
    pub(crate) lifetime: Lifetime,
    pub(crate) encoding: u8,
}

impl CounterOptions {
    /// No initial value: a missing key stays missing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What a missing key becomes (the delta is not applied to it, as in Memcached).
    #[must_use]
    pub fn initial(mut self, value: u64) -> Self {
        self.initial = Some(value);
        self
    }

    /// The [`encoding`] of a counter that this call creates; an existing one keeps its own.
    #[must_use]
    pub fn encoding(mut self, encoding: u8) -> Self {
        self.encoding = encoding;
        self
    }

    /// The lifetime of a counter that this call creates; an existing one keeps its own.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.lifetime = Lifetime::Ttl(ttl);
        self
    }
}

/// What is known of an item beside its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ItemInfo {
    /// Length of the value in bytes.
    pub value_len: usize,
    /// The caller's own 32 bits.
    pub flags: u32,
    /// The kind of the value's bytes, see [`encoding`].
    pub encoding: u8,
    /// The item's version.
    pub cas_token: CasToken,
    /// Time left, `None` for an item that does not expire.
    pub ttl: Option<Duration>,
}

/// A value with what is known of it, from one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Item {
    /// The value's bytes.
    pub value: Vec<u8>,
    /// Its metadata.
    pub info: ItemInfo,
}
