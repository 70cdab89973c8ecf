//! Columns that line up.

use crate::terminal::columns;

const GAP: &str = "  ";

/// To which side the cells of a column are pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Rows of cells below headings. A cell may have several lines.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    headings: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table of rows that have one cell for each heading.
    pub(crate) fn new(headings: Vec<(String, Align)>, rows: impl IntoIterator<Item = Vec<String>>) -> Self {
        let rows: Vec<_> = rows.into_iter().collect();
        assert!(
            rows.iter().all(|row| row.len() == headings.len()),
            "BUG: a row has one cell for each heading"
        );
        Self { headings, rows }
    }

    /// How many columns the longest line takes.
    pub(crate) fn width(&self) -> usize {
        let widths = self.widths();
        widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1)
    }

    /// Appends the table to `out`.
    pub(crate) fn write(&self, out: &mut String) {
        let widths = self.widths();
        let headings: Vec<String> = self.headings.iter().map(|(text, _)| text.clone()).collect();
        for row in std::iter::once(&headings).chain(&self.rows) {
            let height = row.iter().map(|cell| cell.lines().count()).max().unwrap_or(0).max(1);
            for line in 0..height {
                self.write_line(out, row, line, &widths);
            }
        }
    }

    fn write_line(&self, out: &mut String, row: &[String], line: usize, widths: &[usize]) {
        let start = out.len();
        for (idx, ((cell, width), (_, align))) in row.iter().zip(widths).zip(&self.headings).enumerate() {
            let text = cell.lines().nth(line).unwrap_or("");
            let blanks = " ".repeat(width - columns(text));
            out.push_str(if idx > 0 { GAP } else { "" });
            match align {
                Align::Left => out.extend([text, &blanks]),
                Align::Right => out.extend([&blanks, text]),
            }
        }
        let kept = out[start..].trim_end().len();
        out.truncate(start + kept);
        out.push('\n');
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.headings.iter().map(|(text, _)| columns(text)).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.lines().map(columns).max().unwrap_or(0).max(*width);
            }
        }
        widths
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let heading = |text: &str, align| (text.to_owned(), align);
        let headings =
            vec![heading("job", Align::Left), heading("VALUE", Align::Right), heading("TREND", Align::Left)];
        let rows = [["öne", "1", "▁█"], ["longer,\n  b", "123456", ""]];
        let table = Table::new(headings, rows.map(|row| row.map(str::to_owned).to_vec()));
        let mut out = String::new();
        table.write(&mut out);
        assert_eq!(
            out,
            "job       VALUE  TREND\n\
             öne           1  ▁█\n\
             longer,  123456\n\
             \u{20} b\n"
        );
        assert_eq!(table.width(), 22);
    }
}
