//! The daemon: a loop over [`Cache::maintain`](hostcache::Cache::maintain), and nothing else.
//!
//! A region needs no daemon to be correct: writers evict inline, reads check deadlines, and recovery runs
//! when memory is needed. The daemon only moves that work out of the workers' way. It expires passed
//! deadlines, evicts ahead of need, and recovers what dead participants held. Everything it does is a
//! bounded step that any process could take, so killing it at any moment harms nobody.
//!
//! * **Office.** Of several daemons on one region one leads; the others stand by, ask a few times a
//!   second, and one of them takes over as soon as the first one has died. A stopped daemon keeps the
//!   office, and nothing waits for it.
//! * **Pace.** Short steps with pauses in between: long ones while there is nothing to do, short ones
//!   while there is. The rules are in `pace.rs`, the figures in [`Config`].
//! * **End.** It ends when the [`StopFlag`] is raised (by SIGTERM or SIGINT with
//!   [`StopFlag::on_signals`]), within a second; also when its region has been destroyed, so that it does
//!   not keep the memory of a region that nobody can find any more.
//! * **Settings.** With [`Daemon::reload`] they are read anew when somebody asks (SIGHUP with
//!   [`ReloadFlag::on_signal`]); what changed is logged. Settings that can't be used change nothing.
//! * **Service manager.** With [`Daemon::notices`] it is told over `$NOTIFY_SOCKET` that the daemon is
//!   ready (leading or standing by), alive, and about to end.
//! * **Handing out.** A region without a file is handed out as a descriptor over a Unix socket ([`Handout`]), by a
//!   thread of its own.
//! * **Log.** Through the `log` facade, as one event word and `key=value` pairs: what was done and why,
//!   at most one line a second, and nothing when nothing happened.
//!
//! ```no_run
//! use hostcache_daemon::{Config, StopFlag};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let cache = hostcache::Cache::open("catalog")?;
//! let stop = StopFlag::on_signals()?;
//! let summary = hostcache_daemon::run(&cache, &Config::default(), &stop)?;
//! println!("{summary}");
//! # Ok(())
//! # }
//! ```

mod config;
mod control;
mod error;
mod handout;
mod journal;
mod notices;
mod office;
mod pace;
mod region_watch;
mod run;
mod signals;
mod summary;

pub use config::{Change, Config};
pub use control::{ReadSettings, Reload};
pub use error::DaemonError;
pub use handout::{Access, Handout};
pub use notices::Notices;
pub use run::{Daemon, run};
pub use signals::{ReloadFlag, StopFlag};
pub use summary::{End, Summary};
