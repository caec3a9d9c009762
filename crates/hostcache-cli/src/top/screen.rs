//! What stands on the live screen: plain lines from plain facts, so that it can be tested without a terminal.

use std::time::Duration;

use hostcache::RegionInfo;

use super::look::{Look, Rates};
use crate::advice::Advice;
use crate::bytes::printable;
use crate::classes;
use crate::command::ps::Participant;
use crate::table::{Align, Table};
use crate::units::{format_duration, format_size};

/// Columns of a bar.
const BAR: usize = 20;

/// Heights of the small chart, from nothing to full.
const STEPS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Strong,
    Faint,
    Title,
}

/// One line of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) text: String,
    pub(crate) style: Style,
}

/// What the screen is made from.
pub(crate) struct View<'a> {
    pub(crate) info: &'a RegionInfo,
    pub(crate) look: &'a Look,
    /// `None` before the first interval is over.
    pub(crate) rates: Option<&'a Rates>,
    /// The latest last.
    pub(crate) hit_ratios: &'a [Option<f64>],
    pub(crate) advice: &'a [Advice],
    pub(crate) every: Duration,
    pub(crate) paused: bool,
    /// The region was destroyed, or another has its name.
    pub(crate) is_gone: bool,
}

/// A whole screen of so many columns and rows, never more.
pub(crate) fn lines(view: &View<'_>, (width, height): (usize, usize)) -> Vec<Line> {
    let mut lines = vec![plain(title(view, width), Style::Title)];
    lines.extend(summary(view, width).into_iter().map(|text| plain(text, Style::Plain)));
    let mut foot: Vec<Line> =
        view.advice.iter().take(2).flat_map(|advice| folded(&advice.to_string(), width)).collect();
    foot.push(plain("q quit   p pause   + slower   - faster".to_owned(), Style::Faint));
    // What is left between the summary and the foot is shared by the two tables, with a blank line above each.
    let room = height.saturating_sub(lines.len() + foot.len());
    let classes = class_table(view);
    let holders = holder_table(view);
    let for_holders = (holders.len() + 1).min(room / 2);
    let for_classes = (classes.len() + 1).min(room - for_holders);
    let for_holders = (holders.len() + 1).min(room - for_classes);
    push_table(&mut lines, &classes, for_classes);
    push_table(&mut lines, &holders, for_holders);
    let body = height.saturating_sub(foot.len());
    lines.truncate(body);
    lines.resize_with(body, || plain(String::new(), Style::Plain));
    lines.extend(foot);
    lines.truncate(height);
    for line in &mut lines {
        line.text = line.text.chars().take(width).collect();
    }
    lines
}

fn plain(text: String, style: Style) -> Line {
    Line { text, style }
}

fn title(view: &View<'_>, width: usize) -> String {
    let daemon = match view.look.facts.is_led {
        _ if view.is_gone => "destroyed",
        Some(true) => "a daemon leads",
        Some(false) => "no daemon",
        None => "",
    };
    let pace = match view.paused {
        true => "paused".to_owned(),
        false => format!("every {}", format_duration(view.every)),
    };
    let left = format!(" {}  {}  {daemon}", view.info.name, format_size(view.info.capacity));
    let right = format!("{pace} ");
    let gap = width.saturating_sub(left.chars().count() + right.chars().count()).max(1);
    format!("{left}{:gap$}{right}", "")
}

fn summary(view: &View<'_>, width: usize) -> Vec<String> {
    let rates = view.rates;
    let rate = |of: fn(&Rates) -> f64| rates.map_or_else(|| "-".to_owned(), |r| human(of(r)));
    let ratio = rates.and_then(|rates| rates.hit_ratio);
    let ratio = ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{:.1} %", ratio * 100.0));
    let stats = view.look.stats();
    let arena = view.info.arena_bytes;
    let used = arena.saturating_sub(stats.free_page_bytes);
    let items = format!(
        "{} of {} slots, {} of keys and values",
        stats.curr_items,
        view.info.index_slots,
        format_size(stats.bytes)
    );
    let bytes = format!("{} of {}", format_size(used), format_size(arena));
    let chart = chart(view.hit_ratios, width.saturating_sub(24));
    vec![
        String::new(),
        format!(" hit ratio  {ratio:<9}  {chart}"),
        format!(
            " gets/s {:>9}   sets/s    {:>7}   deletes/s {:>7}",
            rate(|r| r.gets_per_second),
            rate(|r| r.sets_per_second),
            rate(|r| r.deletes_per_second),
        ),
        format!(
            " evictions/s {:>4}   expired/s {:>7}",
            rate(|r| r.evictions_per_second),
            rate(|r| r.expired_per_second),
        ),
        format!(" items   {}  {items}", bar(stats.curr_items, view.info.index_slots)),
        format!(" memory  {}  {bytes} in use", bar(used, arena)),
    ]
}

