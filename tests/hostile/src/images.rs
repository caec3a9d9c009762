//! The sound regions that are damaged: small ones, so that a run touches much of each.

use std::cell::Cell;

use hostcache_core::layout::{Geometry, Header, Identity, Shape};
use hostcache_core::word::LaneId;
use hostcache_core::{Condition, Deadline, Host, Lane, Region, Session, SetRequest};

use crate::guarded::Guarded;

/// Words of every image.
pub const WORDS: usize = 8192;
/// Keys that images and programs use.
pub const KEYS: u64 = 64;
/// The lanes that a program attaches; the others' owners are dead.
pub const OWN_LANES: LaneId = 3;

/// A host whose clock is moved by the program; whoever is not in it is dead.
#[derive(Debug)]
pub struct Clock(pub Cell<u64>);

impl Host for Clock {
    fn now_ms(&self) -> u64 {
        self.0.get()
    }

    fn claim_lane(&self, lane: LaneId) -> bool {
        lane >= OWN_LANES
    }

    fn release_lane(&self, _: LaneId) {}
}

/// When programs begin.
#[must_use]
pub fn noon() -> Clock {
    Clock(Cell::new(1_000_000))
}

/// A sound region and what is known of it.
#[derive(Debug)]
pub struct Image {
    /// For reports.
    pub name: &'static str,
    /// All of it.
    pub words: Vec<u64>,
    /// Its sizes.
    pub geometry: Geometry,
    /// Locations at which blocks begin.
    pub blocks: Vec<u64>,
}

/// The name of key `n`: of several lengths, some longer than a line.
#[must_use]
pub fn key(n: u64) -> Vec<u8> {
    let n = n % KEYS;
    let mut key = format!("key {n}").into_bytes();
    key.resize(key.len() + [0, 3, 17, 90][n as usize % 4], b'.');
    key
}

/// A request for so many bytes.
#[must_use]
pub fn request(value: &[u8], deadline: Option<u64>, condition: Condition) -> SetRequest<'_> {
    SetRequest { value, flags: 7, encoding: 1, deadline: Deadline::At(deadline), condition }
}

fn shape(lanes: u32, buckets: u64, page_words: u64, bits: (u32, u32)) -> Shape {
    let (generation_bits, epoch_bits) = bits;
    let capacity = WORDS as u64 * 8;
    Shape { capacity, lanes, buckets, page_words, generation_bits, epoch_bits, seed: 0x5eed }
}

/// All images.
#[must_use]
pub fn all(guarded: &Guarded) -> Vec<Image> {
    let plain = plain();
    let small = shape(6, 4, 64, (2, 2));
    let tiny = shape(4, 40, 16, (3, 4));
    let make = |name, shape, fill: &dyn Fn(&Region)| make(guarded, name, shape, fill);
    vec![
        make("empty", plain, &|_| {}),
        mixed(guarded),
        make("full", plain, &|region| fill(region, 400, &[8, 60, 200, 900])),
        make("runs", plain, &|region| fill(region, 30, &[3000, 5000, 9000])),
        make("dead", plain, &|region| {
            fill(region, 40, &[30, 300]);
            leave_dead(region);
        }),
        make("small counters", small, &|region| fill(region, 300, &[8, 60, 200, 900])),
        make("small counters, dead", small, &|region| {
            fill(region, 100, &[8, 90]);
            leave_dead(region);
        }),
        make("tiny pages", tiny, &|region| fill(region, 60, &[0, 8, 40, 200])),
    ]
}

/// A region half full of items of all sizes.
#[must_use]
pub fn mixed(guarded: &Guarded) -> Image {
    make(guarded, "mixed", plain(), &|region| fill(region, 40, &[0, 8, 100, 400, 3000]))
}

fn plain() -> Shape {
    shape(6, 16, 256, (16, 32))
}

fn make(guarded: &Guarded, name: &'static str, shape: Shape, fill: &dyn Fn(&Region)) -> Image {
    guarded.restore(&[0; WORDS]);
    let region = Region::format(guarded.memory(), &Header::plain(shape))
        .unwrap_or_else(|e| panic!("image {name}: {e:?}"));
    fill(&region);
    let geometry = region.geometry().clone();
    Image { name, words: guarded.image(), blocks: blocks(guarded, &geometry), geometry }
}

/// Stores, replaces and deletes.
fn fill(region: &Region, stores: u64, sizes: &[usize]) {
    let clock = noon();
    let mut lane = Lane::attach(region, 0, &Identity::default());
    let mut session = Session::new(region, &mut lane, &clock);
    for n in 0..stores {
        let value = vec![n as u8; sizes[n as usize % sizes.len()]];
        // Every fifth has expired when a program begins, or will soon.
        let deadline = (n % 5 == 0).then_some(999_990 + n);
        // A region that is full refuses, which is as well.
        let _ = session.set(&key(n * 7), &request(&value, deadline, Condition::Always));
        if n % 11 == 0 {
            let _ = session.delete(&key(n * 3));
        }
    }
    lane.detach(region, &clock);
}

/// Lanes whose owners died: with blocks in the magazine, a pin, a reservation.
fn leave_dead(region: &Region) {
    let clock = noon();
    let mut lane = Lane::attach(region, 3, &Identity::default());
    let mut session = Session::new(region, &mut lane, &clock);
    for n in 0..6 {
        let _ = session.set(&key(n), &request(b"dead", None, Condition::Always));
        let _ = session.delete(&key(n));
    }
    std::mem::forget(lane);
    let pins = Lane::attach(region, 4, &Identity::default()).into_pins(region);
    for n in 0..8 {
        let charge = |bytes| region.charge(pins.id(), bytes);
        let _ = region.pin(&clock, &key(20 + n), pins.slot(n as u32), charge);
    }
    let mut lane = Lane::attach(region, 5, &Identity::default());
    let reserved = Session::new(region, &mut lane, &clock).reserve(8, 100, true);
    std::mem::forget((reserved, lane));
}

/// Where blocks begin, by the page table.
fn blocks(guarded: &Guarded, geometry: &Geometry) -> Vec<u64> {
    let mut blocks = Vec::new();
    for page in 0..geometry.pages {
        let word = guarded.load(geometry.pages_at + page * 4);
        let start = geometry.page_start(page);
        match word >> 61 {
            2 | 3 => {
                let class = (word >> 54 & 0x7f) as usize;
                let words = geometry.classes.chunk_words(class).unwrap_or(u64::MAX);
                let chunks = geometry.shape.page_words / words;
                blocks.extend((0..chunks).map(|chunk| start + chunk * words));
            }
            4 => blocks.push(start),
            _ => {}
        }
    }
    blocks
}
