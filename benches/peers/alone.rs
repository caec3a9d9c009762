//! One worker: all subjects take turns at all operations of a workload, so that every ratio is of one round.
//!
//! The servers run on the worker's CPU, where a request and its answer cost least.

use std::cell::RefCell;
use std::time::Duration;

use hostcache_benches::store::{Store, Work};
use hostcache_benches::{Distribution, Operation, ValueSize, Workload, side_by_side};

use crate::peer::{Peer, Room};
use crate::results::Results;

/// Keys in a call of `get_many`, hot and out of many.
pub(crate) const BATCH_HOT: usize = 100;
pub(crate) const BATCH_LARGE: usize = 64;
/// As requests to caches are distributed.
pub(crate) const ZIPF: Distribution = Distribution::Zipf(0.99);
/// Items that a cache that evicts has room for, of four times as many.
const ROOM: u32 = 100_000;

/// One kind of operation in one order of keys.
#[derive(Debug, Clone, Copy)]
enum Job {
    Each(Operation, Distribution),
    Many(usize),
}

/// What is measured on one set of stores.
pub(crate) struct Group {
    workload: Workload,
    label: String,
    room: Room,
    jobs: Vec<Job>,
    /// [`Operation::SetNew`] at the end, on emptied stores.
    new_at_end: bool,
}

impl Group {
    fn new(workload: Workload, label: &str, jobs: Vec<Job>) -> Self {
        Self { workload, label: label.to_owned(), room: Room::All, jobs, new_at_end: false }
    }

    fn case(&self, job: Job) -> String {
        match job {
            Job::Each(_, _) if matches!(self.room, Room::Items(_)) => {
                format!("set with eviction, {}", self.label)
            }
            Job::Each(operation, Distribution::Zipf(_)) => {
                format!("{}, {}, zipf", operation.name(), self.label)
            }
            Job::Each(operation, Distribution::Uniform) => {
                format!("{}, {}", operation.name(), self.label)
            }
            Job::Many(keys) => format!("get_many of {keys}, a key, {}", self.label),
        }
    }
}

/// The groups; `large` is the number of keys where they are many.
pub(crate) fn groups(large: u32) -> Vec<Group> {
    use Operation::{GetHit, GetMiss, Mixed, SetOver};
    let uniform = |operations: &[Operation]| -> Vec<Job> {
        operations.iter().map(|&operation| Job::Each(operation, Distribution::Uniform)).collect()
    };
    let hot = |sizes| Workload { sizes, ..Workload::HOT };
    let mut hundred = uniform(&[GetHit, GetMiss, SetOver, Mixed]);
    hundred.push(Job::Many(BATCH_HOT));
    let mut many = uniform(&[GetHit, GetMiss, SetOver]);
    many.extend([Job::Many(BATCH_LARGE), Job::Each(GetHit, ZIPF), Job::Each(Mixed, ZIPF)]);
    let read_write = || uniform(&[GetHit, SetOver]);
    let mix = ValueSize::Octaves { min: 64, octaves: 6 };
    let evicting = Workload { keys: ROOM * 4, ..Workload::LARGE };
    vec![
        Group { new_at_end: true, ..Group::new(Workload::HOT, "1,000 keys, 100 B", hundred) },
        Group::new(hot(ValueSize::Fixed(1 << 10)), "1,000 keys, 1 KiB", read_write()),
        Group::new(hot(ValueSize::Fixed(64 << 10)), "1,000 keys, 64 KiB", read_write()),
        Group::new(hot(mix), "1,000 keys, 64 B to 4 KiB", read_write()),
        Group {
            new_at_end: true,
            ..Group::new(
                Workload { keys: large, ..Workload::LARGE },
                &format!("{} keys, 100 B", thousands(large)),
                many,
            )
        },
        Group {
            room: Room::Items(ROOM),
            ..Group::new(evicting, "room for a quarter, 100 B", uniform(&[SetOver]))
        },
    ]
}