/// The classes, those with the most bytes first.
fn class_table(view: &View<'_>) -> Vec<String> {
    let mut classes: Vec<_> = view.look.classes.iter().collect();
    classes.sort_by_key(|class| std::cmp::Reverse(class.pages));
    text_lines(&classes::table(classes).indent())
}

/// Participants, those that hold the most first.
fn holder_table(view: &View<'_>) -> Vec<String> {
    let mut holders: Vec<_> = view.look.facts.participants.iter().collect();
    let in_place = |one: &Participant| one.pinned_bytes.saturating_add(one.reserved_bytes);
    holders.sort_by_key(|one| std::cmp::Reverse(one.held_bytes.saturating_add(in_place(one))));
    let mut table = Table::with_heading([
        ("        PID", Align::Right),
        ("STATE", Align::Left),
        ("HELD", Align::Right),
        ("PINNED", Align::Right),
        ("COMMAND", Align::Left),
    ]);
    for holder in holders {
        table.row([
            holder.pid.to_string(),
            holder.state.to_owned(),
            format_size(holder.held_bytes),
            format_size(in_place(holder)),
            printable(holder.command.as_bytes()).into_owned(),
        ]);
    }
    text_lines(&table)
}

fn text_lines<const N: usize>(table: &Table<N>) -> Vec<String> {
    table.to_string().lines().map(str::to_owned).collect()
}

/// A blank line and as many rows as fit; the last one says how many do not.
fn push_table(lines: &mut Vec<Line>, rows: &[String], room: usize) {
    // A heading alone tells nothing.
    if room < 3 || rows.len() < 2 {
        return;
    }
    lines.push(plain(String::new(), Style::Plain));
    let fits = rows.len().min(room - 1);
    for (at, row) in rows.iter().take(fits).enumerate() {
        let style = if at == 0 { Style::Strong } else { Style::Plain };
        let is_cut = at + 1 == fits && fits < rows.len();
        let text = if is_cut { format!(" … {} more", rows.len() - at) } else { row.clone() };
        lines.push(plain(text, style));
    }
}

/// Words in lines of this width.
fn folded(text: &str, width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut line = String::from(" !");
    for word in text.split(' ') {
        if line.chars().count() + 1 + word.chars().count() > width && line.len() > 2 {
            lines.push(plain(std::mem::replace(&mut line, "  ".to_owned()), Style::Strong));
        }
        line.push(' ');
        line.push_str(word);
    }
    lines.push(plain(line, Style::Strong));
    lines
}

fn bar(part: u64, whole: u64) -> String {
    let full = u128::from(part) * BAR as u128 / u128::from(whole.max(1));
    let full = usize::try_from(full).unwrap_or(BAR).min(BAR);
    format!("[{}{}]", "|".repeat(full), " ".repeat(BAR - full))
}

/// One column per interval, as many of the latest as fit; nothing where nobody asked.
fn chart(ratios: &[Option<f64>], width: usize) -> String {
    let from = ratios.len().saturating_sub(width);
    let step = |ratio: f64| ((ratio.clamp(0.0, 1.0) * 8.0).round() as usize).max(1);
    ratios[from..].iter().map(|ratio| STEPS[ratio.map_or(0, step)]).collect()
}

