//! The double-fetch hunt: a child is stepped through an operation, and between two of its instructions one word of
//! the region becomes another. Whatever the operation loaded before and loads again, it must not believe twice.
//!
//! At each point the child's registers and private memory are kept; for every word and value it is let go to the end of
//! the operation, looked at, and put back to the point. So a point costs one step, however far into the operation.
//!
//! Where tracing is not permitted, the hunt says so and does nothing.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};
use std::{fs, io};

use hostcache_core::layout::{Identity, live, record};
use hostcache_core::{Condition, Deadline, IntoSlice, Lane, Region, Session};

use crate::campaign::fork;
use crate::damage::damage_at;
use crate::guarded::Guarded;
use crate::images::{self, Image, WORDS, key, noon, request};
use crate::input::{Input, Random};

/// Values tried for a word at a point.
const VALUES: u32 = 3;
/// A case that takes longer has no end.
const ENDLESS: Duration = Duration::from_secs(60);
/// The key whose words are changed.
const KEY: u64 = 8;

/// The operations, by name.
const OPERATIONS: [&str; 9] =
    ["get", "get_quickly", "get read-only", "set", "add", "delete", "touch", "pin", "walk"];

/// Hunts through all operations; true if there was no finding.
#[must_use]
pub fn run(seed: u64, stride: u64) -> bool {
    println!("hostile hunt: replay with --seed {seed} --stride {stride}");
    let guarded = Guarded::new(WORDS);
    let image = images::mixed(&guarded);
    let (mut points, mut cases) = (0, 0);
    let started = Instant::now();
    for (at, name) in OPERATIONS.iter().enumerate() {
        guarded.restore(&image.words);
        let Some(mut victim) = Victim::start(&guarded, at) else {
            println!("skipped: hostile hunt, tracing is not permitted here");
            return true;
        };
        match victim.hunt(&guarded, &image, Random(seed ^ at as u64), stride.max(1)) {
            Ok((more_points, more_cases)) => {
                println!("hostile hunt: {name}: {more_points} points, {more_cases} cases");
                points += more_points;
                cases += more_cases;
            }
            Err(finding) => {
                println!("FINDING in {name}: {finding}; --seed {seed} --stride {stride}");
                return false;
            }
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("hostile hunt: {points} points, {cases} cases in {seconds:.0} s, no finding");
    true
}

/// Stops this process for its tracer.
#[inline(always)]
fn trap() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a breakpoint; the process is traced.
    unsafe {
        std::arch::asm!("int3");
    }
}

/// The child: gets ready, stops, operates, stops.
fn be_victim(guarded: &Guarded, operation: usize) {
    // SAFETY: takes no memory; asks that the parent may trace this process.
    if unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) } != 0 {
        std::process::exit(77);
    }
    let clock = noon();
    let (region, _) = Region::attach(guarded.memory()).unwrap_or_else(|e| panic!("{e:?}"));
    let mut lane = Lane::attach(&region, 0, &Identity::default());
    let pins = Lane::attach(&region, 1, &Identity::default()).into_pins(&region);
    let (present, absent) = (key(KEY), key(63));
    let mut buffer = [0; 4096];
    let mut sink = IntoSlice(&mut buffer);
    let most = region.geometry().arena_bytes();
    let mut session = Session::new(&region, &mut lane, &clock);
    let set = request(b"a value", Some(2_000_000), Condition::Always);
    // The magazine holds a block then, and what is allocated once is allocated.
    let _ = session.set(&absent, &set);
    let _ = session.delete(&absent);
    assert!(region.get(&clock, &present, false, &mut sink).is_ok());
    let holds = |slot: &u64| {
        let item = region.item_at(&clock, *slot, b"", true);
        item.is_ok_and(|item| item.is_some_and(|item| item.key == present))
    };
    let slot = (0..region.slots()).find(holds).unwrap_or(0);
    trap();
    match operation {
        0 => drop(region.get(&clock, &present, true, &mut sink)),
        1 => {
            let _ = region.get_quickly(&clock, &present, &mut sink);
        }
        2 => drop(region.get(&clock, &present, false, &mut sink)),
        3 => drop(session.set(&present, &set).is_ok()),
        4 => drop(session.set_generally(&absent, &set).is_ok()),
        5 => drop(session.delete(&present).is_ok()),
        6 => drop(session.get_and_touch(&present, Deadline::At(None)).is_ok()),
        7 => {
            let pinned =
                region.pin(&clock, &present, pins.slot(0), |bytes| region.charge(pins.id(), bytes));
            if let Ok(hostcache_core::Got::Hit(pinned)) = pinned {
                assert!(pinned.value(&region).is_some());
                region.unpin(&pinned);
            }
        }
        _ => {
            if let Ok(Some(item)) = region.item_at(&clock, slot, b"key", true) {
                assert!(item.value.len() as u64 <= most);
            }
        }
    }
    trap();
}

