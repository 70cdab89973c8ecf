use bellwether_model::Labels;

use super::annotation::{Annotations, Remark};
use super::block::Block;
use super::columns::{SeriesColumns, WindowCursor};
use super::error::QueryError;
use super::eval::{Eval, Scalar};
use super::limits::SampleLease;
use super::metadata_labels::{TYPE_LABEL, without_metadata};
use super::operator::{Operator, Rows};
use super::plan::RangeCall;
use super::range_source::RangeSeries;
use super::same_labels::{has_same_labels, merge_same_labels};
use crate::functions::{FloatRow, Notes, RangeFunction, RowKernel, Window, Windows};
use crate::syntax::TextSpan;

/// How many samples may be looked at between two looks at the deadline.
const SAMPLES_PER_CHECK: usize = 64 * 1024;

/// Applies a range function to the window of each series at each step.
pub(super) fn open(eval: &Eval, call: &RangeCall) -> Result<Box<dyn Operator>, QueryError> {
    let source = RangeSeries::open(eval, &call.source)?;
    let args = call.args.iter().map(|arg| eval.scalar(arg)).collect::<Result<Vec<_>, _>>()?;
    let keeps_labels = call.function.keeps_name || eval.query.options.delayed_name_removal;
    let labels: Vec<Labels> = if keeps_labels {
        source.labels().to_vec()
    } else {
        source.labels().iter().map(without_metadata).collect()
    };
    let merge = !keeps_labels && has_same_labels(&labels);
    let kernel = call.function.row.filter(|_| args.is_empty()).zip(source.windows(&eval.grid));
    let operator = Box::new(RangeCalls {
        eval: eval.clone(),
        kernel,
        source,
        function: call.function,
        for_counters: matches!(call.name, "rate" | "increase"),
        args,
        span: call.source.span,
        labels,
        columns: SeriesColumns::default(),
        window_lease: eval.query.samples.lease(),
    });
    if merge {
        let rows = Rows::collect(&eval.query, operator, eval.grid.n_steps)?;
        return Ok(merge_same_labels(&eval.query, rows)?.into_operator());
    }
    Ok(operator)
}

struct RangeCalls {
    eval: Eval,
    source: RangeSeries,
    function: RangeFunction,
    /// The faster form for series of floats, if there is one for this call.
    kernel: Option<(RowKernel, Windows)>,
    /// Whether the function makes sense for counters only.
    for_counters: bool,
    args: Vec<Scalar>,
    span: TextSpan,
    labels: Vec<Labels>,
    columns: SeriesColumns,
    /// The samples in the window.
    window_lease: SampleLease,
}

impl Operator for RangeCalls {
    fn labels(&self) -> &[Labels] {
        &self.labels
    }

    fn next(&mut self) -> Result<Option<Block>, QueryError> {
        let first = self.source.n_read();
        let end = self.labels.len().min(first + self.eval.rows_per_block());
        if first == end {
            return Ok(None);
        }
        let mut block = Block::with_capacity(&self.eval.query, end - first, self.eval.grid.n_steps)?;
        let mut annotations = Annotations::default();
        for idx in first..end {
            self.row(idx, &mut block, &mut annotations)?;
        }
        self.eval.query.merge_annotations(annotations);
        block.settle()?;
        Ok(Some(block))
    }
}

impl RangeCalls {
    fn row(
        &mut self,
        idx: usize,
        block: &mut Block,
        annotations: &mut Annotations,
    ) -> Result<(), QueryError> {
        let query = &self.eval.query;
        query.context.check()?;
        let drop_name = self.source.read_next(&mut self.columns)?;
        let source_labels = &self.source.labels()[idx];
        let mut notes = Notes::new(source_labels, self.span, annotations);
        let mut tally = query.tally.counter(self.eval.scope);
        let mut cursor = WindowCursor::default();
        let mut args = vec![0.0; self.args.len()];
        let (mut largest, mut since_check, mut has_floats) = (0, 0, false);
        let mut row = block.push_row()?;
        row.set_drop_name(drop_name || !self.function.keeps_name);
        if let Some((kernel, windows)) = self.kernel
            && !tally.counts_steps()
            && let Some((ts, vals)) = self.columns.only_floats()
        {
            let floats = FloatRow { ts, vals, windows, context: &query.context };
            let seen = kernel(&floats, &mut row.as_floats())?;
            self.window_lease.set(seen.largest)?;
            self.window_lease.set(0)?;
            tally.add_all(seen.total);
            if self.for_counters && !row.is_empty() {
                self.check_counter(source_labels, annotations);
            }
            return Ok(());
        }
        for (step, ts_ms) in self.eval.times_ms().enumerate() {
            let edges = self.source.edges(ts_ms);
            let found = cursor.advance(&self.columns, edges.after, edges.until);
            if found.floats.is_empty() && found.histograms.is_empty() {
                continue;
            }
            if found.weight > largest {
                largest = found.weight;
                self.window_lease.set(largest)?;
            }
            since_check += found.weight;
            if since_check > SAMPLES_PER_CHECK {
                since_check = 0;
                query.context.check()?;
            }
            for (arg, scalar) in args.iter_mut().zip(&self.args) {
                *arg = scalar[step];
            }
            let window = Window {
                floats: found.floats,
                histograms: found.histograms,
                start_ms: edges.start,
                end_ms: edges.end,
                eval_ms: ts_ms,
                mode: self.source.mode(),
                args: &args,
            };
            tally.add(step, found.weight);
            (self.function.check)(&args)?;
            if let Some(value) = (self.function.call)(&window, &mut notes) {
                has_floats |= matches!(value, bellwether_model::Value::Float(_));
                row.set(step, value)?;
            }
        }
        self.window_lease.set(0)?;
        if self.for_counters && has_floats {
            self.check_counter(source_labels, annotations);
        }
        Ok(())
    }

    /// Tells if the metric does not look like a counter, by its type or by its name.
    fn check_counter(&self, labels: &Labels, annotations: &mut Annotations) {
        let metric = labels.metric_name();
        if self.eval.query.options.type_and_unit_labels {
            let type_label = labels.get(TYPE_LABEL).unwrap_or("");
            if !metric.is_empty() && !matches!(type_label, "counter" | "histogram") {
                let (metric, type_label) = (metric.to_owned(), type_label.to_owned());
                annotations.add(Remark::PossibleNonCounterLabel { metric, type_label }, self.span);
            }
            return;
        }
        let looks_like_one =
            ["_total", "_sum", "_count", "_bucket"].iter().any(|suffix| metric.ends_with(suffix));
        if !metric.is_empty() && !looks_like_one {
            annotations.add(Remark::PossibleNonCounter { metric: metric.to_owned() }, self.span);
        }
    }
}
