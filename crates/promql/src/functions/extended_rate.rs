//! `delta`, `increase` and `rate` of `anchored` and `smoothed` range selectors: the values at the edges of the window are taken from samples
//! outside of it, and nothing is extrapolated.

use std::sync::Arc;

use bellwether_model::histogram::{AddOutcome, HistogramError};
use bellwether_model::{CounterResetHint, FloatHistogram, Value};

use super::notes::Notes;
use super::rate::Change;
use super::window::{Floats, Histograms, Window};
use crate::engine::HistogramOperation;
use crate::syntax::RangeMode;

pub(super) fn extended_rate(window: &Window<'_>, what: Change, notes: &mut Notes<'_>) -> Option<Value> {
    if window.histograms.is_empty() {
        float_change(window, window.floats, what).map(Value::Float)
    } else {
        histogram_change(window, window.histograms, what, notes).map(|h| Value::Histogram(Arc::new(h)))
    }
}

/// The samples that matter: the last one at or before the left edge, or else the first one, up to the last one in the window or, smoothed, the first one at
/// or behind the right edge. `None` if the window is not touched.
fn bounds(ts: &[i64], window: &Window<'_>) -> Option<(usize, usize)> {
    let smoothed = window.mode == RangeMode::Smoothed;
    let end = ts.len().checked_sub(1)?;
    let first = ts[..end].partition_point(|t| *t <= window.start_ms).saturating_sub(1);
    let last = if smoothed { ts[..end].partition_point(|t| *t < window.end_ms) } else { end };
    if ts[last] <= window.start_ms || (smoothed && ts[first] > window.end_ms) {
        return None;
    }
    Some((first, last))
}

fn float_change(window: &Window<'_>, floats: Floats<'_>, what: Change) -> Option<f64> {
    let (mut first, last) = bounds(floats.ts, window)?;
    let smoothed = window.mode == RangeMode::Smoothed;
    let between = |idx: usize, at_ms: i64| {
        let (t1, t2) = (floats.ts[idx], floats.ts[idx + 1]);
        let (mut from, to) = (floats.vals[idx], floats.vals[idx + 1]);
        if what.is_counter() && to < from {
            // The counter started again from zero in between.
            from = 0.0;
        }
        from + (to - from) * (at_ms - t1) as f64 / (t2 - t1) as f64
    };
    let left = if smoothed && floats.ts[first] < window.start_ms {
        between(first, window.start_ms)
    } else {
        floats.vals[first]
    };
    let right = if smoothed && last > 0 && floats.ts[last] > window.end_ms {
        between(last - 1, window.end_ms)
    } else {
        floats.vals[last]
    };
    let mut result = right - left;
    if what.is_counter() {
        // What happens at the edges is in `left` and `right` already.
        if floats.ts[first] <= window.start_ms {
            first += 1;
        }
        let end = if floats.ts[last] >= window.end_ms { last } else { last + 1 };
        let mut previous = left;
        for v in floats.vals.get(first..end).unwrap_or(&[]).iter().chain([&right]) {
            if *v < previous {
                result += previous;
            }
            previous = *v;
        }
    }
    Some(if what == Change::Rate { result / window.seconds() } else { result })
}

fn histogram_change(
    window: &Window<'_>,
    histograms: Histograms<'_>,
    what: Change,
    notes: &mut Notes<'_>,
) -> Option<FloatHistogram> {
    use CounterResetHint::Gauge;

    let (first, last) = bounds(histograms.ts, window)?;
    let (ts, list) = (histograms.ts, histograms.vals);
    let smoothed = window.mode == RangeMode::Smoothed;
    let custom = list[first].uses_custom_buckets();
    for h in &list[first..=last] {
        if h.uses_custom_buckets() != custom {
            notes.mixed_exponential_custom();
            return None;
        }
        if what.is_counter() && h.counter_reset_hint == Gauge {
            notes.not_a_counter();
        }
    }
    let mut between = |idx: usize, at_ms: i64| {
        let (from, to) = ((ts[idx], &*list[idx]), (ts[idx + 1], &*list[idx + 1]));
        let note = |operation, outcome: &AddOutcome| {
            if outcome.bounds_reconciled {
                notes.bounds_reconciled(operation);
            }
        };
        let result = interpolate_histograms(from, to, at_ms, what.is_counter(), note);
        if result.is_err() {
            notes.mixed_exponential_custom();
        }
        result.ok()
    };
    let left = if smoothed && ts[first] < window.start_ms {
        between(first, window.start_ms)?
    } else {
        FloatHistogram::clone(&list[first])
    };
    let right = if smoothed && last > 0 && ts[last] > window.end_ms {
        between(last - 1, window.end_ms)?
    } else {
        FloatHistogram::clone(&list[last])
    };
    if !what.is_counter() && (left.counter_reset_hint != Gauge || right.counter_reset_hint != Gauge) {
        notes.not_a_gauge();
    }
    let mut result = right.clone();
    notes.combined(result.sub(&left), HistogramOperation::Subtraction)?;
    if what.is_counter() {
        for lost in lost_by_resets(window, histograms, (first, last), (&left, &right)) {
            notes.combined(result.add(lost), HistogramOperation::Addition)?;
        }
    }
    if what == Change::Rate {
        result.divide(window.seconds());
    }
    result.counter_reset_hint = Gauge;
    result.compact(0);
    Some(result)
}

/// The histograms after which a counter was reset, between the values at the edges.
fn lost_by_resets<'a>(
    window: &Window<'_>,
    histograms: Histograms<'a>,
    (first, last): (usize, usize),
    (left, right): (&'a FloatHistogram, &'a FloatHistogram),
) -> Vec<&'a FloatHistogram> {
    let list = histograms.vals;
    // The first sample is represented by `left`, the last one by `right`.
    let (mut next, mut previous) = (first + 1, left);
    if window.mode == RangeMode::Smoothed
        && histograms.ts[first] < window.start_ms
        && let Some(second) = list.get(first + 1)
        && second.detect_reset(&list[first])
    {
        // The reset behind the first sample went into `left` already.
        previous = second;
        next += 1;
    }
    let mut lost = Vec::new();
    if next > last {
        return lost;
    }
    for now in list[next..last].iter().map(|h| &**h).chain([right]) {
        if now.detect_reset(previous) {
            lost.push(previous);
        }
        previous = now;
    }
    lost
}

/// The histogram on the line between two histograms, given with their times. `note` is told what had to be reconciled on the way.
///
/// A counter that was reset in between started again from zero.
pub(crate) fn interpolate_histograms(
    (from_ms, from): (i64, &FloatHistogram),
    (to_ms, to): (i64, &FloatHistogram),
    at_ms: i64,
    is_counter: bool,
    mut note: impl FnMut(HistogramOperation, &AddOutcome),
) -> Result<FloatHistogram, HistogramError> {
    if at_ms == from_ms {
        return Ok(from.clone());
    }
    if at_ms == to_ms {
        return Ok(to.clone());
    }
    if from.uses_custom_buckets() != to.uses_custom_buckets() {
        return Err(HistogramError::IncompatibleSchema);
    }
    let fraction = (at_ms - from_ms) as f64 / (to_ms - from_ms) as f64;
    let mut result = to.clone();
    if is_counter && to.detect_reset(from) {
        result.scale(fraction);
        return Ok(result);
    }
    note(HistogramOperation::Subtraction, &result.sub(from)?);
    result.scale(fraction);
    note(HistogramOperation::Addition, &result.add(from)?);
    Ok(result)
}
