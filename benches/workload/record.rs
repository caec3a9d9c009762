//! What a run prints to be kept: a dated Markdown page with the machine, the command and the tables.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs};

use crate::settings;

/// Prints the head of a record: from its first line, which begins with `# `, to the end of the output is what
/// belongs into `record/<arch>/<date>-<name>.md`.
pub fn print_head(title: &str, command: &str, seed: u64) {
    print!("\n{}", head(title, command, seed));
}

/// The head of a record, with an empty line at its end.
#[must_use]
pub fn head(title: &str, command: &str, seed: u64) -> String {
    let set = [settings::SUBJECTS, settings::CPUS, settings::HUGE_DIR];
    let set = set.iter().filter_map(|name| Some(format!("{name}={} ", env::var(name).ok()?)));
    let lines = [
        format!("# {title}, {}\n", today()),
        format!("* CPU: {}", cpu_model()),
        format!("* System: {}, {}", first_line("/proc/sys/kernel/ostype"), kernel()),
        format!("* Compiler: {}", env!("HOSTCACHE_BENCH_RUSTC")),
        format!("* Load at the end: {}", load()),
        format!("* Huge pages for shared memory: {}", first_line(SHMEM_HUGE_PAGES)),
        format!("* Command: `{}{}={seed} {command}`\n", set.collect::<String>(), settings::SEED),
    ];
    lines.map(|line| line + "\n").concat()
}

/// What the system says of its load: averages over 1, 5 and 15 minutes, threads that run, the newest process id.
#[must_use]
pub fn load() -> String {
    first_line("/proc/loadavg")
}

/// Where records of this architecture are kept, from the workspace root.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new("benches/record").join(env::consts::ARCH)
}

const SHMEM_HUGE_PAGES: &str = "/sys/kernel/mm/transparent_hugepage/shmem_enabled";

/// A Markdown table.
pub struct Table(Vec<Vec<String>>);

impl Table {
    /// A table with these columns.
    #[must_use]
    pub fn new(columns: &[&str]) -> Self {
        Self(vec![columns.iter().map(|&column| column.to_owned()).collect()])
    }

    /// A table with these columns and rows.
    #[must_use]
    pub fn of(columns: &[&str], rows: &[Vec<String>]) -> Self {
        let mut table = Self::new(columns);
        table.0.extend_from_slice(rows);
        table
    }

    /// Adds a row; its cells go under the columns in their order.
    pub fn row(&mut self, cells: Vec<String>) {
        self.0.push(cells);
    }
}

/// Columns are padded to one width, so that the source reads as well as the page.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.0.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.0.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
        };
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        for (at, row) in self.0.iter().enumerate() {
            for (column, &width) in widths.iter().enumerate() {
                let cell = row.get(column).map_or("", String::as_str);
                write!(f, "| {cell:width$} ")?;
            }
            writeln!(f, "|")?;
            if at == 0 {
                widths.iter().try_for_each(|&width| write!(f, "|{}", "-".repeat(width + 2)))?;
                writeln!(f, "|")?;
            }
        }
        Ok(())
    }
}

fn first_line(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_owned()
}

fn kernel() -> String {
    first_line("/proc/sys/kernel/osrelease")
}

fn cpu_model() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{}, {}, {cpus} CPUs", model.unwrap_or("unknown"), env::consts::ARCH)
}

/// The date in UTC, as in names of records.
#[must_use]
pub fn today() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (year, month, day) = civil_date(seconds / 86_400);
    format!("{year}-{month:02}-{day:02}")
}

/// Year, month and day of a number of days since 1970-01-01.
fn civil_date(mut days: u64) -> (u64, u64, u64) {
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        assert_eq!(civil_date(0), (1970, 1, 1));
        assert_eq!(civil_date(59), (1970, 3, 1));
        assert_eq!(civil_date(11_016), (2000, 2, 29));
        assert_eq!(civil_date(20_453), (2025, 12, 31));
    }

    #[test]
    fn a_table_is_padded_markdown() {
        let mut table = Table::new(&["a", "long"]);
        table.row(vec!["xyz".into(), "1".into()]);
        assert_eq!(table.to_string(), "| a   | long |\n|-----|------|\n| xyz | 1    |\n");
    }
}
