//! How many buckets of histograms are in use.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{Labels, METRIC_NAME, parse_float};
use serde_json::{Value, json};

use super::answer::{Point, PointValue, Stream};
use super::label_columns::LabelColumns;
use super::render::short_number;
use super::table::{Align, Table};

/// A histogram and how many of its buckets had observations at each scrape.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BucketUse {
    /// The name of the histogram and its labels.
    pub(super) labels: Labels,
    pub(super) kind: HistogramKind,
    pub(super) scrapes: usize,
    pub(super) min: usize,
    pub(super) avg: f64,
    pub(super) max: usize,
    /// How many buckets it has; of a native histogram, how many different ones were seen.
    pub(super) total: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HistogramKind {
    Classic,
    Native,
}

impl HistogramKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Native => "native",
        }
    }
}

/// What the samples of a window say about buckets.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Analysis {
    pub(super) histograms: Vec<BucketUse>,
    /// Histograms with fewer than two complete scrapes.
    pub(super) too_short: usize,
    /// Series that belong to no histogram.
    pub(super) others: usize,
}

/// Counts the buckets in use. Floats are taken for the buckets of a classic histogram if their series is called `…_bucket` and has the label `le`.
pub(super) fn analyze(streams: &[Stream]) -> Analysis {
    let mut analysis = Analysis::default();
    let mut classic: BTreeMap<String, (Labels, Vec<ClassicBucket>)> = BTreeMap::new();
    for stream in streams {
        if stream.points.iter().any(|p| matches!(p.value, PointValue::Histogram(_))) {
            analysis.add(native_use(stream));
        } else if let Some((labels, bucket)) = ClassicBucket::of(stream) {
            classic.entry(labels.to_string()).or_insert_with(|| (labels, Vec::new())).1.push(bucket);
        } else {
            analysis.others += 1;
        }
    }
    for (labels, buckets) in classic.into_values() {
        analysis.add(classic_use(labels, buckets));
    }
    analysis
}

impl Analysis {
    fn add(&mut self, found: Option<BucketUse>) {
        match found {
            Some(found) => self.histograms.push(found),
            None => self.too_short += 1,
        }
    }
}

fn native_use(stream: &Stream) -> Option<BucketUse> {
    let mut seen = BTreeSet::new();
    let mut populated = Vec::new();
    for point in &stream.points {
        if let PointValue::Histogram(histogram) = &point.value {
            populated.push(histogram.buckets.len());
            seen.extend(histogram.buckets.iter().map(|bucket| (bucket.bounds, &bucket.lower, &bucket.upper)));
        }
    }
    summary(stream.labels.clone(), HistogramKind::Native, &populated, seen.len())
}

struct ClassicBucket {
    le: f64,
    counts: BTreeMap<i64, f64>,
}

impl ClassicBucket {
    /// The histogram that a series belongs to, and its part of it.
    fn of(stream: &Stream) -> Option<(Labels, Self)> {
        let name = stream.labels.metric_name().strip_suffix("_bucket")?;
        let le = parse_float(stream.labels.get("le")?)?;
        let mut labels = stream.labels.to_builder();
        labels.set(METRIC_NAME, name).remove("le");
        let count = |point: &Point| (point.ts_ms, point.value.number());
        Some((labels.build(), Self { le, counts: stream.points.iter().map(count).collect() }))
    }
}

/// Scrapes that lack a bucket are left out: what is missing there is not known to be empty.
fn classic_use(labels: Labels, mut buckets: Vec<ClassicBucket>) -> Option<BucketUse> {
    buckets.sort_by(|a, b| a.le.total_cmp(&b.le));
    let mut populated = Vec::new();
    for ts_ms in buckets.first()?.counts.keys() {
        let counts: Option<Vec<f64>> = buckets.iter().map(|b| b.counts.get(ts_ms).copied()).collect();
        if let Some(counts) = counts {
            let below = std::iter::once(0.0).chain(counts.iter().copied());
            populated.push(counts.iter().zip(below).filter(|(count, below)| **count != *below).count());
        }
    }
    summary(labels, HistogramKind::Classic, &populated, buckets.len())
}

