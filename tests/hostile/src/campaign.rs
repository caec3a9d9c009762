//! A run of many inputs in a child process, so that a panic, a signal and a loop without end are findings and no end of
//! the run's own.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{io, panic, process, ptr, thread};

use crate::breed::{self, Stock};
use crate::coverage::Coverage;
use crate::input::{LONGEST, to_hex};
use crate::report;
use crate::target::{Range, Target};

/// Seconds of processor time after which an input has no end. The longest that a bounded one was seen to take is in the
/// summary.
const ENDLESS: u64 = 60;

/// What a run is asked for.
#[derive(Debug, Clone)]
pub struct Settings {
    /// On what.
    pub target: Target,
    /// Of all choices.
    pub seed: u64,
    /// Ends after so many inputs,
    pub executions: u64,
    /// or after so long.
    pub time: Duration,
    /// Where kept inputs are.
    pub corpus: Option<PathBuf>,
    /// Where inputs that reached something new go.
    pub keep: Option<PathBuf>,
    /// Where a list of unreached lines goes.
    pub lines: Option<PathBuf>,
}

/// What the child tells its parent, in memory that both have.
#[repr(C)]
struct Board {
    executions: AtomicU64,
    attached: AtomicU64,
    operations: AtomicU64,
    edges: AtomicU64,
    stock: AtomicU64,
    /// Nanoseconds of processor time.
    longest: AtomicU64,
    done: AtomicU64,
    len: AtomicU64,
    input: [AtomicU64; LONGEST / 8],
}

impl Board {
    fn new() -> &'static Board {
        let (access, kind) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        // SAFETY: a fresh mapping at no given address touches nothing that is there.
        let base = unsafe { libc::mmap(ptr::null_mut(), size_of::<Board>(), access, kind, -1, 0) };
        assert_ne!(base, libc::MAP_FAILED, "mapping: {}", io::Error::last_os_error());
        // SAFETY: zeros are a board; it is never unmapped and consists of atomics.
        unsafe { &*base.cast::<Board>() }
    }

    fn note(&self, input: &[u8]) {
        for (word, bytes) in self.input.iter().zip(input.chunks(8)) {
            let mut whole = [0; 8];
            whole[..bytes.len()].copy_from_slice(bytes);
            word.store(u64::from_le_bytes(whole), Ordering::Relaxed);
        }
        self.len.store(input.len() as u64, Ordering::Relaxed);
    }

    fn noted(&self) -> Vec<u8> {
        let words = self.input.iter().map(|word| word.load(Ordering::Relaxed).to_le_bytes());
        let mut bytes: Vec<u8> = words.flatten().collect();
        bytes.truncate(self.len.load(Ordering::Relaxed) as usize);
        bytes
    }
}

/// How a child ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// As it should.
    Good,
    /// By a signal: a panic is SIGABRT, an access beside the region SIGSEGV.
    Signal(i32),
    /// Not at all.
    Endless,
}

/// Runs; true if there was no finding. Prints a summary, or the line that replays the finding.
#[must_use]
pub fn run(settings: &Settings) -> bool {
    let board = Board::new();
    let name = settings.target.name();
    println!(
        "hostile {name}: replay the run with --seed {}{}",
        settings.seed,
        if Coverage::edges() > 0 { " (guided by coverage)" } else { "" }
    );
    let started = Instant::now();
    let end = watch(board, || breed_and_run(settings, board));
    let count = |word: &AtomicU64| word.load(Ordering::Relaxed);
    println!(
        "hostile {name}: {} executions in {:.0} s, {} attached, {} operations; longest {} ms of processor time; \
         {} inputs kept, {} of {} edges reached",
        count(&board.executions),
        started.elapsed().as_secs_f64(),
        count(&board.attached),
        count(&board.operations),
        count(&board.longest) / 1_000_000,
        count(&board.stock),
        count(&board.edges),
        Coverage::edges(),
    );
    if end == End::Good && count(&board.done) == 1 {
        return true;
    }
    let input = board.noted();
    println!("FINDING ({end:?}) at execution {}", count(&board.executions));
    let input = shrink(settings.target, input);
    println!("replay: hostcache-hostile replay {name} {}", to_hex(&input));
    false
}

/// Runs one input in a child.
#[must_use]
pub fn replay(target: Target, input: &[u8]) -> End {
    let board = Board::new();
    watch(board, || {
        Range::new(target).run(input);
    })
}

