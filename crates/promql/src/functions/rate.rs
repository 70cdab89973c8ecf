use std::sync::Arc;

use bellwether_model::{CounterResetHint, FloatHistogram, Value};

use super::extended_rate::extended_rate;
use super::notes::Notes;
use super::start_time::Pair;
use super::window::{Floats, Histograms, Window};
use crate::engine::HistogramOperation;
use crate::syntax::RangeMode;

/// What is computed from the difference between the last and the first sample of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// `delta`: of a gauge.
    Delta,
    /// `increase`: of a counter, resets accounted for.
    Increase,
    /// `rate`: the increase per second.
    Rate,
}

impl Change {
    pub(super) fn is_counter(self) -> bool {
        self != Self::Delta
    }
}

pub(super) fn delta(window: &Window<'_>, notes: &mut Notes<'_>) -> Option<Value> {
    change(window, Change::Delta, notes)
}

pub(super) fn increase(window: &Window<'_>, notes: &mut Notes<'_>) -> Option<Value> {
    change(window, Change::Increase, notes)
}

pub(super) fn rate(window: &Window<'_>, notes: &mut Notes<'_>) -> Option<Value> {
    change(window, Change::Rate, notes)
}

fn change(window: &Window<'_>, what: Change, notes: &mut Notes<'_>) -> Option<Value> {
    let (floats, histograms) = (window.floats, window.histograms);
    if !floats.is_empty() && !histograms.is_empty() {
        notes.mixed_floats_histograms();
        return None;
    }
    if window.mode != RangeMode::Plain {
        return extended_rate(window, what, notes);
    }
    if histograms.is_empty() {
        float_change(window, floats, what, notes)
    } else {
        histogram_change(window, histograms, what, notes)
    }
}

fn float_change(
    window: &Window<'_>,
    floats: Floats<'_>,
    what: Change,
    notes: &mut Notes<'_>,
) -> Option<Value> {
    let (first, last) = (*floats.vals.first()?, *floats.vals.last()?);
    let mut result = last - first;
    if what.is_counter() {
        for idx in 1..floats.len() {
            let pair = Pair {
                previous_start_ms: floats.start(idx - 1),
                previous_ms: floats.ts[idx - 1],
                start_ms: floats.start(idx),
                ms: floats.ts[idx],
            };
            if pair.overlaps() {
                notes.start_time_overlap();
            }
            if floats.vals[idx] < floats.vals[idx - 1] || pair.is_reset() {
                result += floats.vals[idx - 1];
            }
        }
    }
    let samples = Samples { ts: floats.ts, first_start_ms: floats.start(0) };
    if samples.starts_inside(window, what) {
        result += first;
    }
    // Where the counter would have been zero if it had always grown like this.
    let zero_share = (result > 0.0 && first >= 0.0).then(|| first / result);
    let factor = samples.extrapolation(window, what, zero_share)?;
    Some(Value::Float(result * factor))
}

fn histogram_change(
    window: &Window<'_>,
    histograms: Histograms<'_>,
    what: Change,
    notes: &mut Notes<'_>,
) -> Option<Value> {
    let first = histograms.vals.first()?;
    let samples = Samples { ts: histograms.ts, first_start_ms: histograms.start(0) };
    let mut result = if histograms.len() > 1 { Some(difference(histograms, what, notes)?) } else { None };
    if samples.starts_inside(window, what) {
        match &mut result {
            None => result = Some(FloatHistogram::clone(first)),
            Some(result) => notes.combined(result.add(first), HistogramOperation::Addition)?,
        }
    }
    let zero_share = match &result {
        Some(result) if result.count > 0.0 && first.count >= 0.0 => Some(first.count / result.count),
        _ => None,
    };
    let factor = samples.extrapolation(window, what, zero_share)?;
    let mut result = result?;
    result.scale(factor);
    Some(Value::Histogram(Arc::new(result)))
}

