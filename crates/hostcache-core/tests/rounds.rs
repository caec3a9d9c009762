//! HAZARD among real processes: a victim is stopped at one instruction after the other of an operation, while another
//! process takes the victim's slot round through all short generations (two bits here) to the same word.
//!
//! The victim is single-stepped (ptrace), so it stands exactly where it is wanted, and nothing of the code is made for this.
//! Before it has named the word, the word comes round, and the look at the header must tell; once it has named it,
//! the word must not come round. Either way the victim's exchange must not take a later item for the one it found.
//!
//! Where tracing is not permitted, the test says so and does nothing.

#![cfg(all(target_os = "linux", target_arch = "x86_64", not(loom)))]

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering};
use std::io;

use hostcache_core::layout::{Header, Identity, Shape, record};
use hostcache_core::word::{LaneId, SlotWord};
use hostcache_core::{
    Condition, Deadline, Deleted, Got, Host, Lane, Memory, Region, Session, SetOutcome, SetRequest,
    Value,
};

const CAPACITY: usize = 1 << 20;
const KEY: &[u8] = b"key";
const OTHER: &[u8] = b"other";
const CHURNER: LaneId = 0;
const VICTIM: LaneId = 1;
/// Between two stops, in instructions.
const STRIDE: usize = 3;

/// A clock that stands still; nobody here is dead.
struct Still;

impl Host for Still {
    fn now_ms(&self) -> u64 {
        1
    }

    fn claim_lane(&self, _lane: LaneId) -> bool {
        false
    }

    fn release_lane(&self, _lane: LaneId) {}
}

/// Memory that a forked child shares: a region, and one word behind it for what the child found.
struct Shared(NonNull<u64>);

impl Shared {
    const BYTES: usize = CAPACITY + 8;

    fn new() -> Self {
        let (access, kind) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        // SAFETY: a fresh mapping at no given address touches nothing that is there.
        let base = unsafe { libc::mmap(core::ptr::null_mut(), Self::BYTES, access, kind, -1, 0) };
        assert_ne!(base, libc::MAP_FAILED, "mapping: {}", io::Error::last_os_error());
        Self(NonNull::new(base.cast()).expect("a mapping is not at 0"))
    }

    fn word(&self, index: u64) -> &AtomicU64 {
        assert!(index as usize * 8 < Self::BYTES);
        // SAFETY: in bounds and aligned; every access is atomic and of this width.
        unsafe { AtomicU64::from_ptr(self.0.as_ptr().add(index as usize)) }
    }

    fn answer(&self) -> &AtomicU64 {
        self.word(CAPACITY as u64 / 8)
    }

    fn region(&self) -> Region {
        // SAFETY: the mapping outlives the region, and is accessed through atomics only.
        let memory = unsafe { Memory::from_raw(self.0, CAPACITY / 8) };
        let shape = Shape::new(CAPACITY as u64, Some(4), None, 7).expect("in range");
        let shape = Shape { generation_bits: 2, epoch_bits: 2, ..shape };
        let header = Header::plain(shape);
        Region::format(memory, &header).expect("valid")
    }

    /// The one occupied slot.
    fn slot(&self, region: &Region) -> u64 {
        let geometry = region.geometry();
        let is_slot = |at: &u64| (at - geometry.buckets_at) % 8 != 7;
        (geometry.buckets_at..geometry.buckets_at + geometry.shape.buckets * 8)
            .filter(is_slot)
            .find(|&at| self.word(at).load(Ordering::Acquire) != 0)
            .expect("one key is there")
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and nothing refers to it any more.
        unsafe { libc::munmap(self.0.as_ptr().cast(), Self::BYTES) };
    }
}

fn set(region: &Region, lane: &mut Lane, key: &[u8], value: u8, when: Condition) -> SetOutcome {
    let request = SetRequest {
        value: &[value; 8],
        flags: 0,
        encoding: 0,
        deadline: Deadline::At(None),
        condition: when,
    };
    Session::new(region, lane, &Still).set(key, &request).expect("there is room")
}

/// What the victim does.
#[derive(Debug, Clone, Copy)]
enum Part {
    /// Stores if the key still carries this token.
    Swap(u64),
    Delete,
}

const STORED: u64 = 1;
const MISMATCH: u64 = 2;
const GONE: u64 = 3;
const MISSING: u64 = 4;

