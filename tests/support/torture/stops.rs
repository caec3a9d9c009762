//! Left standing before every access, while others work; then it goes on.

use std::collections::HashMap;

use hostcache_core::layout::Identity;
use hostcache_core::{Counter, Lane};

use super::act::{self, Act, Op, answer};
use super::arena::Arena;
use super::bench::{Bench, Finding, Scene};
use super::churn::Churn;
use super::code::Code;
use super::content::{self, Item, Keys, View};
use super::judge;
use super::shape::SURVIVOR;
use super::spec;
use super::tracee::{Halt, Tracee};
use crate::random::Random;

/// Before which access the victim is stopped, and for how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop {
    pub(super) place: Place,
    pub(super) operations: u64,
    pub(super) seed: u64,
}

/// Where a process is stopped.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// Before the access of this number, of those by instructions that are known by then.
    Access(u64),
    /// Before an instruction, met for so many times before: the same whatever else is known.
    Meeting { at: u64, number: u64 },
}

impl Place {
    /// The first time that the process comes to an instruction.
    pub(super) fn first(at: u64) -> Self {
        Self::Meeting { at: at.wrapping_sub(origin()), number: 0 }
    }
}

/// Where a process came to stand: before an instruction, met for so many times before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Met {
    pub(super) at: u64,
    pub(super) number: u64,
}

impl Met {
    /// The same for every run of this build.
    pub(super) fn place(self) -> Place {
        Place::Meeting { at: self.at.wrapping_sub(origin()), number: self.number }
    }
}

/// Goes on from breakpoint to breakpoint to a place; `None`: it ended before. Whoever is resumed does not count the
/// access before which it stands.
pub(super) fn run_to(
    who: &mut Tracee,
    field: &Arena,
    code: &mut Code,
    place: Place,
    is_resumed: bool,
) -> Option<Met> {
    let mut met = HashMap::<u64, u64>::new();
    let mut accesses = 0;
    let mut stands = is_resumed;
    loop {
        if !stands && who.run() == Halt::Signed {
            return None;
        }
        let at = who.at();
        let touch = who.next(field, code);
        if !stands {
            let number = *met.entry(at).and_modify(|times| *times += 1).or_insert(0);
            let is_there = match place {
                Place::Access(access) => touch.is_some() && accesses == access,
                Place::Meeting { number: wanted, .. } => number == wanted,
            };
            if is_there {
                return Some(Met { at, number });
            }
            accesses += u64::from(touch.is_some());
        }
        stands = false;
        if who.step() == Halt::Signed {
            return None;
        }
        if let Some((_, end)) = touch.and_then(|touch| touch.repeated)
            && who.at() == at
        {
            who.finish_repeated(at, end);
        }
    }
}

/// Code is named by its distance from here, so that a name holds for every run of one build.
fn origin() -> u64 {
    judge::exact as *const () as u64
}

impl Bench {
    /// The breakpoints by which a place is found.
    pub(super) fn places_of(&self, place: Place) -> Vec<u64> {
        match place {
            Place::Access(_) => self.lore().touches.iter().copied().collect(),
            Place::Meeting { at, .. } => vec![at.wrapping_add(origin())],
        }
    }

    /// Stops the victim before an access, lets others work, and lets it end. False: it has no such access.
    pub(super) fn stop_at(
        &mut self,
        scene: &Scene,
        act: &Act,
        stop: Stop,
        replay: &str,
    ) -> Result<bool, Finding> {
        self.victim.clear();
        self.set_up(scene, act);
        let before = self.view(scene.keys);
        let places = self.places_of(stop.place);
        self.victim.plant(places);
        let met = run_to(&mut self.victim, &self.field, &mut self.code, stop.place, false);
        let Some(Met { at: stood_at, number }) = met else { return Ok(false) };
        let finding = |what: String| {
            let at = stood_at.wrapping_sub(origin());
            Finding {
                what: format!("stopped at {at:#x}, met {number} times, of {act:?}: {what}"),
                replay: format!("{replay} {} {at} {number}", stop.seed),
            }
        };
        self.code.seen.entry(stood_at).or_default().stops += 1;
        self.lore().stopped.insert(stood_at);
        self.victim.clear();
        let end = self.work_beside(scene, act, &before, stop).map_err(finding)?;
        self.judge_end(scene, act, &before, &end).map_err(finding)?;
        Ok(true)
    }