fn summary(labels: Labels, kind: HistogramKind, populated: &[usize], total: usize) -> Option<BucketUse> {
    let scrapes = populated.len();
    if scrapes < 2 {
        return None;
    }
    let (min, max) = (*populated.iter().min()?, *populated.iter().max()?);
    let avg = populated.iter().sum::<usize>() as f64 / scrapes as f64;
    Some(BucketUse { labels, kind, scrapes, min, avg, max, total })
}

/// The table for people.
pub(super) fn table(histograms: &[BucketUse], width: usize) -> String {
    if histograms.is_empty() {
        return "no histograms with two scrapes\n".to_owned();
    }
    let number_headings =
        ["SCRAPES", "MIN", "AVG", "MAX", "TOTAL"].map(|text| (text.to_owned(), Align::Right));
    let headings: Vec<_> = std::iter::once(("KIND".to_owned(), Align::Left)).chain(number_headings).collect();
    let cells = |h: &BucketUse| {
        let avg = short_number(h.avg);
        let numbers = [h.scrapes.to_string(), h.min.to_string(), avg, h.max.to_string(), h.total.to_string()];
        std::iter::once(h.kind.as_str().to_owned()).chain(numbers)
    };
    let values = Table::new(headings.clone(), histograms.iter().map(|h| cells(h).collect()));
    let room = width.saturating_sub(values.width() + 2);
    let labels = LabelColumns::new(histograms.iter().map(|h| &h.labels), room);

    let mut out = "Buckets with observations at each scrape, and buckets in total.\n".to_owned();
    out.extend([&labels.common(width), "\n"]);
    let all_headings = labels.headings().chain(headings).collect();
    let rows = labels.into_cells().into_iter().zip(histograms);
    Table::new(all_headings, rows.map(|(row, h)| row.into_iter().chain(cells(h)).collect())).write(&mut out);
    for kind in [HistogramKind::Classic, HistogramKind::Native] {
        let of_kind: Vec<&BucketUse> = histograms.iter().filter(|h| h.kind == kind).collect();
        if of_kind.len() > 1 {
            out.push('\n');
            overview(&of_kind, kind).write(&mut out);
        }
    }
    out
}

/// Minimum, mean and maximum over all histograms of a kind.
fn overview(histograms: &[&BucketUse], kind: HistogramKind) -> Table {
    let title = format!("all {} {} histograms", histograms.len(), kind.as_str());
    let headings = ["MIN", "AVG", "MAX"].map(|text| (text.to_owned(), Align::Right));
    let row = |name: &str, value: fn(&BucketUse) -> f64| {
        let values = || histograms.iter().map(|h| value(h));
        let (min, max) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
        let avg = values().sum::<f64>() / histograms.len() as f64;
        std::iter::once(name.to_owned()).chain([min, avg, max].map(short_number)).collect()
    };
    let rows = [
        row("min with observations", |h| h.min as f64),
        row("avg with observations", |h| h.avg),
        row("max with observations", |h| h.max as f64),
        row("in total", |h| h.total as f64),
    ];
    Table::new(std::iter::once((title, Align::Left)).chain(headings).collect(), rows)
}

/// The same for programs.
pub(super) fn to_json(histograms: &[BucketUse]) -> Value {
    let histogram = |h: &BucketUse| {
        let metric: serde_json::Map<String, Value> =
            h.labels.iter().map(|label| (label.name.to_owned(), label.value.into())).collect();
        json!({
            "metric": metric, "kind": h.kind.as_str(), "scrapes": h.scrapes,
            "populated": {"min": h.min, "avg": h.avg, "max": h.max}, "total": h.total,
        })
    };
    Value::Array(histograms.iter().map(histogram).collect())
}

