//! From one log per worker to one history per key.

use super::{ALL_KEYS, Event, Log, Outcome};

/// The log of one worker.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// What it recorded.
    pub log: &'a Log,
    /// When its pending operation could no longer take effect. `u64::MAX` if that is not known.
    pub closed_at: u64,
}

/// All records of a campaign, by key.
#[derive(Debug)]
pub struct Histories<'a> {
    sources: Vec<Source<'a>>,
    /// Where the records are, all of a key together: source << 32 | index.
    places: Vec<u64>,
    /// Where each key's places begin; one more than there are keys.
    begins: Vec<usize>,
    clears: Vec<Event>,
    failed: u64,
}

impl<'a> Histories<'a> {
    /// Sorts the records of `sources` by key. Key numbers are below `keys`.
    #[must_use]
    pub fn gather(sources: Vec<Source<'a>>, keys: usize) -> Self {
        let mut begins = vec![0; keys + 2];
        let mut clears = Vec::new();
        let mut failed = 0;
        // A counting sort: count, sum up, place.
        each_record(&sources, |_, key, event| {
            failed += u64::from(event.outcome == Outcome::Failed);
            match key {
                ALL_KEYS => clears.push(event),
                key => begins[key as usize + 2] += 1,
            }
        });
        for key in 2..begins.len() {
            begins[key] += begins[key - 1];
        }
        let mut places = vec![0; begins[keys + 1]];
        each_record(&sources, |place, key, _| {
            if key != ALL_KEYS {
                let next = &mut begins[key as usize + 1];
                places[*next] = place;
                *next += 1;
            }
        });
        begins.truncate(keys + 1);
        clears.sort_by_key(|event| event.start);
        Self { sources, places, begins, clears, failed }
    }

    /// Number of keys, used or not.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.begins.len() - 1
    }

    /// Number of operations recorded.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len() + self.clears.len()
    }

    /// Whether nothing was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of operations that ended with an error.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failed
    }

    /// The history of `key`, every `clear` included, ordered by start.
    #[must_use]
    pub fn events(&self, key: usize) -> Vec<Event> {
        let places = &self.places[self.begins[key]..self.begins[key + 1]];
        let mut events: Vec<Event> = places.iter().map(|&place| self.event(place)).collect();
        if !events.is_empty() {
            events.extend_from_slice(&self.clears);
            events.sort_by_key(|event| event.start);
        }
        events
    }

    fn event(&self, place: u64) -> Event {
        let source = &self.sources[(place >> 32) as usize];
        closed(source, source.log.record(place as u32 as usize).event)
    }
}

fn each_record(sources: &[Source], mut visit: impl FnMut(u64, u32, Event)) {
    for (number, source) in sources.iter().enumerate() {
        for index in 0..source.log.len() {
            let record = source.log.record(index);
            let event = closed(source, record.event);
            // A read without an answer says nothing.
            if !(event.call.only_reads() && event.outcome == Outcome::Pending) {
                visit((number as u64) << 32 | index as u64, record.key, event);
            }
        }
    }
}

fn closed(source: &Source, mut event: Event) -> Event {
    if event.outcome == Outcome::Pending {
        event.end = source.closed_at;
    }
    event
}
