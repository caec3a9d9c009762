//! The naive model: a hash map, and what each operation does to one of its entries.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use hostcache::{Condition, Lifetime, SetOutcome};

use super::answer::{Answer, Seen};

/// Longest key.
const MAX_KEY: usize = 1 << 16;

/// An item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ModelItem {
    value: Vec<u8>,
    flags: u32,
    encoding: u8,
    /// Milliseconds on the model's clock; `None`: never.
    deadline: Option<u64>,
    /// Known once the cache has told it.
    token: Option<u64>,
}

/// What an operation depends on beside the entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context {
    /// Nanoseconds since the clock began.
    pub(super) now: u64,
    pub(super) default_ttl: Option<u64>,
    pub(super) max_ttl: Option<u64>,
    /// Bytes of the largest value.
    pub(super) limit: usize,
    /// Whether reads are counted.
    pub(super) counts: bool,
}

/// What a whole run did.
#[derive(Debug, Default)]
pub struct Model {
    items: HashMap<Vec<u8>, ModelItem>,
    tallies: BTreeMap<&'static str, u64>,
    tokens: HashSet<u64>,
    /// What each change left of its key, in order, once it is asked for.
    trail: Option<Trail>,
}

/// Changes of keys, in order.
pub(super) type Trail = Vec<(Vec<u8>, Option<ModelItem>)>;

/// One key's place in the model, while an operation works on it.
#[derive(Debug)]
pub(super) struct Entry {
    key_len: usize,
    item: Option<ModelItem>,
    pub(super) context: Context,
    tallies: Vec<&'static str>,
}

/// What an operation left of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct After {
    item: Option<ModelItem>,
    tallies: Vec<&'static str>,
}

impl After {
    /// Counts as a store what another outcome counted as one.
    pub(super) fn counts_stores_of(&mut self, other: &Self) {
        self.tallies.extend(other.tallies.iter().filter(|&&tally| tally == "cmd_set"));
    }
}

/// What to store.
#[derive(Debug, Clone)]
pub(super) struct Store {
    pub(super) value: Vec<u8>,
    pub(super) flags: u32,
    pub(super) encoding: u8,
    pub(super) lifetime: Lifetime,
    pub(super) condition: Condition,
    /// Whether the condition's token is the item's, if it has one.
    pub(super) token_is_current: bool,
}

impl Context {
    /// When an item with this lifetime ends; 0 is in the past.
    fn deadline(&self, lifetime: Lifetime, before: Option<&ModelItem>) -> Option<u64> {
        let ttl = match lifetime {
            Lifetime::Keep if before.is_some() => return before.and_then(|item| item.deadline),
            Lifetime::Default | Lifetime::Keep => self.default_ttl,
            Lifetime::Forever => None,
            Lifetime::Ttl(ttl) => Some(ttl.as_nanos().div_ceil(1_000_000) as u64),
            // The suite only uses instants that are past.
            Lifetime::UnixMillis(_) => Some(0),
        };
        let ttl = match (ttl, self.max_ttl) {
            (Some(ttl), Some(max)) => Some(ttl.min(max)),
            (ttl, max) => ttl.or(max),
        };
        ttl.map(|ttl| if ttl == 0 { 0 } else { self.now.div_ceil(1_000_000) + ttl })
    }

    pub(super) fn is_over(&self, item: &ModelItem) -> bool {
        item.deadline.is_some_and(|deadline| deadline <= self.now / 1_000_000)
    }
}

impl ModelItem {
    pub(super) fn seen(&self, context: Context) -> Seen {
        let now = context.now / 1_000_000;
        Seen {
            value: self.value.clone(),
            len: self.value.len(),
            flags: self.flags,
            encoding: self.encoding,
            ttl: self.deadline.map(|deadline| deadline.saturating_sub(now)),
            token: self.token,
        }
    }
}

impl After {
    /// What a read sees then.
    pub(super) fn seen(&self, context: Context) -> Option<Seen> {
        self.item.as_ref().map(|item| item.seen(context))
    }
}

impl Model {
    /// The entry of a key, to be worked on.
    pub(super) fn entry(&self, key: &[u8], context: Context) -> Entry {
        let item = self.items.get(key).filter(|item| !context.is_over(item)).cloned();
        Entry { key_len: key.len(), item, context, tallies: Vec::new() }
    }

    /// Whether an operation left a key's item as it was.
    pub(super) fn is_left_as_it_was(&self, key: &[u8], context: Context, after: &After) -> bool {
        self.entry(key, context).item == after.item
    }

