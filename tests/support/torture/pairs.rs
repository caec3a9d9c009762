//! Two stepped processes at once, switched at accesses to the region; one is killed or left standing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hostcache_core::Counter;

use super::act::{Act, Op, Prepared, answer};
use super::arena::desk;
use super::bench::{self, Bench, Finding, Lore, Scene};
use super::content::View;
use super::judge;
use super::order::{self, Ran, Seen};
use super::shape::{SECOND, SURVIVOR, VICTIM};
use super::start::{self, Start};
use super::stops::{Met, Place, run_to};
use super::tracee::{Halt, Tracee, Untraceable};
use crate::random::Random;

const OPS: [(Op, Option<bool>); 11] = [
    (Op::Set, Some(false)),
    (Op::Set, Some(true)),
    (Op::Delete, Some(true)),
    (Op::Add, Some(false)),
    (Op::Increment, Some(true)),
    (Op::Take, Some(true)),
    (Op::EvictAhead, None),
    (Op::Sweep, None),
    (Op::Clear, None),
    (Op::Touch, Some(true)),
    (Op::Recover, None),
];
const STARTS: [Start; 7] = [
    Start::Few,
    Start::Crowded,
    Start::Churned,
    Start::Full,
    Start::Expired,
    Start::Dead,
    Start::DeadCrowded,
];
/// Pairs on one key and on two of one bucket, with counters of full width and of two bits.
const PAIRS: u64 = (OPS.len() * OPS.len() * 4) as u64;

/// What to do.
#[derive(Debug, Clone, Copy)]
pub struct Pairs {
    /// Seed of the cases.
    pub seed: u64,
    /// The first case.
    pub first: u64,
    /// Schedules wanted.
    pub schedules: u64,
    /// Of each case, at most so many preemptions that let the other run to its end; as many others are drawn.
    pub cuts: u64,
}

impl Pairs {
    /// The volumes that a table of variables and defaults gives.
    #[must_use]
    pub fn of_environment(seed: u64, points: impl Fn(&str, u64) -> u64) -> Self {
        Self {
            seed,
            first: 0,
            schedules: points("HOSTCACHE_TEST_PAIRS", 3_000),
            cuts: points("HOSTCACHE_TEST_PAIR_CUTS", 8),
        }
    }
}

/// What was done.
#[derive(Debug, Clone, Copy, Default)]
pub struct Schedules {
    /// Pairs of operations from a start state.
    pub cases: u64,
    /// Interleavings judged.
    pub all: u64,
    /// Those with a kill.
    pub kills: u64,
    /// Those in which the first was left standing until the second had ended.
    pub stops: u64,
    /// Those with a third process.
    pub thirds: u64,
}

impl std::fmt::Display for Schedules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { cases, all, kills, stops, thirds } = self;
        write!(
            f,
            "{cases} pairs: {all} interleavings, {kills} with a kill, {stops} with a stop, {thirds} with a third"
        )
    }
}

/// A runs to a place, B to one, A to another and is killed there or stands; a third works; B ends; A ends.
#[derive(Debug, Clone, Copy)]
struct Schedule {
    /// `None`: to the end.
    cuts: [Option<Place>; 3],
    kills: bool,
    third: bool,
}

struct Setting {
    scene: Scene,
    acts: [Act; 3],
}

struct Duel {
    bench: Bench,
    other: Tracee,
}