/// The difference between the last and the first histogram, for counters with what was lost by resets.
fn difference(histograms: Histograms<'_>, what: Change, notes: &mut Notes<'_>) -> Option<FloatHistogram> {
    use CounterResetHint::Gauge;

    let list = histograms.vals;
    let (first, last) = (&list[0], &list[list.len() - 1]);
    let pair = |idx: usize| Pair {
        previous_start_ms: histograms.start(idx - 1),
        previous_ms: histograms.ts[idx - 1],
        start_ms: histograms.start(idx),
        ms: histograms.ts[idx],
    };
    // A first histogram that was reset right away adds nothing, so that its layout must not disturb either.
    let reset_at_once = what.is_counter() && (pair(1).is_reset() || list[1].detect_reset(first));
    let start = if reset_at_once {
        Arc::new(FloatHistogram {
            schema: list[1].schema,
            custom_values: list[1].custom_values.clone(),
            ..FloatHistogram::default()
        })
    } else {
        Arc::clone(first)
    };
    let custom = start.uses_custom_buckets();
    let between = &list[1..list.len() - 1];
    let mut schema = last.schema.min(start.schema);
    if last.uses_custom_buckets() != custom {
        if what.is_counter() && (first.counter_reset_hint == Gauge || last.counter_reset_hint == Gauge) {
            notes.not_a_counter();
        }
        notes.mixed_exponential_custom();
        return None;
    }
    if what.is_counter() {
        if between.iter().any(|h| h.uses_custom_buckets() != custom) {
            notes.mixed_exponential_custom();
            return None;
        }
        if list.iter().any(|h| h.counter_reset_hint == Gauge) {
            notes.not_a_counter();
        }
        schema = between.iter().fold(schema, |schema, h| schema.min(h.schema));
    } else if first.counter_reset_hint != Gauge || last.counter_reset_hint != Gauge {
        notes.not_a_gauge();
    }
    let mut result = last.at_resolution(schema);
    // Contradicting reset hints are expected here: resets are looked for one by one.
    notes.combined(result.sub(&start), HistogramOperation::Subtraction)?;
    if what.is_counter() {
        let mut previous = &start;
        for (idx, h) in list.iter().enumerate().skip(1) {
            let pair = pair(idx);
            if pair.overlaps() {
                notes.start_time_overlap();
            }
            if pair.is_reset() || h.detect_reset(previous) {
                notes.combined(result.add(previous), HistogramOperation::Addition)?;
            }
            previous = h;
        }
    }
    result.counter_reset_hint = Gauge;
    result.compact(0);
    Some(result)
}

/// When the samples of a window were taken.
#[derive(Debug, Clone, Copy)]
struct Samples<'a> {
    ts: &'a [i64],
    /// When the counter started that the first sample belongs to; 0 if unknown.
    first_start_ms: i64,
}

impl Samples<'_> {
    /// Whether it is known that the counter started inside the window: then it was zero there, and nothing needs to be guessed.
    fn starts_inside(self, window: &Window<'_>, what: Change) -> bool {
        let start = self.first_start_ms;
        what.is_counter() && start != 0 && start > window.start_ms && start < self.ts[0]
    }

    /// By what to multiply the difference between the samples to get that between the edges of the window, or the rate; `None` if one sample is
    /// all there is.
    ///
    /// If the samples come close to an edge (within 110 % of their mean distance), the series is taken to go on up to the edge. Otherwise it is taken to start or end
    /// half a distance before the first or after the last sample. A counter is not extended to below zero: `zero_share` is the share of the difference that lies between zero
    /// and the first sample.
    fn extrapolation(self, window: &Window<'_>, what: Change, zero_share: Option<f64>) -> Option<f64> {
        let (first_ms, last_ms) = (self.ts[0], self.ts[self.ts.len() - 1]);
        let samples = Extrapolation {
            first_ms,
            last_ms,
            n: self.ts.len(),
            start_ms: window.start_ms,
            end_ms: window.end_ms,
        };
        if self.starts_inside(window, what) {
            return Some(samples.factor_from_start(what, self.first_start_ms));
        }
        (self.ts.len() > 1).then(|| samples.factor(what, zero_share))
    }
}

/// Where the samples of a window lie in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extrapolation {
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
    /// How many samples there are.
    pub(super) n: usize,
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
}

impl Extrapolation {
    /// By what to multiply the difference between the first and the last of at least two samples.
    #[inline(always)]
    pub(super) fn factor(self, what: Change, zero_share: Option<f64>) -> f64 {
        let mut to_start = seconds(self.first_ms - self.start_ms);
        let sampled = seconds(self.last_ms - self.first_ms);
        let distance = sampled / (self.n - 1) as f64;
        if to_start >= distance * 1.1 {
            to_start = distance / 2.0;
        }
        if what.is_counter()
            && let Some(share) = zero_share
        {
            let to_zero = sampled * share;
            if to_zero < to_start {
                to_start = to_zero;
            }
        }
        self.finish(what, sampled, to_start, distance)
    }

    /// As [`factor`](Self::factor), of a counter that is known to have started in the window at `counter_start_ms`.
    fn factor_from_start(self, what: Change, counter_start_ms: i64) -> f64 {
        let between = seconds(self.last_ms - self.first_ms);
        let distance = if self.n > 1 { between / (self.n - 1) as f64 } else { 0.0 };
        self.finish(what, seconds(self.last_ms - counter_start_ms), 0.0, distance)
    }

    #[inline(always)]
    fn finish(self, what: Change, sampled: f64, to_start: f64, distance: f64) -> f64 {
        let mut to_end = seconds(self.end_ms - self.last_ms);
        if to_end >= distance * 1.1 {
            to_end = distance / 2.0;
        }
        let mut factor = if sampled == 0.0 { 1.0 } else { (sampled + to_start + to_end) / sampled };
        if what == Change::Rate {
            factor /= seconds(self.end_ms - self.start_ms);
        }
        factor
    }
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}
