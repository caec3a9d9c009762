//! Killed behind every store.

use std::collections::BTreeSet;

use hostcache_core::Counter;

use super::act::{Act, Op};
use super::arena::Image;
use super::bench::{Bench, Finding, Scene};
use super::content::View;
use super::judge;
use super::tracee::Halt;

/// So often an operation is stepped through by single instructions, before its stores are taken as known.
const STEPPED: u32 = 3;

/// What stepping through an operation gave.
#[derive(Debug, Default)]
pub(super) struct Stepped {
    /// Distinct points at which a kill was judged.
    pub(super) kills: u64,
    pub(super) instructions: u64,
    /// Accesses to the region, as stop points count them.
    pub(super) touches: u64,
    /// The instructions that stored.
    pub(super) places: BTreeSet<u64>,
    /// The images behind some of the stores.
    pub(super) images: Vec<Image>,
}

impl Bench {
    /// Steps the victim through an act and judges a kill behind every store; keeps one image in so many.
    pub(super) fn kill_everywhere(
        &mut self,
        scene: &Scene,
        act: &Act,
        keep: Option<(u64, u64)>,
        replay: &str,
    ) -> Result<Stepped, Finding> {
        let finding = |what: String, at: u64| Finding {
            what: format!("killed behind store {at} of {act:?}: {what}"),
            replay: format!("{replay} {at}"),
        };
        let leap = self.is_learned(act.op);
        let stepped = self.kill_at(scene, act, keep, &finding, leap)?;
        if let Some(stepped) = stepped {
            return Ok(stepped);
        }
        // A store that nobody knew of: look for it instruction by instruction.
        let stepped = self.kill_at(scene, act, keep, &finding, false)?;
        Ok(stepped.unwrap_or_else(|| panic!("a store of {act:?} was not noticed: {replay}")))
    }

    /// Whether the stores of an operation are known: it was stepped through from several states.
    pub(super) fn is_learned(&mut self, op: Op) -> bool {
        let mut lore = self.lore();
        let times = lore.learned.entry(op).or_default();
        *times += 1;
        *times > STEPPED
    }

    /// The same of an operation beside somebody who stands there.
    pub(super) fn is_learned_beside(&mut self, op: Op, stands_at: u64) -> bool {
        let mut lore = self.lore();
        let times = lore.learned_beside.entry((op, stands_at)).or_default();
        *times += 1;
        *times > STEPPED
    }

    /// Tells all benches what this one has seen.
    pub(super) fn teach(&mut self) {
        let (stores, touches) = (self.code.stores(), self.code.touches());
        let mut lore = self.lore();
        lore.stores.extend(stores);
        lore.touches.extend(touches);
    }

    /// `None`: there was a store where none was expected. `leap`: from breakpoint to breakpoint.
    fn kill_at(
        &mut self,
        scene: &Scene,
        act: &Act,
        keep: Option<(u64, u64)>,
        finding: &impl Fn(String, u64) -> Finding,
        leap: bool,
    ) -> Result<Option<Stepped>, Finding> {
        self.victim.clear();
        self.set_up(scene, act);
        if leap {
            let stores = self.lore().stores.clone();
            self.victim.plant(stores);
        }
        let dead = scene.dead | act.mortal();
        let before = self.view(scene.keys);
        let evicted_before = self.lab.region().counters().get(Counter::Evictions);
        let mut hash = self.remember();
        let mut stepped = Stepped::default();
        let mut views: Vec<(u64, View)> = Vec::new();
        let mut stores = 0;
        let mut halt = Halt::Stepped;
        while halt != Halt::Signed {
            if leap && self.victim.run() == Halt::Signed {
                break;
            }
            let touch = self.victim.next(&self.field, &mut self.code);
            halt = self.victim.step();
            let Some(touch) = touch else { continue };
            stepped.touches += 1;
            let mut changed = if touch.writes { self.note(touch.from, touch.bytes) } else { 0 };
            let seen = self.code.seen.entry(touch.at).or_default();
            seen.loads += u64::from(!touch.writes);
            if changed != 0 {
                stores += 1;
                stepped.places.insert(touch.at);
                let point = mix(act.op as u64, hash, hash ^ changed);
                let is_new = self.known.insert(point);
                seen.stores += 1;
                seen.kills += u64::from(is_new);
                if keep.is_some_and(|(one_in, from)| stores % one_in == from) {
                    stepped.images.push(self.field.image());
                }
                if is_new {
                    stepped.kills += 1;
                    self.lab.copy(&self.field);
                    let turn = stores + hash % 2;
                    let (keys, pinned) = (scene.keys, scene.pinned);
                    let view = judge::judge(&self.lab, keys, act, dead, pinned, turn);
                    views.push((stores, view.map_err(|what| finding(what, stores))?));
                }
            }
            if let Some((bytes, end)) = touch.repeated
                && halt != Halt::Signed
                && self.victim.at() == touch.at
            {
                self.victim.finish_repeated(touch.at, end);
                changed ^= if touch.writes { self.note(touch.from, bytes) } else { 0 };
            }
            hash ^= changed;
        }
        stepped.instructions = self.victim.instructions;
        if !leap {
            self.teach();
        }
        if self.field.image() != self.shadow {
            return Ok(None);
        }
        let after = self.view(scene.keys);
        let evicted = self.lab.region().counters().get(Counter::Evictions) - evicted_before;
        monotone(act, &before, &after, &views, evicted).map_err(|(what, at)| finding(what, at))?;
        Ok(Some(stepped))
    }
}

/// What a key shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Before,
    Between,
    After,
}

/// Every key shows what it showed before, up to some point, and what it shows afterwards from there on. The act's own key may show
/// nothing in between: to make room for the new item is to evict, the old one perhaps. Whatever vanished without having been asked
/// to was evicted, and counted by the end.
fn monotone(
    act: &Act,
    before: &View,
    after: &View,
    views: &[(u64, View)],
    evicted: u64,
) -> Result<(), (String, u64)> {
    let mut vanished = 0;
    for key in 0..before.len() {
        let [was, will] = [before[key], after[key]];
        let (mut stage, mut absent) = (Stage::Before, false);
        for (at, view) in views {
            let is = view[key];
            let next = match is {
                _ if is == will => Some(Stage::After),
                _ if is == was => Some(Stage::Before),
                None if key == act.key && was.is_some() && was != will => Some(Stage::Between),
                _ => None,
            };
            let Some(next) = next.filter(|next| *next >= stage) else {
                return Err((
                    format!("key {key} shows {is:?}: {was:?} before, {will:?} after"),
                    *at,
                ));
            };
            stage = next;
            absent |= next == Stage::Between;
        }
        let ended = key != act.key && act.op != Op::Clear && was.is_some() && will.is_none();
        vanished += u64::from(absent || ended);
    }
    if vanished > evicted {
        let at = views.last().map_or(0, |(at, _)| *at);
        return Err((format!("{vanished} keys vanished, {evicted} evictions are counted"), at));
    }
    if act.op == Op::Clear {
        for (at, view) in views {
            let cleared = view.iter().zip(before).filter(|(is, was)| is.is_none() && was.is_some());
            let cleared = cleared.count();
            let all = before.iter().flatten().count();
            if cleared != 0 && cleared != all {
                return Err((format!("{cleared} of {all} keys are cleared"), *at));
            }
        }
    }
    Ok(())
}

fn mix(op: u64, before: u64, after: u64) -> u64 {
    crate::random::mix(before ^ crate::random::mix(after ^ (op << 56)))
}
