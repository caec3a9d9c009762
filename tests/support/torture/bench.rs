//! Everything one thread needs to torture: a stepped child on a field, a second one, and a laboratory.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::act::{Act, Op};
use super::arena::{Arena, Image, desk};
use super::code::Code;
use super::content::{self, View};
use super::shape::SURVIVOR;
use super::tracee::{Tracee, Untraceable};

/// A violated promise, and how to see it again.
#[derive(Debug)]
pub struct Finding {
    /// What is wrong.
    pub what: String,
    /// Arguments of `hostcache-torture` that show it.
    pub replay: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  replay: hostcache-torture {}", self.what, self.replay)
    }
}

/// A region to start from.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) image: Image,
    pub(super) now: u64,
    /// Lanes whose owners are dead, as bits.
    pub(super) dead: u64,
    /// Lanes of living others that hold pins, as bits.
    pub(super) pinned: bool,
    /// Keys that are looked at.
    pub(super) keys: usize,
}

/// Where instructions touch a region, as far as anybody on any bench has seen.
#[derive(Debug, Default)]
pub(super) struct Lore {
    pub(super) stores: BTreeSet<u64>,
    pub(super) touches: BTreeSet<u64>,
    /// Before which of them a process was stopped.
    pub(super) stopped: BTreeSet<u64>,
    /// How often each operation was stepped through.
    pub(super) learned: HashMap<Op, u32>,
    /// The same where another process stood before some instruction.
    pub(super) learned_beside: HashMap<(Op, u64), u32>,
}

/// One thread's tools.
#[derive(Debug)]
pub(super) struct Bench {
    pub(super) victim: Tracee,
    pub(super) field: Arena,
    pub(super) lab: Arena,
    pub(super) code: Code,
    /// What the field held when it was last looked at.
    pub(super) shadow: Image,
    /// Points that were judged.
    pub(super) known: HashSet<u64>,
    /// What all benches of a run know.
    pub(super) lore: Arc<Mutex<Lore>>,
}

/// Keeps this thread, and the children that it forks, on one processor: a step is a switch between the two.
pub(super) fn stay_on(number: u64) {
    // SAFETY: all-zero bytes are a valid set, and only this thread's own is read and set.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        let size = size_of::<libc::cpu_set_t>();
        if libc::sched_getaffinity(0, size, &raw mut set) != 0 {
            return;
        }
        let allowed: Vec<usize> =
            (0..libc::CPU_SETSIZE as usize).filter(|at| libc::CPU_ISSET(*at, &set)).collect();
        if let Some(mine) = allowed.get(number as usize % allowed.len().max(1)) {
            libc::CPU_ZERO(&mut set);
            libc::CPU_SET(*mine, &mut set);
            libc::sched_setaffinity(0, size, &raw const set);
        }
    }
}

impl Bench {
    /// Forks the children.
    ///
    /// # Errors
    ///
    /// Processes may not be traced here.
    pub(super) fn new(lore: Arc<Mutex<Lore>>) -> Result<Self, Untraceable> {
        let (field, lab) = (Arena::new(), Arena::new());
        let victim = Tracee::fork(&field)?;
        let shadow = field.image();
        Ok(Self { victim, field, lab, code: Code::default(), shadow, known: HashSet::new(), lore })
    }

    pub(super) fn lore(&self) -> MutexGuard<'_, Lore> {
        self.lore.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the scene, and lets the victim get ready.
    pub(super) fn set_up(&mut self, scene: &Scene, act: &Act) {
        self.lay_out(scene);
        self.victim.prepare(&self.field, act);
    }

    pub(super) fn lay_out(&self, scene: &Scene) {
        self.field.load(&scene.image);
        self.field.desk(desk::NOW).store(scene.now, Ordering::SeqCst);
        for lane in 0..super::shape::LANES {
            self.field.desk(desk::CLAIMED + lane).store(0, Ordering::SeqCst);
        }
        self.field.bury(scene.dead);
    }

    /// What the field shows, looked at in the laboratory, so that no use mark changes.
    pub(super) fn view(&self, keys: usize) -> View {
        self.lab.copy(&self.field);
        content::view(&self.lab.region(), &self.lab.host(SURVIVOR), keys)
    }

    pub(super) fn remember(&mut self) -> u64 {
        self.shadow = self.field.image();
        self.shadow.iter().enumerate().fold(0, |hash, (at, word)| hash ^ hash_of(at, *word))
    }

    /// Takes note of a change; how the hash changes by it.
    pub(super) fn note(&mut self, from: usize, bytes: usize) -> u64 {
        let words = from / 8..(from + bytes).div_ceil(8);
        words.fold(0, |hash, at| {
            let word = self.field.word(at).load(Ordering::Relaxed);
            let was = std::mem::replace(&mut self.shadow[at], word);
            hash ^ if was == word { 0 } else { hash_of(at, was) ^ hash_of(at, word) }
        })
    }
}

fn hash_of(at: usize, word: u64) -> u64 {
    let mixed = (word ^ (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .wrapping_mul(0xff51_afd7_ed55_8ccd);
    (mixed ^ (mixed >> 32)).wrapping_mul(0xc4ce_b9fe_1a85_ec53) ^ (mixed >> 29)
}
