use std::sync::Arc;

use bellwether_model::{CounterResetHint, FloatHistogram, Value};

use super::anchor::{Mixed, MixedSample, in_time_order};
use super::notes::Notes;
use super::start_time::Pair;
use super::window::Window;
use crate::engine::HistogramOperation;

pub(super) fn irate(window: &Window<'_>, notes: &mut Notes<'_>) -> Option<Value> {
    of_last_two(window, true, notes)
}

pub(super) fn idelta(window: &Window<'_>, notes: &mut Notes<'_>) -> Option<Value> {
    of_last_two(window, false, notes)
}

fn of_last_two(window: &Window<'_>, is_rate: bool, notes: &mut Notes<'_>) -> Option<Value> {
    // The last two samples are among the last two of each kind.
    let floats = window.floats.skip(window.floats.len().saturating_sub(2));
    let histograms = window.histograms.skip(window.histograms.len().saturating_sub(2));
    let (previous, last) = in_time_order(floats, histograms)
        .fold((None, None), |(_, last): (Option<MixedSample<'_>>, _), now| (last, Some(now)));
    let (previous, last) = (previous?, last?);
    let elapsed_ms = last.ts_ms - previous.ts_ms;
    if elapsed_ms == 0 {
        return None;
    }
    let elapsed = elapsed_ms as f64 / 1000.0;
    let restarted = Pair {
        previous_start_ms: previous.start_ms,
        previous_ms: previous.ts_ms,
        start_ms: last.start_ms,
        ms: last.ts_ms,
    }
    .is_reset();
    match (previous.value, last.value) {
        (Mixed::Float(a), Mixed::Float(b)) => {
            // After a reset the counter has grown from zero.
            let change = if is_rate && (b < a || restarted) { b } else { b - a };
            Some(Value::Float(if is_rate { change / elapsed } else { change }))
        }
        (Mixed::Histogram(a), Mixed::Histogram(b)) => {
            let gauges = [a, b].map(|h| h.counter_reset_hint == CounterResetHint::Gauge);
            if is_rate && gauges != [false, false] {
                notes.not_a_counter();
            }
            if !is_rate && gauges != [true, true] {
                notes.not_a_gauge();
            }
            let mut change: FloatHistogram = b.clone();
            if !is_rate || !(restarted || b.detect_reset(a)) {
                notes.combined(change.sub(a), HistogramOperation::Subtraction)?;
            }
            change.counter_reset_hint = CounterResetHint::Gauge;
            change.compact(0);
            if is_rate {
                change.divide(elapsed);
            }
            Some(Value::Histogram(Arc::new(change)))
        }
        _ => {
            notes.mixed_floats_histograms();
            None
        }
    }
}
