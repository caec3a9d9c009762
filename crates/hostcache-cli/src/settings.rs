//! Settings of the daemon: flags of `hostcache serve`, and keys of its settings file.
//!
//! One structure is both, so that every flag is a key and every key a flag: `--recover-every 100ms` and
//! `recover_every = "100ms"`. A flag is stronger than the file.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use hostcache_daemon::Config;
use serde::de::{Deserializer, Error, Visitor};

use crate::units;

/// More than any settings file has, and little enough to read.
const MOST_BYTES: u64 = 1 << 20;

/// What may be set; what is not set has its default.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Create the region with this capacity if it is missing
    #[arg(long, value_name = "SIZE", value_parser = units::parse_size)]
    #[serde(deserialize_with = "size")]
    pub(crate) capacity: Option<u64>,
    /// Look for dead participants at least this often [default: 250ms]
    #[arg(long, value_name = "DURATION", value_parser = units::parse_interval)]
    #[serde(deserialize_with = "interval")]
    recover_every: Option<Duration>,
    /// Sweep the whole index for expired items this often, as far as --buckets-per-step allows
    /// [default: 1s]
    #[arg(long, value_name = "DURATION", value_parser = units::parse_interval)]
    #[serde(deserialize_with = "interval")]
    sweep_every: Option<Duration>,
    /// While standing by, ask this often whether the office is free [default: 200ms]
    #[arg(long, value_name = "DURATION", value_parser = units::parse_interval)]
    #[serde(deserialize_with = "interval")]
    lead_every: Option<Duration>,
    /// The most index buckets that one step looks through [default: 4096]
    #[arg(long, value_name = "N", alias = "buckets", value_parser = clap::value_parser!(u32).range(1..))]
    buckets_per_step: Option<u32>,
    /// The most items that one step evicts ahead of need; 0 leaves eviction to the writers
    /// [default: 256]
    #[arg(long, value_name = "N", alias = "evictions")]
    evictions_per_step: Option<u32>,
    /// Pause after a step that evicted all it was allowed to [default: 1ms]
    #[arg(long, value_name = "DURATION", value_parser = units::parse_duration)]
    #[serde(deserialize_with = "duration")]
    pressed_pause: Option<Duration>,
    /// Pause after a step that found something to do [default: 20ms]
    #[arg(long, value_name = "DURATION", value_parser = units::parse_duration)]
    #[serde(deserialize_with = "duration")]
    busy_pause: Option<Duration>,
    /// Pause after a step that found nothing to do [default: 100ms]
    #[arg(long, value_name = "DURATION", value_parser = units::parse_interval)]
    #[serde(deserialize_with = "interval")]
    idle_pause: Option<Duration>,
    /// Log steady work in sums, at most once in this time [default: 1s]
    #[arg(long, value_name = "DURATION", value_parser = units::parse_duration)]
    #[serde(deserialize_with = "duration")]
    log_every: Option<Duration>,
    /// Let the region's bytes into core dumps of the daemon; read at the start [default: true]
    #[arg(long, value_name = "BOOL")]
    pub(crate) core_dumps: Option<bool>,
}

impl Settings {
    /// Reads a settings file; the error names the file and the line.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let fail =
            |error: io::Error| format!("can't read the settings file {}: {error}", path.display());
        let mut text = String::new();
        let file = File::open(path).map_err(fail)?;
        let read = file.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(fail)?;
        if read as u64 > MOST_BYTES {
            return Err(fail(io::ErrorKind::FileTooLarge.into()));
        }
        Self::parse(&text)
            .map_err(|(line, problem)| format!("{}:{line}: {problem}", path.display()))
    }

    /// The settings in a text; or the line, counted from 1, and what is wrong there.
    fn parse(text: &str) -> Result<Self, (usize, String)> {
        toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            // Some messages of the parser have several lines.
            let message = error.message().lines().collect::<Vec<_>>().join("; ");
            (before.matches('\n').count() + 1, message)
        })
    }

    /// These settings, and where they say nothing, others.
    pub(crate) fn or(&self, other: &Self) -> Self {
        Self {
            capacity: self.capacity.or(other.capacity),
            recover_every: self.recover_every.or(other.recover_every),
            sweep_every: self.sweep_every.or(other.sweep_every),
            lead_every: self.lead_every.or(other.lead_every),
            buckets_per_step: self.buckets_per_step.or(other.buckets_per_step),
            evictions_per_step: self.evictions_per_step.or(other.evictions_per_step),
            pressed_pause: self.pressed_pause.or(other.pressed_pause),
            busy_pause: self.busy_pause.or(other.busy_pause),
            idle_pause: self.idle_pause.or(other.idle_pause),
            log_every: self.log_every.or(other.log_every),
            core_dumps: self.core_dumps.or(other.core_dumps),
        }
    }

    /// The daemon's configuration: these settings, and where they say nothing, the defaults.
    pub(crate) fn config(&self) -> Config {
        let default = Config::default();
        Config {
            once: false,
            buckets_per_step: self.buckets_per_step.unwrap_or(default.buckets_per_step),
            evictions_per_step: self.evictions_per_step.unwrap_or(default.evictions_per_step),
            pressed_pause: self.pressed_pause.unwrap_or(default.pressed_pause),
            busy_pause: self.busy_pause.unwrap_or(default.busy_pause),
            idle_pause: self.idle_pause.unwrap_or(default.idle_pause),
            recover_every: self.recover_every.unwrap_or(default.recover_every),
            sweep_every: self.sweep_every.unwrap_or(default.sweep_every),
            lead_every: self.lead_every.unwrap_or(default.lead_every),
            log_every: self.log_every.unwrap_or(default.log_every),
        }
    }
}

