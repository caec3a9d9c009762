//! What every benchmark of this package shares.
//!
//! A benchmark here is a *ratio taken in one run*: hostcache beside its peers, on the same keys, in the
//! same order, with every answer checked. Four things make that possible:
//!
//! * [`Workload`]: which keys in which order ([`IndexStream`], seeded) with which values ([`ValueSize`]).
//!   An item is known by its *index*; its [`Key`] and its value follow from it, so that any answer can be
//!   checked without a table beside it.
//! * [`Subject`]: the operations that are measured, one implementation for hostcache and for each peer.
//! * [`Session`]: the loops around them, one copy per subject so that nothing is called through a table.
//! * [`side_by_side`] and [`processes`]: who runs when. Subjects take turns in batches of about 60 us,
//!   short enough to fall between two interruptions of a busy machine.
//!
//! [`phase`] measures a [`Store`](store::Store), a subject that workers attach to, by one worker and by two at once.
//! [`record`] prints what came out in the form in which it is kept under `record/`, [`chart`] draws it.

pub mod callgrind;
pub mod chart;
pub mod figures;
mod key;
pub mod latency;
pub mod overlap;
pub mod phase;
pub mod processes;
pub mod random;
pub mod record;
mod session;
pub mod settings;
pub mod shared;
pub mod side_by_side;
pub mod store;
mod stream;
pub mod subject;
mod value;

pub use key::Key;
pub use session::{Operation, Session, Workload};
pub use stream::{Distribution, IndexStream};
pub use subject::Subject;
pub use value::ValueSize;
