//! Two stepped processes at once, switched at accesses to the region; one is killed or left standing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hostcache_core::Counter;

use super::act::{self, Prepared, Script, answer};
use super::arena::Arena;
use super::bench::{self, Bench, Finding, Lore};
use super::cast::{self, PAIRS, Setting, stage};
use super::code::{Code, Touch};
use super::content::View;
use super::judge;
use super::order::{self, Ran, Seen};
use super::schedule::{Access, Course, Cut, Schedule, Trace};
use super::shape::SURVIVOR;
use super::steps::{self, Cost, Costs, RUNAWAY};
use super::stops::{Met, Place, run_to};
use super::tracee::{Halt, Tracee, Untraceable};
use crate::random::Random;

/// What to do.
#[derive(Debug, Clone, Copy)]
pub struct Pairs {
    /// Seed of the cases.
    pub seed: u64,
    /// The first case.
    pub first: u64,
    /// Schedules wanted.
    pub schedules: u64,
    /// Of each case, so many preemptions that let the other run to its end, and as many of both; 0: all of both at
    /// accesses to the table that the other makes too.
    pub cuts: u64,
    /// What the two do, if not all there is.
    pub only: Option<[&'static str; 2]>,
}

impl Pairs {
    /// The volumes that a table of variables and defaults gives.
    ///
    /// # Panics
    ///
    /// If `HOSTCACHE_TEST_PAIR_PARTS` is not two names of what a process does.
    #[must_use]
    pub fn of_environment(seed: u64, points: impl Fn(&str, u64) -> u64) -> Self {
        let all = Self {
            seed,
            first: points("HOSTCACHE_TEST_PAIR_FIRST", crate::random::mix(seed) % PAIRS),
            schedules: points("HOSTCACHE_TEST_PAIRS", 3_000),
            cuts: points("HOSTCACHE_TEST_PAIR_CUTS", 8),
            only: None,
        };
        let Ok(parts) = std::env::var("HOSTCACHE_TEST_PAIR_PARTS") else { return all };
        let only = parts.split_once(' ').and_then(|(one, other)| all.only(one, other));
        only.unwrap_or_else(|| panic!("HOSTCACHE_TEST_PAIR_PARTS={parts:?} are no two parts"))
    }

    /// The same of two that do this; `None`: nobody does.
    #[must_use]
    pub fn only(self, first: &str, second: &str) -> Option<Self> {
        let only = Some([cast::name_of(first)?, cast::name_of(second)?]);
        Some(Self { only, ..self })
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

/// One of both, on its way.
struct Walk<'a> {
    runner: &'a mut Tracee,
    field: &'a Arena,
    code: &'a mut Code,
    /// How often it came to each instruction.
    visits: &'a mut HashMap<u64, u64>,
    /// From breakpoint to breakpoint.
    leaps: bool,
}

impl Walk<'_> {
    /// To before the access of this number, adding those on the way; or to the end. `stands`: before one already.
    fn until(self, access: usize, mut stands: bool, trace: &mut Trace) -> bool {
        let Walk { runner, field, code, visits, leaps } = self;
        let mut ended = false;
        while !ended {
            if leaps && !stands && runner.run() == Halt::Signed {
                ended = true;
                break;
            }
            stands = false;
            let at = runner.at();
            let touch = runner.next(field, code);
            if touch.is_some() && trace.len() == access {
                break;
            }
            if trace.len() > RUNAWAY {
                runner.clear();
                runner.go();
                ended = true;
                break;
            }
            let visits = visits.entry(at).or_default();
            if let Some(Touch { from, bytes, writes, repeated, .. }) = touch {
                let bytes = repeated.map_or(bytes, |(bytes, _)| bytes);
                let (from, to) = (from / 8, (from + bytes).div_ceil(8));
                trace.push(Access { met: Met { at, number: *visits }, from, to, writes });
                code.seen.entry(at).or_default().loads += 1;
            }
            *visits += 1;
            ended = runner.step() == Halt::Signed;
            if let Some((_, end)) = touch.and_then(|touch| touch.repeated)
                && !ended
                && runner.at() == at
            {
                runner.finish_repeated(at, end);
            }
        }
        runner.clear();
        ended
    }
}

struct Duel {
    bench: Bench,
    other: Tracee,
    costs: Costs,
}

impl Duel {
    fn new(lore: Arc<Mutex<Lore>>) -> Result<Self, Untraceable> {
        let bench = Bench::new(lore)?;
        let other = Tracee::fork(&bench.field)?;
        Ok(Self { bench, other, costs: Costs::default() })
    }

