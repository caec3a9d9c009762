//! Real deaths: a child calls the cache as a C program does, on a file with its real byte locks, and is really killed, or stands
//! while others work.
//!
//! The stepping harness simulates death (`mod`); here a sample of instructions, and every call to the system of create,
//! open and close, shows that nothing else happens at a real one. A second thread of the child forks while the
//! first stands in the middle of an operation.

use std::ffi::c_void;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsRawFd as _, FromRawFd as _};
use std::path::Path;
use std::process::Command;
use std::ptr;

use hostcache::Cache;
use hostcache_c as c;
use hostcache_c::hostcache_status_t as Status;

use super::entry::{Entry, Hands, KEY, path_of, perform};
use super::tracee::{Halt, Tracee, Untraceable};
use crate::random::Random;
use crate::region::TestRegion;

/// What another thread does while an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forking {
    /// Forks a child that uses the handle.
    Once = 1,
    /// Forks a child that forks a child that uses it.
    Twice = 2,
    /// Starts another program, as `vfork` and `exec` do.
    Exec = 3,
}

/// What was done.
#[derive(Debug, Clone, Copy, Default)]
pub struct Real {
    /// Real kills.
    pub kills: u64,
    /// Stops in the middle of an operation while others worked.
    pub stops: u64,
    /// Forks in the middle of an operation.
    pub forks: u64,
    /// Of those, which had to wait until the operation went on: it stood inside the allocator.
    pub waited: u64,
}

/// Keys that nobody touches.
const OTHERS: u32 = 20;

const OK: Status = Status::HOSTCACHE_OK;
/// Instructions of an operation in which it is killed: the first so many.
const LONGEST: u64 = 8_000;
/// How long a fork may take before the operation goes on.
const PATIENCE_MS: i32 = 300;

fn void(bytes: &[u8]) -> *const c_void {
    bytes.as_ptr().cast()
}

fn value(turn: u64, entry: Entry) -> Vec<u8> {
    format!("{turn:016}").into_bytes().into_iter().cycle().take(entry.value_len()).collect()
}

/// What the child gets from the stage.
struct Part<'a> {
    entry: Entry,
    path: &'a Path,
    fd: i32,
    token: u64,
    value: &'a [u8],
}

/// The child's part: to a first stop, the operation, and a second stop. It ends with the status.
fn child(part: &Part<'_>, pipes: Option<(File, File)>) -> ! {
    let name = path_of(part.path);
    let mut cache: *mut c::hostcache_t = ptr::null_mut();
    // SAFETY: every pointer is to what the header asks for, and lives until the call is over.
    let status = unsafe {
        if part.entry.has_handle() {
            c::hostcache_open(name.as_ptr(), &raw mut cache);
            // A participant as a worker is: it has written before.
            c::hostcache_set(cache, void(b"warm"), 4, void(b"1"), 1, 0);
        }
        if let Some((orders, reports)) = pipes {
            let handle = cache as usize;
            std::thread::spawn(move || forks(handle, orders, reports));
        }
        let &Part { entry, fd, token, value, .. } = part;
        let hands = Hands { cache, name: &name, fd, token, value };
        libc::raise(libc::SIGSTOP);
        let status = perform(entry, &hands);
        libc::raise(libc::SIGSTOP);
        status
    };
    // SAFETY: ends a forked child without the parent's exit handlers.
    unsafe { libc::_exit(status as i32) }
}

/// The child's second thread: forks as it is told to, and reports whether the forked could use the handle.
fn forks(handle: usize, mut orders: File, mut reports: File) {
    let cache = handle as *mut c::hostcache_t;
    let mut order = [0];
    while orders.read_exact(&mut order).is_ok() {
        let is_well = match order[0] {
            3 => Command::new("true").status().is_ok_and(|status| status.success()),
            generations => forked(cache, generations),
        };
        let _ = reports.write_all(&[u8::from(is_well)]);
    }
}

