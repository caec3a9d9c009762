//! Bar charts (SVG) of the figures of a record, in colours for a light and for a dark page.

use std::fmt::Write;

/// Colours of a chart.
#[derive(Debug, Clone, Copy)]
pub struct Theme {
    /// Part of the file's name.
    pub name: &'static str,
    page: &'static str,
    text: &'static str,
    bar: &'static str,
    own: &'static str,
}

/// One for each kind of page.
pub const THEMES: [Theme; 2] = [
    Theme { name: "light", page: "#ffffff", text: "#1f2937", bar: "#94a3b8", own: "#c2410c" },
    Theme { name: "dark", page: "#0d1117", text: "#d1d7e0", bar: "#5b6675", own: "#f0883e" },
];

/// One group of bars with a logarithmic scale of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    title: String,
    bars: Vec<(String, f64)>,
}

const WIDTH: f64 = 760.0;
const LABELS: f64 = 170.0;
const FIGURES: f64 = 90.0;
const ROW: f64 = 20.0;
const TITLE: f64 = 34.0;
const MARGIN: f64 = 12.0;

impl Panel {
    /// The figures of the row called `row` in the first table of the record `text` whose rows have that name, by the names
    /// of their columns, the lowest first. Cells without a number, and columns in `without`, are left out.
    #[must_use]
    pub fn from_record(text: &str, row: &str, title: &str, without: &[&str]) -> Option<Self> {
        let mut head: Vec<&str> = Vec::new();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let cells: Vec<&str> =
                line.trim().trim_matches('|').split('|').map(str::trim).collect();
            if lines.peek().is_some_and(|next| next.starts_with("|--")) {
                head = cells;
            } else if cells.first() == Some(&row) {
                let number = |cell: &str| cell.split(' ').next()?.parse::<f64>().ok();
                let pairs = head.iter().zip(&cells).skip(1);
                let pairs = pairs.filter(|(name, _)| !without.contains(name));
                let mut bars: Vec<_> = pairs
                    .filter_map(|(name, cell)| Some(((*name).to_owned(), number(cell)?)))
                    .collect();
                bars.sort_by(|one, other| one.1.total_cmp(&other.1));
                return Some(Self { title: title.to_owned(), bars });
            }
        }
        None
    }
}

/// The panels one below the other; bars whose name begins with `own` stand out.
#[must_use]
pub fn draw(panels: &[Panel], own: &str, theme: Theme) -> String {
    let height: f64 =
        panels.iter().map(|panel| TITLE + ROW * panel.bars.len() as f64).sum::<f64>() + MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"12\" fill=\"{}\">\n<rect width=\"100%\" height=\"100%\" fill=\"{}\"/>\n",
        theme.text, theme.page
    );
    let mut top = 0.0;
    for panel in panels {
        let mut line = |text: std::fmt::Arguments<'_>| _ = svg.write_fmt(format_args!("{text}\n"));
        let baseline = top + TITLE - 12.0;
        let title = escaped(&panel.title);
        line(format_args!(
            "<text x=\"{MARGIN}\" y=\"{baseline}\" font-weight=\"bold\">{title}</text>"
        ));
        top += TITLE;
        // The scale begins at a third of the smallest figure, so that no bar vanishes.
        let least = panel.bars.first().map_or(1.0, |bar| bar.1) / 3.0;
        let most = panel.bars.last().map_or(10.0, |bar| bar.1);
        for (name, value) in &panel.bars {
            let (color, weight) =
                if name.starts_with(own) { (theme.own, "bold") } else { (theme.bar, "normal") };
            let length =
                (value / least).ln() / (most / least).ln() * (WIDTH - LABELS - FIGURES - MARGIN);
            let (middle, name, time) = (top + 14.0, escaped(name), time(*value));
            let (label, figure) = (LABELS - 8.0, LABELS + length + 6.0);
            line(format_args!(
                "<text x=\"{label}\" y=\"{middle}\" text-anchor=\"end\" font-weight=\"{weight}\">{name}</text>"
            ));
            line(format_args!(
                "<rect x=\"{LABELS}\" y=\"{}\" width=\"{length:.1}\" height=\"{}\" fill=\"{color}\"/>",
                top + 3.0,
                ROW - 5.0
            ));
            line(format_args!("<text x=\"{figure:.1}\" y=\"{middle}\">{time}</text>"));
            top += ROW;
        }
    }
    svg + "</svg>\n"
}

fn time(nanos: f64) -> String {
    match nanos {
        ..100.0 => format!("{nanos:.1} ns"),
        ..1000.0 => format!("{nanos:.0} ns"),
        _ => format!("{:.1} µs", nanos / 1000.0),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = "# A record\n\n| ns | slow | none | hostcache | loop |\n|----|---|---|---|---|\n\
                          | get | 4000.0 [3, 5] | - | 20.5 | 3.0 |\n";

    #[test]
    fn a_row_of_a_record_becomes_bars_in_order() {
        let panel =
            Panel::from_record(RECORD, "get", "a < b", &["loop"]).expect("the row is there");
        let bars = [("hostcache".to_owned(), 20.5), ("slow".to_owned(), 4000.0)];
        assert_eq!(panel, Panel { title: "a < b".to_owned(), bars: bars.to_vec() });
        assert_eq!(Panel::from_record(RECORD, "set", "", &[]), None);
        let svg = draw(&[panel], "hostcache", THEMES[1]);
        assert!(
            svg.contains("4.0 µs") && svg.contains("20.5 ns") && svg.contains("a &lt; b"),
            "{svg}"
        );
        assert_eq!(svg.matches(THEMES[1].own).count(), 1, "{svg}");
    }
}
