//! Aligned columns.

use std::fmt;

/// Which side of its column a cell leans to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Rows of cells; each column as wide as its widest cell.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    align: [Align; N],
    indent: usize,
    lines: Vec<Line<N>>,
}

#[derive(Debug)]
enum Line<const N: usize> {
    Title(String),
    Cells([String; N]),
}

impl<const N: usize> Table<N> {
    /// A table without a heading.
    pub(crate) fn new(align: [Align; N]) -> Self {
        Self { align, indent: 0, lines: Vec::new() }
    }

    /// A table whose first row is the heading.
    pub(crate) fn with_heading(heading: [(&str, Align); N]) -> Self {
        let mut table = Self::new(heading.map(|(_, align)| align));
        table.row(heading.map(|(title, _)| title.to_owned()));
        table
    }

    /// Every row starts two columns to the right.
    pub(crate) fn indent(mut self) -> Self {
        self.indent = 2;
        self
    }

    /// A line of its own between rows, never indented.
    pub(crate) fn title(&mut self, title: impl Into<String>) {
        self.lines.push(Line::Title(title.into()));
    }

    pub(crate) fn row(&mut self, cells: [String; N]) {
        self.lines.push(Line::Cells(cells));
    }

    fn widths(&self) -> [usize; N] {
        let mut widths = [0; N];
        for line in &self.lines {
            if let Line::Cells(cells) = line {
                for (width, cell) in widths.iter_mut().zip(cells) {
                    *width = cell.chars().count().max(*width);
                }
            }
        }
        widths
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for line in &self.lines {
            match line {
                Line::Title(title) => writeln!(f, "{title}")?,
                Line::Cells(cells) => {
                    let cells = cells.iter().zip(self.align).zip(widths).map(|pair| match pair {
                        ((cell, Align::Left), width) => format!("{cell:<width$}"),
                        ((cell, Align::Right), width) => format!("{cell:>width$}"),
                    });
                    let row = cells.collect::<Vec<_>>().join("  ");
                    writeln!(f, "{:indent$}{}", "", row.trim_end(), indent = self.indent)?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_have_no_trailing_blanks() {
        let mut table = Table::with_heading([
            ("name", Align::Left),
            ("bytes", Align::Right),
            ("note", Align::Left),
        ]);
        table.row(["größe".into(), "1".into(), String::new()]);
        table.row(["x".into(), "123456".into(), "y".into()]);
        assert_eq!(table.to_string(), "name    bytes  note\ngröße       1\nx      123456  y\n");
    }

    #[test]
    fn titles_stand_out_of_indented_rows_and_widen_no_column() {
        let mut table = Table::new([Align::Left, Align::Right]).indent();
        table.title("a title that is long");
        table.row(["hits".into(), "7".into()]);
        table.title("memory");
        table.row(["bytes".into(), "10".into()]);
        let text = "a title that is long\n  hits    7\nmemory\n  bytes  10\n";
        assert_eq!(table.to_string(), text);
    }
}
