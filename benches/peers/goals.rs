//! The goals, and what the figures of this run say about them.

use hostcache_benches::figures::Spread;
use hostcache_benches::record::Table;
use hostcache_benches::side_by_side::ratios;

use crate::alone::{BATCH_HOT, BATCH_LARGE};
use crate::peer::Peer::{
    self, Dashmap, Floor, Hostcache, Huge, Lmdb, Memcached, Moka, Mutex, Papaya, Pin, QuickCache,
    Redis, Slice, Unlocked,
};
use crate::results::{Results, ratio, spread};
use crate::together::{Latencies, MIXED, TASKS, Together};

/// Everything that was measured.
pub(crate) struct Measured {
    pub(crate) alone: Results,
    pub(crate) together: Together,
    pub(crate) latencies: Latencies,
    /// Bytes of capacity per item, after three times the capacity was set.
    pub(crate) bytes_per_item: f64,
}

const HOT: &str = "1,000 keys, 100 B";
const LARGE: &str = "1,000,000 keys, 100 B";
const BIG: &str = "get hit, 1,000 keys, 64 KiB";

/// Why the run says nothing, if it does not: the floor has to be clearly below DashMap, DashMap near an unlocked map.
pub(crate) fn void(results: &Results) -> Option<String> {
    let case = format!("get hit, {HOT}");
    let ratio = |own, other| {
        spread(&ratios(results.of(&case, own)?, results.of(&case, other)?)).map(|s| s.median)
    };
    match (ratio(Floor, Dashmap), ratio(Dashmap, Unlocked)) {
        (Some(floor), _) if floor > 0.8 => {
            Some(format!("the floor's hit took {floor:.2} of DashMap's, over 0.8"))
        }
        (_, Some(map)) if map > 1.6 => {
            Some(format!("DashMap's hit took {map:.2} of an unlocked map's, over 1.6"))
        }
        (Some(_), Some(_)) => None,
        _ => Some("the floor, DashMap and the unlocked map were not all measured".to_owned()),
    }
}

/// One of the goals that one figure decides: what, at most how much, how much, in what spread.
struct Goal(String, f64, Option<Spread>);

/// A ratio of figures of the same rounds.
fn over(own: Option<&[f64]>, other: Option<&[f64]>) -> Option<Spread> {
    spread(&ratios(own?, other?))
}

impl Measured {
    /// A ratio in a case of one worker; to the fastest of `others` in each round.
    fn ratio(&self, case: &str, own: Peer, others: &[Peer]) -> Option<Spread> {
        over(self.alone.of(case, own), self.alone.least(case, others).as_deref())
    }

    fn goals(&self) -> Vec<Goal> {
        let [hit, miss, set] =
            ["get hit", "get miss", "set over existing"].map(|name| format!("{name}, {HOT}"));
        let large_hit = format!("get hit, {LARGE}");
        let of = |case: &str, peer| self.alone.of(case, peer);
        let two = |own, task: usize, others: &[Peer]| {
            let together = &self.together.together;
            over(together.of(TASKS[task].0, own), together.least(TASKS[task].0, others).as_deref())
        };
        let slowdown = |peer| self.together.slowdown.of(TASKS[0].0, peer);
        let mut goals = Vec::new();
        let mut goal = |what: String, most, figure| goals.push(Goal(what, most, figure));
        goal(
            format!("{hit}: get_slice / faster of DashMap and papaya"),
            1.0,
            self.ratio(&hit, Slice, &[Dashmap, Papaya]),
        );
        goal(format!("{hit}: get_slice / floor (stretch)"), 1.2, self.ratio(&hit, Slice, &[Floor]));
        goal("the same by 2 processes: x2 / x1".into(), 1.1, slowdown(Hostcache).and_then(spread));
        goal(
            "or: hostcache's x2 / x1 over the floor's".into(),
            1.05,
            over(slowdown(Hostcache), slowdown(Floor)),
        );
        goal("get miss / get hit".into(), 0.6, over(of(&miss, Hostcache), of(&hit, Hostcache)));
        goal("get miss / DashMap's".into(), 1.2, self.ratio(&miss, Hostcache, &[Dashmap]));
        for order in ["", ", zipf"] {
            let case = format!("{large_hit}{order}");
            for (peer, most) in [(Floor, 1.5), (Dashmap, 0.9), (Lmdb, 0.4)] {
                goal(
                    format!("{case} / {}", peer.name()),
                    most,
                    self.ratio(&case, Hostcache, &[peer]),
                );
            }
        }
        goal(
            format!("{set} / faster of DashMap and the map under a mutex"),
            0.7,
            self.ratio(&set, Hostcache, &[Dashmap, Mutex]),
        );
        goal(format!("{set} / LMDB"), 0.1, self.ratio(&set, Hostcache, &[Lmdb]));
        goal(format!("{set} / floor (stretch)"), 2.0, self.ratio(&set, Hostcache, &[Floor]));
        goal(
            "set over existing by 2 processes / faster of DashMap and quick_cache".into(),
            0.5,
            two(Hostcache, 2, &[Dashmap, QuickCache]),
        );
        goal(
            format!("{} by 2 processes / DashMap", TASKS[3].0),
            0.5,
            two(Hostcache, 3, &[Dashmap]),
        );
        let many = format!("get_many of {BATCH_LARGE}, a key, {LARGE}");
        goal(
            format!("get_many of {BATCH_LARGE} / single gets, a key, {LARGE}"),
            0.35,
            over(of(&many, Hostcache), of(&large_hit, Hostcache)),
        );
        let many = format!("get_many of {BATCH_HOT}, a key, {HOT}");
        goal(
            format!("{many} / faster of MGET and multiget"),
            1.0 / 15.0,
            self.ratio(&many, Hostcache, &[Redis, Memcached]),
        );
        goal(
            format!("{BIG}: get_slice / best in process"),
            1.0,
            self.ratio(BIG, Slice, &[Dashmap, Papaya, Mutex, QuickCache, Moka]),
        );
        goal(format!("{BIG}: pin / copy"), 1.0 / 30.0, self.ratio(BIG, Pin, &[Slice]));
        goal(
            format!("{hit} / faster of Memcached and Redis"),
            1.0 / 700.0,
            self.ratio(&hit, Hostcache, &[Redis, Memcached]),
        );
        let p99 = |peer| self.latencies.p99.of(MIXED, peer);
        goal(
            "p99 of get in the mix of 2 processes / quick_cache's".into(),
            1.0,
            over(p99(Hostcache), p99(QuickCache)),
        );
        goal(
            "capacity per item of 116 B, in bytes".into(),
            170.0,
            Spread::of(vec![self.bytes_per_item]),
        );
        goal(
            format!("huge pages: {large_hit} / the same with 4 KiB pages"),
            1.0 / 1.4,
            self.ratio(&large_hit, Huge, &[Hostcache]),
        );
        goals
    }

    pub(crate) fn goal_table(&self) -> Table {
        let mut table = Table::new(&["goal", "at most", "measured", "verdict"]);
        for Goal(what, most, figure) in self.goals() {
            let verdict = match figure {
                None => "not measured",
                Some(figure) if figure.upper <= most => "kept",
                Some(figure) if figure.lower > most => "missed",
                Some(figure) if figure.median <= most => "kept in the median",
                Some(_) => "missed in the median",
            };
            let figure = figure.map_or_else(|| "-".into(), ratio);
            table.row(vec![
                what,
                if most < 0.1 { format!("{most:.4}") } else { format!("{most:.2}") },
                figure,
                verdict.into(),
            ]);
        }
        table
    }
}