    fn set_up(&mut self, setting: &Setting) {
        self.bench.victim.clear();
        self.other.clear();
        self.bench.set_up(&setting.scene, &setting.acts[0]);
        self.other.prepare(&self.bench.field, &setting.acts[1]);
    }

    /// Both, one after the other from some access of the first on: their accesses. `careful`: what is not known well
    /// is stepped through by single instructions.
    fn learn(&mut self, setting: &Setting, from: usize, careful: bool) -> Course {
        self.set_up(setting);
        let mut traces = [Trace::new(), Trace::new()];
        let mut visits = HashMap::new();
        let leaps = self.bench.is_learned(setting.acts[0].op);
        let ended = self.walk(0, leaps, &mut visits, &mut traces[0], from);
        self.walk_second(setting, careful, &mut traces[1]);
        if !ended {
            self.walk(0, leaps, &mut visits, &mut traces[0], usize::MAX);
        }
        self.bench.teach();
        let region = self.bench.field.region();
        let geometry = region.geometry();
        Course::new(traces, geometry.buckets_at as usize..geometry.classes_at as usize)
    }

    /// The accesses of the second where the first is dead.
    fn learn_beside_dead(&mut self, setting: &Setting, from: usize) -> Trace {
        self.set_up(setting);
        let (mut first, mut second) = (Trace::new(), Trace::new());
        let leaps = self.bench.is_learned(setting.acts[0].op);
        let ended = self.walk(0, leaps, &mut HashMap::new(), &mut first, from);
        self.bench.field.bury(setting.scene.dead | setting.acts[0].mortal());
        let image = self.bench.field.image();
        self.walk_second(setting, false, &mut second);
        if !ended {
            // To where it waits for its next act: on what it left, so that it comes there.
            self.bench.field.load(&image);
            self.advance(0, None, true);
        }
        second
    }

    fn walk_second(&mut self, setting: &Setting, careful: bool, trace: &mut Trace) {
        let op = setting.acts[1].op;
        // Where the other stands decides what it does.
        let stands_at = self.bench.victim.at();
        let is_known =
            self.bench.is_learned(op) && (!careful || self.bench.is_learned_beside(op, stands_at));
        self.walk(1, is_known, &mut HashMap::new(), trace, usize::MAX);
    }

