//! The demonstration from start to end.
//!
//! Everything that has to be undone is held by a value that undoes it when dropped: the directory,
//! the region, the child processes. So the end is the same after the last second, after an error
//! and after Ctrl-C.

use std::io::{self, Write};
use std::path::Path;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use hostcache::Cache;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{SigId, flag, low_level};

use crate::crew::Crew;
use crate::daemon::Daemon;
use crate::kill::{Aftermath, Before, Death, Plan};
use crate::progress::{Moment, Progress, WorkerView};
use crate::scratch::{Scratch, database_path, truth_path};
use crate::summary::Summary;
use crate::tally::Counters;
use crate::truth::Truth;
use crate::worker::Assignment;
use crate::{DemoError, DemoOptions, catalog};

/// Time between two looks at the workers.
const TICK: Duration = Duration::from_millis(50);

/// What a demonstration that ran to its end found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Every answer was one that the database gave, and the region is sound.
    Clean,
    /// An answer was torn, of another product or never written, or the region is not sound.
    Wrong,
}

/// Runs a demonstration: progress goes to standard error, the summary to standard output.
///
/// Starts child processes by executing the current program again: with [`WORKER_ARGUMENT`] in front
/// of what [`worker_main`] takes, and with `serve NAME` for the daemon. They end when the calling
/// thread does. SIGINT, SIGTERM and SIGHUP end the demonstration early and in order; after SIGKILL
/// the region `demo-PID` and a directory of the same name under `TMPDIR` stay behind.
///
/// [`WORKER_ARGUMENT`]: crate::WORKER_ARGUMENT
/// [`worker_main`]: crate::worker_main
///
/// # Errors
///
/// On an option out of range, when the region, the database or a child process fails, and
/// [`DemoError::Interrupted`] after a signal, unless an answer was wrong until then. Nothing stays
/// behind in any of these cases.
pub fn run(options: &DemoOptions) -> Result<Verdict, DemoError> {
    options.validate()?;
    let interrupt = Interrupt::watch()?;
    let mut progress = Progress::new();
    progress.note(&format!("hostcache demo, seed {}", options.seed));
    let scratch = Scratch::create()?;
    fill_database(options, scratch.path(), &interrupt, &mut progress)?;
    let truth = Arc::new(Truth::create(&truth_path(scratch.path()), options.products)?);
    let region = Region::create(options.capacity)?;
    let mut stage = Stage {
        daemon: Daemon::start(&region.name, scratch.path())?,
        crew: start_crew(options, &region, scratch.path(), &interrupt)?,
        cache: &region.cache,
        truth,
        scratch: scratch.path(),
        progress,
    };
    let (elapsed, aftermath) = stage.play(options, &interrupt)?;
    stage.progress.finish();
    let tally = stage.crew.finish()?;
    let aftermath = aftermath.map(join).transpose()?;
    let stats = region.cache.stats();
    stage.daemon.finish()?;
    let summary = Summary {
        options,
        elapsed,
        interrupted: interrupt.came(),
        tally: &tally,
        aftermath: aftermath.as_ref(),
        stats: &stats,
        check: &region.cache.check(),
    };
    write!(io::stdout(), "{summary}")
        .map_err(DemoError::system("writing the summary to", Path::new("standard output")))?;
    match summary.verdict() {
        Verdict::Clean if summary.interrupted => Err(DemoError::Interrupted),
        verdict => Ok(verdict),
    }
}

fn fill_database(
    options: &DemoOptions,
    scratch: &Path,
    interrupt: &Interrupt,
    progress: &mut Progress,
) -> Result<(), DemoError> {
    let path = database_path(scratch);
    let products = options.products;
    progress.note(&format!("filling {} with {products} products", path.display()));
    let began = Instant::now();
    catalog::fill(&path, products, options.seed, |filled| {
        progress.filling(filled, products);
        !interrupt.came()
    })?;
    progress.filling(products, products);
    progress.note(&format!("filled in {:.1} s", began.elapsed().as_secs_f64()));
    Ok(())
}

