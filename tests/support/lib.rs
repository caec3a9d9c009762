//! Support for the whole-system tests.
//!
//! A test starts `test-worker` processes ([`child`]) in the [`roles`] it needs, on a region of its
//! own ([`region`]), and talks to them through shared words ([`board`]). Values prove by themselves
//! what they are ([`value`]). A [`campaign`] lets workers run a random workload ([`driver`]) that
//! records every operation ([`history`]) and checks afterwards that the records can be explained by
//! one order of the operations ([`checker`]). [`model_store`] is a cache with faults on request: it
//! shows that the checker sees them.

pub mod board;
pub mod campaign;
pub mod chain;
pub mod checker;
pub mod child;
pub mod clock;
pub mod driver;
pub mod history;
pub mod model_store;
pub mod random;
pub mod region;
pub mod roles;
pub mod store;
pub mod suite;
pub mod torture;
pub mod value;
pub mod volume;