/// One histogram a line: the populated buckets as `min/avg/max`, then the total if it is not that maximum.
pub(super) fn plain(histograms: &[BucketUse]) -> String {
    let mut out = String::new();
    for h in histograms {
        let total = if h.max == h.total { String::new() } else { format!("/{}", h.total) };
        let line = format!("- {} ({}): {}/{:.3}/{}{total}\n", h.labels, h.kind.as_str(), h.min, h.avg, h.max);
        out.push_str(&line);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::answer::{QueryResult, read_result};

    fn analysis(result: &Value) -> Analysis {
        let result = read_result(&json!({"resultType": "matrix", "result": result})).expect("understood");
        let QueryResult::Matrix(streams) = result else { panic!("no matrix") };
        analyze(&streams)
    }

    fn classic(instance: &str, buckets: &[(&str, &[u32])]) -> Vec<Value> {
        let series = |(le, counts): &(&str, &[u32])| {
            let values: Vec<Value> =
                counts.iter().enumerate().map(|(i, count)| json!([i, count.to_string()])).collect();
            json!({"metric": {"__name__": "h_bucket", "instance": instance, "le": le}, "values": values})
        };
        buckets.iter().map(series).collect()
    }

    #[test]
    fn classic_buckets_are_differences() {
        let found =
            analysis(&json!(classic("a", &[("+Inf", &[3, 5, 9]), ("1", &[3, 4, 4]), ("0.5", &[0, 4, 4])])));
        let [h] = found.histograms.as_slice() else { panic!("{found:?}") };
        assert_eq!(h.labels.to_string(), "h{instance=\"a\"}");
        // Of 0.5, 1 and +Inf: only 1, then 0.5 and +Inf twice.
        assert_eq!((h.kind, h.scrapes, h.min, h.max, h.total), (HistogramKind::Classic, 3, 1, 2, 3));
        assert!((h.avg - 5.0 / 3.0).abs() < 1e-12, "{}", h.avg);
        assert_eq!(plain(&found.histograms), "- h{instance=\"a\"} (classic): 1/1.667/2/3\n");
    }

    #[test]
    fn native_buckets_come_and_go() {
        let histogram = |buckets: &[&str]| {
            let buckets: Vec<Value> = buckets.iter().map(|upper| json!([0, "0", upper, "1"])).collect();
            json!({"count": "1", "sum": "1", "buckets": buckets})
        };
        let found = analysis(&json!([
            {"metric": {"__name__": "n"}, "histograms": [[1, histogram(&["1"])], [2, histogram(&["1", "2"])], [3, histogram(&["3"])]]},
            {"metric": {"__name__": "once"}, "histograms": [[1, histogram(&["1"])]]},
            {"metric": {"__name__": "up"}, "values": [[1, "1"], [2, "1"]]},
        ]));
        let [h] = found.histograms.as_slice() else { panic!("{found:?}") };
        assert_eq!((h.kind, h.scrapes, h.min, h.max, h.total), (HistogramKind::Native, 3, 1, 2, 3));
        assert_eq!((found.too_short, found.others), (1, 1));
    }

    #[test]
    fn scrapes_that_lack_a_bucket_are_left_out() {
        let found = analysis(&json!(classic("a", &[("1", &[1, 1, 2]), ("+Inf", &[1, 3])])));
        assert_eq!(found.histograms[0].scrapes, 2);
        let found = analysis(&json!(classic("a", &[("1", &[1, 1]), ("+Inf", &[1])])));
        assert_eq!((found.histograms.len(), found.too_short), (0, 1));
    }

    #[test]
    fn tables() {
        let mut series = classic("a", &[("1", &[1, 1]), ("+Inf", &[1, 1])]);
        series.extend(classic("b", &[("1", &[0, 1]), ("+Inf", &[0, 2])]));
        let found = analysis(&json!(series));
        assert_eq!(
            table(&found.histograms, 80),
            "Buckets with observations at each scrape, and buckets in total.\n\
             common: h\n\
             \n\
             instance  KIND     SCRAPES  MIN  AVG  MAX  TOTAL\n\
             a         classic        2    1    1    1      2\n\
             b         classic        2    0    1    2      2\n\
             \n\
             all 2 classic histograms  MIN  AVG  MAX\n\
             min with observations       0  0.5    1\n\
             avg with observations       1    1    1\n\
             max with observations       1  1.5    2\n\
             in total                    2    2    2\n"
        );
        assert_eq!(
            to_json(&found.histograms)[1],
            json!({"metric": {"__name__": "h", "instance": "b"}, "kind": "classic", "scrapes": 2,
                   "populated": {"min": 0, "avg": 1.0, "max": 2}, "total": 2})
        );
        assert_eq!(table(&[], 80), "no histograms with two scrapes\n");
    }
}