/// The child: gets ready, stops, does its part, says what came of it.
fn be_victim(shared: &Shared, region: &Region, part: Part) -> ! {
    // SAFETY: takes no memory; asks that the parent may trace this process.
    if unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) } != 0 {
        // SAFETY: ends a forked child without the parent's exit handlers.
        unsafe { libc::_exit(77) };
    }
    let mut lane = Lane::attach(region, VICTIM, &Identity::default());
    // The magazine holds a block then: what comes is short.
    set(region, &mut lane, OTHER, 0, Condition::Always);
    let _ = Session::new(region, &mut lane, &Still).delete(OTHER);
    // SAFETY: stops this process until the parent lets it go on.
    unsafe { libc::raise(libc::SIGSTOP) };
    let answer = match part {
        Part::Swap(token) => match set(region, &mut lane, KEY, 200, Condition::IfToken(token)) {
            SetOutcome::Stored(_) => STORED,
            SetOutcome::TokenMismatch => MISMATCH,
            SetOutcome::Exists | SetOutcome::Missing => MISSING,
        },
        Part::Delete => match Session::new(region, &mut lane, &Still).delete(KEY) {
            Ok(Deleted::Gone) => GONE,
            _ => MISSING,
        },
    };
    shared.answer().store(answer, Ordering::Release);
    lane.detach(region, &Still);
    // SAFETY: as above.
    unsafe { libc::_exit(0) }
}

/// A traced child that stands still. Killed and reaped when dropped.
struct Victim {
    pid: libc::pid_t,
    exit: Option<i32>,
}

impl Victim {
    /// Waits until it stops or ends.
    fn wait(&mut self) {
        let mut status = 0;
        // SAFETY: `status` may be written; the process is a child of this thread.
        let pid = unsafe { libc::waitpid(self.pid, &raw mut status, 0) };
        assert_eq!(pid, self.pid, "waiting: {}", io::Error::last_os_error());
        if !libc::WIFSTOPPED(status) {
            self.exit = Some(status);
        }
    }

    /// Goes on for one instruction, or to the end.
    fn resume(&mut self, how: libc::c_uint) {
        // SAFETY: neither request takes memory; the child stands still.
        let failed = unsafe { libc::ptrace(how, self.pid, 0, 0) };
        assert_eq!(failed, 0, "tracing: {}", io::Error::last_os_error());
        self.wait();
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        if self.exit.is_none() {
            // SAFETY: the process is a child that has not been reaped.
            unsafe { libc::kill(self.pid, libc::SIGKILL) };
            self.wait();
        }
    }
}

/// Where the victim stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stood {
    /// It had not named the word yet.
    Before,
    /// It had, and had not exchanged it.
    Named,
    /// It had.
    Behind,
}

/// Why there was no victim to stop.
enum Absent {
    /// It had ended already.
    Ended,
    /// It may not be traced.
    Untraceable,
}

/// A region with one key, a victim of it that stands still, and the one who goes on.
struct Scene {
    victim: Victim,
    shared: Shared,
    region: Region,
    lane: Lane,
    slot: u64,
    word: u64,
}

impl Scene {
    /// With a victim that has done so many instructions of its part.
    fn at(instructions: usize, part: impl FnOnce(u64) -> Part) -> Result<Self, Absent> {
        let shared = Shared::new();
        let region = shared.region();
        let mut lane = Lane::attach(&region, CHURNER, &Identity::default());
        let SetOutcome::Stored(token) = set(&region, &mut lane, KEY, 1, Condition::Always) else {
            panic!("a set stores");
        };
        let slot = shared.slot(&region);
        let word = shared.word(slot).load(Ordering::Acquire);
        let part = part(token);
        // SAFETY: the child allocates and calls the kernel, which a child forked from several threads may with this
        // libc, and never returns from here.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            be_victim(&shared, &region, part);
        }
        assert!(pid > 0, "forking: {}", io::Error::last_os_error());
        let mut victim = Victim { pid, exit: None };
        victim.wait();
        if victim.exit.is_some_and(|status| libc::WEXITSTATUS(status) == 77) {
            return Err(Absent::Untraceable);
        }
        let mut scene = Self { victim, shared, region, lane, slot, word };
        scene.go_on(instructions);
        if scene.victim.exit.is_some() { Err(Absent::Ended) } else { Ok(scene) }
    }

    /// Lets the victim do so many instructions.
    fn go_on(&mut self, instructions: usize) {
        for _ in 0..instructions {
            if self.victim.exit.is_none() {
                self.victim.resume(libc::PTRACE_SINGLESTEP);
            }
        }
    }

    fn stood(&self) -> Stood {
        let name = self.shared.word(self.region.geometry().lane_at(VICTIM) + record::OLD);
        match name.load(Ordering::Acquire) {
            _ if !self.is_same_word() => Stood::Behind,
            0 => Stood::Before,
            _ => Stood::Named,
        }
    }

    fn is_same_word(&self) -> bool {
        self.shared.word(self.slot).load(Ordering::Acquire) == self.word
    }

    fn set(&mut self, value: u8) {
        set(&self.region, &mut self.lane, KEY, value, Condition::Always);
    }

    fn delete(&mut self) {
        let deleted = Session::new(&self.region, &mut self.lane, &Still).delete(KEY);
        assert_eq!(deleted, Ok(Deleted::Gone), "the victim stands still");
    }

    /// Lets the victim end its part, and tells what came of it and how much is held then.
    fn end(mut self) -> (u64, Option<u8>) {
        while self.victim.exit.is_none() {
            self.victim.resume(libc::PTRACE_CONT);
        }
        assert_eq!(self.victim.exit, Some(0), "the victim ends well");
        let answer = self.shared.answer().load(Ordering::Acquire);
        let value = value_of(&self.region);
        self.lane.detach(&self.region, &Still);
        let account = self.region.check(&Still, |_| false);
        assert_eq!(account.problems, Vec::<String>::new());
        let items = u64::from(value.is_some());
        assert_eq!((account.items, account.held), (items, 0), "a block is lost: {account:?}");
        (answer, value)
    }
}

