use std::collections::BTreeMap;

use serde_json::Value;

use super::grammar::Order;

/// How far values may be from each other, relative to the greater one. Sums are added up in different orders.
pub(crate) const TOLERANCE: f64 = 1e-9;

/// A time in milliseconds and a value.
type Point = (i64, f64);

/// What a server answers to a query. Series go by their labels, written as JSON in the order of the names.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    Failure { kind: String, text: String },
    Text(String),
    Scalar(Point),
    Vector(Vec<(String, Point)>),
    Matrix(Vec<(String, Vec<Point>)>),
}

impl Answer {
    pub(crate) fn read(body: &str) -> Self {
        let json: Value = serde_json::from_str(body).unwrap_or_else(|e| panic!("{e}: {body}"));
        if json["status"] == "error" {
            let text = |key: &str| json[key].as_str().unwrap_or_default().to_owned();
            return Self::Failure { kind: text("errorType"), text: text("error") };
        }
        let result = &json["data"]["result"];
        let series = |value: fn(&Value) -> Vec<Point>| -> Vec<(String, Vec<Point>)> {
            let all = result.as_array().unwrap_or_else(|| panic!("no list: {body}"));
            all.iter().map(|series| (series["metric"].to_string(), value(series))).collect()
        };
        match json["data"]["resultType"].as_str() {
            Some("string") => Self::Text(result[1].as_str().unwrap_or_default().to_owned()),
            Some("scalar") => Self::Scalar(point(result)),
            Some("vector") => {
                let first = |(labels, points): (String, Vec<Point>)| (labels, points[0]);
                Self::Vector(series(|series| vec![point(&series["value"])]).into_iter().map(first).collect())
            }
            Some("matrix") => {
                let points =
                    |series: &Value| series["values"].as_array().into_iter().flatten().map(point).collect();
                Self::Matrix(series(points))
            }
            _ => panic!("no type: {body}"),
        }
    }

    /// Whether there is something in it.
    pub(crate) fn finds_something(&self) -> bool {
        match self {
            Self::Failure { .. } => false,
            Self::Text(_) | Self::Scalar(_) => true,
            Self::Vector(series) => !series.is_empty(),
            Self::Matrix(series) => !series.is_empty(),
        }
    }
}

fn point(json: &Value) -> Point {
    let ts_ms = json[0].as_f64().map(|seconds| (seconds * 1000.0).round() as i64);
    let value = json[1].as_str().and_then(|v| match v {
        "+Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        v => v.parse().ok(),
    });
    ts_ms.zip(value).unwrap_or_else(|| panic!("no point: {json}"))
}

/// What is different between the answer of the reference and ours, if anything is.
pub(crate) fn difference(theirs: &Answer, ours: &Answer, order: Order) -> Option<String> {
    difference_by(theirs, ours, order, is_near)
}

/// As [`difference`], with another idea of which values, theirs and ours, are equal.
pub(crate) fn difference_by(
    theirs: &Answer,
    ours: &Answer,
    order: Order,
    same: fn(f64, f64) -> bool,
) -> Option<String> {
    match (theirs, ours) {
        (Answer::Failure { kind, text }, Answer::Failure { kind: our_kind, text: our_text }) => {
            (kind != our_kind || text != our_text).then(|| "other error".to_owned())
        }
        (Answer::Failure { .. }, _) => Some("only the reference fails".to_owned()),
        (_, Answer::Failure { .. }) => Some("only we fail".to_owned()),
        (Answer::Text(theirs), Answer::Text(ours)) => (theirs != ours).then(|| "other text".to_owned()),
        (Answer::Scalar(theirs), Answer::Scalar(ours)) => points(&[*theirs], &[*ours], same),
        (Answer::Vector(theirs), Answer::Vector(ours)) => {
            if order != Order::None {
                let values = |all: &[(String, Point)]| all.iter().map(|(_, p)| *p).collect::<Vec<_>>();
                // Two groups may follow each other in any order.
                let ordered = order == Order::ByValue;
                let (mut a, mut b) = (values(theirs), values(ours));
                if !ordered {
                    a.sort_by(|a, b| a.1.total_cmp(&b.1));
                    b.sort_by(|a, b| a.1.total_cmp(&b.1));
                }
                if let Some(what) = points(&a, &b, same) {
                    return Some(format!("by value: {what}"));
                }
                if order == Order::Chosen {
                    return None;
                }
            }
            let listed = |all: &[(String, Point)]| {
                all.iter().map(|(labels, p)| (labels.clone(), vec![*p])).collect::<Vec<_>>()
            };
            series(&listed(theirs), &listed(ours), same)
        }
        (Answer::Matrix(theirs), Answer::Matrix(ours)) if order == Order::Chosen => {
            points(&by_time(theirs), &by_time(ours), same)
        }
        (Answer::Matrix(theirs), Answer::Matrix(ours)) => series(theirs, ours, same),
        _ => Some("other type".to_owned()),
    }
}

