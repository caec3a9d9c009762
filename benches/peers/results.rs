//! Figures by case and subject, a figure per round, and ratios formed within a round.

use hostcache_benches::figures::Spread;
use hostcache_benches::record::Table;
use hostcache_benches::side_by_side::ratios;

use crate::peer::Peer;

/// What was measured, in the order in which it was.
#[derive(Default)]
pub(crate) struct Results(Vec<(String, Peer, Vec<f64>)>);

impl Results {
    /// A figure for each round; rounds that say nothing are NaN.
    pub(crate) fn add(&mut self, case: &str, peer: Peer, figures: Vec<f64>) {
        self.0.push((case.to_owned(), peer, figures));
    }

    pub(crate) fn of(&self, case: &str, peer: Peer) -> Option<&[f64]> {
        let found = self.0.iter().find(|(of, by, _)| of == case && *by == peer);
        found.map(|(_, _, figures)| &figures[..])
    }

    /// The lowest figure of those peers in each round.
    pub(crate) fn least(&self, case: &str, peers: &[Peer]) -> Option<Vec<f64>> {
        let all = peers.iter().filter_map(|&peer| self.of(case, peer)).map(<[f64]>::to_vec);
        all.reduce(|one, other| one.iter().zip(other).map(|(one, other)| one.min(other)).collect())
    }

    /// The cases, in the order in which they were measured.
    fn cases(&self) -> Vec<&str> {
        let mut cases: Vec<&str> = Vec::new();
        for (case, ..) in &self.0 {
            if !cases.contains(&case.as_str()) {
                cases.push(case);
            }
        }
        cases
    }

    /// Subjects of which there is any figure, in the order of [`Peer`].
    fn peers(&self) -> Vec<Peer> {
        let all = <Peer as clap::ValueEnum>::value_variants().iter().copied();
        all.filter(|peer| self.0.iter().any(|(_, by, _)| by == peer)).collect()
    }

    /// A row for each case, a column for each subject.
    pub(crate) fn table(&self, corner: &str) -> Table {
        self.matrix(corner, &self.peers(), |case, peer| {
            Some(format!("{:.1}", spread(self.of(case, peer)?)?.median))
        })
    }

    /// hostcache's figures over those of each other subject, with quartiles.
    pub(crate) fn ratio_table(&self) -> Table {
        let mut peers = self.peers();
        peers.retain(|&peer| !matches!(peer, Peer::Hostcache | Peer::Loop));
        self.matrix("hostcache over", &peers, |case, peer| {
            let own = self.of(case, Peer::Hostcache)?;
            Some(ratio(spread(&ratios(own, self.of(case, peer)?))?))
        })
    }

    fn matrix(
        &self,
        corner: &str,
        peers: &[Peer],
        cell: impl Fn(&str, Peer) -> Option<String>,
    ) -> Table {
        let names: Vec<String> = peers.iter().map(|peer| peer.name()).collect();
        let head: Vec<&str> =
            std::iter::once(corner).chain(names.iter().map(String::as_str)).collect();
        let mut table = Table::new(&head);
        for case in self.cases() {
            let cells = peers.iter().map(|&peer| cell(case, peer).unwrap_or_else(|| "-".into()));
            table.row(std::iter::once(case.to_owned()).chain(cells).collect());
        }
        table
    }
}

/// A ratio with as many digits as it needs.
pub(crate) fn ratio(ratio: Spread) -> String {
    if ratio.median < 0.1 { format!("{ratio:.4}") } else { format!("{ratio:.2}") }
}

/// Median and quartiles of those rounds that say anything.
pub(crate) fn spread(figures: &[f64]) -> Option<Spread> {
    Spread::of(figures.iter().copied().filter(|figure| figure.is_finite()).collect())
}
