//! Runs of many cases, and what is told of them.

use std::fmt;
use std::ops::AddAssign;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::act::{Act, Op};
use super::bench::{self, Bench, Finding, Lore, Scene};
use super::case::Case;
use super::coverage::Coverage;
use super::shape::SECOND;
use super::stops::{Place, Stop};
use super::tracee::Untraceable;
use crate::random::Random;

/// What to do, in points.
#[derive(Debug, Clone, Copy)]
pub struct Work {
    /// Seed of the cases.
    pub seed: u64,
    /// The first case.
    pub first: u64,
    /// Kill points wanted.
    pub kills: u64,
    /// Double faults wanted.
    pub doubles: u64,
    /// Stop points wanted.
    pub stops: u64,
    /// Operations of others while a process stands still.
    pub operations: u64,
    /// Threads.
    pub threads: u64,
}

impl Work {
    /// The volumes that a table of variables and defaults gives: those of every change are the defaults.
    #[must_use]
    pub fn of_environment(seed: u64, points: impl Fn(&str, u64) -> u64) -> Self {
        Self {
            seed,
            first: 0,
            kills: points("HOSTCACHE_TEST_KILL_POINTS", 110_000),
            doubles: points("HOSTCACHE_TEST_DOUBLE_FAULTS", 36_000),
            stops: points("HOSTCACHE_TEST_STOP_POINTS", 15_000),
            operations: points("HOSTCACHE_TEST_STOP_OPS", 40),
            threads: 2,
        }
    }
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Cases.
    pub cases: u64,
    /// Distinct (operation, region before, region after) judged as kills.
    pub kills: u64,
    /// The same of a process that worked on what a killed one left.
    pub doubles: u64,
    /// Stops, each with others at work meanwhile.
    pub stops: u64,
    /// Stops of the stepped process, by instructions or breakpoints.
    pub steps: u64,
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cases, kills, doubles, stops, .. } = self;
        write!(
            f,
            "{cases} cases: {kills} kill points, {doubles} double faults, {stops} stop points"
        )
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.cases += other.cases;
        self.kills += other.kills;
        self.doubles += other.doubles;
        self.stops += other.stops;
        self.steps += other.steps;
    }
}

/// Kills in one case, with what some of the killed left, and how many accesses it has.
pub(super) fn kill_points(
    bench: &mut Bench,
    case: Case,
    keeps: bool,
) -> Result<(Totals, Vec<Scene>), Finding> {
    let (scene, act) = case.stage(bench);
    let mut random = case.random();
    let one_in = 4 + random.below(6);
    let keep = keeps.then(|| (one_in, random.below(one_in)));
    let stepped = bench.kill_everywhere(&scene, &act, keep, &format!("kill {case}"))?;
    let (kills, steps) = (stepped.kills, stepped.instructions);
    let stopped = bench.lore().stopped.clone();
    let mut stops = 0;
    // Every store is a stop point, too, however rare it is.
    for at in stepped.places.difference(&stopped) {
        let stop = Stop { place: Place::first(*at), operations: 40, seed: case.number };
        stops += u64::from(bench.stop_at(&scene, &act, stop, &format!("stop {case} 40"))?);
    }
    let dead = scene.dead | act.mortal();
    let left = stepped.images.into_iter();
    let left = left.map(|image| Scene { image, dead, ..scene.clone() }).collect();
    Ok((Totals { cases: 1, kills, stops, steps, ..Totals::default() }, left))
}

/// The same, and then somebody works on what is left and is killed too; all of it, or one.
pub(super) fn double_points(
    bench: &mut Bench,
    case: Case,
    only: Option<u64>,
) -> Result<Totals, Finding> {
    let (mut totals, left) = kill_points(bench, case, true)?;
    for (index, scene) in left.into_iter().enumerate() {
        if only.is_some_and(|only| only != index as u64) {
            continue;
        }
        let second =
            second_act(&scene, &mut Random::salted(case.seed, case.number << 16 | index as u64));
        let replay = format!("double {case} {index}");
        let twice = bench.kill_everywhere(&scene, &second, None, &replay)?;
        totals.doubles += twice.kills;
        totals.steps += twice.instructions;
    }
    Ok(totals)
}