/// A traced child. Killed and reaped when dropped.
struct Victim {
    pid: i32,
    memory: File,
}

/// Where a child stood.
struct Point {
    registers: libc::user_regs_struct,
    floating: libc::user_fpregs_struct,
    /// Private writable memory, by address.
    memory: Vec<(u64, Vec<u8>)>,
    region: Vec<u64>,
}

/// What a wait ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    Trap,
    Signal(i32),
    Gone(i32),
    Endless,
}

impl Victim {
    fn start(guarded: &Guarded, operation: usize) -> Option<Self> {
        let pid = fork(|| be_victim(guarded, operation));
        let memory = fs::File::options().read(true).write(true).open(format!("/proc/{pid}/mem"));
        let victim = Self { pid, memory: memory.ok()? };
        match victim.wait() {
            Stop::Trap => Some(victim),
            Stop::Gone(status) if libc::WEXITSTATUS(status) == 77 => None,
            other => panic!("the victim did not get ready: {other:?}"),
        }
    }

    /// Goes on until the next trap, signal or end.
    fn wait(&self) -> Stop {
        let started = Instant::now();
        let mut looks = 0u32;
        loop {
            let mut status = 0;
            // SAFETY: `status` may be written; the process is a child of ours.
            let pid = unsafe { libc::waitpid(self.pid, &raw mut status, libc::WNOHANG) };
            assert!(pid >= 0, "waiting: {}", io::Error::last_os_error());
            if pid == self.pid {
                return match libc::WIFSTOPPED(status) {
                    true if libc::WSTOPSIG(status) == libc::SIGTRAP => Stop::Trap,
                    true => Stop::Signal(libc::WSTOPSIG(status)),
                    false => Stop::Gone(status),
                };
            }
            looks += 1;
            if looks.is_multiple_of(1 << 12) {
                if started.elapsed() > ENDLESS {
                    return Stop::Endless;
                }
                std::thread::yield_now();
            }
        }
    }

    fn go(&self, how: libc::c_uint) -> Stop {
        // SAFETY: neither request takes memory; the child stands still.
        let failed = unsafe { libc::ptrace(how, self.pid, 0, 0) };
        assert_eq!(failed, 0, "tracing: {}", io::Error::last_os_error());
        self.wait()
    }

    /// All of the child's private writable memory, of its stack only what lies near its end.
    fn private_ranges(&self, stack: u64) -> Vec<(u64, usize)> {
        let maps = fs::read_to_string(format!("/proc/{}/maps", self.pid)).unwrap_or_default();
        let ranges = maps.lines().filter_map(|line| {
            let mut fields = line.split_whitespace();
            let (range, access) = (fields.next()?, fields.next()?);
            let (from, to) = range.split_once('-')?;
            let from = u64::from_str_radix(from, 16).ok()?;
            let to = u64::from_str_radix(to, 16).ok()?;
            if !access.starts_with("rw-p") {
                return None;
            }
            Some(match (from..to).contains(&stack) {
                true => (stack - 8192, (to - stack + 8192).min(24 << 10) as usize),
                false => (from, (to - from) as usize),
            })
        });
        ranges.collect()
    }

    fn point(&self, guarded: &Guarded) -> Point {
        // SAFETY: zeros are such registers.
        let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
        // SAFETY: as above.
        let mut floating: libc::user_fpregs_struct = unsafe { std::mem::zeroed() };
        // SAFETY: the child stands still, and the structures may be written.
        let failed = unsafe {
            libc::ptrace(libc::PTRACE_GETREGS, self.pid, 0, &raw mut registers)
                | libc::ptrace(libc::PTRACE_GETFPREGS, self.pid, 0, &raw mut floating)
        };
        assert_eq!(failed, 0, "registers: {}", io::Error::last_os_error());
        let memory = self.private_ranges(registers.rsp).into_iter().map(|(from, len)| {
            let mut bytes = vec![0; len];
            self.memory
                .read_exact_at(&mut bytes, from)
                .unwrap_or_else(|e| panic!("reading {len} bytes at {from:#x}: {e}"));
            (from, bytes)
        });
        Point { registers, floating, memory: memory.collect(), region: guarded.image() }
    }

