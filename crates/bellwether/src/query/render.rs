//! Results of queries as tables for people and as plain lines.

use std::fmt::Write as _;

use bellwether_model::{Labels, format_float};

use super::answer::{HistogramPoint, Point, PointValue, QueryResult, Stream};
use super::label_columns::LabelColumns;
use super::sparkline::sparkline;
use super::table::{Align, Table};
use super::time_argument::shown;
use crate::terminal::visible;

const GAP: usize = 2;
/// A line of bars shorter than this says little, so labels make room for it.
const MIN_TREND: usize = 16;
const MAX_TREND: usize = 60;
const MAX_BUCKET_BARS: usize = 24;

/// The times of a range query.
#[derive(Debug, Clone)]
pub(super) struct RangeOfQuery {
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
    /// The step for people to read; none if the points are the samples themselves.
    pub(super) step: Option<String>,
}

/// The result of an instant query.
pub(super) fn instant_table(result: &QueryResult, width: usize) -> String {
    match result {
        QueryResult::Vector(series) => vector_table(series, width),
        QueryResult::Matrix(series) => {
            let times = || series.iter().flat_map(|stream| &stream.points).map(|point| point.ts_ms);
            let range = RangeOfQuery {
                start_ms: times().min().unwrap_or(0),
                end_ms: times().max().unwrap_or(0),
                step: None,
            };
            matrix_table(series, &range, width)
        }
        QueryResult::Scalar(point) => format!("{}\n", exact(&point.value)),
        QueryResult::Text { text, .. } => format!("{}\n", visible(text)),
    }
}

/// The result of a range query.
pub(super) fn range_table(result: &QueryResult, range: &RangeOfQuery, width: usize) -> String {
    match result {
        QueryResult::Matrix(series) => matrix_table(series, range, width),
        other => instant_table(other, width),
    }
}

/// A list of label sets.
pub(super) fn series_table(series: &[Labels], width: usize) -> String {
    if series.is_empty() {
        return "no series\n".to_owned();
    }
    let labels = LabelColumns::new(series, width);
    let mut out = format!("{} series\n{}\n", series.len(), labels.common(width));
    Table::new(labels.headings().collect(), labels.into_cells()).write(&mut out);
    out
}

fn vector_table(series: &[Stream], width: usize) -> String {
    let Some(at) = series.iter().find_map(|stream| stream.points.first()) else {
        return "no series\n".to_owned();
    };
    let heading = ("VALUE".to_owned(), Align::Right);
    let cell = |stream: &Stream| stream.points.first().map(|p| exact(&p.value)).unwrap_or_default();
    let values = Table::new(vec![heading.clone()], series.iter().map(|stream| vec![cell(stream)]));
    let labels = LabelColumns::new(
        series.iter().map(|stream| &stream.labels),
        width.saturating_sub(values.width() + GAP),
    );
    let mut out = format!("{} series at {}\n{}\n", series.len(), shown(at.ts_ms), labels.common(width));
    let headings = labels.headings().chain([heading]).collect();
    let rows = labels.into_cells().into_iter().zip(series);
    let rows = rows.map(|(cells, stream)| cells.into_iter().chain([cell(stream)]).collect());
    Table::new(headings, rows).write(&mut out);
    out
}

fn matrix_table(series: &[Stream], range: &RangeOfQuery, width: usize) -> String {
    if series.is_empty() {
        return "no series\n".to_owned();
    }
    let headings = ["MIN", "LAST", "MAX"].map(|text| (text.to_owned(), Align::Right));
    let numbers = Table::new(headings.to_vec(), series.iter().map(|stream| extremes(&stream.points)));
    let most_points = series.iter().map(|stream| stream.points.len()).max().unwrap_or(0);
    let trend = most_points.clamp(1, MIN_TREND);
    let rest = width.saturating_sub(numbers.width() + GAP);
    let labels = LabelColumns::new(series.iter().map(|s| &s.labels), rest.saturating_sub(GAP + trend));
    let trend = rest.saturating_sub(labels.width() + GAP).clamp(trend, most_points.clamp(trend, MAX_TREND));

    let step = range.step.as_ref().map(|step| format!(", step {step}")).unwrap_or_default();
    let (start, end) = (shown(range.start_ms), shown(range.end_ms));
    let mut out = format!("{} series, {start} to {end}{step}\n{}\n", series.len(), labels.common(width));
    let trend_heading = ("TREND".to_owned(), Align::Left);
    let headings = labels.headings().chain(headings).chain([trend_heading]).collect();
    let bars = |stream: &Stream| {
        let points: Vec<(i64, f64)> = stream.points.iter().map(|p| (p.ts_ms, p.value.number())).collect();
        sparkline(&points, range.start_ms, range.end_ms, trend)
    };
    let rows = labels.into_cells().into_iter().zip(series).map(|(cells, stream)| {
        cells.into_iter().chain(extremes(&stream.points)).chain([bars(stream)]).collect()
    });
    Table::new(headings, rows).write(&mut out);
    out
}

