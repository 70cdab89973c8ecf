//! The labels of many series, laid out for people: what all have in common once, the rest in columns if they fit.

use bellwether_model::{Labels, METRIC_NAME, is_legacy_metric_name};

use super::table::Align;
use crate::terminal::{columns, fill, visible};

/// Narrower than this, label sets are rather too long for the line than broken more often.
const MIN_TEXT_WIDTH: usize = 24;
const INDENT: &str = "  ";

/// The label part of a table with one row for each series.
#[derive(Debug)]
pub(super) struct LabelColumns {
    /// The labels that all series have; empty if there are not several series.
    common: Labels,
    headings: Vec<String>,
    cells: Vec<Vec<String>>,
}

impl LabelColumns {
    /// Lays the labels out in `width` columns: one for each label in which series differ, or, if that is too wide, one with broken label sets.
    pub(super) fn new<'a>(series: impl IntoIterator<Item = &'a Labels>, width: usize) -> Self {
        let series: Vec<&Labels> = series.into_iter().collect();
        let common = common_labels(&series);
        let own = |labels: &Labels| labels.retain(|label| !common.has(label.name));
        let own: Vec<Labels> = series.iter().map(|labels| own(labels)).collect();
        let by_label = by_label(common, &own);
        if series.len() > 1 && !by_label.headings.is_empty() && by_label.width() <= width {
            return by_label;
        }
        let cells = own.iter().map(|labels| vec![lines(labels, width).join("\n")]).collect();
        Self { headings: vec!["series".to_owned()], cells, ..by_label }
    }

    /// How many columns it takes.
    pub(super) fn width(&self) -> usize {
        let widths = self.headings.iter().enumerate().map(|(idx, heading)| {
            let cells = self.cells.iter().flat_map(|row| row[idx].lines()).map(columns);
            cells.max().unwrap_or(0).max(columns(heading))
        });
        widths.sum::<usize>() + 2 * self.headings.len().saturating_sub(1)
    }

    /// What all series have in common, if anything, to stand above the table.
    pub(super) fn common(&self, width: usize) -> String {
        const TITLE: &str = "common: ";
        if self.common.is_empty() {
            return String::new();
        }
        let indent = format!("\n{}", " ".repeat(TITLE.len() - INDENT.len()));
        format!("{TITLE}{}\n", lines(&self.common, width.saturating_sub(TITLE.len())).join(&indent))
    }

    pub(super) fn headings(&self) -> impl Iterator<Item = (String, Align)> {
        self.headings.iter().map(|heading| (heading.clone(), Align::Left))
    }

    pub(super) fn into_cells(self) -> Vec<Vec<String>> {
        self.cells
    }
}

fn common_labels(series: &[&Labels]) -> Labels {
    match series {
        [] | [_] => Labels::empty(),
        [first, rest @ ..] => {
            first.retain(|label| rest.iter().all(|labels| labels.get(label.name) == Some(label.value)))
        }
    }
}

/// A column for each label, the metric name first.
fn by_label(common: Labels, series: &[Labels]) -> LabelColumns {
    let mut names: Vec<&str> =
        series.iter().flat_map(|labels| labels.iter().map(|label| label.name)).collect();
    names.sort_unstable_by_key(|name| (*name != METRIC_NAME, *name));
    names.dedup();
    let cell = |labels: &Labels, name: &str| visible(labels.get(name).unwrap_or(""));
    let cells = series.iter().map(|labels| names.iter().map(|name| cell(labels, name)).collect()).collect();
    let heading = |name: &&str| if *name == METRIC_NAME { "metric".to_owned() } else { visible(name) };
    LabelColumns { common, headings: names.iter().map(heading).collect(), cells }
}

/// A label set as a selector writes it, broken between labels so that no line has more than `width` columns if that is possible.
fn lines(labels: &Labels, width: usize) -> Vec<String> {
    let part = |name: &str, value: &str| visible(&Labels::from_pairs([(name, value)]).to_string());
    let name = labels.metric_name();
    let plain_name = name.is_empty() || is_legacy_metric_name(name);
    let mut parts: Vec<String> = labels
        .iter()
        .filter(|label| label.name != METRIC_NAME || !plain_name)
        .map(|label| part(label.name, label.value).trim_start_matches('{').trim_end_matches('}').to_owned())
        .collect();
    let name = if plain_name { name } else { "" };
    if parts.is_empty() {
        return vec![if name.is_empty() { "{}".to_owned() } else { name.to_owned() }];
    }
    parts[0] = format!("{name}{{{}", parts[0]);
    if let Some(last) = parts.last_mut() {
        last.push('}');
    }
    let width = width.max(MIN_TEXT_WIDTH) - INDENT.len();
    let lines = fill(parts.iter().map(String::as_str), ", ", width);
    lines
        .into_iter()
        .enumerate()
        .map(|(idx, line)| if idx == 0 { line } else { format!("{INDENT}{line}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        Labels::from_pairs(pairs.iter().copied())
    }

    fn shown(columns: LabelColumns) -> (Vec<String>, Vec<Vec<String>>) {
        (columns.headings.clone(), columns.into_cells())
    }

    #[test]
    fn what_all_have_is_said_once() {
        let series = [
            labels(&[("__name__", "up"), ("env", "prod"), ("instance", "a"), ("job", "x")]),
            labels(&[("__name__", "up"), ("env", "prod"), ("instance", "b"), ("zone", "1")]),
        ];
        let columns = LabelColumns::new(&series, 80);
        assert_eq!(columns.common(80), "common: up{env=\"prod\"}\n");
        assert_eq!(columns.width(), "instance  job  zone".len());
        let (headings, cells) = shown(columns);
        assert_eq!(headings, ["instance", "job", "zone"]);
        assert_eq!(cells, [["a", "x", ""], ["b", "", "1"]]);
    }

    #[test]
    fn a_series_alone_is_written_as_a_selector() {
        let columns = LabelColumns::new(&[labels(&[("__name__", "up"), ("job", "x")])], 80);
        assert_eq!(columns.common(80), "");
        assert_eq!(shown(columns), (vec!["series".to_owned()], vec![vec!["up{job=\"x\"}".to_owned()]]));
        let check = |pairs: &[(&str, &str)], want: &str| assert_eq!(lines(&labels(pairs), 80), [want]);
        check(&[], "{}");
        check(&[("__name__", "up")], "up");
        check(&[("__name__", "my.metric"), ("b", "{}")], "{\"my.metric\", b=\"{}\"}");
    }

    #[test]
    fn label_sets_that_are_too_wide_are_broken() {
        let long = "x".repeat(30);
        let series = [
            labels(&[("__name__", "a"), ("first", &long), ("second", "1"), ("third", "2")]),
            labels(&[("__name__", "b"), ("first", "y"), ("second", "3"), ("third", "4")]),
        ];
        let (headings, cells) = shown(LabelColumns::new(&series, 45));
        assert_eq!(headings, ["series"]);
        assert_eq!(cells[0], [format!("a{{first=\"{long}\",\n  second=\"1\", third=\"2\"}}")]);
        assert_eq!(cells[1], ["b{first=\"y\", second=\"3\", third=\"4\"}"]);
    }

    #[test]
    fn terminals_are_not_obeyed() {
        let series = [labels(&[("a", "\u{1b}[2J")]), labels(&[("a", "b")])];
        let (_, cells) = shown(LabelColumns::new(&series, 80));
        assert_eq!(cells, [["\\u{1b}[2J"], ["b"]]);
        assert_eq!(lines(&series[0], 80), ["{a=\"\\x1b[2J\"}"]);
    }
}
