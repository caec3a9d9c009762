//! Sizes, durations and instants as people write them.
//!
//! Numbers may have a decimal fraction; the arithmetic is in integers, so that `0.1s` is 100 ms exactly.
//! What is printed here is also understood here.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hostcache::Lifetime;

/// Names and bytes of the size units; the binary ones are those that are printed.
const SIZE_UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
];

/// Names and milliseconds of the duration units, from long to short.
const DURATION_UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// `256MiB`, `1.5GiB`, `1GB`; a plain number is bytes.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let hint = "write bytes, or a number with KiB, MiB, GiB, TiB, KB, MB, GB or TB, such as 256MiB";
    let number = Number::parse(text).ok_or(hint)?;
    let factor = match number.unit {
        "" => 1,
        unit => SIZE_UNITS
            .iter()
            .find_map(|(name, bytes)| name.eq_ignore_ascii_case(unit).then_some(*bytes))
            .ok_or(hint)?,
    };
    number.times(factor).ok_or_else(|| "more bytes than 64 bits can count".to_owned())
}

/// The largest binary unit that leaves a number of at least 1, rounded down to one decimal.
pub(crate) fn format_size(bytes: u64) -> String {
    let (name, unit) =
        SIZE_UNITS[..4].iter().find(|(_, unit)| bytes >= *unit).copied().unwrap_or(("B", 1));
    let tenths = u128::from(bytes) * 10 / u128::from(unit);
    match (tenths / 10, tenths % 10) {
        (whole, 0) => format!("{whole}{name}"),
        (whole, tenth) => format!("{whole}.{tenth}{name}"),
    }
}

/// Rounded for people, and exact: `256MiB (268435456 bytes)`.
pub(crate) fn format_size_exact(bytes: u64) -> String {
    format!("{} ({bytes} bytes)", format_size(bytes))
}

/// `1500ms`, `30s`, `5m`, `2h`, `1d`; a plain number is seconds. More than nothing is at least 1 ms.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let hint = "write seconds, or a number with ms, s, m, h or d, such as 1500ms or 30s";
    let number = Number::parse(text).ok_or(hint)?;
    let factor = match number.unit {
        "" => 1_000,
        unit => {
            DURATION_UNITS.iter().find(|(name, _)| *name == unit).map(|(_, ms)| *ms).ok_or(hint)?
        }
    };
    let millis = number.times(factor).ok_or("more milliseconds than 64 bits can count")?;
    Ok(Duration::from_millis(millis))
}

/// A [`parse_duration`] that is not zero: an interval.
pub(crate) fn parse_interval(text: &str) -> Result<Duration, String> {
    parse_duration(text).and_then(|interval| {
        if interval.is_zero() { Err("must be at least 1ms".to_owned()) } else { Ok(interval) }
    })
}

/// A [`parse_duration`], or `forever`.
pub(crate) fn parse_lifetime(text: &str) -> Result<Lifetime, String> {
    if text == "forever" {
        return Ok(Lifetime::Forever);
    }
    parse_duration(text).map(Lifetime::Ttl).map_err(|hint| format!("{hint}, or forever"))
}

/// The longest unit of which the duration is a whole number: `2h`, `1500ms`.
pub(crate) fn format_duration(duration: Duration) -> String {
    let millis = whole_millis(duration);
    let unit = DURATION_UNITS.iter().find(|(_, unit)| millis > 0 && millis.is_multiple_of(*unit));
    match unit {
        Some((name, unit)) => format!("{}{name}", millis / unit),
        None => "0s".to_owned(),
    }
}

/// Seconds with milliseconds, for what is running down: `29.873s`.
pub(crate) fn format_remaining(duration: Duration) -> String {
    let millis = whole_millis(duration);
    format!("{}.{:03}s", millis / 1000, millis % 1000)
}

/// The milliseconds that JSON output has.
pub(crate) fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The time of day in milliseconds since the Unix epoch. A clock before 1970 counts as 1970.
pub(crate) fn unix_ms() -> u64 {
    whole_millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// `no items`, `1 item`, `2 items`.
pub(crate) fn counted(count: u64, what: &str) -> String {
    match count {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

/// An instant in UTC as ISO 8601 has it: `2001-09-09T01:46:40Z`.
pub(crate) fn format_instant(unix_secs: u64) -> String {
    let (mut days, secs) = (unix_secs / 86_400, unix_secs % 86_400);
    let mut year = 1970_u64;
    // Whole 400-year cycles first, so that a nonsense time from a region ends soon too.
    year += days / 146_097 * 400;
    days %= 146_097;
    let is_leap = |y: u64| y.is_multiple_of(4) && (!y.is_multiple_of(100) || y.is_multiple_of(400));
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (day, hour, minute, second) = (days + 1, secs / 3600, secs / 60 % 60, secs % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// A number as written, with what follows it.
struct Number<'a> {
    /// All digits, the point left out.
    digits: u128,
    /// How many of them stand behind the point, as a power of ten.
    scale: u128,
    unit: &'a str,
}

impl<'a> Number<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        // A second point, or nothing on one side of it, fails to parse.
        let (whole, behind) = (whole.parse::<u64>().ok()?, fraction.parse::<u64>().ok()?);
        let scale = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
        let digits = u128::from(whole).checked_mul(scale)?.checked_add(u128::from(behind))?;
        Some(Self { digits, scale, unit: unit.trim_start() })
    }

    /// The number times `factor`, rounded up to an integer.
    fn times(&self, factor: u64) -> Option<u64> {
        let product = self.digits.checked_mul(u128::from(factor))?;
        u64::try_from(product.div_ceil(self.scale)).ok()
    }
}

#[cfg(test)]
mod tests;
