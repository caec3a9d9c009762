//! Real deaths: a child calls the cache as a C program does, on a file with its real byte locks, and is really killed.
//!
//! The stepping harness simulates death (`mod`); here a sample of instructions, and every call to the system of create,
//! open and close, shows that nothing else happens at a real one. A second thread of the child forks while the
//! first stands in the middle of an operation.

use std::ffi::{CString, c_void};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsRawFd as _, FromRawFd as _};
use std::path::Path;
use std::process::Command;
use std::ptr;

use hostcache::Cache;
use hostcache_c as c;

use super::tracee::{Halt, Tracee, Untraceable};
use crate::random::Random;
use crate::region::TestRegion;

/// What the child does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// `hostcache_set` of an absent key.
    SetNew,
    /// `hostcache_set` of a present key.
    SetOver,
    /// The same with a value of several pages.
    SetLarge,
    /// `hostcache_get`.
    Get,
    /// `hostcache_delete`.
    Delete,
    /// `hostcache_increment`.
    Increment,
    /// `hostcache_maintain`.
    Maintain,
    /// `hostcache_create`.
    Create,
    /// `hostcache_open` and a first set.
    Open,
    /// `hostcache_close`.
    Close,
}

impl Entry {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::SetNew,
        Self::SetOver,
        Self::SetLarge,
        Self::Get,
        Self::Delete,
        Self::Increment,
        Self::Maintain,
        Self::Create,
        Self::Open,
        Self::Close,
    ];

    /// Whether it calls the system, where it is killed then.
    fn calls(self) -> bool {
        matches!(self, Self::Create | Self::Open | Self::Close)
    }
}

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
    /// Forks in the middle of an operation.
    pub forks: u64,
    /// Of those, which had to wait until the operation went on: it stood inside the allocator.
    pub waited: u64,
}

/// Keys that nobody touches.
const OTHERS: u32 = 20;

const OK: c::hostcache_status_t = c::hostcache_status_t::HOSTCACHE_OK;
const KEY: &[u8] = b"the victim's";
/// Instructions of an operation in which it is killed: the first so many.
const LONGEST: u64 = 8_000;
/// How long a fork may take before the operation goes on.
const PATIENCE_MS: i32 = 300;

fn void(bytes: &[u8]) -> *const c_void {
    bytes.as_ptr().cast()
}

fn path_of(path: &Path) -> CString {
    CString::new(path.as_os_str().as_encoded_bytes()).unwrap_or_default()
}

fn value(turn: u64, entry: Entry) -> Vec<u8> {
    let len = if entry == Entry::SetLarge { 40_000 } else { 16 };
    format!("{turn:016}").into_bytes().into_iter().cycle().take(len).collect()
}

