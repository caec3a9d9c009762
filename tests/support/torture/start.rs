//! Start states.

use std::sync::atomic::Ordering;

use hostcache_core::layout::Identity;
use hostcache_core::{Condition, Counter, Lane, Region, Session};

use super::act::{self, Op};
use super::arena::{DeskHost, desk};
use super::bench::{Bench, Scene};
use super::case;
use super::content::{self, Keys};
use super::shape::{BUILDER, EARLIER, PINNER, shape};
use super::tracee::Halt;
use crate::random::Random;

macro_rules! starts {
    ($($name:ident $text:literal),* $(,)?) => {
        /// A start state.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Start { $($name),* }

        impl Start {
            pub(super) const ALL: &[Start] = &[$(Start::$name),*];

            pub(super) fn name(self) -> &'static str {
                match self { $(Start::$name => $text),* }
            }
        }
    };
}

starts! {
    Empty "an empty region", Few "a few items", Crowded "full buckets", Full "a full arena",
    LastBlock "one free block", Classes "every slab class", Runs "items of several pages", Expired "expired items",
    Churned "generations that came round", Cleared "cleared items", Pinned "pinned items",
    Dead "a dead participant", DeadFull "a dead participant in a full arena",
    DeadCrowded "a dead participant in full buckets",
}

/// Makes a state in the laboratory; the dead die in the field.
pub(super) fn build(bench: &mut Bench, start: Start, small: bool, random: &mut Random) -> Scene {
    build_in(bench, start, None, small, random)
}

/// The same, in a table of so many buckets.
pub(super) fn build_in(
    bench: &mut Bench,
    start: Start,
    buckets: Option<u64>,
    small: bool,
    random: &mut Random,
) -> Scene {
    let base = match start {
        Start::Dead => *random.pick(&[Start::Few, Start::Classes, Start::Churned, Start::Runs]),
        Start::DeadFull => Start::Full,
        Start::DeadCrowded => Start::Crowded,
        other => other,
    };
    let mut scene = populate(bench, base, buckets, small, random);
    if base != start {
        kill_somebody(bench, &mut scene, random);
    }
    scene
}

struct Builder<'a> {
    session: Session<'a, DeskHost<'a>>,
    region: &'a Region,
    mark: u64,
}

impl Builder<'_> {
    fn set(&mut self, key: usize, len: usize) {
        self.set_until(key, len, None);
    }

    fn set_until(&mut self, key: usize, len: usize, deadline: Option<u64>) {
        self.mark += 1;
        let value = content::value(self.mark, len);
        act::set(&mut self.session, &Keys::key(key), &value, Condition::Always, deadline);
    }

    fn delete(&mut self, key: usize) {
        let _ = self.session.delete(&Keys::key(key));
    }

    /// Items of one size until the first has to go; how many.
    fn fill(&mut self, len: usize) -> usize {
        for key in 0..2_000 {
            self.set(key, len);
            if self.region.counters().get(Counter::Evictions) > 0 {
                return key + 1;
            }
        }
        2_000
    }
}