/// Whether so many generations on a process is well with the handle that it inherited.
fn forked(cache: *mut c::hostcache_t, generations: u8) -> bool {
    // SAFETY: what the child uses of the C library is kept usable over a fork by its own handlers.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let is_well = match generations {
            1 => uses(cache),
            more => forked(cache, more - 1),
        };
        // SAFETY: ends a forked child at once.
        unsafe { libc::_exit(i32::from(!is_well)) };
    }
    let mut status = 0;
    // SAFETY: `status` may be written; the process is a child of this one.
    let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    waited == pid && libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
}

fn uses(cache: *mut c::hostcache_t) -> bool {
    let key = b"forked";
    let (mut buffer, mut len) = ([0u8; 16], 0);
    // SAFETY: every pointer is to what the header asks for, and the handle is open.
    unsafe {
        c::hostcache_set(cache, void(key), key.len(), void(b"17"), 2, 0) == OK
            && c::hostcache_get(
                cache,
                void(key),
                key.len(),
                buffer.as_mut_ptr().cast(),
                16,
                &raw mut len,
            ) == OK
            && &buffer[..len] == b"17"
            && c::hostcache_delete(cache, void(key), key.len()) == OK
    }
}

/// A region, and what must be in it.
struct Stage {
    region: TestRegion,
    random: Random,
    turn: u64,
}

impl Stage {
    fn new(seed: u64) -> Self {
        let region = TestRegion::create(1 << 20);
        let stage = Self { region, random: Random::new(seed), turn: 0 };
        stage.set_others();
        stage
    }

    fn set_others(&self) {
        for key in 0..OTHERS {
            let set = self.region.cache.set(key.to_be_bytes(), key.to_le_bytes());
            set.unwrap_or_else(|e| panic!("{e}"));
        }
    }

    /// What the victim's key is before the operation.
    fn set_before(&mut self, entry: Entry) -> Option<Vec<u8>> {
        if entry == Entry::Destroy {
            let name = self.created().to_string_lossy().into_owned();
            let made = Cache::builder(name).capacity(1 << 20).open_or_create();
            made.unwrap_or_else(|e| panic!("{e}"));
        }
        let cache = &self.region.cache;
        let _ = cache.delete(KEY);
        entry.is_on_present().then(|| {
            self.turn += 1;
            let before = value(self.turn, Entry::SetOver);
            cache.set(KEY, &before).unwrap_or_else(|e| panic!("{e}"));
            before
        })
    }

    /// Starts a child that stands before its operation.
    fn start(
        &mut self,
        entry: Entry,
        pipes: Option<(File, File)>,
    ) -> Result<(Tracee, Vec<u8>), Untraceable> {
        self.turn += 1;
        let value = value(self.turn, entry);
        let cache = &self.region.cache;
        let path = if entry.creates() { self.created() } else { cache.path() };
        let fd = cache.as_fd().map_or(-1, |fd| fd.as_raw_fd());
        let token = cache.item_info(KEY).map_or(0, |info| info.cas_token.0);
        let part = Part { entry, path: &path, fd, token, value: &value };
        let victim = Tracee::start(|| child(&part, pipes))?;
        Ok((victim, value))
    }

    fn created(&self) -> std::path::PathBuf {
        self.region.directory().join("created")
    }

    /// Works on the victim's key, which is gone then.
    fn work(&self, what: &str) {
        let cache = &self.region.cache;
        let works = cache.set(KEY, b"x").is_ok()
            && cache.get(KEY).as_deref() == Some(b"x")
            && cache.delete(KEY).is_ok_and(|gone| gone)
            && cache.get(KEY).is_none();
        assert!(works, "{what}: the key can't be worked on");
    }

    /// Whether nobody has touched the other keys, or a clear ended all of them.
    fn others_are_whole(&self, may_be_gone: bool) -> bool {
        let cache = &self.region.cache;
        let all: Vec<_> = (0..OTHERS).map(|key| cache.get(key.to_be_bytes())).collect();
        let is_whole = |(key, value): (u32, &Option<Vec<u8>>)| {
            value.as_deref() == Some(&key.to_le_bytes()[..])
        };
        (0..OTHERS).zip(&all).all(is_whole) || (may_be_gone && all.iter().all(Option::is_none))
    }