/// The child's part: to a first stop, the operation, and a second stop.
fn child(entry: Entry, path: &Path, value: &[u8], pipes: Option<(File, File)>) -> ! {
    let name = path_of(path);
    let mut cache: *mut c::hostcache_t = ptr::null_mut();
    // SAFETY: every pointer is to what the header asks for, and lives until the call is over.
    let status = unsafe {
        if !entry.calls() || entry == Entry::Close {
            c::hostcache_open(name.as_ptr(), &raw mut cache);
            // A participant as a worker is: it has written before.
            c::hostcache_set(cache, void(b"warm"), 4, void(b"1"), 1, 0);
        }
        if let Some((orders, reports)) = pipes {
            let handle = cache as usize;
            std::thread::spawn(move || forks(handle, orders, reports));
        }
        libc::raise(libc::SIGSTOP);
        let status = match entry {
            Entry::SetNew | Entry::SetOver | Entry::SetLarge => {
                c::hostcache_set(cache, void(KEY), KEY.len(), void(value), value.len(), 0)
            }
            Entry::Get => {
                let (mut buffer, mut len) = ([0u8; 64], 0);
                let buffer = buffer.as_mut_ptr().cast();
                c::hostcache_get(cache, void(KEY), KEY.len(), buffer, 64, &raw mut len)
            }
            Entry::Delete => c::hostcache_delete(cache, void(KEY), KEY.len()),
            Entry::Increment => {
                c::hostcache_increment(cache, void(KEY), KEY.len(), 1, ptr::null_mut())
            }
            Entry::Maintain => c::hostcache_maintain(cache, ptr::null(), ptr::null_mut()),
            Entry::Create => c::hostcache_create(name.as_ptr(), 1 << 20, &raw mut cache),
            Entry::Open => {
                c::hostcache_open(name.as_ptr(), &raw mut cache);
                c::hostcache_set(cache, void(KEY), KEY.len(), void(value), value.len(), 0)
            }
            Entry::Close => {
                c::hostcache_close(cache);
                OK
            }
        };
        libc::raise(libc::SIGSTOP);
        status
    };
    // SAFETY: ends a forked child without the parent's exit handlers.
    unsafe { libc::_exit(i32::from(status != OK)) }
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
        for key in 0..OTHERS {
            let set = region.cache.set(key.to_be_bytes(), key.to_le_bytes());
            set.unwrap_or_else(|e| panic!("{e}"));
        }
        Self { region, random: Random::new(seed), turn: 0 }
    }

    /// What the victim's key is before the operation.
    fn set_before(&mut self, entry: Entry) -> Option<Vec<u8>> {
        let cache = &self.region.cache;
        let _ = cache.delete(KEY);
        let is_there = !matches!(entry, Entry::SetNew | Entry::Create | Entry::Open);
        is_there.then(|| {
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
        let after = value(self.turn, entry);
        let path = match entry {
            Entry::Create => self.created(),
            _ => self.region.cache.path(),
        };
        let victim = Tracee::start(|| child(entry, &path, &after, pipes))?;
        Ok((victim, after))
    }

    fn created(&self) -> std::path::PathBuf {
        self.region.directory().join("created")
    }

    /// What must hold behind a death, or behind an operation that ended.
    fn judge(&self, entry: Entry, allowed: &[Option<Vec<u8>>], what: &str) {
        let cache = &self.region.cache;
        let found = cache.get(KEY);
        assert!(allowed.contains(&found), "{what}: the key is {found:?}, not of {allowed:?}");
        for key in 0..OTHERS {
            let found = cache.get(key.to_be_bytes());
            assert_eq!(found.as_deref(), Some(&key.to_le_bytes()[..]), "{what}: key {key}");
        }
        let works = cache.set(KEY, b"x").is_ok()
            && cache.get(KEY).as_deref() == Some(b"x")
            && cache.delete(KEY).is_ok_and(|gone| gone)
            && cache.get(KEY).is_none();
        assert!(works, "{what}: the key can't be worked on");
        self.region.assert_sound();
        if entry == Entry::Create {
            let path = self.created();
            let name = path.to_string_lossy().into_owned();
            let made = Cache::builder(name.as_str()).capacity(1 << 20).open_or_create();
            let made = made.unwrap_or_else(|e| panic!("{what}: {e}"));
            assert!(made.set(b"k", b"v").is_ok() && made.check().is_sound(), "{what}");
            drop(made);
            Cache::destroy(name.as_str()).unwrap_or_else(|e| panic!("{what}: {e}"));
            let left: Vec<_> = std::fs::read_dir(self.region.directory())
                .map(|all| all.flatten().map(|entry| entry.file_name()).collect())
                .unwrap_or_default();
            assert!(left.len() <= 2, "{what}: a killed creator left {left:?}");
        }
    }

    /// Kills a child in the middle; whether it came so far.
    fn kill(&mut self, entry: Entry, calls: u64, steps: u64) -> Result<bool, Untraceable> {
        let before = self.set_before(entry);
        let (mut victim, after) = self.start(entry, None)?;
        let mut ended = false;
        for _ in 0..calls {
            ended = ended || victim.call() == Halt::Signed;
        }
        for _ in 0..steps {
            ended = ended || victim.step() == Halt::Signed;
        }
        drop(victim);
        let after = match entry {
            Entry::Delete => None,
            Entry::Increment => before.as_deref().map(counted),
            Entry::SetNew | Entry::SetOver | Entry::SetLarge | Entry::Open => Some(after),
            _ => before.clone(),
        };
        let what = format!("{entry:?} killed behind {calls} calls and {steps} steps");
        self.judge(entry, &[before, after], &what);
        Ok(!ended)
    }

    /// Lets another thread of the child fork while the operation stands; whether it had to go on first.
    fn fork(&mut self, entry: Entry, forking: Forking, steps: u64) -> Result<bool, Untraceable> {
        let before = self.set_before(entry);
        let [(orders, order), (report, reports)] = [pipe(), pipe()];
        let (mut victim, after) = self.start(entry, Some((orders, reports)))?;
        let (mut order, mut report) = (order, report);
        let mut ended = false;
        for _ in 0..steps {
            ended = ended || victim.step() == Halt::Signed;
        }
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
        let after = if entry == Entry::Get { before } else { Some(after) };
        self.judge(entry, &[after], &what);
        Ok(waits)
    }
}

fn counted(before: &[u8]) -> Vec<u8> {
    let number: u64 = String::from_utf8_lossy(before).parse().unwrap_or_default();
    (number + 1).to_string().into_bytes()
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
    for entry in Entry::ALL {
        if entry.calls() {
            let mut calls = 1;
            let mut goes_on = true;
            while goes_on {
                // Behind the call, or somewhere before the next one.
                let steps = if calls % 2 == 0 { stage.random.below(300) } else { 0 };
                goes_on = stage.kill(entry, calls, steps)?;
                calls += 1 + stage.random.below(1 + 60 / each.max(1));
                real.kills += 1;
            }
            continue;
        }
        let length = stage.length(entry)?;
        for _ in 0..each {
            let steps = stage.random.below(length);
            stage.kill(entry, 0, steps)?;
            real.kills += 1;
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