fn value_of(region: &Region) -> Option<u8> {
    let got = region.get(&Still, KEY, false, &mut |value: &Value<'_>| {
        let mut bytes = [0; 8];
        value.copy_to(&mut bytes);
        bytes[0]
    });
    match got.expect("a sound region") {
        Got::Hit(value) => Some(value),
        Got::Miss | Got::Expired => None,
    }
}

/// Stops a victim at one instruction after the other, until `round` says that it has seen enough. False: it can't.
fn stop_everywhere(
    part: impl Fn(u64) -> Part,
    mut round: impl FnMut(usize, Scene) -> bool,
) -> bool {
    for at in (0..).step_by(STRIDE) {
        match Scene::at(at, &part) {
            Ok(scene) => {
                if !round(at, scene) {
                    return true;
                }
            }
            Err(Absent::Ended) => return true,
            Err(Absent::Untraceable) => {
                println!("skipped: processes may not be traced here");
                return false;
            }
        }
    }
    true
}

#[test]
#[cfg_attr(debug_assertions, ignore = "steps through a release build")]
fn a_stopped_exchange_never_takes_a_later_item_for_its_own() {
    let [mut before, mut named, mut behind] = [0; 3];
    let done = stop_everywhere(Part::Swap, |at, mut scene| {
        let stood = scene.stood();
        let mut last = 1;
        let came_round = (2..20).any(|value| {
            scene.delete();
            scene.set(value);
            last = value;
            scene.is_same_word()
        });
        match stood {
            Stood::Before => {
                before += 1;
                assert!(came_round, "four incarnations later the word is the same");
            }
            Stood::Named => {
                named += 1;
                let word = SlotWord::from_bits(scene.word);
                assert!(!came_round, "{word:?} is named and came round at {at}");
            }
            Stood::Behind => behind += 1,
        }
        let (answer, value) = scene.end();
        let expected = if stood == Stood::Behind { STORED } else { MISMATCH };
        assert_eq!(answer, expected, "1 stored, 2 another token: {stood:?} at {at}");
        assert_eq!(value, Some(last), "an item was replaced that the victim never saw");
        // What follows the exchange is no subject of this.
        behind < 8
    });
    println!("stopped {before} times before the name, {named} named, {behind} behind");
    assert!(!done || before > 0 && named > 0, "no stop where it matters");
}

#[test]
#[cfg_attr(debug_assertions, ignore = "steps through a release build")]
fn a_block_met_between_two_incarnations_is_not_lost() {
    // So many instructions lie between two looks at the slot and the header.
    for step in [4, 9, 20] {
        let mut behind = 0;
        let done = stop_everywhere(
            |_| Part::Delete,
            |_, mut scene| {
                if scene.stood() == Stood::Behind {
                    behind += 1;
                    return behind < 4;
                }
                for value in 2..5 {
                    scene.delete();
                    scene.set(value);
                }
                scene.delete();
                // A round later, and in no slot: here the victim may see the header.
                scene.go_on(step);
                // And here the slot, with the word that it knows.
                scene.set(9);
                let (answer, value) = scene.end();
                let expected = if answer == GONE { None } else { Some(9) };
                assert_eq!(value, expected, "{answer}: 3 gone, 4 missing");
                true
            },
        );
        assert!(!done || behind > 0, "the exchange was never seen");
    }
}
