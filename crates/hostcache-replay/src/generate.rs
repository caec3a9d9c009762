//! Synthetic traces, for tests and trials: the same settings always give the same trace.

use std::f64::consts::E;
use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use crate::item::mix;

/// Requests due in one millisecond of a trace with times.
const REQUESTS_PER_MS: u64 = 20;

/// The kind of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Workload {
    /// Reads of keys whose popularity follows a power law, each with a size of its own.
    Zipf,
    /// The same over half as many keys, and now and then a scan of keys that come in order, once each.
    Scan,
    /// A loop over all keys, which no recency keeps, and every tenth request for a popular one beside it.
    Loop,
    /// Popular keys that give way to others, each at a time of its own, three times in the course of the trace.
    Drift,
    /// Two in five requests are for keys that are never asked for again.
    OneHit,
    /// Three phases whose values are small, then larger, then large; each with keys of its own, and
    /// every eighth request still for the phase before. Memory has to move between sizes.
    SizeShift,
    /// Half of the requests are about sessions (set, read a few times, deleted or left to expire
    /// after a second), half are reads with a long TTL. With times.
    Ttl,
}

impl Workload {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Zipf, Self::Scan, Self::Loop, Self::Drift, Self::OneHit, Self::SizeShift, Self::Ttl];

    /// The name by which it is chosen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Zipf => "zipf",
            Self::Scan => "scan",
            Self::Loop => "loop",
            Self::Drift => "drift",
            Self::OneHit => "one-hit",
            Self::SizeShift => "size-shift",
            Self::Ttl => "ttl",
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Workload {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|workload| workload.name() == name).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|workload| workload.name()).collect();
            format!("no workload {name:?}: choose one of {}", names.join(", "))
        })
    }
}

/// What to generate.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// The kind of trace.
    pub workload: Workload,
    /// Decides every random choice; named in the trace's first line.
    pub seed: u64,
    /// Requests in all.
    pub requests: u64,
    /// Keys that the popular part chooses from, at least 1.
    pub keys: u64,
}

/// Writes a trace as plain text.
pub fn write(settings: &Settings, out: &mut dyn Write) -> io::Result<()> {
    let Settings { workload, seed, requests, keys } = *settings;
    writeln!(out, "# {workload}, seed {seed}, {requests} requests, {keys} keys")?;
    let mut random = Random::new(seed);
    let settings = Settings { keys: keys.max(1), ..*settings };
    match workload {
        Workload::Zipf => zipf(&settings, &mut random, out),
        Workload::Scan => scan(&settings, &mut random, out),
        Workload::Loop => cycle(&settings, &mut random, out),
        Workload::Drift => drift(&settings, &mut random, out),
        Workload::OneHit => one_hit(&settings, &mut random, out),
        Workload::SizeShift => size_shift(&settings, &mut random, out),
        Workload::Ttl => ttl(&settings, &mut random, out),
    }
}

fn zipf(settings: &Settings, random: &mut Random, out: &mut dyn Write) -> io::Result<()> {
    let popularity = Popularity::new(settings.keys, 0.95);
    (0..settings.requests).try_for_each(|_| {
        let key = popularity.draw(random);
        read(settings, key, out)
    })
}

/// A read of a key, whose size follows from it.
fn read(settings: &Settings, key: u64, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{key},{},g,0", size_of_key(key, settings.seed, 300.0))
}

fn scan(settings: &Settings, random: &mut Random, out: &mut dyn Write) -> io::Result<()> {
    /// Requests between two scans.
    const BETWEEN: u64 = 50_000;
    /// Requests of a scan.
    const SCANNED: u64 = 20_000;
    let popular = (settings.keys / 2).max(1);
    let popularity = Popularity::new(popular, 0.95);
    let mut next = 0;
    (0..settings.requests).try_for_each(|request| {
        let key = if request % (BETWEEN + SCANNED) < BETWEEN {
            popularity.draw(random)
        } else {
            next += 1;
            popular + next % settings.keys
        };
        read(settings, key, out)
    })
}

fn cycle(settings: &Settings, random: &mut Random, out: &mut dyn Write) -> io::Result<()> {
    let beside = Popularity::new((settings.keys / 3).max(1), 0.8);
    let mut next = 0;
    (0..settings.requests).try_for_each(|_| {
        let key = if random.below(10) == 0 {
            settings.keys + beside.draw(random)
        } else {
            next += 1;
            next % settings.keys
        };
        read(settings, key, out)
    })
}

fn drift(settings: &Settings, random: &mut Random, out: &mut dyn Write) -> io::Result<()> {
    let popularity = Popularity::new(settings.keys, 0.9);
    let period = (settings.requests / 3).max(1);
    (0..settings.requests).try_for_each(|request| {
        let rank = popularity.draw(random);
        let generation = (request + mix(rank ^ settings.seed) % period) / period;
        read(settings, rank + generation * settings.keys, out)
    })
}

