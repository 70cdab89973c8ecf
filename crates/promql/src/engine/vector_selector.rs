use std::sync::Arc;

use bellwether_model::{ColumnBuffer, Labels, SeriesSet, Value, is_stale_nan};

use super::block::Block;
use super::error::QueryError;
use super::eval::Eval;
use super::operator::Operator;
use super::plan::{Reference, SelectorPlan};
use super::smoothed;
use crate::syntax::RangeMode;

/// Reads the series of an instant selector: at each step the newest sample within the lookback window, unless that is a staleness marker.
pub(super) fn open(eval: &Eval, selector: &SelectorPlan) -> Result<Box<dyn Operator>, QueryError> {
    if selector.mode == RangeMode::Smoothed {
        return smoothed::open(eval, selector);
    }
    open_with(eval, selector, |sample| sample.value())
}

/// As [`open`], but with something else about each sample than its value.
pub(super) fn open_with(
    eval: &Eval,
    selector: &SelectorPlan,
    of_sample: fn(Found<'_>) -> Value,
) -> Result<Box<dyn Operator>, QueryError> {
    Ok(read_selection(eval, eval.query.series(selector.selection)?, selector.reference, of_sample))
}

/// As [`open_with`], for series that are selected already.
pub(super) fn read_selection(
    eval: &Eval,
    series: Arc<dyn SeriesSet>,
    reference: Reference,
    of_sample: fn(Found<'_>) -> Value,
) -> Box<dyn Operator> {
    let (eval, buf) = (eval.clone(), ColumnBuffer::default());
    Box::new(VectorSelector { eval, series, reference, of_sample, next: 0, buf })
}

/// A sample that a selector found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'a> {
    buf: &'a ColumnBuffer,
    idx: usize,
}

impl Found<'_> {
    pub(super) fn value(self) -> Value {
        match self.buf.hists.get(self.idx).and_then(Option::as_ref) {
            Some(h) => Value::Histogram(Arc::clone(h)),
            None => Value::Float(self.buf.vals[self.idx]),
        }
    }

    /// The time of a float in milliseconds; a histogram as it is.
    pub(super) fn time_of_float(self) -> Value {
        match self.value() {
            Value::Float(_) => Value::Float(self.ts_ms() as f64),
            histogram @ Value::Histogram(_) => histogram,
        }
    }

    pub(super) fn ts_ms(self) -> i64 {
        self.buf.ts[self.idx]
    }

    /// 0 if unknown.
    pub(super) fn start_ts_ms(self) -> i64 {
        self.buf.start_ts.get(self.idx).copied().unwrap_or(0)
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
    eval: Eval,
    series: Arc<dyn SeriesSet>,
    reference: Reference,
    of_sample: fn(Found<'_>) -> Value,
    next: usize,
    buf: ColumnBuffer,
}

impl Operator for VectorSelector {
    fn labels(&self) -> &[Labels] {
        self.series.labels()
    }

    fn next(&mut self) -> Result<Option<Block>, QueryError> {
        let end = self.series.labels().len().min(self.next + self.eval.rows_per_block());
        if self.next == end {
            return Ok(None);
        }
        let query = &self.eval.query;
        let mut block = Block::with_capacity(query, end - self.next, self.eval.grid.n_steps)?;
        let mut tally = query.tally.counter(self.eval.scope);
        for idx in self.next..end {
            query.context.check()?;
            self.series.read(idx, &mut self.buf)?;
            let mut row = block.push_row()?;
            let mut passed = 0;
            for (step, ts_ms) in self.eval.times_ms().enumerate() {
                let at_ms = self.reference.time_ms(ts_ms);
                while self.buf.ts.get(passed).is_some_and(|t| *t <= at_ms) {
                    passed += 1;
                }
                let Some(idx) = passed.checked_sub(1) else { continue };
                let found = Found { buf: &self.buf, idx };
                if found.ts_ms() <= at_ms.saturating_sub(query.lookback_ms) {
                    continue;
                }
                if let Some(weight) = found.weight() {
                    row.set(step, (self.of_sample)(found))?;
                    tally.add(step, weight);
                }
            }
        }
        self.next = end;
        block.settle()?;
        Ok(Some(block))
    }
}
