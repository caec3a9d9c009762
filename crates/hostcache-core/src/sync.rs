//! The one door to atomics: `core`'s in production, loom's under `--cfg loom`.

#[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
pub(crate) use core::sync::atomic::compiler_fence;
#[cfg(not(loom))]
pub(crate) use core::sync::atomic::{AtomicU8, AtomicU64, Ordering, fence};
#[cfg(loom)]
pub(crate) use loom::lazy_static;
#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU64, Ordering, fence};
