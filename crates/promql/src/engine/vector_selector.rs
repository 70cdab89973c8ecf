use std::ops::Range;
use std::sync::Arc;

use bellwether_model::{ColumnBuffer, Labels, SeriesSet, Value, is_stale_nan};

use super::annotation::Annotations;
use super::block::Block;
use super::error::QueryError;
use super::eval::Eval;
use super::histogram_stats::keep_count_and_sum;
use super::morsels::{Morsels, SERIES_PER_CHECK};
use super::operator::Operator;
use super::plan::{Reference, SelectorPlan};
use super::smoothed;
use crate::functions::{FloatSink, Windows};
use crate::syntax::RangeMode;

/// Reads the series of an instant selector: at each step the newest sample within the lookback window, unless that is a staleness marker.
pub(super) fn open(eval: &Eval, selector: &SelectorPlan) -> Result<Box<dyn Operator>, QueryError> {
    if selector.mode == RangeMode::Smoothed {
        return smoothed::open(eval, selector);
    }
    open_with(eval, selector, Aspect::Value)
}

/// As [`open`], but with something else about each sample than its value.
pub(super) fn open_with(
    eval: &Eval,
    selector: &SelectorPlan,
    aspect: Aspect,
) -> Result<Box<dyn Operator>, QueryError> {
    let series = eval.query.series(selector.selection)?;
    Ok(Box::new(VectorSelector {
        morsels: Morsels::new(series.labels().len()),
        selected: Selected {
            eval: eval.clone(),
            series,
            reference: selector.reference,
            histogram_stats: selector.histogram_stats,
            aspect,
        },
    }))
}

/// As [`open_with`], for series that are selected already.
pub(super) fn read_selection(
    eval: &Eval,
    series: Arc<dyn SeriesSet>,
    reference: Reference,
    aspect: Aspect,
) -> Box<dyn Operator> {
    Box::new(VectorSelector {
        morsels: Morsels::new(series.labels().len()),
        selected: Selected { eval: eval.clone(), series, reference, histogram_stats: false, aspect },
    })
}

/// What is wanted of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aspect {
    Value,
    /// Its time in seconds.
    Time,
    /// Its start timestamp in seconds, 0 if unknown.
    StartTime,
    /// The time of a float in milliseconds; a histogram as it is.
    TimeOfFloat,
}

/// A sample that a selector found.
#[derive(Debug, Clone, Copy)]
struct Found<'a> {
    buf: &'a ColumnBuffer,
    idx: usize,
}

impl Found<'_> {
    fn aspect(self, aspect: Aspect) -> Value {
        let seconds = |ms: i64| Value::Float(ms as f64 / 1000.0);
        match (aspect, self.value()) {
            (Aspect::Value, value) | (Aspect::TimeOfFloat, value @ Value::Histogram(_)) => value,
            (Aspect::TimeOfFloat, Value::Float(_)) => Value::Float(self.ts_ms() as f64),
            (Aspect::Time, _) => seconds(self.ts_ms()),
            (Aspect::StartTime, _) => seconds(self.buf.start_ts.get(self.idx).copied().unwrap_or(0)),
        }
    }

    fn value(self) -> Value {
        match self.buf.hists.get(self.idx).and_then(Option::as_ref) {
            Some(h) => Value::Histogram(Arc::clone(h)),
            None => Value::Float(self.buf.vals[self.idx]),
        }
    }

    fn ts_ms(self) -> i64 {
        self.buf.ts[self.idx]
    }

    /// How much the sample weighs when samples are counted; `None` if it is a staleness marker.
    fn weight(self) -> Option<usize> {
        match self.buf.hists.get(self.idx).and_then(Option::as_ref) {
            Some(h) => (!h.is_stale()).then(|| h.sample_weight()),
            None => (!is_stale_nan(self.buf.vals[self.idx])).then_some(1),
        }
    }
}

struct VectorSelector {
    selected: Selected,
    morsels: Morsels,
}

/// The series of a selector, and what is wanted of them.
struct Selected {
    eval: Eval,
    series: Arc<dyn SeriesSet>,
    reference: Reference,
    histogram_stats: bool,
    aspect: Aspect,
}

impl Selected {
    /// The windows in which the newest sample counts.
    fn lookbacks(&self) -> Windows {
        let grid = self.eval.grid;
        Windows {
            first_end_ms: self.reference.time_ms(grid.start_ms),
            advance_ms: if self.reference.at_ms.is_some() { 0 } else { grid.step_ms },
            range_ms: self.eval.query.lookback_ms,
            n: grid.n_steps,
        }
    }

    /// The rows of some series.
    fn block(&self, rows: Range<usize>) -> Result<Block, QueryError> {
        let query = &self.eval.query;
        let mut block = Block::with_capacity(query, rows.len(), self.eval.grid.n_steps)?;
        let mut tally = query.tally.counter(self.eval.scope);
        let mut buf = ColumnBuffer::default();
        let lookbacks = self.lookbacks();
        for idx in rows {
            if idx % SERIES_PER_CHECK == 0 {
                query.context.check()?;
            }
            self.series.read(idx, &mut buf)?;
            if self.histogram_stats {
                keep_count_and_sum(&mut buf);
            }
            let mut row = block.push_row()?;
            if self.aspect == Aspect::Value && buf.hists.is_empty() && !tally.counts_steps() {
                let found = newest_floats(&buf, &lookbacks, &mut row.as_floats());
                tally.add_all(found);
                continue;
            }
            let mut passed = 0;
            for (step, ts_ms) in self.eval.times_ms().enumerate() {
                let at_ms = self.reference.time_ms(ts_ms);
                while buf.ts.get(passed).is_some_and(|t| *t <= at_ms) {
                    passed += 1;
                }
                let Some(idx) = passed.checked_sub(1) else { continue };
                let found = Found { buf: &buf, idx };
                if found.ts_ms() <= at_ms.saturating_sub(query.lookback_ms) {
                    continue;
                }
                if let Some(weight) = found.weight() {
                    row.set(step, found.aspect(self.aspect))?;
                    tally.add(step, weight);
                }
            }
        }
        Ok(block)
    }
}

/// The newest float of each window that does not end with a staleness marker. Returns how many were found.
fn newest_floats(buf: &ColumnBuffer, windows: &Windows, sink: &mut FloatSink<'_>) -> usize {
    let mut n = 0;
    windows.ends(&buf.ts, |window, end_ms, to| {
        let Some(idx) = to.checked_sub(1) else { return };
        let v = buf.vals[idx];
        if buf.ts[idx] > end_ms.saturating_sub(windows.range_ms) && !is_stale_nan(v) {
            sink.set(window, v);
            n += 1;
        }
    });
    n
}

impl Operator for VectorSelector {
    fn labels(&self) -> &[Labels] {
        self.selected.series.labels()
    }

    fn next(&mut self) -> Result<Option<Block>, QueryError> {
        let selected = &self.selected;
        self.morsels.next(&selected.eval, |rows| Ok((selected.block(rows)?, Annotations::default())))
    }
}
