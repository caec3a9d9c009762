//! What others do while a process stands still: random operations beside a model of every key.

use hostcache_core::{Counter, Lane, Region, Session};

use super::act::{self, Act, Op, Script, answer};
use super::arena::DeskHost;
use super::content::{self, Item, Keys, View};
use super::spec;
use crate::random::Random;

/// Others at work.
pub(super) struct Churn<'a> {
    pub(super) region: &'a Region,
    pub(super) host: &'a DeskHost<'a>,
    pub(super) lane: &'a mut Lane,
    /// What every key shows, as far as is known.
    pub(super) model: View,
    /// All that one key has been.
    pub(super) past: Vec<Option<Item>>,
    /// That key.
    pub(super) watched: usize,
}

const OPS: [Op; 10] = [
    Op::Set,
    Op::Set,
    Op::Set,
    Op::Add,
    Op::Delete,
    Op::Take,
    Op::Increment,
    Op::Append,
    Op::Touch,
    Op::Replace,
];

impl Churn<'_> {
    fn evictions(&self) -> u64 {
        self.region.counters().get(Counter::Evictions)
    }

    /// What a key is from here on.
    fn note(&mut self, key: usize, item: Option<Item>) {
        self.model[key] = item;
        if key == self.watched {
            self.past.push(item);
        }
    }

    /// Compares a key with the model. What is missing may have been evicted since.
    fn look(&mut self, key: usize, evicted: bool) -> Result<(), String> {
        let found = content::find(self.region, self.host, &Keys::key(key));
        let expected = self.model[key];
        if found != expected {
            if !(evicted && found.is_none()) {
                return Err(format!("key {key} shows {found:?}, not {expected:?}"));
            }
            self.note(key, None);
        }
        Ok(())
    }

    /// One operation; half of them on the key that is watched.
    pub(super) fn step(&mut self, random: &mut Random) -> Result<(), String> {
        let keys = self.model.len() as u64;
        let key = if random.percent(50) { self.watched } else { random.below(keys) as usize };
        self.look(key, false)?;
        let len = *random.pick(&[16, 16, 40, 90, 200, 700, 3_000, 7_000, 12_000]);
        let act = Act {
            op: *random.pick(&OPS),
            lane: self.lane.id(),
            key,
            len,
            mark: 5_000_000 + random.below(1_000_000),
            warm: false,
            script: Script::Once,
        };
        let before = self.evictions();
        let name = Keys::key(key);
        let value = content::value(act.mark, act.len);
        let item = self.model[key];
        let Some(outcome) = spec::outcome(&act, item, 0) else { return Ok(()) };
        let mut session = Session::new(self.region, self.lane, self.host);
        let said = act::on_key(&mut session, &act, &name, &value, 0);
        let evicted = self.evictions() > before;
        if said != outcome.answer && said != answer::NO_ROOM && !evicted {
            return Err(format!("{act:?} on {item:?} said {said}, not {}", outcome.answer));
        }
        let found = content::find(self.region, self.host, &name);
        if said == outcome.answer && !spec::alike(found, outcome.item) {
            return Err(format!("{act:?} left {found:?}, not {:?}", outcome.item));
        }
        self.note(key, found);
        if evicted {
            (0..self.model.len()).try_for_each(|key| self.look(key, true))?;
        }
        Ok(())
    }

    /// A pass of a daemon.
    pub(super) fn maintain(&mut self) -> Result<(), String> {
        let before = self.evictions();
        let mut session = Session::new(self.region, self.lane, self.host);
        session.recover_dead();
        session.sweep(1 << 20);
        session.evict_ahead(8);
        let evicted = self.evictions() > before;
        (0..self.model.len()).try_for_each(|key| self.look(key, evicted))
    }

    /// Items until every free block was used: what is beyond the model's keys.
    pub(super) fn flood(&mut self, random: &mut Random) -> Result<(), String> {
        let before = self.evictions();
        let len = *random.pick(&[40, 700, 3_000, 15_000]);
        for number in 0..2_000 {
            let key = Keys::key(1_000 + number);
            let mut session = Session::new(self.region, self.lane, self.host);
            let value = content::value(9, len);
            act::set(&mut session, &key, &value, hostcache_core::Condition::Always, None);
            if self.evictions() > before + 2 {
                break;
            }
        }
        let mut session = Session::new(self.region, self.lane, self.host);
        for number in 0..2_000 {
            let _ = session.delete(&Keys::key(1_000 + number));
        }
        (0..self.model.len()).try_for_each(|key| self.look(key, true))
    }
}