/// Leaves out what is not needed for a finding.
fn shrink(target: Target, mut input: Vec<u8>) -> Vec<u8> {
    let first = replay(target, &input);
    if first == End::Good || first == End::Endless {
        return input;
    }
    let mut part = input.len() / 2;
    while part > 0 {
        let mut at = 0;
        while at + part <= input.len() {
            let mut less = input.clone();
            less.drain(at..at + part);
            if replay(target, &less) == first {
                input = less;
            } else {
                at += part;
            }
        }
        part /= 2;
    }
    input
}

/// A forked child that runs `body`; a panic ends it by SIGABRT. This process must have one thread.
#[must_use]
pub fn fork(body: impl FnOnce()) -> i32 {
    // SAFETY: this process has one thread.
    match unsafe { libc::fork() } {
        -1 => panic!("forking: {}", io::Error::last_os_error()),
        0 => {
            // SAFETY: takes no memory; the child is to end with its parent.
            unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
            let told = panic::take_hook();
            panic::set_hook(Box::new(move |panic| {
                told(panic);
                process::abort();
            }));
            body();
            process::exit(0)
        }
        child => child,
    }
}

fn watch(board: &Board, body: impl FnOnce()) -> End {
    attend(fork(body), &board.executions)
}

/// Waits for the end of a child that counts its progress.
#[must_use]
pub fn attend(child: i32, progress: &AtomicU64) -> End {
    let (mut seen, mut since) = (u64::MAX, 0);
    loop {
        let mut status = 0;
        // SAFETY: `status` may be written; the process is a child of ours.
        let waited = unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) };
        if waited == child {
            return match libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0 {
                true => End::Good,
                false => End::Signal(libc::WTERMSIG(status)),
            };
        }
        let (now, spent) = (progress.load(Ordering::Relaxed), cpu_seconds(child));
        if now != seen {
            (seen, since) = (now, spent);
        } else if spent >= since + ENDLESS {
            // SAFETY: a child that was not reaped is killed, then reaped.
            unsafe { libc::kill(child, libc::SIGKILL) };
            // SAFETY: as above.
            unsafe { libc::waitpid(child, &raw mut status, 0) };
            return End::Endless;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Processor time that a process has had.
fn cpu_seconds(pid: i32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    ticks / 100
}

/// Nanoseconds of processor time that this thread has had.
fn cpu_nanos() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` may be written.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

fn breed_and_run(settings: &Settings, board: &Board) {
    let kept = settings.corpus.as_deref().map(breed::load).unwrap_or_default();
    let mut stock = Stock::new(settings.seed, kept);
    let range = Range::new(settings.target);
    let mut coverage = Coverage::default();
    coverage.take();
    let started = Instant::now();
    let mut spent = cpu_nanos();
    for number in 0..settings.executions {
        if number % 256 == 0 && started.elapsed() >= settings.time {
            break;
        }
        let input = stock.next(number);
        board.note(&input);
        let tally = range.run(&input);
        let now = cpu_nanos();
        board.longest.fetch_max(now - spent, Ordering::Relaxed);
        board.executions.fetch_add(1, Ordering::Relaxed);
        board.attached.fetch_add(tally.attached.into(), Ordering::Relaxed);
        board.operations.fetch_add(tally.operations, Ordering::Relaxed);
        if coverage.take() && number >= stock.kept() as u64 {
            stock.keep(input);
            board.stock.store(stock.len() as u64, Ordering::Relaxed);
        }
        spent = cpu_nanos();
    }
    board.edges.store(coverage.reached() as u64, Ordering::Relaxed);
    if let Some(directory) = &settings.keep {
        // The shortest first, and of the others those that reach more than all before.
        let mut inputs = stock.all().to_vec();
        inputs.sort_by_key(Vec::len);
        let mut needed = Coverage::default();
        inputs.retain(|input| {
            coverage.take();
            range.run(input);
            needed.take_edges()
        });
        breed::store(directory, &inputs)
            .unwrap_or_else(|e| panic!("keeping inputs in {}: {e}", directory.display()));
    }
    if let Some(path) = &settings.lines {
        report::write(path, &coverage).unwrap_or_else(|e| panic!("lines: {e}"));
    }
    board.done.store(1, Ordering::Relaxed);
}
