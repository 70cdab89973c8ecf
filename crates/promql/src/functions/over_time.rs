//! Functions that only look at which samples there are, or at the first or last one.

use std::sync::Arc;

use bellwether_model::Value;

use super::notes::Notes;
use super::window::Window;

#[expect(clippy::unnecessary_wraps, reason = "all functions of a window have one shape")]
pub(super) fn count_over_time(window: &Window<'_>, _: &mut Notes<'_>) -> Option<Value> {
    Some(Value::Float((window.floats.len() + window.histograms.len()) as f64))
}

#[expect(clippy::unnecessary_wraps, reason = "all functions of a window have one shape")]
pub(super) fn present_over_time(_: &Window<'_>, _: &mut Notes<'_>) -> Option<Value> {
    Some(Value::Float(1.0))
}

pub(super) fn first_over_time(window: &Window<'_>, _: &mut Notes<'_>) -> Option<Value> {
    first(window).map(|(_, value)| value)
}

pub(super) fn last_over_time(window: &Window<'_>, _: &mut Notes<'_>) -> Option<Value> {
    last(window).map(|(_, value)| value)
}

pub(super) fn ts_of_first_over_time(window: &Window<'_>, _: &mut Notes<'_>) -> Option<Value> {
    first(window).map(|(ts_ms, _)| Value::Float(ts_ms as f64 / 1000.0))
}

pub(super) fn ts_of_last_over_time(window: &Window<'_>, _: &mut Notes<'_>) -> Option<Value> {
    last(window).map(|(ts_ms, _)| Value::Float(ts_ms as f64 / 1000.0))
}

fn first(window: &Window<'_>) -> Option<(i64, Value)> {
    let float = window.floats.iter().next();
    let histogram = window.histograms.iter().next();
    pick(float, histogram, |float, histogram| float < histogram)
}

fn last(window: &Window<'_>) -> Option<(i64, Value)> {
    let float = window.floats.ts.last().copied().zip(window.floats.vals.last().copied());
    let histogram = window.histograms.ts.last().copied().zip(window.histograms.vals.last());
    pick(float, histogram, |float, histogram| float > histogram)
}

fn pick(
    float: Option<(i64, f64)>,
    histogram: Option<(i64, &Arc<bellwether_model::FloatHistogram>)>,
    prefer_float: fn(i64, i64) -> bool,
) -> Option<(i64, Value)> {
    match (float, histogram) {
        (Some((ts, _)), Some((h_ts, h))) if !prefer_float(ts, h_ts) => {
            Some((h_ts, Value::Histogram(Arc::clone(h))))
        }
        (Some((ts, v)), _) => Some((ts, Value::Float(v))),
        (None, histogram) => histogram.map(|(ts, h)| (ts, Value::Histogram(Arc::clone(h)))),
    }
}