fn stage(bench: &mut Bench, seed: u64, number: u64) -> Setting {
    let mut random = Random::salted(seed, number);
    let pair = number % PAIRS;
    let n = OPS.len() as u64;
    let kinds = [OPS[(pair % n) as usize], OPS[(pair / n % n) as usize]];
    let (two_keys, small) = (pair / (n * n) % 2 == 1, pair / (n * n * 2) == 1);
    let is_there = |op| kinds.iter().any(|kind| kind.0 == op);
    let start = if is_there(Op::Recover) && random.percent(80) {
        *random.pick(&[Start::Dead, Start::DeadCrowded, Start::DeadFull])
    } else if is_there(Op::Sweep) && random.percent(70) {
        Start::Expired
    } else {
        *random.pick(&STARTS)
    };
    let buckets = (two_keys || random.percent(50)).then_some(2);
    let scene = start::build_in(bench, start, buckets, small, &mut random);
    bench.lay_out(&scene);
    let view = bench.view(scene.keys);
    let draw = |is_present: bool, random: &mut Random| {
        let fit: Vec<usize> =
            (0..scene.keys).filter(|key| view[*key].is_some() == is_present).collect();
        let any = random.below(scene.keys as u64) as usize;
        if fit.is_empty() { any } else { *random.pick(&fit) }
    };
    let mut wants = kinds.map(|kind| kind.1);
    if wants[0].is_none() || wants[1].is_some() && random.percent(50) {
        wants.swap(0, 1);
    }
    let shared = draw(wants[0].unwrap_or(true), &mut random);
    let lens = [1, 16, 16, 40, 200, 1_500, 7_000];
    let act = |at: usize, random: &mut Random| Act {
        op: kinds[at].0,
        lane: [VICTIM, SECOND][at],
        key: if two_keys { draw(kinds[at].1.unwrap_or(true), random) } else { shared },
        len: *random.pick(&lens),
        mark: 1_000_000 * (at as u64 + 1) + random.below(1_000_000),
        warm: random.percent(60),
    };
    let acts = [act(0, &mut random), act(1, &mut random)];
    let third = Act {
        op: *random.pick(&[Op::Get, Op::Set, Op::Add, Op::Delete, Op::Increment, Op::Take]),
        lane: SURVIVOR,
        key: acts[random.below(2) as usize].key,
        len: *random.pick(&lens),
        mark: 3_000_000,
        warm: false,
    };
    Setting { scene, acts: [acts[0], acts[1], third] }
}

impl Duel {
    fn new(lore: Arc<Mutex<Lore>>) -> Result<Self, Untraceable> {
        let bench = Bench::new(lore)?;
        let other = Tracee::fork(&bench.field)?;
        Ok(Self { bench, other })
    }

    fn set_up(&mut self, setting: &Setting) {
        self.bench.victim.clear();
        self.other.clear();
        self.bench.set_up(&setting.scene, &setting.acts[0]);
        self.other.prepare(&self.bench.field, &setting.acts[1]);
    }

    /// Steps through both, one after the other from some access on, so that it is known where they touch the
    /// region; how many accesses the first makes, and the second.
    fn learn(&mut self, setting: &Setting, from: u64) -> [u64; 2] {
        self.set_up(setting);
        let mut counts = [0, 0];
        let mut ended = [false; 2];
        // The first to its access, the second to its end, the first to its end.
        for (who, until) in [(0, from), (1, u64::MAX), (0, u64::MAX)] {
            while counts[who] < until && !ended[who] {
                let Bench { victim, field, code, .. } = &mut self.bench;
                let stepped = if who == 0 { victim } else { &mut self.other };
                let touch = stepped.next(field, code);
                let halt = stepped.step();
                if let Some(touch) = touch {
                    counts[who] += 1;
                    code.seen.entry(touch.at).or_default().loads += 1;
                    if let Some((_, end)) = touch.repeated
                        && halt == Halt::Stepped
                        && stepped.at() == touch.at
                    {
                        stepped.finish_repeated(touch.at, end);
                    }
                }
                ended[who] = halt == Halt::Signed;
            }
        }
        self.bench.teach();
        counts
    }

    /// One of both goes on to a place or its end.
    fn advance(&mut self, who: usize, place: Option<Place>, is_resumed: bool) -> Option<Met> {
        let places = place.map_or_else(Vec::new, |place| self.bench.places_of(place));
        let Bench { victim, field, code, .. } = &mut self.bench;
        let runner = if who == 0 { victim } else { &mut self.other };
        runner.clear();
        let Some(place) = place else {
            runner.go();
            return None;
        };
        runner.plant(places);
        let met = run_to(runner, field, code, place, is_resumed);
        runner.clear();
        met
    }

