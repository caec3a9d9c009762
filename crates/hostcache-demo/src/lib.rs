//! The storefront demonstration: a SQLite store behind one shared cache.
//!
//! Several worker processes serve product pages. Each asks the cache first and the database on a
//! miss; now and then one changes a price in the database and deletes the page from the cache.
//!
//! ```text
//!   worker process ─┐          ┌─ hit ────────────────────► answer
//!   worker process ─┼─ region ─┤
//!   worker process ─┘    ▲     └─ miss ─ SQLite ─ fill ───► answer
//!                        │
//!                     daemon: expires, evicts ahead, recovers
//! ```
//!
//! Half-way one worker is killed and another takes its place; what the dead one held in the region
//! has to come back while the others go on.
//!
//! **Every answer is checked.** A page carries its product, its version and a checksum, and a table
//! of versions beside the database (`truth`) says what may be answered. A torn page, another
//! product's page or a version that nobody wrote is *wrong*; a page older than the row was when the
//! request began is *stale*.
//!
//! **How stale pages are kept out.** Cache-aside has a well-known race: a reader loads a row, an
//! updater commits a newer one and deletes the page, the reader stores the old row. Here a reader
//! that misses first adds an empty value, the *lease*, and later replaces exactly that lease by
//! compare-and-swap. A delete in between takes the lease away, and the old row is not stored
//! (`shop`). What is left is the moment between an updater's COMMIT and its delete.
//!
//! | module | what it does |
//! |---|---|
//! | `product` | a product page, its encoding and its checksum |
//! | `catalog`, `store` | fills the SQLite file; reads pages and updates prices |
//! | `truth` | which versions may be answered |
//! | `traffic`, `random` | the skewed, seeded stream of requests |
//! | `shop` | cache-aside: answers one request and checks the answer |
//! | `tally` | counters and latency histograms |
//! | `worker` | the worker process: serves traffic, reports every quarter of a second |
//! | `child`, `crew`, `daemon` | child processes as the parent sees them |
//! | `kill` | kills a worker and watches what it held come back |
//! | `run`, `progress`, `summary` | the demonstration from start to end |

mod catalog;
mod child;
mod crew;
mod daemon;
mod error;
mod kill;
mod options;
mod product;
mod progress;
mod random;
mod run;
mod scratch;
mod shop;
mod store;
mod summary;
mod tally;
mod traffic;
mod truth;
mod worker;

pub use error::DemoError;
pub use options::DemoOptions;
pub use run::{Verdict, run};
pub use worker::{WORKER_ARGUMENT, worker_main};