    /// Others work on the field while the victim stands, and then it ends: what all keys are known to be, what the
    /// victim's key has been, and the victim's answer.
    fn work_beside(
        &mut self,
        scene: &Scene,
        act: &Act,
        before: &View,
        stop: Stop,
    ) -> Result<End, String> {
        let shown = self.view(scene.keys);
        let field = &self.field;
        let region = field.region();
        let host = field.host(SURVIVOR);
        let mut random = Random::new(stop.seed);
        let mut lane = Lane::attach(&region, SURVIVOR, &Identity::default());
        let mut churn = Churn {
            region: &region,
            host: &host,
            lane: &mut lane,
            past: vec![before[act.key], shown[act.key]],
            model: shown,
            watched: act.key,
        };
        let flood = stop.operations > 0 && random.one_in(8);
        for number in 0..stop.operations {
            churn.step(&mut random)?;
            if flood && number == stop.operations / 2 {
                churn.flood(&mut random)?;
                churn.maintain()?;
            }
        }
        let Churn { model, past, .. } = churn;
        lane.detach(&region, &host);
        let evictions = || region.counters().get(Counter::Evictions);
        let before = evictions();
        self.victim.go();
        let evicted = evictions() > before;
        let answer = act::answers(field, false).last().copied().unwrap_or(answer::NONE);
        Ok(End { model, past, answer, evicted })
    }

    fn judge_end(&self, scene: &Scene, act: &Act, before: &View, end: &End) -> Result<(), String> {
        let shown = self.view(scene.keys);
        let region = self.field.region();
        let host = self.field.host(SURVIVOR);
        if end.answer == answer::DAMAGED {
            return Err("it found the region damaged".into());
        }
        let evicting = end.evicted;
        for (key, (is, was)) in shown.iter().zip(&end.model).enumerate() {
            let by_clear = act.op == Op::Clear && is.is_none();
            if key != act.key && is != was && !by_clear && !(evicting && is.is_none()) {
                return Err(format!("key {key} became {is:?} from {was:?} by another's operation"));
            }
        }
        let key = &Keys::key(act.key);
        let token = before[act.key].map_or(7, |item| item.token);
        explained(act, token, end, content::find(&region, &host, key), evicting)?;
        let account = region.check(&host, |lane| scene.dead & (1 << lane) != 0);
        if scene.dead == 0 {
            judge::exact(&region, &account, scene.pinned)?;
        }
        let dead = scene.dead | act.mortal();
        self.lab.copy(&self.field);
        judge::judge(&self.lab, scene.keys, act, dead, scene.pinned, 0).map(|_| ())
    }
}

/// How it ended.
struct End {
    model: View,
    /// All that the victim's key has been, from before the victim began.
    past: Vec<Option<Item>>,
    answer: u64,
    /// Whether it evicted when it went on.
    evicted: bool,
}

/// Whether the victim's operation took effect at one instant: before the stop, or after it; or had no effect, and
/// answered what was so at some time.
fn explained(
    act: &Act,
    token: u64,
    end: &End,
    shown: Option<Item>,
    evicting: bool,
) -> Result<(), String> {
    let model = end.model[act.key];
    let unchanged = shown == model || evicting && shown.is_none();
    let first = end.past[0];
    let ok = match act.op {
        _ if end.answer == answer::NO_ROOM => unchanged,
        Op::Clear => unchanged || shown.is_none(),
        _ if spec::outcome(act, first, token).is_none() => true,
        _ => {
            let at = |item| spec::outcome(act, item, token);
            let quietly = unchanged
                && end.past.iter().any(|item| {
                    at(*item).is_none_or(|out| !out.changes && out.answer == end.answer)
                });
            // It had taken effect when it was stopped.
            let early = unchanged
                && at(first).is_some_and(|out| {
                    out.changes && out.answer == end.answer && spec::alike(end.past[1], out.item)
                });
            // It goes on from what is there, or from nothing if it evicted that.
            let from = [Some(model), evicting.then_some(None)];
            let late = from.into_iter().flatten().any(|item| {
                at(item).is_none_or(|out| {
                    out.answer == end.answer
                        && (spec::alike(shown, out.item) || evicting && shown.is_none())
                })
            });
            quietly || early || late
        }
    };
    if ok {
        return Ok(());
    }
    Err(format!("answered {}, key {} is {shown:?}; it was {:?}", end.answer, act.key, end.past))
}