/// The smallest, the last and the greatest value, rounded; of histograms the number of observations.
fn extremes(points: &[Point]) -> Vec<String> {
    let Some(last) = points.last() else { return vec![String::new(); 3] };
    let is_number = |point: &&Point| !point.value.number().is_nan();
    let order = |a: &&Point, b: &&Point| a.value.number().total_cmp(&b.value.number());
    let min = points.iter().filter(is_number).min_by(order).unwrap_or(last);
    let max = points.iter().filter(is_number).max_by(order).unwrap_or(last);
    [min, last, max].map(|point| rounded(&point.value)).to_vec()
}

fn rounded(value: &PointValue) -> String {
    match value {
        PointValue::Float { value, .. } => short_number(*value),
        PointValue::Histogram(_) => format!("{} obs", short_number(value.number())),
    }
}

/// The number with six significant digits, and all digits before the point.
pub(super) fn short_number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() || value == 0.0 || (value.fract() == 0.0 && size < 1e15) {
        return format_float(value);
    }
    if !(1e-4..1e15).contains(&size) {
        let text = format!("{value:.5e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{exponent}", without_zeros(mantissa));
    }
    let digits_before = size.log10().floor() as i64 + 1;
    without_zeros(&format!("{value:.*}", (6 - digits_before).clamp(0, 9) as usize)).to_owned()
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// The value as the server wrote it; of a histogram its count, its sum and the shape of its buckets.
fn exact(value: &PointValue) -> String {
    match value {
        PointValue::Float { text, .. } => visible(text),
        PointValue::Histogram(histogram) => {
            let text = format!("{} obs, sum {}", histogram.count, histogram.sum);
            format!("{}  {}", visible(&text), shape(histogram)).trim_end().to_owned()
        }
    }
}

fn shape(histogram: &HistogramPoint) -> String {
    let counts = histogram.buckets.iter().map(|bucket| bucket.count.parse().unwrap_or(f64::NAN));
    let counts: Vec<(i64, f64)> = (0..).zip(counts).collect();
    let last = counts.last().map_or(0, |(idx, _)| *idx);
    sparkline(&counts, 0, last, counts.len().min(MAX_BUCKET_BARS))
}

/// One value a line, in PromQL's notation.
pub(super) fn plain(result: &QueryResult) -> String {
    let mut out = String::new();
    let series = match result {
        QueryResult::Scalar(point) => return format!("scalar: {}\n", plain_point(point)),
        QueryResult::Text { text, .. } => return format!("{text}\n"),
        QueryResult::Vector(series) | QueryResult::Matrix(series) => series,
    };
    let one_line = matches!(result, QueryResult::Vector(_));
    for stream in series {
        let _ = write!(out, "{} =>{}", stream.labels, if one_line { " " } else { "\n" });
        for point in &stream.points {
            out.extend([&plain_point(point), "\n"]);
        }
    }
    out
}

