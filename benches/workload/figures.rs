//! Medians and spreads.

use std::fmt;

/// Median of some figures with the quartiles around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// A quarter of the figures is below.
    pub lower: f64,
    /// Half of the figures is below.
    pub median: f64,
    /// A quarter of the figures is above.
    pub upper: f64,
}

impl Spread {
    /// Summary of `figures`, in any order; `None` if there are none.
    #[must_use]
    pub fn of(mut figures: Vec<f64>) -> Option<Self> {
        figures.sort_unstable_by(f64::total_cmp);
        let last = figures.len().checked_sub(1)?;
        let at = |share: f64| figures[(share * last as f64).round() as usize];
        Some(Self { lower: at(0.25), median: at(0.5), upper: at(0.75) })
    }
}

/// Median, then the quartiles in brackets.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let precision = f.precision().unwrap_or(2);
        let Self { lower, median, upper } = self;
        write!(f, "{median:.precision$} [{lower:.precision$}, {upper:.precision$}]")
    }
}

/// The middle of `figures`; `None` if there are none.
#[must_use]
pub fn median(figures: Vec<f64>) -> Option<f64> {
    Some(Spread::of(figures)?.median)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_the_middle_and_the_quartiles() {
        let spread = Spread::of(vec![5.0, 1.0, 4.0, 2.0, 3.0]).expect("figures");
        assert_eq!(spread, Spread { lower: 2.0, median: 3.0, upper: 4.0 });
        assert_eq!(spread.to_string(), "3.00 [2.00, 4.00]");
        assert_eq!(Spread::of(Vec::new()), None);
    }
}