/// `999`, `12.3k`, `4.5M`.
fn human(number: f64) -> String {
    match number {
        n if n < 999.5 => format!("{n:.0}"),
        n if n < 999_950.0 => format!("{:.1}k", n / 1e3),
        n if n < 999_950_000.0 => format!("{:.1}M", n / 1e6),
        n => format!("{:.1}G", n / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hostcache::Cache;

    struct Fixture {
        info: RegionInfo,
        earlier: Look,
        look: Look,
        _directory: tempfile::TempDir,
    }

    fn fixture() -> Fixture {
        let directory = tempfile::tempdir_in("/dev/shm").expect("a directory");
        let builder = Cache::builder("catalog").directory(directory.path());
        let cache = builder.capacity(1 << 20).create().expect("create");
        let earlier = Look::at(&cache, "catalog");
        for n in 0..100 {
            cache.set(format!("key:{n}"), vec![b'x'; n * 5]).expect("set");
            let _ = cache.get("key:1");
        }
        let pin = cache.pin("key:99").expect("pinned");
        let look = Look::at(&cache, "catalog");
        drop(pin);
        Fixture { info: cache.info(), earlier, look, _directory: directory }
    }

    fn screen(of: &Fixture, advice: &[Advice], size: (usize, usize)) -> Vec<Line> {
        let rates = of.look.rates_since(&of.earlier);
        let view = View {
            info: &of.info,
            look: &of.look,
            rates: Some(&rates),
            hit_ratios: &[Some(0.0), None, Some(0.5), Some(1.0)],
            advice,
            every: Duration::from_secs(1),
            paused: false,
            is_gone: false,
        };
        lines(&view, size)
    }

    #[test]
    fn a_usual_screen_shows_traffic_memory_classes_and_participants() {
        let fixture = fixture();
        let screen = screen(&fixture, &[], (100, 30));
        let text: Vec<&str> = screen.iter().map(|line| line.text.as_str()).collect();
        assert!(text[0].starts_with(" catalog  1MiB  no daemon") && text[0].ends_with("every 1s "));
        assert!(text[2].contains("hit ratio") && text[2].ends_with("▁ ▄█"), "{}", text[2]);
        let has = |words: &str| text.iter().any(|line| line.contains(words));
        for words in
            ["gets/s", "100 of", "of keys and values", "CHUNK", "HIT RATIO", "AT AGE", "PINNED"]
        {
            assert!(has(words), "{words:?} in {text:#?}");
        }
        // The slot that pins stands before the one that has a few free blocks.
        let pid = std::process::id().to_string();
        let cells = text.iter().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let own: Vec<_> = cells.filter(|cells| cells.first() == Some(&&*pid)).collect();
        assert!(own.len() == 2 && own[0][2] == "0B" && own[0][3] != "0B", "{text:#?}");
        assert!(own[1][2] != "0B" && own[1][3] == "0B", "{text:#?}");
        assert_eq!(screen.last().map(|line| line.style), Some(Style::Faint));
    }

    #[test]
    fn every_size_is_filled_and_never_overrun() {
        let fixture = fixture();
        let advice = [Advice {
            finding: "x",
            text: "many words ".repeat(12),
            remedy: "do something".to_owned(),
        }];
        for width in [0, 1, 7, 40, 80, 200] {
            for height in [0, 1, 2, 5, 8, 12, 24, 60] {
                for advice in [&advice[..], &[]] {
                    let screen = screen(&fixture, advice, (width, height));
                    assert_eq!(screen.len(), height, "{width} x {height}");
                    assert!(screen.iter().all(|line| line.text.chars().count() <= width));
                }
            }
        }
    }

    #[test]
    fn a_table_that_does_not_fit_says_how_much_is_missing() {
        let rows: Vec<String> = ["HEAD", "a", "b", "c"].map(str::to_owned).into();
        let table = |room| {
            let mut lines = Vec::new();
            push_table(&mut lines, &rows, room);
            lines.into_iter().map(|line| line.text).collect::<Vec<_>>()
        };
        assert_eq!(table(5), ["", "HEAD", "a", "b", "c"]);
        assert_eq!(table(4), ["", "HEAD", "a", " … 2 more"]);
        assert_eq!(table(3), ["", "HEAD", " … 3 more"]);
        assert_eq!(table(2), [""; 0]);
    }

    #[test]
    fn numbers_and_bars_are_short() {
        let shown = [0.0, 999.0, 999.7, 12_345.0, 4_500_000.0, 2e9].map(human);
        assert_eq!(shown, ["0", "999", "1.0k", "12.3k", "4.5M", "2.0G"]);
        assert_eq!(bar(0, 0), format!("[{}]", " ".repeat(BAR)));
        assert_eq!(bar(u64::MAX, 1), format!("[{}]", "|".repeat(BAR)));
        assert_eq!(chart(&[Some(0.0), Some(f64::NAN), Some(1.0)], 2).chars().count(), 2);
    }
}