/// A number with commas between its thousands.
fn thousands(number: u32) -> String {
    if number < 1000 {
        number.to_string()
    } else {
        format!("{},{:03}", thousands(number / 1000), number % 1000)
    }
}

struct Place<'a> {
    peer: Peer,
    /// One session for each order of keys: uniform, zipf.
    sessions: [RefCell<Box<dyn Work + 'a>>; 2],
}

/// Measures a group and adds its figures.
pub(crate) fn run(
    group: &Group,
    peers: &[Peer],
    rounds: usize,
    seed: u64,
    results: &mut Results,
) -> Result<(), String> {
    let suited = peers.iter().filter(|peer| peer.suits(&group.workload, group.room));
    let create = |&peer: &Peer| -> Result<(Peer, Box<dyn Store>), String> {
        let store = peer.create(group.workload, group.room);
        Ok((peer, store.map_err(|error| format!("{}: {error}", peer.name()))?))
    };
    let stores: Vec<(Peer, Box<dyn Store>)> = suited.map(create).collect::<Result<_, _>>()?;
    let mut places = Vec::new();
    for (peer, store) in &stores {
        eprintln!("{}: filling {}", group.label, peer.name());
        let session = |order| store.attach(order, seed).map(RefCell::new);
        let place =
            Place { peer: *peer, sessions: [session(Distribution::Uniform)?, session(ZIPF)?] };
        place.uniform(|session| session.fill());
        place.check(group);
        places.push(place);
    }
    let mut lanes: Vec<Box<dyn FnMut(u64) -> Duration + '_>> = Vec::new();
    let mut names = Vec::new();
    for &job in &group.jobs {
        let operation = match job {
            Job::Each(operation, _) => Some(operation),
            Job::Many(_) => None,
        };
        for place in places.iter().filter(|place| place.peer.does(operation)) {
            lanes.push(match job {
                Job::Each(operation, order) => {
                    let session = &place.sessions[usize::from(order != Distribution::Uniform)];
                    Box::new(move |n| session.borrow_mut().run(operation, n))
                }
                Job::Many(keys) => {
                    Box::new(move |n| place.sessions[0].borrow_mut().run_many(keys, n))
                }
            });
            names.push((group.case(job), place.peer));
        }
    }
    eprintln!("{}: {rounds} rounds of {} turns", group.label, lanes.len());
    for ((case, peer), figures) in names.into_iter().zip(side_by_side::measure(&mut lanes, rounds))
    {
        results.add(&case, peer, figures);
    }
    drop(lanes);
    places.iter().for_each(|place| place.check(group));
    if group.new_at_end {
        places.retain(|place| place.peer.does(Some(Operation::SetNew)));
        places.iter().for_each(|place| place.uniform(|session| session.empty()));
        let lane =
            |place: &'_ Place<'_>, n| place.sessions[0].borrow_mut().run(Operation::SetNew, n);
        let mut lanes: Vec<_> = places.iter().map(|place| move |n| lane(place, n)).collect();
        let figures = side_by_side::measure(&mut lanes, rounds);
        let case = group.case(Job::Each(Operation::SetNew, Distribution::Uniform));
        for (place, figures) in places.iter().zip(figures) {
            results.add(&case, place.peer, figures);
        }
    }
    Ok(())
}

impl Place<'_> {
    fn uniform<T>(&self, work: impl FnOnce(&mut dyn Work) -> T) -> T {
        work(&mut **self.sessions[0].borrow_mut())
    }

    /// Every byte of every item, before and after.
    fn check(&self, group: &Group) {
        if !self.peer.is_checked() {
        } else if let Room::Items(_) = group.room {
            let found = self.uniform(|session| session.count_right());
            let keys = group.workload.keys;
            assert!(
                (1..keys).contains(&found),
                "{}: {found} of {keys} items are there",
                self.peer.name()
            );
        } else {
            self.uniform(|session| session.check_all());
        }
    }
}
