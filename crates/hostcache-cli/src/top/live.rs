//! The loop of the live screen: look, draw, wait for a key or the end of the interval.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use hostcache::{Cache, RegionInfo};
use hostcache_daemon::StopFlag;

use super::look::{Look, Rates};
use super::screen::{self, View};
use super::terminal::{Key, Terminal};
use crate::advice::advice;
use crate::failure::Failure;

/// Intervals that the small chart shows.
const HISTORY: usize = 60;

/// How long a key or a signal may wait; also how soon a changed size of the window is followed.
const PATIENCE: Duration = Duration::from_millis(100);

/// Intervals that + and - step through.
const INTERVALS: [Duration; 6] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
];

/// Shows the region, named so on the command line, until somebody has seen enough.
pub(crate) fn run(cache: &Cache, name: &str, every: Duration) -> Result<(), Failure> {
    // So that the terminal is given back.
    let stop = StopFlag::on_signals()?;
    let terminal = Terminal::take().map_err(Failure::Output)?;
    let mut live = Live {
        info: cache.info(),
        file: identity(&cache.path()),
        is_gone: false,
        every,
        paused: false,
        rates: None,
        earlier: None,
        look: Look::at(cache, name),
        hit_ratios: VecDeque::new(),
    };
    let mut due = Instant::now() + every;
    let mut drawn = None;
    while !stop.is_raised() {
        let size = Terminal::size();
        if drawn != Some(size) {
            terminal.draw(&live.lines(size)).map_err(Failure::Output)?;
            drawn = Some(size);
        }
        let now = Instant::now();
        match terminal.key_within(due.saturating_duration_since(now).min(PATIENCE)) {
            Some(Key::Quit) => return Ok(()),
            Some(key) => {
                live.press(key);
                due = due.min(now + live.every);
                drawn = None;
            }
            None if Instant::now() >= due => {
                if !live.paused {
                    live.look_again(cache, name);
                    drawn = None;
                }
                due = Instant::now() + live.every;
            }
            None => {}
        }
    }
    Ok(())
}

struct Live {
    info: RegionInfo,
    file: Option<(u64, u64)>,
    is_gone: bool,
    every: Duration,
    paused: bool,
    rates: Option<Rates>,
    earlier: Option<Look>,
    look: Look,
    hit_ratios: VecDeque<Option<f64>>,
}

impl Live {
    fn press(&mut self, key: Key) {
        match key {
            Key::Pause => self.paused = !self.paused,
            Key::Slower => {
                let next = INTERVALS.iter().find(|step| **step > self.every);
                self.every = next.copied().unwrap_or(self.every);
            }
            Key::Faster => {
                let next = INTERVALS.iter().rev().find(|step| **step < self.every);
                self.every = next.copied().unwrap_or(self.every);
            }
            Key::Quit | Key::Other => {}
        }
    }

    fn look_again(&mut self, cache: &Cache, name: &str) {
        self.is_gone = identity(&cache.path()) != self.file;
        let look = self.look.again(cache, name);
        let rates = look.rates_since(&self.look);
        if self.hit_ratios.len() == HISTORY {
            self.hit_ratios.pop_front();
        }
        self.hit_ratios.push_back(rates.hit_ratio);
        self.rates = Some(rates);
        self.earlier = Some(std::mem::replace(&mut self.look, look));
    }

    fn lines(&self, size: (usize, usize)) -> Vec<screen::Line> {
        let facts = match &self.earlier {
            Some(earlier) => self.look.facts_since(earlier),
            None => self.look.facts.clone(),
        };
        let history: Vec<Option<f64>> = self.hit_ratios.iter().copied().collect();
        let view = View {
            info: &self.info,
            look: &self.look,
            rates: self.rates.as_ref(),
            hit_ratios: &history,
            advice: &advice(&facts),
            every: self.every,
            paused: self.paused,
            is_gone: self.is_gone,
        };
        screen::lines(&view, size)
    }
}

/// Device and inode: a region that was destroyed, or replaced, is still looked at under its name.
fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}
