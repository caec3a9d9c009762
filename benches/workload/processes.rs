//! Worker processes: forked, pinned to a CPU each, started together, watched for failure.
//!
//! Workers are forked rather than started anew so that they share anonymous memory with each other; the parent
//! must have a single thread, and sleeps until all of them have ended.

use std::io;
use std::os::unix::process::CommandExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::overlap::Mark;
use crate::settings;

/// A worker that waits longer for the others gives up: one of them has failed.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// The first two CPUs of those that were chosen, else of those that this process may use.
pub fn choose_two() -> Result<[usize; 2], Box<dyn std::error::Error>> {
    let allowed = allowed_cpus()?;
    let chosen = settings::cpus()?.unwrap_or_else(|| allowed.clone());
    match chosen[..] {
        [first, second, ..] if allowed.contains(&first) && allowed.contains(&second) => {
            Ok([first, second])
        }
        _ => Err(format!("two CPUs of {allowed:?} are needed, the choice was {chosen:?}").into()),
    }
}

/// CPUs that this process may run on.
pub fn allowed_cpus() -> io::Result<Vec<usize>> {
    // SAFETY: all-zero is a valid, empty CPU set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a whole `cpu_set_t`, whose size is given.
    check(unsafe { libc::sched_getaffinity(0, size_of_val(&set), &raw mut set) })?;
    // SAFETY: every index is below the number of CPUs of a set.
    Ok((0..libc::CPU_SETSIZE as usize)
        .filter(|&cpu| unsafe { libc::CPU_ISSET(cpu, &set) })
        .collect())
}

/// Runs this thread, and what it starts from then on, on these CPUs only.
pub fn pin_to(cpus: &[usize]) -> io::Result<()> {
    if cpus.iter().any(|&cpu| cpu >= libc::CPU_SETSIZE as usize) {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    // SAFETY: all-zero is a valid, empty CPU set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    for &cpu in cpus {
        // SAFETY: `cpu` is below the number of CPUs of a set.
        unsafe { libc::CPU_SET(cpu, &mut set) };
    }
    // SAFETY: the pointer is to a whole `cpu_set_t`, whose size is given.
    check(unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) })
}

/// Forks a worker for each of `cpus`, has it do `work(worker)` there, and waits for all of them.
///
/// # Errors
/// If a worker can't be forked, panics, or is killed.
pub fn run_pinned(cpus: &[usize], work: impl Fn(usize)) -> io::Result<()> {
    let mut workers = Vec::new();
    let mut outcome = Ok(());
    for (worker, &cpu) in cpus.iter().enumerate() {
        // SAFETY: the parent has one thread, so the child may go on as any program does.
        match unsafe { libc::fork() } {
            0 => {
                let done = catch_unwind(AssertUnwindSafe(|| run_child(cpu, || work(worker))));
                // SAFETY: ends the child without the parent's destructors, which are not its own to run.
                unsafe { libc::_exit(if matches!(done, Ok(Ok(()))) { 0 } else { 1 }) }
            }
            -1 => outcome = Err(io::Error::last_os_error()),
            child => workers.push((worker, child)),
        }
    }
    for (worker, child) in workers {
        outcome = outcome.and(wait_for(worker, child));
    }
    outcome
}

/// The same with a thread of this process for each of `cpus`.
///
/// # Errors
/// If a thread can't be pinned.
///
/// # Panics
/// If `work` does.
pub fn run_threads(cpus: &[usize], work: impl Fn(usize) + Sync) -> io::Result<()> {
    std::thread::scope(|scope| {
        let start = |(worker, &cpu): (usize, &usize)| {
            let work = &work;
            scope.spawn(move || pin_to(&[cpu]).map(|()| work(worker)))
        };
        let threads: Vec<_> = cpus.iter().enumerate().map(start).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, io::Result<()>>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        threads.into_iter().map(join).fold(Ok(()), io::Result::and)
    })
}

/// Has the kernel end the program when this one ends, however that comes about.
pub fn end_with_us(command: &mut Command) -> &mut Command {
    // SAFETY: between fork and exec it makes one system call, with no memory involved.
    unsafe { command.pre_exec(ask_to_end_with_parent) }
}

fn ask_to_end_with_parent() -> io::Result<()> {
    // SAFETY: asks for a signal at the parent's death, no memory is involved.
    check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) })
}

fn run_child(cpu: usize, work: impl FnOnce()) -> io::Result<()> {
    ask_to_end_with_parent()?;
    pin_to(&[cpu]).inspect_err(|error| eprintln!("pinning to CPU {cpu}: {error}"))?;
    work();
    Ok(())
}

fn wait_for(worker: usize, child: libc::pid_t) -> io::Result<()> {
    let mut status = 0;
    // SAFETY: `child` is this process's own and not waited for yet; the pointer is to a whole status.
    while unsafe { libc::waitpid(child, &raw mut status, 0) } == -1 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    if status == 0 {
        return Ok(());
    }
    Err(io::Error::other(format!("worker {worker} failed with wait status {status:#x}")))
}

/// Returns in all of `workers` at once, as near as two CPUs can tell: each spins until all have come.
///
/// # Panics
/// If the others don't come within a minute.
pub fn start_together(arrived: &AtomicU64, workers: u64) {
    // Relaxed: only the moment counts, no memory is handed over.
    arrived.fetch_add(1, Ordering::Relaxed);
    let began = Instant::now();
    while arrived.load(Ordering::Relaxed) < workers {
        std::hint::spin_loop();
        assert!(began.elapsed() < START_TIMEOUT, "another worker did not come to the start");
    }
}

/// This moment, on the clock that all processes of the host share and on this thread's own.
#[must_use]
pub fn mark() -> Mark {
    Mark { wall: clock(libc::CLOCK_MONOTONIC), cpu: clock(libc::CLOCK_THREAD_CPUTIME_ID) }
}

fn clock(id: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a whole timespec; both clocks exist on every Linux, so the call can't fail.
    unsafe { libc::clock_gettime(id, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