fn size<'de, D: Deserializer<'de>>(value: D) -> Result<Option<u64>, D::Error> {
    value.deserialize_any(Word(units::parse_size)).map(Some)
}

fn duration<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Duration>, D::Error> {
    value.deserialize_any(Word(units::parse_duration)).map(Some)
}

fn interval<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Duration>, D::Error> {
    value.deserialize_any(Word(units::parse_interval)).map(Some)
}

/// A value as the command line has it: a text in quotes, or a plain number.
struct Word<T>(fn(&str) -> Result<T, String>);

impl<T> Visitor<'_> for Word<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text such as \"250ms\" or \"256MiB\", or a number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).map_err(|hint| E::custom(format!("{text:?} is not understood: {hint}")))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_flags_say() {
        let text = "# comment\ncapacity = \"256MiB\"\nrecover_every = \"100ms\"\nsweep_every = 2\n\
                    idle_pause = 0.5\nbuckets_per_step = 512\n";
        let settings = Settings::parse(text).expect("well-formed");
        assert_eq!(settings.capacity, Some(256 << 20));
        let config = settings.config();
        assert_eq!(config.recover_every, Duration::from_millis(100));
        assert_eq!(config.sweep_every, Duration::from_secs(2));
        assert_eq!(config.idle_pause, Duration::from_millis(500));
        assert_eq!(config.buckets_per_step, 512);
        assert_eq!(config.lead_every, Config::default().lead_every);
        assert_eq!(Settings::parse(""), Ok(Settings::default()));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, line, words) in [
            ("capacity = \"1GiB\"\nsweep = \"1s\"\n", 2, "unknown field `sweep`"),
            ("\n\nrecover_every = \"soon\"\n", 3, "\"soon\" is not understood"),
            ("recover_every = \"0s\"", 1, "at least 1ms"),
            ("evictions_per_step = -1", 1, "-1"),
            ("idle_pause = true", 1, "a text such as"),
            ("idle_pause = \"1s\"\nidle_pause = \"2s\"", 2, "duplicate key"),
            ("capacity = ", 1, ""),
            ("[daemon]\nsweep_every = 1", 1, "unknown field `daemon`"),
        ] {
            let (found, problem) = Settings::parse(text).expect_err(text);
            assert_eq!(found, line, "{text:?}: {problem}");
            assert!(problem.contains(words) && !problem.contains('\n'), "{text:?}: {problem}");
        }
    }

    #[test]
    fn flags_are_stronger_than_the_file() {
        let file = Settings::parse("recover_every = 1\nsweep_every = 2").expect("well-formed");
        let flags = Settings { recover_every: Some(Duration::from_secs(9)), ..Settings::default() };
        let config = flags.or(&file).config();
        assert_eq!(config.recover_every, Duration::from_secs(9));
        assert_eq!(config.sweep_every, Duration::from_secs(2));
    }

    #[test]
    fn every_key_is_a_flag_and_every_flag_overrides() {
        // All that can be set, so that a field that `or` or `config` forgets is noticed.
        let text = "capacity = 1\nrecover_every = 2\nsweep_every = 3\nlead_every = 4\n\
                    buckets_per_step = 5\nevictions_per_step = 6\npressed_pause = 7\nbusy_pause = 8\n\
                    idle_pause = 9\nlog_every = 10\ncore_dumps = true\n";
        let file = Settings::parse(text).expect("well-formed");
        let command = <Settings as clap::Args>::augment_args(clap::Command::new("serve"));
        let keys: Vec<&str> = text.lines().filter_map(|line| line.split(" =").next()).collect();
        let flags: Vec<String> = command
            .get_arguments()
            .filter_map(|argument| argument.get_long().map(|long| long.replace('-', "_")))
            .collect();
        assert_eq!(flags, keys);
        assert_eq!(Settings::default().or(&file), file);
        assert_eq!(file.or(&Settings::default()), file);
        let other = Settings::parse(&text.replace("= ", "= 1").replace("1true", "false"))
            .expect("well-formed");
        assert_eq!((other.or(&file), file.or(&other)), (other, file.clone()));
        // The capacity and the core dumps are no matter of the daemon's work.
        assert_eq!(Config::default().changes_to(&file.config()).len(), keys.len() - 2);
    }
}