fn plain_point(point: &Point) -> String {
    let value = match &point.value {
        PointValue::Float { text, .. } => text.clone(),
        PointValue::Histogram(HistogramPoint { count, sum, buckets }) => {
            let mut text = format!("{{count:{count}, sum:{sum}");
            for bucket in buckets {
                let _ = write!(text, ", {}:{}", bucket.interval(), bucket.count);
            }
            text + "}"
        }
    };
    format!("{value} @[{}]", point.ts_ms as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::query::answer::read_result;

    fn result(kind: &str, result: &Value) -> QueryResult {
        read_result(&json!({"resultType": kind, "result": result})).expect("understood")
    }

    fn two_series() -> QueryResult {
        result(
            "vector",
            &json!([
                {"metric": {"__name__": "up", "instance": "a:1", "job": "node"}, "value": [1_767_225_600, "1"]},
                {"metric": {"__name__": "up", "instance": "long:2", "job": "node"}, "value": [1_767_225_600, "12.5"]},
            ]),
        )
    }

    fn range() -> (QueryResult, RangeOfQuery) {
        let values = |f: fn(f64) -> f64| -> Vec<Value> {
            (0..5).map(|i| json!([i * 10, f(f64::from(i)).to_string()])).collect()
        };
        let result = result(
            "matrix",
            &json!([
                {"metric": {"__name__": "x", "k": "up"}, "values": values(|i| i / 3.0)},
                {"metric": {"__name__": "x", "k": "down"}, "values": values(|i| 100.0 - i)},
            ]),
        );
        (result, RangeOfQuery { start_ms: 0, end_ms: 40_000, step: Some("10s".to_owned()) })
    }

    #[test]
    fn instant_results() {
        assert_eq!(
            instant_table(&two_series(), 80),
            "2 series at 2026-01-01T00:00:00Z\n\
             common: up{job=\"node\"}\n\
             \n\
             instance  VALUE\n\
             a:1           1\n\
             long:2     12.5\n"
        );
        assert_eq!(instant_table(&result("vector", &json!([])), 80), "no series\n");
        assert_eq!(instant_table(&result("scalar", &json!([1, "NaN"])), 80), "NaN\n");
        assert_eq!(instant_table(&result("string", &json!([1, "a\u{7}b"])), 80), "a\\u{7}b\n");
        let histogram = json!({"count": "6", "sum": "9.5", "buckets": [
            [0, "0", "1", "1"], [0, "1", "2", "3"], [0, "2", "4", "2"],
        ]});
        let histogram =
            result("vector", &json!([{"metric": {"__name__": "h"}, "histogram": [0, histogram]}]));
        assert_eq!(
            instant_table(&histogram, 80),
            "1 series at 1970-01-01T00:00:00Z\n\nseries                VALUE\nh       6 obs, sum 9.5  ▁█▅\n"
        );
        assert_eq!(plain(&histogram), "h => {count:6, sum:9.5, (0,1]:1, (1,2]:3, (2,4]:2} @[0]\n");
    }

    #[test]
    fn range_results() {
        let (result, range) = range();
        assert_eq!(
            range_table(&result, &range, 80),
            "2 series, 1970-01-01T00:00:00Z to 1970-01-01T00:00:40Z, step 10s\n\
             common: x\n\
             \n\
             k     MIN     LAST      MAX  TREND\n\
             up      0  1.33333  1.33333  ▁▃▅▇█\n\
             down   96       96      100  █▇▅▃▁\n"
        );
    }

    #[test]
    fn samples_of_a_window_have_no_step() {
        let (result, _) = range();
        let table = instant_table(&result, 80);
        assert!(table.starts_with("2 series, 1970-01-01T00:00:00Z to 1970-01-01T00:00:40Z\n"), "{table}");
    }

    #[test]
    fn bars_take_the_room_that_is_left() {
        let values: Vec<Value> = (0..200).map(|i| json!([i, "1"])).collect();
        let many = result("matrix", &json!([{"metric": {"name": "a".repeat(20)}, "values": values}]));
        let range = RangeOfQuery { start_ms: 0, end_ms: 199_000, step: None };
        for (width, bars) in [(40, 16), (70, 70 - 29 - 2 - 14 - 2), (300, MAX_TREND)] {
            let table = range_table(&many, &range, width);
            assert_eq!(table.matches('▄').count(), bars, "{width}:\n{table}");
        }
    }

    #[test]
    fn plain_results() {
        assert_eq!(
            plain(&two_series()),
            "up{instance=\"a:1\", job=\"node\"} => 1 @[1767225600]\nup{instance=\"long:2\", job=\"node\"} => 12.5 @[1767225600]\n"
        );
        let one = result("matrix", &json!([{"metric": {}, "values": [[1.5, "1"], [2, "NaN"]]}]));
        assert_eq!(plain(&one), "{} =>\n1 @[1.5]\nNaN @[2]\n");
        assert_eq!(plain(&result("scalar", &json!([1.25, "4"]))), "scalar: 4 @[1.25]\n");
        assert_eq!(plain(&result("string", &json!([1, "x"]))), "x\n");
    }

    #[test]
    fn series_lists() {
        let series = ["a", "b"].map(|k| Labels::from_pairs([("__name__", "up"), ("k", k)]));
        assert_eq!(series_table(&series, 80), "2 series\ncommon: up\n\nk\na\nb\n");
        assert_eq!(series_table(&series[..1], 80), "1 series\n\nseries\nup{k=\"a\"}\n");
        assert_eq!(series_table(&[], 80), "no series\n");
    }

    #[test]
    fn numbers_are_rounded() {
        let check = |value: f64, want: &str| assert_eq!(short_number(value), want);
        check(0.0, "0");
        check(1_234_567.0, "1234567");
        check(1_234_567.89, "1234568");
        check(-0.012_345_678, "-0.0123457");
        check(99.999_999_9, "100");
        check(0.000_012_345_67, "1.23457e-5");
        check(1e300, "1e300");
        check(f64::NEG_INFINITY, "-Inf");
        check(f64::NAN, "NaN");
    }
}
