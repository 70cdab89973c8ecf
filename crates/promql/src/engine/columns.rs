use std::sync::Arc;

use bellwether_model::{ColumnBuffer, CounterResetHint, FloatHistogram, is_stale_nan};

use super::block::{Row, Sample};
use super::grid::Grid;
use crate::functions::{Floats, Histograms};

/// The samples of one series without staleness markers, floats and histograms apart.
#[derive(Debug, Default)]
pub(crate) struct SeriesColumns {
    float_ts: Vec<i64>,
    floats: Vec<f64>,
    float_start_ts: Vec<i64>,
    histogram_ts: Vec<i64>,
    histograms: Vec<Arc<FloatHistogram>>,
    histogram_start_ts: Vec<i64>,
    /// The weight of all histograms before each, and of all of them at the end.
    histogram_weights: Vec<usize>,
}

impl SeriesColumns {
    /// Takes the samples out of `buf`. Start timestamps are taken only if they shall be used.
    pub(crate) fn load(&mut self, buf: &mut ColumnBuffer, use_start_timestamps: bool) {
        self.clear();
        if !use_start_timestamps {
            buf.start_ts.clear();
        }
        if buf.hists.is_empty() && !buf.vals.iter().any(|v| is_stale_nan(*v)) {
            // The common case: nothing but floats. Both sides keep memory of the same size.
            std::mem::swap(&mut self.float_ts, &mut buf.ts);
            std::mem::swap(&mut self.floats, &mut buf.vals);
            std::mem::swap(&mut self.float_start_ts, &mut buf.start_ts);
            return;
        }
        for idx in 0..buf.len() {
            let start_ts = buf.start_ts.get(idx).copied();
            match buf.hists.get_mut(idx).and_then(Option::take) {
                Some(h) if h.is_stale() => {}
                Some(h) => self.push_histogram(buf.ts[idx], start_ts, h),
                None if is_stale_nan(buf.vals[idx]) => {}
                None => self.push_float(buf.ts[idx], start_ts, buf.vals[idx]),
            }
        }
        self.weigh();
    }

    /// Takes the results of a subquery as samples.
    ///
    /// What a histogram says about a reset refers to the sample before it in the store, which may not be among the results, or several times. So it is
    /// forgotten, and resets are found by comparing, as for floats.
    pub(crate) fn load_row(&mut self, row: Row<'_>, grid: Grid) {
        self.clear();
        for (step, sample) in row.samples() {
            match sample {
                Sample::Float(v) => self.push_float(grid.ts_ms(step), None, v),
                Sample::Histogram(h) => {
                    let h = match h.counter_reset_hint {
                        CounterResetHint::Unknown | CounterResetHint::Gauge => Arc::clone(h),
                        CounterResetHint::Reset | CounterResetHint::NotReset => Arc::new(FloatHistogram {
                            counter_reset_hint: CounterResetHint::Unknown,
                            ..FloatHistogram::clone(h)
                        }),
                    };
                    self.push_histogram(grid.ts_ms(step), None, h);
                }
            }
        }
        self.weigh();
    }

    /// Times and values, if there is nothing else to know about the series.
    pub(crate) fn only_floats(&self) -> Option<(&[i64], &[f64])> {
        (self.histograms.is_empty() && self.float_start_ts.is_empty())
            .then_some((&self.float_ts, &self.floats))
    }

    fn floats_in(&self, from: usize, to: usize) -> Floats<'_> {
        Floats {
            ts: &self.float_ts[from..to],
            vals: &self.floats[from..to],
            start_ts: self.float_start_ts.get(from..to).unwrap_or(&[]),
        }
    }

    fn histograms_in(&self, from: usize, to: usize) -> Histograms<'_> {
        Histograms {
            ts: &self.histogram_ts[from..to],
            vals: &self.histograms[from..to],
            start_ts: self.histogram_start_ts.get(from..to).unwrap_or(&[]),
        }
    }

    fn clear(&mut self) {
        self.float_ts.clear();
        self.floats.clear();
        self.float_start_ts.clear();
        self.histogram_ts.clear();
        self.histograms.clear();
        self.histogram_start_ts.clear();
        self.histogram_weights.clear();
    }

    fn push_float(&mut self, ts_ms: i64, start_ts: Option<i64>, v: f64) {
        self.float_ts.push(ts_ms);
        self.floats.push(v);
        self.float_start_ts.extend(start_ts);
    }

    fn push_histogram(&mut self, ts_ms: i64, start_ts: Option<i64>, h: Arc<FloatHistogram>) {
        self.histogram_ts.push(ts_ms);
        self.histograms.push(h);
        self.histogram_start_ts.extend(start_ts);
    }

    fn weigh(&mut self) {
        let mut total = 0;
        self.histogram_weights.push(0);
        for h in &self.histograms {
            total += h.sample_weight();
            self.histogram_weights.push(total);
        }
    }
}