fn one_hit(settings: &Settings, random: &mut Random, out: &mut dyn Write) -> io::Result<()> {
    let popularity = Popularity::new(settings.keys, 0.9);
    let mut fresh = settings.keys;
    (0..settings.requests).try_for_each(|_| {
        let key = if random.below(5) < 2 {
            fresh += 1;
            fresh
        } else {
            popularity.draw(random)
        };
        read(settings, key, out)
    })
}

fn size_shift(settings: &Settings, random: &mut Random, out: &mut dyn Write) -> io::Result<()> {
    const PHASES: [(&str, f64); 3] = [("small", 80.0), ("medium", 700.0), ("large", 6000.0)];
    // Larger values, fewer keys: each phase asks for about as many bytes as the others.
    let keys_of = |mean: f64| ((settings.keys as f64 * PHASES[0].1 / mean) as u64).max(1);
    let phases = PHASES.map(|(name, mean)| (name, mean, Popularity::new(keys_of(mean), 0.85)));
    for (position, (name, _, _)) in phases.iter().enumerate() {
        writeln!(out, "#phase {name}")?;
        let from = settings.requests * position as u64 / 3;
        let to = settings.requests * (position as u64 + 1) / 3;
        for _ in from..to {
            let behind = position.min(usize::from(random.below(8) == 0));
            let chosen = position - behind;
            let (_, mean, popularity) = &phases[chosen];
            // Key ids of the phases lie apart: id modulo 3 is the phase.
            let key = popularity.draw(random) * 3 + chosen as u64;
            writeln!(out, "{key},{},g,0", size_of_key(key, settings.seed, *mean))?;
        }
    }
    Ok(())
}

fn ttl(settings: &Settings, random: &mut Random, out: &mut dyn Write) -> io::Result<()> {
    /// Sessions alive at a time.
    const SESSIONS: u64 = 500;
    let popularity = Popularity::new(settings.keys, 0.9);
    // What each live session has left: how many reads until it ends, and its key.
    let mut sessions = vec![(0u64, 0u64); SESSIONS as usize];
    let mut next_session = settings.keys;
    for request in 0..settings.requests {
        let ms = request / REQUESTS_PER_MS;
        if random.below(2) == 0 {
            let key = popularity.draw(random);
            let size = size_of_key(key, settings.seed, 300.0);
            writeln!(out, "{key},{size},g,600,{ms}")?;
            continue;
        }
        let session = &mut sessions[random.below(SESSIONS) as usize];
        let op = match session.0 {
            0 => {
                *session = (2 + random.below(5), next_session);
                next_session += 1;
                's'
            }
            // Every second session logs out; the others are left to their TTL.
            1 if session.1.is_multiple_of(2) => 'd',
            _ => 'g',
        };
        if op != 's' {
            session.0 -= 1;
        }
        let key = session.1;
        writeln!(out, "{key},{},{op},1,{ms}", size_of_key(key, settings.seed, 200.0))?;
    }
    Ok(())
}

/// Key ids `0..keys`, 0 the most popular: the continuous power law on `1..=keys` by the inverse of
/// its distribution function, rounded down, which takes no table.
struct Popularity {
    keys: u64,
    /// One minus the exponent of the power law, not 0.
    power: f64,
    /// What a draw of 1 is raised from: `(keys + 1)^power - 1`.
    spread: f64,
}

impl Popularity {
    fn new(keys: u64, exponent: f64) -> Self {
        let power = 1.0 - exponent;
        Self { keys, power, spread: (keys as f64 + 1.0).powf(power) - 1.0 }
    }

    fn draw(&self, random: &mut Random) -> u64 {
        let rank = (1.0 + random.fraction() * self.spread).powf(1.0 / self.power);
        (rank as u64).clamp(1, self.keys) - 1
    }
}

/// Bytes of a key and its value: the same at every request, spread around `mean` by a factor of `e`
/// to either side, small ones more often.
fn size_of_key(key: u64, seed: u64, mean: f64) -> u32 {
    let fraction = fraction(mix(key ^ mix(seed)));
    // The mean of e^x over -1..1 is sinh 1.
    let spread = E.powf(2.0 * fraction - 1.0) / 1f64.sinh();
    17 + (mean * spread) as u32
}

/// A sequence of numbers that look random: a counter, scattered.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mix(self.0)
    }

    /// A number below 1, not below 0.
    fn fraction(&mut self) -> f64 {
        fraction(self.next())
    }

    /// A number below `bound`. What little it favours some is of no account at bounds this small.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// The upper 53 bits as a number below 1.
fn fraction(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
#[path = "generate_tests.rs"]
mod tests;
