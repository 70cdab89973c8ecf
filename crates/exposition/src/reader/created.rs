//! Start timestamps from `_created` lines (OpenMetrics 1.0).
//!
//! The line may stand before, between or behind the samples that it belongs to, so a sample looks ahead for it. As in Prometheus, only
//! the next `_created` line counts, only within the lines up to the next metadata line, and a line found once serves the samples behind
//! it too. What lies ahead is remembered, so that a body is scanned at most twice however it is arranged.
use std::ops::RangeInclusive;

use super::scanner::Scanner;
use crate::{Event, MetricType, RawLabel, Series};

const SUFFIX: &str = "_created";

/// Folds `_created` lines into the samples they belong to.
#[derive(Debug, Clone, Default)]
pub(super) struct CreatedLines<'a> {
    /// The line that served last.
    found: Option<Series<'a>>,
    ahead: Option<Ahead<'a>>,
}

/// The next `_created` line for every position in a range of the body.
#[derive(Debug, Clone)]
struct Ahead<'a> {
    positions: RangeInclusive<usize>,
    line: Option<Series<'a>>,
}

/// Whether families of this type have `_created` lines.
pub(super) fn has_created_lines(metric_type: MetricType) -> bool {
    matches!(metric_type, MetricType::Counter | MetricType::Histogram | MetricType::Summary)
}

/// Whether `series` is a `_created` line, provided that its family can have one.
pub(super) fn is_created_line(series: &Series<'_>) -> bool {
    series.name().as_written().ends_with(SUFFIX)
}

impl<'a> CreatedLines<'a> {
    /// A sample of a type without `_created` lines was read.
    pub(super) fn forget(&mut self) {
        self.found = None;
    }

    /// The start of `series`, whose family's name has `family_len` bytes, in milliseconds. `scanner` stands behind it.
    pub(super) fn start_timestamp_ms(
        &mut self,
        series: &Series<'a>,
        metric_type: MetricType,
        family_len: usize,
        scanner: &Scanner<'a>,
    ) -> Option<i64> {
        let base = series.name().as_written().get(..family_len)?;
        let serves = |line: &Series<'a>| belong_together(line, series, base, metric_type);
        if let Some(line) = self.found.filter(serves)
            && line.value > 0.0
        {
            return Some(to_ms(line.value));
        }
        self.found = self.next_line(scanner).filter(serves);
        self.found.map(|line| to_ms(line.value))
    }

    fn next_line(&mut self, scanner: &Scanner<'a>) -> Option<Series<'a>> {
        let from = scanner.lexer.pos;
        match &self.ahead {
            Some(ahead) if ahead.positions.contains(&from) => ahead.line,
            _ => {
                let ahead = look_ahead(scanner.clone());
                let line = ahead.line;
                self.ahead = Some(ahead);
                line
            }
        }
    }
}

fn look_ahead(mut scanner: Scanner<'_>) -> Ahead<'_> {
    let from = scanner.lexer.pos;
    loop {
        let at = scanner.lexer.pos;
        let line = match scanner.entry(&[]) {
            Some(Ok(Event::Series(series))) if !is_created_line(&series) => continue,
            Some(Ok(Event::Series(series))) => Some(series),
            _ => None,
        };
        return Ahead { positions: from..=at, line };
    }
}

/// Whether the `_created` line `created` is about `series`: the same family and the same labels in the same order, bucket bounds and quantiles
/// left out.
fn belong_together(created: &Series<'_>, series: &Series<'_>, base: &str, metric_type: MetricType) -> bool {
    let bound = match metric_type {
        MetricType::Histogram => "le",
        MetricType::Summary => "quantile",
        _ => "",
    };
    created.name().as_written().strip_suffix(SUFFIX) == Some(base)
        && labels_without(created, bound).eq(labels_without(series, bound))
}

fn labels_without<'a>(series: &Series<'a>, name: &'static str) -> impl Iterator<Item = RawLabel<'a>> {
    series.labels().filter(move |label| label.name.as_written() != name)
}

fn to_ms(seconds: f64) -> i64 {
    (seconds * 1000.0) as i64
}