    /// One of both goes on to before the access of a number; true: to its end.
    fn walk(
        &mut self,
        who: usize,
        leaps: bool,
        visits: &mut HashMap<u64, u64>,
        trace: &mut Trace,
        until: usize,
    ) -> bool {
        let places = self.bench.places_of(Place::Access(0));
        let Bench { victim, field, code, .. } = &mut self.bench;
        let runner = if who == 0 { victim } else { &mut self.other };
        if leaps {
            runner.plant(places);
        }
        let stands = !trace.is_empty();
        Walk { runner, field, code, visits, leaps }.until(until, stands, trace)
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

    fn evictions(&self) -> u64 {
        self.bench.field.region().counters().get(Counter::Evictions)
    }

    fn play(&mut self, setting: &Setting, plan: Schedule, replay: &str) -> Result<(), Finding> {
        let Setting { scene, acts } = setting;
        self.set_up(setting);
        let before = self.bench.view(scene.keys);
        let evicted_before = self.evictions();
        let mut ended = [u32::MAX; 2];
        let mut stood: [Option<Met>; 3] = [None; 3];
        let mut words = String::new();
        for (turn, who) in [0, 1, 0].into_iter().enumerate() {
            if ended[who] != u32::MAX {
                words += " - 0";
                continue;
            }
            stood[turn] = match plan.cuts[turn] {
                Cut::Stay => stood[0],
                Cut::At(place) => self.advance(who, Some(place), turn == 2),
                Cut::End => self.advance(who, None, turn == 2),
            };
            words += &match (plan.cuts[turn], stood[turn].map(Met::place)) {
                (Cut::Stay, _) => " = 0".to_owned(),
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
        let mut ran = Vec::new();
        let killed = kills.then(|| {
            self.bench.field.bury(scene.dead | acts[0].mortal());
            order::append(&mut ran, &acts[0], &act::answers(&self.bench.field, false), 0, u32::MAX);
            self.bench.field.image()
        });
        if plan.third {
            let (region, host) = (self.bench.field.region(), self.bench.field.host(SURVIVOR));
            let mut prepared = Prepared::new(&region, &host, &acts[2]);
            let answer = prepared.perform(&acts[2]);
            prepared.detach();
            order::append(&mut ran, &acts[2], &[answer], 4, 4);
        }
        if ended[1] == u32::MAX {
            self.advance(1, None, true);
            ended[1] = 5;
        }
        if ended[0] == u32::MAX && !kills {
            self.advance(0, None, true);
            ended[0] = 6;
        }
        for at in if kills { 1..2 } else { 0..2 } {
            let answers = act::answers(&self.bench.field, at == 1);
            order::append(&mut ran, &acts[at], &answers, 0, ended[at]);
        }
        let evictions = self.evictions() - evicted_before;
        let mut judged = self.judge(setting, &before, &ran, evictions);
        if let Some(image) = killed {
            let now = judged.is_err().then(|| self.bench.field.image());
            // To where it waits for its next act: on what it left, so that it comes there.
            self.bench.field.load(&image);
            match now {
                None => _ = self.advance(0, None, true),
                Some(now) => {
                    let more = self.uncounted();
                    if more > 0 {
                        self.bench.field.load(&now);
                        judged = self.judge(setting, &before, &ran, evictions + more);
                    }
                }
            }
        }
        judged.map_err(finding)
    }

    /// How many items whoever was killed had evicted and not counted: going on alone from there, it would count one
    /// before it changes a slot.
    fn uncounted(&mut self) -> u64 {
        let Bench { victim, field, .. } = &mut self.bench;
        let region = field.region();
        let slots = || {
            let table = region.geometry().buckets_at..region.geometry().classes_at;
            // Behind a bucket's six slots there are use marks, which the choice of a victim lowers.
            let words = table.clone().filter(|at| (at - table.start) % 8 != 6);
            words.map(|at| field.word(at as usize).load(Ordering::Relaxed)).collect::<Vec<_>>()
        };
        let evictions = || region.counters().get(Counter::Evictions);
        let (counted, linked) = (evictions(), slots());
        let mut goes_on = true;
        while goes_on && evictions() == counted && slots() == linked {
            goes_on = victim.step() != Halt::Signed;
        }
        let uncounted = if slots() == linked { evictions() - counted } else { 0 };
        if goes_on {
            victim.go();
        }
        uncounted
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

    /// Notes what the second cost beside the first.
    fn weigh(&mut self, setting: &Setting, beside: usize, trace: &Trace) -> Result<(), String> {
        let act = &setting.acts[1];
        if act.script != Script::Once {
            return Ok(());
        }
        let region = self.bench.field.region();
        let cost = Cost::of(act, trace, region.geometry());
        self.costs.note(act.op, beside, cost);
        steps::bounded(act, cost)
    }

    /// All of one case.
    fn case(&mut self, work: &Pairs, number: u64) -> Result<Schedules, Finding> {
        let setting = stage(&mut self.bench, work.seed, number);
        let mut random = Random::salted(work.seed, !number);
        let replay = format!("pair {} {number}", work.seed);
        let dear = |what: String| Finding { what, replay: format!("case {} {number}", work.seed) };
        let careful = work.cuts == 0;
        let alone = self.learn(&setting, usize::MAX, careful);
        self.weigh(&setting, 0, &alone.traces[1]).map_err(dear)?;
        let from = alone.draw(0, 0, &mut random);
        let beside_dead = self.learn_beside_dead(&setting, from);
        self.weigh(&setting, 2, &beside_dead).map_err(dear)?;
        let mut sum = Schedules { cases: 1, ..Schedules::default() };
        let mut play = |duel: &mut Self, cuts: [Cut; 3], kills: bool, third: bool| {
            sum.all += 1;
            sum.kills += u64::from(kills);
            sum.stops += u64::from(!kills && !matches!(cuts[2], Cut::End));
            sum.thirds += u64::from(third);
            duel.play(&setting, Schedule { cuts, kills, third }, &replay)
        };
        if work.cuts == 0 {
            for first in alone.in_table(0, 0) {
                // What the second does depends on where it finds the first.
                let course = self.learn(&setting, first, careful);
                self.weigh(&setting, 1, &course.traces[1]).map_err(dear)?;
                let begun = course.place(0, None, first);
                for second in course.in_table(1, 0) {
                    for third in alone.in_table(0, first.saturating_add(1)) {
                        let last = alone.place(0, Some(first), third);
                        for kills in [false, true] {
                            let cuts = [begun, course.place(1, None, second), last];
                            play(self, cuts, kills, false)?;
                        }
                    }
                }
            }
        }
        for turn in 0..work.cuts {
            let first = alone.draw(0, 0, &mut random);
            let begun = alone.place(0, None, first);
            for kills in [false, true] {
                play(self, [begun, Cut::End, Cut::Stay], kills, random.one_in(8))?;
            }
            // The second is preempted too; the first goes on to its end, or stops once more, or dies.
            if turn % 2 == 1 {
                continue;
            }
            let course = self.learn(&setting, first, random.one_in(8));
            self.weigh(&setting, 1, &course.traces[1]).map_err(dear)?;
            for round in 0..4 {
                let second = course.draw(1, 0, &mut random);
                let of = if random.percent(50) { &alone } else { &course };
                let last = of.place(0, Some(first), of.draw(0, first + 1, &mut random));
                let last = if round % 2 == 1 || random.percent(50) { last } else { Cut::End };
                let cuts = [begun, course.place(1, None, second), last];
                play(self, cuts, round % 2 == 1, random.one_in(8))?;
            }
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
) -> Result<(Schedules, Costs), Option<Finding>> {
    let next = AtomicU64::new(work.first);
    let lore = Arc::new(Mutex::new(Lore::default()));
    let sums = Mutex::new((Schedules::default(), Costs::default()));
    let locked = || sums.lock().unwrap_or_else(PoisonError::into_inner);
    let thread = |number| -> Result<(), Option<Finding>> {
        bench::stay_on(number);
        let mut duel = Duel::new(Arc::clone(&lore)).map_err(|Untraceable| None)?;
        while locked().0.all < work.schedules {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if work.only.is_some_and(|names| !cast::is_of(number, names)) {
                continue;
            }
            let more = duel.case(work, number).map_err(Some)?;
            let sum = &mut locked().0;
            sum.cases += more.cases;
            sum.all += more.all;
            sum.kills += more.kills;
            sum.stops += more.stops;
            sum.thirds += more.thirds;
            if sum.cases % 100 == 0 {
                progress(sum);
            }
        }
        locked().1.add(&duel.costs);
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

/// All of one case once more: `SEED CASE`.
pub(super) fn again_case(seed: u64, number: u64) -> Result<Result<(), Finding>, String> {
    let mut duel = Duel::new(Arc::default())
        .map_err(|Untraceable| "processes may not be traced here".to_owned())?;
    let work = Pairs::of_environment(seed, crate::volume::points);
    Ok(duel.case(&work, number).map(|_| ()))
}

/// One finding once more: `SEED CASE KILL THIRD` and three places.
pub(super) fn again(words: &[String]) -> Result<Result<(), Finding>, String> {
    let word = |at: usize| words.get(at).map(String::as_str).ok_or("too few words");
    let number = |at: usize| -> Result<u64, String> {
        word(at)?.parse().map_err(|e| format!("{:?}: {e}", words[at]))
    };
    let place = |at: usize| -> Result<Cut, String> {
        Ok(match word(at)? {
            "-" => Cut::End,
            "=" => Cut::Stay,
            _ => Cut::At(Place::Meeting { at: number(at)?, number: number(at + 1)? }),
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