    /// The region that is made or destroyed can be made, used and destroyed, whatever is left of it.
    fn make_and_destroy(&self, what: &str) {
        let name = self.created().to_string_lossy().into_owned();
        let made = Cache::builder(name.as_str()).capacity(1 << 20).open_or_create();
        let made = made.unwrap_or_else(|e| panic!("{what}: {e}"));
        assert!(made.set(b"k", b"v").is_ok() && made.check().is_sound(), "{what}");
        drop(made);
        Cache::destroy(name.as_str()).unwrap_or_else(|e| panic!("{what}: {e}"));
    }

    /// What must hold behind a death, or behind an operation that ended.
    fn judge(&self, entry: Entry, allowed: &[Option<Vec<u8>>], what: &str) {
        let found = self.region.cache.get(KEY);
        assert!(allowed.contains(&found), "{what}: the key is {found:?}, not of {allowed:?}");
        let is_cleared = entry == Entry::Clear && found.is_none();
        assert!(self.others_are_whole(is_cleared), "{what}: another key is not what it was");
        self.work(what);
        self.region.assert_sound();
        if entry == Entry::Clear {
            self.set_others();
        }
        if entry.creates() {
            self.make_and_destroy(what);
            let left: Vec<_> = std::fs::read_dir(self.region.directory())
                .map(|all| all.flatten().map(|entry| entry.file_name()).collect())
                .unwrap_or_default();
            assert!(left.len() <= 2, "{what}: a killed creator left {left:?}");
        }
    }

    /// Brings a child so far; whether it has ended by then.
    fn bring(victim: &mut Tracee, calls: u64, steps: u64) -> bool {
        (0..calls).any(|_| victim.call() == Halt::Signed)
            || (0..steps).any(|_| victim.step() == Halt::Signed)
    }

    /// Kills a child in the middle; whether it came so far.
    fn kill(&mut self, entry: Entry, calls: u64, steps: u64) -> Result<bool, Untraceable> {
        let before = self.set_before(entry);
        let (mut victim, value) = self.start(entry, None)?;
        let ended = Self::bring(&mut victim, calls, steps);
        drop(victim);
        let after = entry.outcome(before.as_deref(), &value);
        let what = format!("{entry:?} killed behind {calls} calls and {steps} steps");
        self.judge(entry, &[before, after], &what);
        Ok(!ended)
    }

    /// Leaves a child standing in the middle while others work; whether it came so far.
    fn stop(&mut self, entry: Entry, calls: u64, steps: u64) -> Result<bool, Untraceable> {
        let before = self.set_before(entry);
        let (mut victim, value) = self.start(entry, None)?;
        let ended = Self::bring(&mut victim, calls, steps);
        let what = format!("{entry:?} stopped behind {calls} calls and {steps} steps");
        let found = self.region.cache.get(KEY);
        let after = entry.outcome(before.as_deref(), &value);
        assert!([before, after].contains(&found), "{what}: the key is {found:?}");
        self.work(&what);
        let may_be_gone = entry == Entry::Clear && found.is_none();
        assert!(self.others_are_whole(may_be_gone), "{what}: another key is not what it was");
        if entry.creates() && !ended {
            self.make_and_destroy(&what);
        }
        if !ended {
            victim.finish();
        }
        // It took effect before the key was worked on, or on nothing; a region that is made may be destroyed before it is opened.
        let fits = [Status::HOSTCACHE_OK, Status::HOSTCACHE_MISS, Status::HOSTCACHE_EXISTS];
        let status = victim.end();
        let ended_well = fits.iter().any(|&fit| status == Some(fit as i32))
            || entry.creates() && status == Some(Status::HOSTCACHE_NO_REGION as i32);
        assert!(ended_well, "{what}: it ended with status {status:?}");
        self.judge(entry, &[None, entry.outcome(None, &value)], &what);
        Ok(!ended)
    }

