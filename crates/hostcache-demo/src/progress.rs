//! What people see while they wait: live bars on a terminal, a line a second elsewhere.
//!
//! All of it goes to standard error and none of it matters for the outcome, so a failing write is
//! ignored.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{HumanCount, MultiProgress, ProgressBar, ProgressStyle};

use crate::tally::Counters;

/// Time between two measured rates and, without a terminal, between two lines.
const RATE_INTERVAL: Duration = Duration::from_secs(1);

/// One worker at one moment.
#[derive(Debug, Clone)]
pub(crate) struct WorkerView {
    /// As in "worker 3 (pid 1234)".
    pub(crate) who: String,
    pub(crate) counters: Counters,
}

/// The traffic at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Moment {
    pub(crate) elapsed: Duration,
    /// Over all workers, the ended ones included.
    pub(crate) counters: Counters,
    pub(crate) workers: Vec<WorkerView>,
}

/// The live view.
#[derive(Debug)]
pub(crate) struct Progress {
    /// `None`: plain lines.
    bars: Option<Bars>,
    /// The moment from which the current rate is measured.
    rated: Option<Moment>,
}

#[derive(Debug)]
struct Bars {
    all: MultiProgress,
    fill: Option<ProgressBar>,
    time: Option<ProgressBar>,
    workers: Vec<ProgressBar>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let bars = io::stderr().is_terminal().then(|| Bars {
            all: MultiProgress::new(),
            fill: None,
            time: None,
            workers: Vec::new(),
        });
        Self { bars, rated: None }
    }

    /// A remark that stays on the screen.
    pub(crate) fn note(&self, text: &str) {
        let _ = match &self.bars {
            Some(bars) => bars.all.println(text),
            None => writeln!(io::stderr(), "{text}"),
        };
    }

    /// So many of the products are in the database.
    pub(crate) fn filling(&mut self, filled: u64, products: u64) {
        let Some(bars) = &mut self.bars else { return };
        let bar = bars.fill.get_or_insert_with(|| {
            let bar = ProgressBar::new(products).with_style(style(
                "filling the database {bar:32} {human_pos} of {human_len} products",
            ));
            bars.all.add(bar)
        });
        bar.set_position(filled);
        if filled == products {
            bar.finish_and_clear();
        }
    }

    /// The traffic as it is now, out of `total` time.
    pub(crate) fn traffic(&mut self, now: &Moment, total: Duration) {
        let Some(since) = &self.rated else {
            self.rated = Some(now.clone());
            return;
        };
        if now.elapsed.saturating_sub(since.elapsed) >= RATE_INTERVAL {
            match &mut self.bars {
                Some(bars) => bars.rates(since, now, total),
                None => {
                    let seconds = now.elapsed.as_secs();
                    self.note(&format!("{seconds:>4} s  {}", line(since, now)));
                }
            }
            self.rated = Some(now.clone());
        }
        if let Some(time) = self.bars.as_ref().and_then(|bars| bars.time.as_ref()) {
            time.set_position(now.elapsed.as_millis() as u64);
        }
    }

    /// Takes the bars away.
    pub(crate) fn finish(&mut self) {
        if let Some(bars) = self.bars.take() {
            bars.workers.iter().chain(&bars.time).chain(&bars.fill).for_each(|bar| {
                bar.finish_and_clear();
            });
            let _ = bars.all.clear();
        }
    }
}

impl Drop for Progress {
    /// An error must not be written into the bars.
    fn drop(&mut self) {
        self.finish();
    }
}

impl Bars {
    fn rates(&mut self, since: &Moment, now: &Moment, total: Duration) {
        let time = self.time.get_or_insert_with(|| {
            let bar = ProgressBar::new(total.as_millis() as u64)
                .with_style(style("{bar:32} {elapsed} of {prefix}  {msg}"))
                .with_prefix(format!("{}s", total.as_secs()));
            self.all.add(bar)
        });
        time.set_message(line(since, now));
        while self.workers.len() < now.workers.len() {
            let bar = ProgressBar::no_length().with_style(style("  {msg}"));
            self.workers.push(self.all.add(bar));
        }
        for (place, (bar, worker)) in self.workers.iter().zip(&now.workers).enumerate() {
            let earlier = since.workers.get(place).filter(|earlier| earlier.who == worker.who);
            let earlier = earlier.map(|earlier| earlier.counters).unwrap_or_default();
            let rate = per_second(&earlier, &worker.counters, now.elapsed - since.elapsed);
            bar.set_message(format!(
                "{:<24} {:>10} requests/s  hit ratio {:.3}",
                worker.who,
                HumanCount(rate).to_string(),
                worker.counters.hit_ratio()
            ));
        }
    }
}

/// The totals in one line.
fn line(since: &Moment, now: &Moment) -> String {
    let rate = per_second(&since.counters, &now.counters, now.elapsed - since.elapsed);
    format!(
        "{:>9} requests/s  hit ratio {:.3}  wrong {}  stale {}",
        HumanCount(rate).to_string(),
        now.counters.hit_ratio(),
        now.counters.wrong,
        now.counters.stale()
    )
}

fn per_second(earlier: &Counters, later: &Counters, between: Duration) -> u64 {
    (later.requests_since(earlier) as f64 / between.as_secs_f64().max(0.001)) as u64
}

fn style(template: &str) -> ProgressStyle {
    // Every template is a constant of this file; an unknown field would only lose the layout.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(seconds: u64, hits: u64) -> Moment {
        let counters = Counters { hits, ..Counters::default() };
        Moment { elapsed: Duration::from_secs(seconds), counters, workers: Vec::new() }
    }

    #[test]
    fn a_line_shows_the_rate_since_the_last_one_and_the_totals() {
        let text = line(&moment(1, 1_000), &moment(3, 5_000));
        assert_eq!(text, "    2,000 requests/s  hit ratio 1.000  wrong 0  stale 0");
    }

    #[test]
    fn a_count_that_went_back_gives_no_rate() {
        assert_eq!(per_second(&moment(0, 9).counters, &moment(1, 3).counters, Duration::ZERO), 0);
    }

    #[test]
    fn every_template_is_known_to_the_library() {
        for template in [
            "filling the database {bar:32} {human_pos} of {human_len} products",
            "{bar:32} {elapsed} of {prefix}  {msg}",
            "  {msg}",
        ] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
