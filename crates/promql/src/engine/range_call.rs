use std::ops::Range;
use std::sync::OnceLock;

use bellwether_model::Labels;

use super::annotation::{Annotations, Remark};
use super::block::{Block, RowMut};
use super::columns::{SeriesColumns, WindowCursor};
use super::error::QueryError;
use super::eval::{Eval, Scalar};
use super::limits::SampleLease;
use super::metadata_labels::{TYPE_LABEL, differ_in_metadata, without_metadata};
use super::morsels::{Morsels, SERIES_PER_CHECK};
use super::operator::{Operator, Rows};
use super::plan::RangeCall;
use super::range_source::{Frame, RangeSeries, SeriesReader};
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
    // One list here, and one for the results.
    eval.query.keep_label_list(2 * source.labels().len())?;
    let source_labels = source.labels().to_vec();
    let operator = RangeCalls {
        morsels: Morsels::new(source_labels.len()),
        calls: Calls {
            eval: eval.clone(),
            source_labels,
            frame: source.frame(),
            kernel: call.function.row.filter(|_| args.is_empty()).zip(source.frame().windows(&eval.grid)),
            function: call.function,
            for_counters: matches!(call.name, "rate" | "increase"),
            args,
            span: call.source.span,
        },
        reader: source.reader(),
        source,
        keeps_labels,
        labels: OnceLock::new(),
    };
    // Label sets that differ elsewhere cannot become the same.
    let merge = !keeps_labels
        && differ_in_metadata(&operator.calls.source_labels)
        && has_same_labels(operator.labels());
    if merge {
        let rows = Rows::collect(&eval.query, Box::new(operator), eval.grid.n_steps)?;
        return Ok(merge_same_labels(&eval.query, rows)?.into_operator());
    }
    Ok(Box::new(operator))
}

struct RangeCalls {
    calls: Calls,
    source: RangeSeries,
    /// Reads series in any order, if the source allows it.
    reader: Option<SeriesReader>,
    morsels: Morsels,
    /// Whether the results are still described by the labels of the metric.
    keeps_labels: bool,
    /// The labels of the results, made when somebody asks for them.
    labels: OnceLock<Vec<Labels>>,
}

/// What is the same for all series.
struct Calls {
    eval: Eval,
    source_labels: Vec<Labels>,
    frame: Frame,
    function: RangeFunction,
    /// The faster form for series of floats, if there is one for this call.
    kernel: Option<(RowKernel, Windows)>,
    /// Whether the function makes sense for counters only.
    for_counters: bool,
    args: Vec<Scalar>,
    span: TextSpan,
}

impl Operator for RangeCalls {
    fn labels(&self) -> &[Labels] {
        let source = &self.calls.source_labels;
        if self.keeps_labels {
            return source;
        }
        self.labels.get_or_init(|| source.iter().map(without_metadata).collect())
    }

    fn labels_with_metadata(&self) -> &[Labels] {
        &self.calls.source_labels
    }

    fn next(&mut self) -> Result<Option<Block>, QueryError> {
        let Self { calls, source, reader, morsels, .. } = self;
        if let Some(reader) = reader {
            return morsels.next(&calls.eval, |rows| {
                let mut reader = reader.fresh();
                calls.block(rows, |idx, columns| reader.read(idx, columns).map(|()| false))
            });
        }
        let first = source.n_read();
        let end = calls.source_labels.len().min(first + calls.eval.rows_per_block());
        if first == end {
            return Ok(None);
        }
        let (mut block, annotations) = calls.block(first..end, |_, columns| source.read_next(columns))?;
        calls.eval.query.merge_annotations(annotations);
        block.settle()?;
        Ok(Some(block))
    }
}

impl Calls {
    /// The rows of some series, which `read` reads one after the other; it tells whether the name goes at the end of the query.
    fn block(
        &self,
        rows: Range<usize>,
        mut read: impl FnMut(usize, &mut SeriesColumns) -> Result<bool, QueryError>,
    ) -> Result<(Block, Annotations), QueryError> {
        let query = &self.eval.query;
        let mut block = Block::with_capacity(query, rows.len(), self.eval.grid.n_steps)?;
        let mut annotations = Annotations::default();
        let mut columns = SeriesColumns::default();
        // The samples in the window.
        let mut window_lease = query.samples.lease();
        for idx in rows {
            if idx % SERIES_PER_CHECK == 0 {
                query.context.check()?;
            }
            let drop_name = read(idx, &mut columns)?;
            let mut row = block.push_row()?;
            row.set_drop_name(drop_name || !self.function.keeps_name);
            self.row(idx, &columns, &mut row, &mut window_lease, &mut annotations)?;
        }
        Ok((block, annotations))
    }

    fn row(
        &self,
        idx: usize,
        columns: &SeriesColumns,
        row: &mut RowMut<'_>,
        window_lease: &mut SampleLease,
        annotations: &mut Annotations,
    ) -> Result<(), QueryError> {
        let query = &self.eval.query;
        let source_labels = &self.source_labels[idx];
        let mut tally = query.tally.counter(self.eval.scope);
        if let Some((kernel, windows)) = self.kernel
            && !tally.counts_steps()
            && let Some((ts, vals)) = columns.only_floats()
        {
            let floats = FloatRow { ts, vals, windows, context: &query.context };
            let seen = kernel(&floats, &mut row.as_floats())?;
            window_lease.set(seen.largest)?;
            window_lease.set(0)?;
            tally.add_all(seen.total);
            if self.for_counters && !row.is_empty() {
                self.check_counter(source_labels, annotations);
            }
            return Ok(());
        }
        let mut notes = Notes::new(source_labels, self.span, annotations);
        let mut cursor = WindowCursor::default();
        let mut args = vec![0.0; self.args.len()];
        let (mut largest, mut since_check, mut has_floats) = (0, 0, false);
        for (step, ts_ms) in self.eval.times_ms().enumerate() {
            let edges = self.frame.edges(ts_ms);
            let found = cursor.advance(columns, edges.after, edges.until);
            if found.floats.is_empty() && found.histograms.is_empty() {
                continue;
            }
            if found.weight > largest {
                largest = found.weight;
                window_lease.set(largest)?;
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
                mode: self.frame.mode(),
                args: &args,
            };
            tally.add(step, found.weight);
            (self.function.check)(&args)?;
            if let Some(value) = (self.function.call)(&window, &mut notes) {
                has_floats |= matches!(value, bellwether_model::Value::Float(_));
                row.set(step, value)?;
            }
        }
        window_lease.set(0)?;
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
