//! Two workers at once: what each pays for the other, and how long single gets take.

use std::error::Error;

use hdrhistogram::Histogram;
use hostcache_benches::phase::{Round, Task, round};
use hostcache_benches::record::Table;
use hostcache_benches::store::Store;
use hostcache_benches::{Distribution, Operation, Workload, latency};

use crate::alone::ZIPF;
use crate::peer::{Peer, Room};
use crate::results::{Results, spread};

/// Keys of the mix of reads and writes; asked for by their popularity.
const MIX: Workload = Workload { keys: 100_000, ..Workload::LARGE };
/// Operations of each worker whose gets are timed one by one, in a round; a server's clients do fewer.
const TIMED: u64 = 200_000;
const TIMED_AT_SERVER: u64 = 10_000;

/// What is measured, with its name.
pub(crate) const TASKS: [(&str, Workload, Operation, Distribution); 4] = [
    ("get hit, 1,000 keys", Workload::HOT, Operation::GetHit, Distribution::Uniform),
    ("get miss, 1,000 keys", Workload::HOT, Operation::GetMiss, Distribution::Uniform),
    ("set over existing, 1,000 keys", Workload::HOT, Operation::SetOver, Distribution::Uniform),
    ("95 get : 5 set, 100,000 keys, zipf", MIX, Operation::Mixed, ZIPF),
];

type Stores = Vec<(Peer, Box<dyn Store>)>;

fn stores(peers: &[Peer], workload: Workload, seed: u64) -> Result<Stores, String> {
    let mut stores = Vec::new();
    for &peer in peers {
        let store = peer.create(workload, Room::All)?;
        store.attach(workload.distribution, seed)?.fill();
        stores.push((peer, store));
    }
    Ok(stores)
}

/// What the rounds of two workers gave.
#[derive(Default)]
pub(crate) struct Together {
    /// Nanoseconds per operation alone, at once, and the second over the first.
    pub(crate) alone: Results,
    pub(crate) together: Results,
    pub(crate) slowdown: Results,
    rows: Vec<Vec<String>>,
}

impl Together {
    pub(crate) fn table(&self) -> Table {
        let head = ["operation", "subject", "x1, ns", "x2, ns each", "x2 / x1", "kept", "rounds"];
        Table::of(&head, &self.rows)
    }
}

/// Measures all tasks in so many rounds, after one that only warms up.
pub(crate) fn run(
    peers: &[Peer],
    cpus: [usize; 2],
    rounds: usize,
    seed: u64,
) -> Result<Together, Box<dyn Error>> {
    let peers: Vec<Peer> = peers.iter().copied().filter(|peer| peer.is_shared()).collect();
    let mut all = Together::default();
    for (name, workload, operation, order) in TASKS {
        let stores = stores(&peers, workload, seed)?;
        let mut measured = vec![Vec::new(); stores.len()];
        eprintln!("two at once: {name}, {rounds} rounds of {} subjects", stores.len());
        for number in 0..=rounds {
            for turn in 0..stores.len() {
                let subject = (turn + number) % stores.len();
                let seed = seed.wrapping_add(2 * number as u64);
                let result = round(&*stores[subject].1, Task { operation, order, seed }, cpus)?;
                if number > 0 {
                    measured[subject].push(result);
                }
            }
        }
        for ((peer, _), rounds) in stores.iter().zip(&measured) {
            let figures = |of: fn(&Round) -> f64| -> Vec<f64> {
                rounds.iter().map(|round| round.as_ref().map_or(f64::NAN, of)).collect()
            };
            let cell = |figures: &[f64]| spread(figures).map_or("-".into(), |s| s.to_string());
            let alone = figures(|round| round.alone);
            let together = figures(|round| round.together);
            let slowdown = figures(|round| round.slowdown);
            all.rows.push(vec![
                name.to_owned(),
                peer.name(),
                cell(&alone),
                cell(&together),
                cell(&slowdown),
                cell(&figures(|round| round.kept)),
                format!("{} of {}", rounds.iter().flatten().count(), rounds.len()),
            ]);
            all.alone.add(name, *peer, alone);
            all.together.add(name, *peer, together);
            all.slowdown.add(name, *peer, slowdown);
        }
    }
    Ok(all)
}

/// Latencies of gets while two workers mix gets and sets.
#[derive(Default)]
pub(crate) struct Latencies {
    /// The 99th percentile of each round.
    pub(crate) p99: Results,
    rows: Vec<Vec<String>>,
}

/// The one case of [`Latencies::p99`].
pub(crate) const MIXED: &str = "95 get : 5 set";

impl Latencies {
    pub(crate) fn table(&self) -> Table {
        let head = ["ns", "p50", "p90", "p99", "p99.9", "p99.99", "longest", "gets"];
        Table::of(&head, &self.rows)
    }
}

/// A subject whose gets are timed: what all rounds gave, and the 99th percentile of each.
struct Timed {
    peer: Peer,
    store: Box<dyn Store>,
    all: Histogram<u64>,
    p99: Vec<f64>,
}

/// Times every get of two workers that mix gets and sets.
pub(crate) fn latencies(
    peers: &[Peer],
    cpus: [usize; 2],
    rounds: usize,
    seed: u64,
) -> Result<Latencies, Box<dyn Error>> {
    let timed = |peer: &&Peer| peer.is_shared() || peer.server().is_some();
    // A server's items are as many as are quickly set and checked.
    let hot = Workload { keys: 1000, ..MIX };
    let mut measured = Vec::new();
    for &peer in peers.iter().filter(timed) {
        let workload = if peer.server().is_some() { hot } else { MIX };
        let store = peer.create(workload, Room::All)?;
        store.attach(Distribution::Uniform, seed)?.fill();
        measured.push(Timed { peer, store, all: latency::histogram()?, p99: Vec::new() });
    }
    for number in 0..rounds {
        eprintln!("latencies: round {} of {rounds}", number + 1);
        for Timed { peer, store, all, p99 } in &mut measured {
            let operations = if peer.server().is_some() { TIMED_AT_SERVER } else { TIMED };
            let seed = seed.wrapping_add(2 * number as u64);
            let seen = latency::of_gets(&**store, ZIPF, seed, &cpus, operations)?;
            p99.push(seen.value_at_quantile(0.99) as f64);
            all.add(seen)?;
        }
    }
    let mut latencies = Latencies::default();
    for Timed { peer, all, p99, .. } in measured {
        let quantiles = [0.5, 0.9, 0.99, 0.999, 0.9999].map(|q| all.value_at_quantile(q));
        let figures = quantiles.into_iter().chain([all.max(), all.len()]);
        latencies.rows.push(
            std::iter::once(peer.name()).chain(figures.map(|figure| figure.to_string())).collect(),
        );
        latencies.p99.add(MIXED, peer, p99);
    }
    Ok(latencies)
}