    /// As if the key's item had been evicted.
    pub(super) fn entry_without_item(&self, key: &[u8], context: Context) -> Entry {
        Entry { key_len: key.len(), item: None, context, tallies: Vec::new() }
    }

    pub(super) fn commit(&mut self, key: &[u8], after: After) {
        for tally in after.tallies {
            *self.tallies.entry(tally).or_default() += 1;
        }
        self.leave(key, after.item);
    }

    /// What is left of a key from now on.
    fn leave(&mut self, key: &[u8], item: Option<ModelItem>) {
        if let Some(trail) = &mut self.trail {
            trail.push((key.to_vec(), item.clone()));
        }
        match item {
            Some(item) => drop(self.items.insert(key.to_vec(), item)),
            None => drop(self.items.remove(key)),
        }
    }

    /// From now on every change is noted.
    pub(super) fn record(&mut self) {
        self.trail = Some(Trail::new());
    }

    /// The changes noted since the last call.
    pub(super) fn take_trail(&mut self) -> Trail {
        self.trail.as_mut().map(std::mem::take).unwrap_or_default()
    }

    pub(super) fn items(&self) -> &HashMap<Vec<u8>, ModelItem> {
        &self.items
    }

    /// A key shows this, whatever the model thought, and has this token.
    pub(super) fn put(&mut self, key: &[u8], item: Option<ModelItem>, token: Option<u64>) {
        match item {
            Some(item) => drop(self.items.insert(key.to_vec(), ModelItem { token, ..item })),
            None => drop(self.items.remove(key)),
        }
    }

    /// Notes the token that the cache told; false if another item had it before.
    pub(super) fn learn_token(&mut self, key: &[u8], token: u64) -> bool {
        match self.items.get_mut(key) {
            Some(item) if item.token.is_none() => {
                item.token = Some(token);
                self.tokens.insert(token)
            }
            _ => true,
        }
    }

    /// Keys of items that have not ended, with a prefix.
    pub(super) fn live_keys(&self, context: Context, prefix: &[u8]) -> BTreeSet<Vec<u8>> {
        let live = self.items.iter().filter(|(_, item)| !context.is_over(item));
        live.map(|(key, _)| key).filter(|key| key.starts_with(prefix)).cloned().collect()
    }

    /// Ends everything.
    pub(super) fn clear(&mut self) {
        let keys: Vec<Vec<u8>> = self.items.keys().cloned().collect();
        keys.iter().for_each(|key| self.leave(key, None));
        *self.tallies.entry("cmd_flush").or_default() += 1;
    }

    /// Ends one item.
    pub(super) fn remove(&mut self, key: &[u8]) {
        self.leave(key, None);
    }

    pub(super) fn count(&mut self, tally: &'static str, by: u64) {
        *self.tallies.entry(tally).or_default() += by;
    }

    /// How often something happened.
    pub(super) fn tally(&self, name: &str) -> u64 {
        self.tallies.get(name).copied().unwrap_or(0)
    }

    pub(super) fn tallied(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.tallies.keys().copied()
    }
}

impl Entry {
    pub(super) fn finish(self) -> After {
        After { item: self.item, tallies: self.tallies }
    }

    fn tally(&mut self, name: &'static str) {
        self.tallies.push(name);
    }

    fn is_valid(&self) -> bool {
        (1..=MAX_KEY).contains(&self.key_len)
    }

    fn seen(&self) -> Option<Seen> {
        self.item.as_ref().map(|item| item.seen(self.context))
    }

    /// A read that is counted: `None` for an invalid key.
    pub(super) fn get(&mut self) -> Option<Option<Seen>> {
        if !self.is_valid() {
            return None;
        }
        if self.context.counts {
            self.tally(if self.item.is_some() { "get_hits" } else { "get_misses" });
        }
        Some(self.seen())
    }

    /// A read that leaves no trace.
    pub(super) fn peek(&self) -> Option<Option<Seen>> {
        self.is_valid().then(|| self.seen())
    }

    pub(super) fn set(&mut self, store: &Store) -> Answer {
        if let Some(refused) = self.refusal(store.value.len()) {
            return refused;
        }
        self.tally("cmd_set");
        let refused = match (store.condition, &self.item) {
            (Condition::IfAbsent, Some(_)) => Some(SetOutcome::Exists),
            (Condition::IfPresent | Condition::IfToken(_), None) => Some(SetOutcome::Missing),
            (Condition::IfToken(_), Some(_)) if !store.token_is_current => {
                Some(SetOutcome::TokenMismatch)
            }
            _ => None,
        };
        if let Condition::IfToken(_) = store.condition {
            self.tally(match refused {
                None => "cas_hits",
                Some(SetOutcome::Missing) => "cas_misses",
                Some(_) => "cas_badval",
            });
        }
        if let Some(outcome) = refused {
            return Answer::NotStored(outcome);
        }
        let deadline = self.context.deadline(store.lifetime, self.item.as_ref());
        self.put(ModelItem {
            value: store.value.clone(),
            flags: store.flags,
            encoding: store.encoding,
            deadline,
            token: None,
        });
        Answer::Stored(None)
    }