/// A window that moves over the columns of a series, forwards only.
#[derive(Debug, Default)]
pub(crate) struct WindowCursor {
    floats: Bounds,
    histograms: Bounds,
}

/// What lies in a window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InWindow<'a> {
    pub(crate) floats: Floats<'a>,
    pub(crate) histograms: Histograms<'a>,
    /// How much the samples weigh when samples are counted.
    pub(crate) weight: usize,
}

impl WindowCursor {
    /// The samples after `after_ms` up to `until_ms`; neither may be before what it was the last time.
    pub(crate) fn advance<'a>(
        &mut self,
        columns: &'a SeriesColumns,
        after_ms: i64,
        until_ms: i64,
    ) -> InWindow<'a> {
        self.floats.advance(&columns.float_ts, after_ms, until_ms);
        self.histograms.advance(&columns.histogram_ts, after_ms, until_ms);
        let (floats, histograms) = (self.floats, self.histograms);
        let weights = &columns.histogram_weights;
        let histogram_weight = match (weights.get(histograms.from), weights.get(histograms.to)) {
            (Some(before), Some(until)) => until - before,
            _ => 0,
        };
        InWindow {
            floats: columns.floats_in(floats.from, floats.to),
            histograms: columns.histograms_in(histograms.from, histograms.to),
            weight: floats.to - floats.from + histogram_weight,
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Bounds {
    from: usize,
    to: usize,
}

impl Bounds {
    fn advance(&mut self, ts: &[i64], after_ms: i64, until_ms: i64) {
        while ts.get(self.to).is_some_and(|t| *t <= until_ms) {
            self.to += 1;
        }
        while self.from < self.to && ts[self.from] <= after_ms {
            self.from += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use bellwether_model::stale_nan;

    use super::*;

    #[test]
    fn takes_kinds_apart_and_drops_markers() {
        let mut buf = ColumnBuffer::default();
        buf.push_float(1, 0, 1.0);
        buf.push_histogram(2, 1, Arc::default());
        buf.push_float(3, 0, stale_nan());
        buf.push_histogram(4, 0, Arc::new(FloatHistogram { sum: stale_nan(), ..FloatHistogram::default() }));
        buf.push_float(5, 2, f64::NAN);
        let mut columns = SeriesColumns::default();
        columns.load(&mut buf, true);
        let all = WindowCursor::default().advance(&columns, 0, 10);
        assert_eq!((all.floats.ts, all.floats.start_ts), (&[1, 5][..], &[0, 2][..]));
        assert_eq!((all.histograms.ts, all.histograms.start_ts), (&[2][..], &[1][..]));
        let mut cursor = WindowCursor::default();
        let window = cursor.advance(&columns, 0, 2);
        assert_eq!(window.weight, 1 + FloatHistogram::default().sample_weight());
        let window = cursor.advance(&columns, 2, 5);
        assert_eq!((window.floats.ts, window.weight), (&[5][..], 1));
        buf.clear();
        buf.push_float(1, 0, 1.0);
        columns.load(&mut buf, true);
        let all = WindowCursor::default().advance(&columns, 0, 10);
        assert_eq!((all.floats.ts, all.histograms.len()), (&[1][..], 0));
    }

    #[test]
    fn windows_are_open_on_the_left() {
        let mut buf = ColumnBuffer::default();
        (0..10).for_each(|t| buf.push_float(t * 10, 0, 0.0));
        let mut columns = SeriesColumns::default();
        columns.load(&mut buf, false);
        let mut cursor = WindowCursor::default();
        let mut window = |after, until| cursor.advance(&columns, after, until).floats.ts.to_vec();
        assert_eq!(window(-30, -10), [0_i64; 0]);
        assert_eq!(window(-20, 0), [0]);
        assert_eq!(window(10, 30), [20, 30]);
        assert_eq!(window(10, 30), [20, 30]);
        assert_eq!(window(75, 95), [80, 90]);
        assert_eq!(window(90, 200), [0_i64; 0]);
    }
}