fn start_crew(
    options: &DemoOptions,
    region: &Region,
    scratch: &Path,
    interrupt: &Interrupt,
) -> Result<Crew, DemoError> {
    let first = Assignment {
        region: region.name.clone(),
        scratch: scratch.to_path_buf(),
        products: options.products,
        seed: options.seed,
        number: 1,
    };
    Crew::start(first, options.workers, || !interrupt.came())
}

/// Everybody who takes part while traffic is served. The region and the directory outlive it.
struct Stage<'a> {
    crew: Crew,
    daemon: Daemon,
    cache: &'a Cache,
    truth: Arc<Truth>,
    scratch: &'a Path,
    progress: Progress,
}

type Watcher = JoinHandle<Result<Aftermath, DemoError>>;

impl Stage<'_> {
    /// Lets the workers serve for the time that was asked for, and kills one half-way.
    fn play(
        &mut self,
        options: &DemoOptions,
        interrupt: &Interrupt,
    ) -> Result<(Duration, Option<Watcher>), DemoError> {
        let total = Duration::from_secs(options.seconds);
        let plan = Plan::new(options.seed, options.workers, total);
        let began = Instant::now();
        let mut watcher = None;
        loop {
            let elapsed = began.elapsed();
            if elapsed >= total || interrupt.came() {
                return Ok((elapsed, watcher));
            }
            self.crew.expect_running()?;
            self.daemon.expect_running()?;
            if watcher.is_none() && elapsed >= plan.at {
                watcher = Some(self.kill(plan.place, elapsed)?);
            }
            let now = self.moment(elapsed);
            self.progress.traffic(&now, total);
            thread::sleep(TICK);
        }
    }

    /// Kills the worker in one place, starts another there, and watches what the dead one held.
    fn kill(&mut self, place: usize, at: Duration) -> Result<Watcher, DemoError> {
        let victim = &self.crew.workers()[place];
        let (who, pid) = (victim.who().to_owned(), victim.pid());
        let before = Before::look(self.cache);
        self.crew.kill(place)?;
        let death = Death::look(self.cache, who.clone(), pid, at, before);
        self.crew.replace(place)?;
        let replacement = self.crew.workers()[place].who();
        self.progress.note(&format!("killed {who} (pid {pid}); {replacement} takes its place"));
        let database = database_path(self.scratch);
        Ok(death.watch(self.cache.clone(), Arc::clone(&self.truth), database))
    }

    fn moment(&self, elapsed: Duration) -> Moment {
        let workers = self.crew.workers().iter().map(|worker| WorkerView {
            who: format!("{} (pid {})", worker.who(), worker.pid()),
            counters: worker.counters().unwrap_or_else(Counters::default),
        });
        Moment { elapsed, counters: self.crew.counters(), workers: workers.collect() }
    }
}

fn join(watcher: Watcher) -> Result<Aftermath, DemoError> {
    watcher.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The region under a name of its own, unlinked when dropped.
#[derive(Debug)]
struct Region {
    name: String,
    cache: Cache,
}

impl Region {
    fn create(capacity: u64) -> Result<Self, DemoError> {
        let name = format!("demo-{}", process::id());
        let cache = Cache::builder(&name).capacity(capacity).create()?;
        Ok(Self { name, cache })
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        if let Err(e) = Cache::destroy(&self.name) {
            // Whoever sees this can do what it says; there is nobody to return it to.
            let _ = writeln!(io::stderr(), "the demo's region stays behind: {e}");
        }
    }
}

/// Signals that ask for an end, noticed as long as this lives.
#[derive(Debug)]
struct Interrupt {
    came: Arc<AtomicBool>,
    handlers: Vec<SigId>,
}

impl Interrupt {
    fn watch() -> Result<Self, DemoError> {
        let mut interrupt = Self { came: Arc::new(AtomicBool::new(false)), handlers: Vec::new() };
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            let handler = flag::register(signal, Arc::clone(&interrupt.came)).map_err(
                DemoError::system("installing a signal handler in", Path::new("itself")),
            )?;
            interrupt.handlers.push(handler);
        }
        Ok(interrupt)
    }

    fn came(&self) -> bool {
        self.came.load(Ordering::Relaxed)
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        for handler in self.handlers.drain(..) {
            low_level::unregister(handler);
        }
    }
}