    /// What is stored with a past deadline is gone at once.
    fn put(&mut self, item: ModelItem) {
        self.item = Some(item).filter(|item| !self.context.is_over(item));
    }

    /// Why a write of that length is refused at once.
    pub(super) fn refusal(&self, len: usize) -> Option<Answer> {
        if !self.is_valid() {
            return Some(Answer::Refused("invalid key"));
        }
        (len > self.context.limit).then_some(Answer::Refused("too large"))
    }

    pub(super) fn extend(&mut self, bytes: &[u8], at_front: bool) -> Answer {
        if let Some(refused) = self.refusal(bytes.len()) {
            return refused;
        }
        self.tally("cmd_set");
        let limit = self.context.limit;
        let Some(item) = &mut self.item else {
            self.tally("append_misses");
            return Answer::Number(None);
        };
        if item.value.len() + bytes.len() > limit {
            return Answer::Refused("too large");
        }
        let at = if at_front { 0 } else { item.value.len() };
        item.value.splice(at..at, bytes.iter().copied());
        item.token = None;
        let len = item.value.len() as u64;
        self.tally("append_hits");
        Answer::Number(Some(len))
    }

    /// Counts by `by`, up or down; a missing key becomes `initial`.
    pub(super) fn arithmetic(
        &mut self,
        up: bool,
        by: u64,
        initial: Option<u64>,
        lifetime: Lifetime,
    ) -> Answer {
        if let Some(refused) = self.refusal(0) {
            return refused;
        }
        let (hit, miss) =
            if up { ("incr_hits", "incr_misses") } else { ("decr_hits", "decr_misses") };
        let number = match (&mut self.item, initial) {
            (Some(item), _) => {
                let is_number = (1..=20).contains(&item.value.len())
                    && item.value.iter().all(u8::is_ascii_digit);
                let number = std::str::from_utf8(&item.value).ok().filter(|_| is_number);
                let Some(number) = number.and_then(|text| text.parse::<u64>().ok()) else {
                    return Answer::Refused("not a number");
                };
                let number = if up { number.wrapping_add(by) } else { number.saturating_sub(by) };
                item.value = number.to_string().into_bytes();
                item.token = None;
                number
            }
            (None, Some(initial)) => {
                let deadline = self.context.deadline(lifetime, None);
                let value = initial.to_string().into_bytes();
                self.put(ModelItem { value, flags: 0, encoding: 0, deadline, token: None });
                initial
            }
            (None, None) => {
                self.tally(miss);
                return Answer::Number(None);
            }
        };
        self.tally(hit);
        Answer::Number(Some(number))
    }

    pub(super) fn delete(&mut self) -> Answer {
        if let Some(refused) = self.refusal(0) {
            return refused;
        }
        let gone = self.item.take().is_some();
        self.tally(if gone { "delete_hits" } else { "delete_misses" });
        Answer::Flag(gone)
    }

    /// `None` for an invalid key.
    pub(super) fn take(&mut self) -> Option<Option<Seen>> {
        let seen = self.peek()?;
        self.item = None;
        let hit = seen.is_some();
        self.tally(if hit { "get_hits" } else { "get_misses" });
        self.tally(if hit { "delete_hits" } else { "delete_misses" });
        Some(seen)
    }

    /// Gives the item a new lifetime; what it was, with the new time. `None` for an invalid key.
    pub(super) fn touch(&mut self, lifetime: Lifetime, gets: bool) -> Option<Option<Seen>> {
        if !self.is_valid() {
            return None;
        }
        let hit = self.item.is_some();
        if let Some(mut item) = self.item.take() {
            item.deadline = self.context.deadline(lifetime, Some(&item));
            self.item = Some(item);
        }
        if gets {
            self.tally(if hit { "get_hits" } else { "get_misses" });
        }
        // A plain touch that is to keep the deadline is only a question.
        if gets || lifetime != Lifetime::Keep {
            self.tally(if hit { "touch_hits" } else { "touch_misses" });
        }
        let seen = self.seen();
        self.item = self.item.take().filter(|item| !self.context.is_over(item));
        Some(seen)
    }
}