fn populate(
    bench: &Bench,
    start: Start,
    buckets: Option<u64>,
    small: bool,
    random: &mut Random,
) -> Scene {
    let lab = &bench.lab;
    let usual = match start {
        Start::Crowded => 2,
        Start::Churned => 8,
        _ => 128,
    };
    let region = lab.format(shape(buckets.unwrap_or(usual), small));
    let now = 1_000;
    lab.desk(desk::NOW).store(now, Ordering::SeqCst);
    lab.bury(0);
    let host = lab.host(BUILDER);
    let mut lane = Lane::attach(&region, BUILDER, &Identity::default());
    let session = Session::new(&region, &mut lane, &host);
    let mut builder = Builder { session, region: &region, mark: random.below(1_000_000) };
    let mut scene = Scene { image: Box::default(), now, dead: 0, pinned: false, keys: 4 };
    let few = 4 + random.below(12) as usize;
    for _ in 0..random.below(6) {
        let _ = builder.session.clear();
    }
    match start {
        Start::Empty => {}
        Start::Crowded => {
            for key in 0..20 {
                builder.set(key, 16);
            }
            scene.keys = 22;
        }
        Start::Full | Start::LastBlock => {
            let len = *random.pick(&[2_900, 6_000, 14_000, 40_000]);
            let keys = builder.fill(len);
            if start == Start::LastBlock {
                builder.delete(random.below(keys as u64) as usize);
            }
            scene.keys = keys + 2;
        }
        Start::Classes => {
            let mut len = 1;
            let mut keys = 0;
            while len < 8_000 {
                builder.set(keys, len);
                keys += 1;
                len = len * 5 / 4 + 9;
            }
            scene.keys = keys + 2;
        }
        Start::Runs => {
            for key in 0..few {
                builder.set(key, 9_000 + random.below(40_000) as usize);
            }
            scene.keys = few + 2;
        }
        Start::Expired => {
            for key in 0..few {
                let deadline = if random.percent(60) { now + 1 } else { content::FAR };
                builder.set_until(key, 40, Some(deadline));
            }
            scene.now = now + 10;
            scene.keys = few + 2;
        }
        Start::Churned => {
            for _ in 0..1 + random.below(5) {
                for key in 0..few {
                    builder.set(key, 16);
                    if random.percent(50) {
                        builder.delete(key);
                        builder.set(key, 16);
                    }
                }
            }
            scene.keys = few + 2;
        }
        Start::Cleared => {
            for key in 0..few {
                builder.set(key, 16);
            }
            let _ = builder.session.clear();
            for key in 0..few / 2 {
                builder.set(key, 40);
            }
            scene.keys = few + 2;
        }
        _ => {
            for key in 0..few {
                builder.set(key, *random.pick(&[1, 16, 100, 1_000]));
            }
            scene.keys = few + 2;
        }
    }
    // Some are in use: they outlive a page that changes hands.
    for key in 0..scene.keys {
        if random.percent(50) {
            let _ = region.get(&host, &Keys::key(key), true, &mut content::mark_of);
        }
    }
    if start == Start::Pinned {
        scene.pinned = true;
        pin(&region, &host, random.below(few as u64) as usize);
    }
    lane.detach(&region, &host);
    scene.image = lab.image();
    scene
}

fn pin(region: &Region, host: &DeskHost<'_>, key: usize) {
    let pins = Lane::attach(region, PINNER, &Identity::default()).into_pins(region);
    let charge = |bytes| region.charge(PINNER, bytes);
    if region.pin(host, &Keys::key(key), pins.slot(0), charge).is_err() {
        panic!("a quarter of the capacity may be pinned");
    }
}

/// Somebody dies at a random point of a random operation.
fn kill_somebody(bench: &mut Bench, scene: &mut Scene, random: &mut Random) {
    const DEADLY: [Op; 8] =
        [Op::Set, Op::Set, Op::Add, Op::Delete, Op::Append, Op::Clear, Op::Publish, Op::Sweep];
    let op = *random.pick(&DEADLY);
    let mut act = case::draw(op, scene, random);
    act.lane = EARLIER;
    bench.set_up(scene, &act);
    bench.victim.clear();
    let stores = 1 + random.below(60);
    let mut stored = 0;
    let mut halt = Halt::Stepped;
    while stored < stores && halt == Halt::Stepped {
        let touch = bench.victim.next(&bench.field, &mut bench.code);
        halt = bench.victim.step();
        if let Some((at, (_, end))) = touch.and_then(|touch| Some((touch.at, touch.repeated?))) {
            bench.victim.finish_repeated(at, end);
        }
        stored += u64::from(touch.is_some_and(|touch| touch.writes));
    }
    scene.image = bench.field.image();
    scene.dead = 1 << EARLIER;
    if halt == Halt::Stepped {
        // To where it waits for its next act.
        bench.victim.go();
    }
}