/// Mostly a recovery; else somebody who works beside what is not recovered.
fn second_act(scene: &Scene, random: &mut Random) -> Act {
    let op = if random.percent(60) { Op::Recover } else { *random.pick(Op::ALL) };
    Act { lane: SECOND, warm: false, ..super::case::draw(op, scene, random) }
}

/// One stop, in a case.
pub(super) fn stop_point(bench: &mut Bench, case: Case, stop: Stop) -> Result<bool, Finding> {
    let (scene, act) = case.stage(bench);
    bench.stop_at(&scene, &act, stop, &format!("stop {case} {}", stop.operations))
}

/// Stops in one case: most accesses of short operations, some of long ones.
fn stop_points(bench: &mut Bench, case: Case, operations: u64) -> Result<Totals, Finding> {
    let (scene, act) = case.stage(bench);
    let mut random = Random::salted(case.seed, !case.number);
    let mut totals = Totals::default();
    let mut access = random.below(4);
    let replay = format!("stop {case} {operations}");
    loop {
        let seed = crate::random::mix(case.seed ^ case.number << 20 ^ access) >> 16;
        let stop = Stop { place: Place::Access(access), operations, seed };
        if !bench.stop_at(&scene, &act, stop, &replay)? {
            break;
        }
        totals.stops += 1;
        totals.steps += bench.victim.instructions;
        access += 1 + random.below(4 + access / 8);
        if totals.stops >= 40 {
            break;
        }
    }
    Ok(totals)
}

/// Works through cases until enough was done; tells how far it is.
///
/// # Errors
///
/// The first finding; or `None`, processes may not be traced here.
pub fn run(
    work: &Work,
    progress: impl Fn(&Totals) + Sync,
) -> Result<(Totals, Coverage), Option<Finding>> {
    let next = AtomicU64::new(work.first);
    let lore = Arc::new(Mutex::new(Lore::default()));
    let sums = Mutex::new((Totals::default(), Coverage::default()));
    let locked = || sums.lock().unwrap_or_else(PoisonError::into_inner);
    let thread = |number| -> Result<(), Option<Finding>> {
        bench::stay_on(number);
        let mut bench = Bench::new(Arc::clone(&lore)).map_err(|Untraceable| None)?;
        loop {
            let so_far = locked().0;
            let share = |done: u64, wanted: u64| {
                if wanted == 0 { 1.0 } else { done as f64 / wanted as f64 }
            };
            let kills = share(so_far.kills, work.kills);
            let doubles = share(so_far.doubles, work.doubles);
            let stops = share(so_far.stops, work.stops);
            let all = so_far.cases >= Case::combinations().min(work.kills);
            if kills.min(doubles).min(stops) >= 1.0 && all {
                break;
            }
            let case = Case { seed: work.seed, number: next.fetch_add(1, Ordering::Relaxed) };
            let more = if doubles <= kills && doubles < 1.0 {
                double_points(&mut bench, case, None)
            } else {
                kill_points(&mut bench, case, false).map(|(totals, _)| totals)
            };
            let mut more = more.map_err(Some)?;
            // Whatever was not stepped yet is, before anybody stops there.
            if stops < 1.0 && (stops <= kills || kills >= 1.0) {
                more += stop_points(&mut bench, case, work.operations).map_err(Some)?;
            }
            let mut sums = locked();
            sums.0 += more;
            if sums.0.cases % 500 == 0 {
                progress(&sums.0);
            }
        }
        locked().1.add(&bench.code);
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..work.threads).map(|number| scope.spawn(move || thread(number))).collect();
        for thread in threads {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        Ok::<(), Option<Finding>>(())
    })?;
    sums.into_inner().map_err(|_| None)
}