    fn play(&mut self, setting: &Setting, plan: Schedule, replay: &str) -> Result<(), Finding> {
        let Setting { scene, acts } = setting;
        self.set_up(setting);
        let before = self.bench.view(scene.keys);
        let evictions_of = |bench: &Bench| bench.field.region().counters().get(Counter::Evictions);
        let evicted_before = evictions_of(&self.bench);
        let mut ended = [u32::MAX; 2];
        let mut stood: [Option<Met>; 3] = [None; 3];
        let mut words = String::new();
        for (turn, who) in [0, 1, 0].into_iter().enumerate() {
            if ended[who] != u32::MAX {
                words += " - 0";
                continue;
            }
            stood[turn] = match plan.cuts[turn] {
                // It stays where it is.
                Some(Place::Access(u64::MAX)) => stood[0],
                place => self.advance(who, place, turn == 2),
            };
            words += &match (plan.cuts[turn], stood[turn].map(Met::place)) {
                (Some(Place::Access(u64::MAX)), _) => " = 0".to_owned(),
                (_, Some(Place::Meeting { at, number })) => format!(" {at} {number}"),
                _ => " - 0".to_owned(),
            };
            if stood[turn].is_none() {
                ended[who] = turn as u32 + 1;
            }
        }
        let kills = plan.kills && ended[0] == u32::MAX;
        let (kill, third) = (u64::from(plan.kills), u64::from(plan.third));
        let finding = |what: String| Finding {
            what: format!("{acts:?}: {what}"),
            replay: format!("{replay} {kill} {third}{words}"),
        };
        if kills {
            self.bench.field.bury(scene.dead | acts[0].mortal());
        }
        let killed = kills.then(|| self.bench.field.image());
        let mut ran = Vec::new();
        if plan.third {
            let (region, host) = (self.bench.field.region(), self.bench.field.host(SURVIVOR));
            let mut prepared = Prepared::new(&region, &host, &acts[2]);
            let answer = Some(prepared.perform(&acts[2]));
            prepared.detach();
            ran.push(Ran { act: acts[2], answer, begun: 4, ended: 4 });
        }
        if ended[1] == u32::MAX {
            self.advance(1, None, true);
            ended[1] = 5;
        }
        if ended[0] == u32::MAX && !kills {
            self.advance(0, None, true);
            ended[0] = 6;
        }
        let answer = |at: usize| self.bench.field.desk(desk::ANSWER + at).load(Ordering::SeqCst);
        for at in [0, 1] {
            let answer = (at == 1 || !kills).then(|| answer(at));
            ran.push(Ran { act: acts[at], answer, begun: 0, ended: ended[at] });
        }
        let judged = self.judge(setting, &before, &ran, evictions_of(&self.bench) - evicted_before);
        if let Some(image) = killed {
            // To where it waits for its next act: on what it left, so that it comes there.
            self.bench.field.load(&image);
            self.advance(0, None, true);
        }
        judged.map_err(finding)
    }

    fn judge(
        &self,
        setting: &Setting,
        before: &View,
        ran: &[Ran],
        evictions: u64,
    ) -> Result<(), String> {
        let Setting { scene, acts } = setting;
        if ran.iter().any(|ran| ran.answer == Some(answer::DAMAGED)) {
            return Err(format!("somebody found the region damaged: {ran:?}"));
        }
        let after = self.bench.view(scene.keys);
        order::explained(ran, Seen { before, after: &after, evictions })?;
        let field = &self.bench.field;
        let killed = ran.iter().any(|ran| ran.answer.is_none());
        if scene.dead == 0 && !killed {
            let (region, host) = (field.region(), field.host(SURVIVOR));
            judge::exact(&region, &region.check(&host, |_| false), scene.pinned)?;
        }
        let dead = scene.dead | acts[0].mortal() | acts[1].mortal();
        self.bench.lab.copy(field);
        let turn = evictions + acts[0].mark;
        judge::judge(&self.bench.lab, scene.keys, &acts[0], dead, scene.pinned, turn).map(|_| ())
    }

