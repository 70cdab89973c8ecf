use std::sync::Arc;

use bellwether_model::{ColumnBuffer, CounterResetHint, FloatHistogram, Labels, SeriesSet, Value};

use super::annotation::Annotations;
use super::block::Block;
use super::columns::{InWindow, SeriesColumns, WindowCursor};
use super::error::QueryError;
use super::eval::Eval;
use super::histogram_stats::keep_count_and_sum;
use super::operator::Operator;
use super::plan::{Reference, SelectorPlan};
use crate::functions::{Floats, Histograms, Notes, interpolate_histograms};
use crate::syntax::TextSpan;

/// Reads the series of a `smoothed` instant selector: at each step the value on the line between the samples before and after it.
pub(super) fn open(eval: &Eval, selector: &SelectorPlan) -> Result<Box<dyn Operator>, QueryError> {
    Ok(Box::new(Smoothed {
        series: eval.query.series(selector.selection)?,
        eval: eval.clone(),
        reference: selector.reference,
        histogram_stats: selector.histogram_stats,
        span: selector.span,
        next: 0,
        buf: ColumnBuffer::default(),
        columns: SeriesColumns::default(),
    }))
}

struct Smoothed {
    eval: Eval,
    series: Arc<dyn SeriesSet>,
    reference: Reference,
    histogram_stats: bool,
    span: TextSpan,
    next: usize,
    buf: ColumnBuffer,
    columns: SeriesColumns,
}

impl Operator for Smoothed {
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
        let mut annotations = Annotations::default();
        for idx in self.next..end {
            query.context.check()?;
            self.series.read(idx, &mut self.buf)?;
            if self.histogram_stats {
                keep_count_and_sum(&mut self.buf);
            }
            self.columns.load(&mut self.buf, false);
            let mut notes = Notes::new(&self.series.labels()[idx], self.span, &mut annotations);
            let mut cursor = WindowCursor::default();
            let mut row = block.push_row()?;
            for (step, ts_ms) in self.eval.times_ms().enumerate() {
                let at_ms = self.reference.time_ms(ts_ms);
                let (after_ms, until_ms) =
                    (at_ms.saturating_sub(query.lookback_ms), at_ms.saturating_add(query.lookback_ms));
                let InWindow { floats, histograms, weight } =
                    cursor.advance(&self.columns, after_ms, until_ms);
                tally.add(step, weight);
                if !floats.is_empty() && !histograms.is_empty() {
                    notes.mixed_floats_histograms();
                } else if let Some(v) = float_at(floats, at_ms) {
                    row.set_float(step, v);
                } else if let Some(h) = histogram_at(histograms, at_ms, &mut notes) {
                    row.set(step, h)?;
                }
            }
        }
        query.merge_annotations(annotations);
        self.next = end;
        block.settle()?;
        Ok(Some(block))
    }
}

fn float_at(floats: Floats<'_>, at_ms: i64) -> Option<f64> {
    let (before, after) = around(floats.ts, at_ms)?;
    let v = floats.vals[before];
    let Some(after) = after else { return Some(v) };
    let (t1, t2) = (floats.ts[before], floats.ts[after]);
    Some(v + (floats.vals[after] - v) * (at_ms - t1) as f64 / (t2 - t1) as f64)
}

fn histogram_at(histograms: Histograms<'_>, at_ms: i64, notes: &mut Notes<'_>) -> Option<Value> {
    let (before, after) = around(histograms.ts, at_ms)?;
    let Some(after) = after else { return Some(Value::Histogram(Arc::clone(&histograms.vals[before]))) };
    let (from, to): (&FloatHistogram, &FloatHistogram) = (&histograms.vals[before], &histograms.vals[after]);
    let is_counter = to.counter_reset_hint != CounterResetHint::Gauge;
    let mut reconciled = None;
    let result = interpolate_histograms(
        (histograms.ts[before], from),
        (histograms.ts[after], to),
        at_ms,
        is_counter,
        |operation, outcome| reconciled = reconciled.or(outcome.bounds_reconciled.then_some(operation)),
    );
    if let Some(operation) = reconciled {
        notes.bounds_reconciled(operation);
    }
    if result.is_err() {
        notes.mixed_exponential_custom();
    }
    result.ok().map(|h| Value::Histogram(Arc::new(h)))
}

/// The samples around a time: the last one at or before it, without which there is nothing, and the one behind it, unless the first one is exactly there.
fn around(ts: &[i64], at_ms: i64) -> Option<(usize, Option<usize>)> {
    let after = ts.partition_point(|t| *t <= at_ms);
    let before = after.checked_sub(1)?;
    let exact = ts[before] == at_ms;
    Some((before, (!exact && after < ts.len()).then_some(after)))
}