    fn put_back(&self, point: &Point, guarded: &Guarded) {
        guarded.restore(&point.region);
        let range = |base: *mut u8, len| libc::iovec { iov_base: base.cast(), iov_len: len };
        let kept: Vec<_> =
            point.memory.iter().map(|(_, b)| range(b.as_ptr().cast_mut(), b.len())).collect();
        let there: Vec<_> = point
            .memory
            .iter()
            .map(|(from, bytes)| {
                range(std::ptr::without_provenance_mut(*from as usize), bytes.len())
            })
            .collect();
        let count = kept.len() as libc::c_ulong;
        // SAFETY: the first list names memory of ours that is only read, the second the child's own.
        let written = unsafe {
            libc::process_vm_writev(self.pid, kept.as_ptr(), count, there.as_ptr(), count, 0)
        };
        let whole = point.memory.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
        assert_eq!(written, whole.cast_signed(), "putting back: {}", io::Error::last_os_error());
        // SAFETY: the child stands still, and the structures are whole.
        let failed = unsafe {
            libc::ptrace(libc::PTRACE_SETREGS, self.pid, 0, &raw const point.registers)
                | libc::ptrace(libc::PTRACE_SETFPREGS, self.pid, 0, &raw const point.floating)
        };
        assert_eq!(failed, 0, "registers: {}", io::Error::last_os_error());
    }

    /// Steps to the end of the operation; at every point all words and values. How many of both there were.
    fn hunt(
        &mut self,
        guarded: &Guarded,
        image: &Image,
        mut random: Random,
        stride: u64,
    ) -> Result<(u64, u64), String> {
        let words = words_of_interest(image, guarded);
        let (mut points, mut cases) = (0, 0);
        // Where a run to the end stands behind the second trap.
        let first = self.point(guarded);
        let end = match self.go(libc::PTRACE_CONT) {
            Stop::Trap => self.point(guarded).registers.rip,
            other => return Err(format!("undisturbed: {other:?}")),
        };
        self.put_back(&first, guarded);
        for step in 0u64.. {
            if step % stride == 0 {
                points += 1;
                let point = self.point(guarded);
                for &word in &words {
                    for _ in 0..VALUES {
                        let bytes: Vec<u8> = (0..10).map(|_| random.bits() as u8).collect();
                        damage_at(image, guarded, word, &mut Input::new(&bytes));
                        let became = guarded.load(word);
                        let stop = self.go(libc::PTRACE_CONT);
                        if stop != Stop::Trap {
                            return Err(format!(
                                "{stop:?} after step {step} where word {word} became {became:#x}"
                            ));
                        }
                        self.put_back(&point, guarded);
                        cases += 1;
                    }
                }
            }
            match self.go(libc::PTRACE_SINGLESTEP) {
                Stop::Trap => {}
                other => return Err(format!("undisturbed, step {step}: {other:?}")),
            }
            // SAFETY: asks for one register's word of a child that stands still.
            let at = unsafe { libc::ptrace(libc::PTRACE_PEEKUSER, self.pid, 8 * libc::RIP, 0) };
            if at.cast_unsigned() == end {
                return Ok((points, cases));
            }
        }
        unreachable!("an endless range")
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // SAFETY: the process is a child that was not reaped, or is gone already.
        unsafe { libc::kill(self.pid, libc::SIGKILL) };
        let mut status = 0;
        // SAFETY: as above.
        unsafe { libc::waitpid(self.pid, &raw mut status, 0) };
    }
}

/// The words that an operation on the key may read: its buckets, its block, what allocation looks at.
fn words_of_interest(image: &Image, guarded: &Guarded) -> Vec<u64> {
    let g = &image.geometry;
    let mut words = vec![live::EPOCH, live::SWEEP, live::PIN_LANES];
    let name = key(KEY);
    let mut head = [0; 8];
    head.copy_from_slice(&[&name[..], &[b'.'; 8]].concat()[..8]);
    // The block is the one that holds the key: four or five words behind its header.
    let block = image.blocks.iter().copied().find(|&at| {
        let lengths = guarded.load(at + 1);
        let key_at = at + 4 + (lengths >> 24 & 1);
        guarded.load(at) >> 62 == 2
            && (lengths & 0xffff) as usize + 1 == name.len()
            && guarded.load(key_at).to_le_bytes()[..name.len().min(8)] == head[..name.len().min(8)]
    });
    if let Some(block) = block {
        words.extend(block..block + 10);
        let page = g.page_of(block).unwrap_or(0);
        words.extend(g.pages_at + page * 4..g.pages_at + page * 4 + 3);
    }
    for bucket in 0..g.shape.buckets {
        let at = g.buckets_at + bucket * 8;
        let holds = |slot: u64| block == Some(guarded.load(slot) & ((1 << 34) - 1));
        if (at..at + 7).any(holds) {
            words.extend(at..at + 8);
        }
    }
    for lane in 0..2 {
        let at = g.lane_at(lane);
        words.extend([at, at + record::TOKENS, at + record::PINS, at + record::QUOTA]);
        words.extend(at + record::NEW..at + record::NEW + 3);
        words.extend(at + record::MAGAZINE..at + record::MAGAZINE + 2);
    }
    words
}