/// All points, whatever their series: by time, at one time by value.
fn by_time(series: &[(String, Vec<Point>)]) -> Vec<Point> {
    let mut all: Vec<Point> = series.iter().flat_map(|(_, points)| points).copied().collect();
    all.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    all
}

fn series(
    theirs: &[(String, Vec<Point>)],
    ours: &[(String, Vec<Point>)],
    same: fn(f64, f64) -> bool,
) -> Option<String> {
    let their_map: BTreeMap<&str, &[Point]> =
        theirs.iter().map(|(l, p)| (l.as_str(), p.as_slice())).collect();
    let our_map: BTreeMap<&str, &[Point]> = ours.iter().map(|(l, p)| (l.as_str(), p.as_slice())).collect();
    if our_map.len() != ours.len() {
        return Some("a series comes twice".to_owned());
    }
    if let Some(labels) = their_map.keys().find(|labels| !our_map.contains_key(*labels)) {
        return Some(format!("we miss {labels}"));
    }
    if let Some(labels) = our_map.keys().find(|labels| !their_map.contains_key(*labels)) {
        return Some(format!("we have {labels} too many"));
    }
    their_map.iter().find_map(|(labels, theirs)| {
        points(theirs, our_map[labels], same).map(|what| format!("{labels}: {what}"))
    })
}

fn points(theirs: &[Point], ours: &[Point], same: fn(f64, f64) -> bool) -> Option<String> {
    if theirs.len() != ours.len() {
        return Some(format!("{} points, we have {}", theirs.len(), ours.len()));
    }
    theirs.iter().zip(ours).find_map(|(theirs, ours)| {
        (theirs.0 != ours.0 || !same(theirs.1, ours.1)).then(|| format!("{theirs:?}, we have {ours:?}"))
    })
}

/// Whether two values are equal but for floating-point noise.
pub(crate) fn is_near(a: f64, b: f64) -> bool {
    is_within(TOLERANCE, a, b)
}

/// Whether two values are equal but for a part of the greater one.
pub(crate) fn is_within(tolerance: f64, a: f64, b: f64) -> bool {
    let scale = a.abs().max(b.abs());
    a == b || a.is_nan() && b.is_nan() || scale.is_finite() && (a - b).abs() <= tolerance * scale
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(series: &[(&str, f64)]) -> Answer {
        Answer::Vector(series.iter().map(|(labels, v)| ((*labels).to_owned(), (0, *v))).collect())
    }

    #[test]
    fn differences_are_seen() {
        let is_different = |a: &Answer, b: &Answer, order| difference(a, b, order).is_some();
        let (ab, ba) = (vector(&[("a", 1.0), ("b", 2.0)]), vector(&[("b", 2.0), ("a", 1.0)]));
        assert!(!is_different(&ab, &ba, Order::None));
        assert!(is_different(&ab, &ba, Order::ByValue));
        assert!(is_different(&ab, &vector(&[("a", 1.0)]), Order::None));
        assert!(is_different(&vector(&[("a", 1.0)]), &ab, Order::None));
        assert!(is_different(&vector(&[("a", 1.0)]), &vector(&[("a", 1.000_001)]), Order::None));
        assert!(!is_different(&vector(&[("a", f64::NAN)]), &vector(&[("a", f64::NAN)]), Order::None));
        assert!(!is_different(&vector(&[("a", 1.0)]), &vector(&[("b", 1.0)]), Order::Chosen));
        assert!(is_different(&vector(&[("a", f64::INFINITY)]), &vector(&[("a", 1.0)]), Order::Chosen));
    }
}