    /// All of one case.
    fn case(&mut self, work: &Pairs, number: u64) -> Result<Schedules, Finding> {
        let setting = stage(&mut self.bench, work.seed, number);
        let mut random = Random::salted(work.seed, !number);
        let replay = format!("pair {} {number}", work.seed);
        let [mut first, mut second] = self.learn(&setting, u64::MAX);
        // What they do in each other's way may touch the region elsewhere.
        let counts = self.learn(&setting, random.below(first.max(1)));
        first = first.max(counts[0]);
        second = second.max(counts[1]);
        let mut sum = Schedules { cases: 1, ..Schedules::default() };
        let mut play = |duel: &mut Self, plan: Schedule| {
            sum.all += 1;
            sum.kills += u64::from(plan.kills);
            sum.stops += u64::from(!plan.kills && plan.cuts[2].is_some());
            sum.thirds += u64::from(plan.third);
            duel.play(&setting, plan, &replay)
        };
        let stride = first.div_ceil(work.cuts.max(1)).max(1);
        let mut at = random.below(stride);
        let stays = Some(Place::Access(u64::MAX));
        while at < first {
            for kills in [false, true] {
                let cuts = [Some(Place::Access(at)), None, stays];
                play(self, Schedule { cuts, kills, third: random.one_in(8) })?;
                // The second is preempted too; the first goes on to its end, or stops once more, or dies.
                let mut cut = |below: u64| Some(Place::Access(random.below(below.max(1))));
                let cuts = [cut(first), cut(second), cut(first)];
                let last = if kills || random.percent(50) { cuts[2] } else { None };
                let cuts = [cuts[0], cuts[1], last];
                play(self, Schedule { cuts, kills, third: random.one_in(8) })?;
            }
            at += stride;
        }
        Ok(sum)
    }
}

/// Works through cases until enough was done.
///
/// # Errors
///
/// The first finding; or `None`, processes may not be traced here.
pub fn duel(
    work: &Pairs,
    progress: impl Fn(&Schedules) + Sync,
) -> Result<Schedules, Option<Finding>> {
    let next = AtomicU64::new(work.first);
    let lore = Arc::new(Mutex::new(Lore::default()));
    let sums = Mutex::new(Schedules::default());
    let locked = || sums.lock().unwrap_or_else(PoisonError::into_inner);
    let thread = |number| -> Result<(), Option<Finding>> {
        bench::stay_on(number);
        let mut duel = Duel::new(Arc::clone(&lore)).map_err(|Untraceable| None)?;
        while locked().all < work.schedules {
            let more = duel.case(work, next.fetch_add(1, Ordering::Relaxed)).map_err(Some)?;
            let mut sum = locked();
            sum.cases += more.cases;
            sum.all += more.all;
            sum.kills += more.kills;
            sum.stops += more.stops;
            sum.thirds += more.thirds;
            if sum.cases % 100 == 0 {
                progress(&sum);
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|number| scope.spawn(move || thread(number))).collect();
        for thread in threads {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        Ok::<(), Option<Finding>>(())
    })?;
    sums.into_inner().map_err(|_| None)
}

/// One finding once more: `SEED CASE KILL THIRD` and three places.
pub(super) fn again(words: &[String]) -> Result<Result<(), Finding>, String> {
    let word = |at: usize| words.get(at).map(String::as_str).ok_or("too few words");
    let number = |at: usize| -> Result<u64, String> {
        word(at)?.parse().map_err(|e| format!("{:?}: {e}", words[at]))
    };
    let place = |at: usize| -> Result<Option<Place>, String> {
        Ok(match word(at)? {
            "-" => None,
            "=" => Some(Place::Access(u64::MAX)),
            _ => Some(Place::Meeting { at: number(at)?, number: number(at + 1)? }),
        })
    };
    let cuts = [place(4)?, place(6)?, place(8)?];
    let plan = Schedule { cuts, kills: number(2)? != 0, third: number(3)? != 0 };
    let (seed, case) = (number(0)?, number(1)?);
    let mut duel = Duel::new(Arc::default())
        .map_err(|Untraceable| "processes may not be traced here".to_owned())?;
    let setting = stage(&mut duel.bench, seed, case);
    Ok(duel.play(&setting, plan, &format!("pair {seed} {case}")))
}