    /// Lets another thread of the child fork while the operation stands; whether it had to go on first.
    fn fork(&mut self, entry: Entry, forking: Forking, steps: u64) -> Result<bool, Untraceable> {
        let before = self.set_before(entry);
        let [(orders, order), (report, reports)] = [pipe(), pipe()];
        let (mut victim, value) = self.start(entry, Some((orders, reports)))?;
        let (mut order, mut report) = (order, report);
        let ended = Self::bring(&mut victim, 0, steps);
        let what = format!("{entry:?}, {forking:?} behind {steps} steps");
        order.write_all(&[forking as u8]).unwrap_or_else(|e| panic!("{what}: {e}"));
        let waits = !ended && !is_readable(&report, PATIENCE_MS);
        if !ended {
            victim.finish();
        }
        let mut is_well = [0];
        report.read_exact(&mut is_well).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_eq!(is_well, [1], "{what}: the forked process could not use its handle");
        drop(victim);
        self.judge(entry, &[entry.outcome(before.as_deref(), &value)], &what);
        Ok(waits)
    }
}

fn pipe() -> (File, File) {
    let mut ends = [0; 2];
    // SAFETY: two descriptors may be written.
    let failed = unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) };
    assert_eq!(failed, 0, "a pipe: {}", std::io::Error::last_os_error());
    // SAFETY: both are open, and nobody else's.
    ends.map(|end| unsafe { File::from_raw_fd(end) }).into()
}

fn is_readable(file: &File, timeout: i32) -> bool {
    let mut poll = libc::pollfd { fd: file.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one record may be read and written.
    unsafe { libc::poll(&raw mut poll, 1, timeout) == 1 }
}

/// So many kills of every entry, and forks in the middle of sets and gets.
///
/// # Panics
///
/// What does not hold.
///
/// # Errors
///
/// `None`: processes may not be traced here.
pub fn real_deaths(seed: u64, each: u64) -> Option<Real> {
    real(seed, each).ok()
}

fn real(seed: u64, each: u64) -> Result<Real, Untraceable> {
    let mut stage = Stage::new(seed);
    let mut real = Real::default();
    for &entry in Entry::ALL {
        if entry.calls() {
            let mut calls = 1;
            let mut goes_on = true;
            while goes_on {
                // Behind the call, or somewhere before the next one.
                let steps = if calls % 2 == 0 { stage.random.below(300) } else { 0 };
                goes_on = stage.kill(entry, calls, steps)?;
                real.kills += 1;
                stage.stop(entry, calls, steps)?;
                real.stops += 1;
                calls += 1 + stage.random.below(1 + 60 / each.max(1));
            }
            continue;
        }
        let length = stage.length(entry)?;
        for _ in 0..each {
            let steps = stage.random.below(length);
            stage.kill(entry, 0, steps)?;
            real.kills += 1;
            let steps = stage.random.below(length);
            stage.stop(entry, 0, steps)?;
            real.stops += 1;
        }
    }
    for entry in [Entry::SetNew, Entry::SetOver, Entry::Get] {
        let length = stage.length(entry)?;
        for forking in [Forking::Once, Forking::Twice, Forking::Exec] {
            for _ in 0..each.div_ceil(4) {
                let steps = stage.random.below(length);
                real.waited += u64::from(stage.fork(entry, forking, steps)?);
                real.forks += 1;
            }
        }
    }
    Ok(real)
}

impl Stage {
    /// How many instructions an operation has, as far as they are counted.
    fn length(&mut self, entry: Entry) -> Result<u64, Untraceable> {
        self.set_before(entry);
        let (mut victim, _) = self.start(entry, None)?;
        let mut steps = 0;
        while steps < LONGEST && victim.step() != Halt::Signed {
            steps += 1;
        }
        Ok(steps)
    }
}
