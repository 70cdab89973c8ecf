//! What a server answers, as far as it is shown to people.

use anyhow::{Context as _, bail};
use bellwether_model::{Labels, parse_float};
use serde_json::Value;

/// The result of a query.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum QueryResult {
    /// One sample per series.
    Vector(Vec<Stream>),
    /// Many samples per series.
    Matrix(Vec<Stream>),
    /// A number.
    Scalar(Point),
    /// A text.
    Text { ts_ms: i64, text: String },
}

/// A series with its samples, the oldest first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stream {
    pub(super) labels: Labels,
    pub(super) points: Vec<Point>,
}

/// A value and its time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    pub(super) ts_ms: i64,
    pub(super) value: PointValue,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum PointValue {
    /// A number, and how the server spelled it.
    Float { value: f64, text: String },
    /// A native histogram.
    Histogram(HistogramPoint),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct HistogramPoint {
    pub(super) count: String,
    pub(super) sum: String,
    pub(super) buckets: Vec<HistogramBucket>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct HistogramBucket {
    /// Which bounds belong to the bucket: 0 the upper, 1 the lower, 2 none, 3 both.
    pub(super) bounds: u64,
    pub(super) lower: String,
    pub(super) upper: String,
    pub(super) count: String,
}

impl PointValue {
    /// The number, or how many observations a histogram has.
    pub(super) fn number(&self) -> f64 {
        match self {
            Self::Float { value, .. } => *value,
            Self::Histogram(histogram) => parse_float(&histogram.count).unwrap_or(f64::NAN),
        }
    }
}

impl HistogramBucket {
    /// The bucket as an interval: `(0.5,1]`.
    pub(super) fn interval(&self) -> String {
        let (open, close) = match self.bounds {
            0 => ('(', ']'),
            1 => ('[', ')'),
            2 => ('(', ')'),
            _ => ('[', ']'),
        };
        format!("{open}{},{}{close}", self.lower, self.upper)
    }
}

/// Reads the `data` of an answer to a query.
pub(super) fn read_result(data: &Value) -> anyhow::Result<QueryResult> {
    let result = &data["result"];
    match data["resultType"].as_str() {
        Some("vector") => Ok(QueryResult::Vector(streams(result)?)),
        Some("matrix") => Ok(QueryResult::Matrix(streams(result)?)),
        Some("scalar") => Ok(QueryResult::Scalar(float_point(result).context("a scalar without value")?)),
        Some("string") => {
            let (ts_ms, text) = (time(&result[0]), result[1].as_str());
            let text = text.context("a string without text")?.to_owned();
            Ok(QueryResult::Text { ts_ms: ts_ms.context("a string without time")?, text })
        }
        other => bail!("the answer has a result type that is not known: {other:?}"),
    }
}

/// The labels of one series of an answer.
pub(super) fn labels(metric: &Value) -> Labels {
    let pairs = metric.as_object().into_iter().flatten();
    Labels::from_pairs(pairs.map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default())))
}

fn streams(result: &Value) -> anyhow::Result<Vec<Stream>> {
    let series = result.as_array().context("the answer has no list of series")?;
    series.iter().map(stream).collect()
}

fn stream(series: &Value) -> anyhow::Result<Stream> {
    let many = |field: &str| series[field].as_array().map_or(&[][..], Vec::as_slice);
    let one = |field: &str| series.get(field).map_or(&[][..], std::slice::from_ref);
    let floats = many("values").iter().chain(one("value")).map(float_point);
    let histograms = many("histograms").iter().chain(one("histogram")).map(histogram_point);
    let points: Option<Vec<Point>> = floats.chain(histograms).collect();
    let mut points = points.context("the answer has a sample that is not understood")?;
    points.sort_by_key(|point| point.ts_ms);
    Ok(Stream { labels: labels(&series["metric"]), points })
}

fn float_point(pair: &Value) -> Option<Point> {
    let text = pair[1].as_str()?.to_owned();
    Some(Point { ts_ms: time(&pair[0])?, value: PointValue::Float { value: parse_float(&text)?, text } })
}

fn histogram_point(pair: &Value) -> Option<Point> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let buckets = pair[1]["buckets"].as_array().map_or(&[][..], Vec::as_slice);
    let bucket = |bucket: &Value| {
        Some(HistogramBucket {
            bounds: bucket[0].as_u64()?,
            lower: text(&bucket[1])?,
            upper: text(&bucket[2])?,
            count: text(&bucket[3])?,
        })
    };
    let histogram = HistogramPoint {
        count: text(&pair[1]["count"])?,
        sum: text(&pair[1]["sum"])?,
        buckets: buckets.iter().map(bucket).collect::<Option<_>>()?,
    };
    Some(Point { ts_ms: time(&pair[0])?, value: PointValue::Histogram(histogram) })
}

fn time(seconds: &Value) -> Option<i64> {
    Some((seconds.as_f64()? * 1000.0).round() as i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_kinds_of_results() {
        let float = |ts_ms, value, text: &str| Point {
            ts_ms,
            value: PointValue::Float { value, text: text.to_owned() },
        };
        let check = |data: Value, want| assert_eq!(read_result(&data).expect("understood"), want);
        check(
            json!({"resultType": "scalar", "result": [1.5, "+Inf"]}),
            QueryResult::Scalar(float(1500, f64::INFINITY, "+Inf")),
        );
        check(
            json!({"resultType": "string", "result": [1, "x"]}),
            QueryResult::Text { ts_ms: 1000, text: "x".to_owned() },
        );
        check(
            json!({"resultType": "vector", "result": [{"metric": {"a": "b"}, "value": [1, "2"]}]}),
            QueryResult::Vector(vec![Stream {
                labels: Labels::from_pairs([("a", "b")]),
                points: vec![float(1000, 2.0, "2")],
            }]),
        );
        let histogram = json!({"count": "3", "sum": "1.5", "buckets": [[0, "0.5", "1", "3"]]});
        let data = json!({"resultType": "matrix", "result": [
            {"metric": {}, "values": [[2, "1"]], "histograms": [[1, histogram]]},
        ]});
        let QueryResult::Matrix(streams) = read_result(&data).expect("understood") else {
            panic!("no matrix")
        };
        let numbers: Vec<(i64, f64)> =
            streams[0].points.iter().map(|p| (p.ts_ms, p.value.number())).collect();
        assert_eq!(numbers, [(1000, 3.0), (2000, 1.0)]);
        let PointValue::Histogram(histogram) = &streams[0].points[0].value else { panic!("no histogram") };
        assert_eq!(histogram.buckets[0].interval(), "(0.5,1]");
    }

    #[test]
    fn what_is_no_result_is_refused() {
        for data in [
            json!({}),
            json!({"resultType": "cube", "result": []}),
            json!({"resultType": "vector", "result": {}}),
            json!({"resultType": "vector", "result": [{"metric": {}, "value": [1, 2]}]}),
            json!({"resultType": "matrix", "result": [{"metric": {}, "histograms": [[1, {}]]}]}),
            json!({"resultType": "scalar", "result": null}),
        ] {
            assert!(read_result(&data).is_err(), "{data}");
        }
    }
}
