//! `histogram_quantile`, `histogram_quantiles` and `histogram_fraction`: estimates from classic and native histograms.

use bellwether_model::histogram::{
    ClassicBucket, Estimate, NanObservations, bucket_fraction, bucket_quantile,
};
use bellwether_model::{FloatHistogram, Labels, Value, format_float_go, parse_float};
use hashbrown::HashMap;

use super::annotation::{Annotations, Monotonicity, Remark};
use super::block::{RowFloats, Sample};
use super::error::QueryError;
use super::eval::Eval;
use super::labelled_rows::LabelledRows;
use super::metadata_labels::without_metadata;
use super::operator::{Operator, Rows};
use super::plan::{HistogramFractionPlan, HistogramQuantilePlan};
use crate::syntax::TextSpan;

/// The label of a classic bucket that holds its upper bound.
const BUCKET_LABEL: &str = "le";

pub(super) fn quantiles(eval: &Eval, plan: &HistogramQuantilePlan) -> Result<Box<dyn Operator>, QueryError> {
    let mut annotations = Annotations::default();
    let mut quantiles = Vec::with_capacity(plan.quantiles.len());
    for (quantile, span) in &plan.quantiles {
        let quantile = eval.scalar(quantile)?;
        for q in quantile.iter().filter(|q| !(0.0..=1.0).contains(*q)) {
            annotations.add(Remark::InvalidQuantile { got: (*q).into() }, *span);
        }
        quantiles.push(quantile);
    }
    let histograms = Histograms::read(eval, eval.rows(&plan.operand)?, plan.operand_span, &mut annotations);
    let mut output = LabelledRows::new(&eval.query, eval.grid.n_steps)?;
    for quantile in &quantiles {
        for (labels, series) in histograms.labels.iter().zip(&histograms.series) {
            eval.query.context.check()?;
            let metric = metric_in_remarks(eval, labels);
            // The quantile is mostly the same at all steps.
            let mut last: Option<(u64, usize)> = None;
            histograms.each(series, |step, found| {
                let q = quantile[step];
                let value = match found {
                    Found::Native(h) => {
                        let Estimate { value, nan_observations } = h.quantile(q);
                        let metric = metric.clone();
                        match nan_observations {
                            NanObservations::None => {}
                            NanObservations::Skewed => {
                                annotations.add(Remark::QuantileNanSkew { metric }, plan.operand_span);
                            }
                            NanObservations::Hit => {
                                annotations.add(Remark::QuantileNanResult { metric }, plan.operand_span);
                            }
                        }
                        value
                    }
                    Found::Classic(buckets) => {
                        let result = bucket_quantile(q, buckets);
                        if let Some(forced) = result.forced_monotonicity {
                            let found = Monotonicity {
                                first_ts_ms: eval.grid.ts_ms(step),
                                last_ts_ms: eval.grid.ts_ms(step),
                                min_bucket: forced.min_bucket,
                                max_bucket: forced.max_bucket,
                                max_diff: forced.max_diff,
                                samples: 1,
                            };
                            annotations.add_forced_monotonicity(&metric, plan.operand_span, found);
                        }
                        result.value
                    }
                };
                let place = match last {
                    Some((bits, place)) if bits == q.to_bits() => place,
                    _ => {
                        let quantile = plan.label.as_deref().map(|label| (label, q));
                        output.place(&eval.query, &result_labels(eval, labels, quantile), true)?
                    }
                };
                last = Some((q.to_bits(), place));
                output.put(place, step, Value::Float(value))
            })?;
        }
    }
    eval.query.merge_annotations(annotations);
    output.into_operator()
}

pub(super) fn fraction(eval: &Eval, plan: &HistogramFractionPlan) -> Result<Box<dyn Operator>, QueryError> {
    let (lower, upper) = (eval.scalar(&plan.lower)?, eval.scalar(&plan.upper)?);
    let mut annotations = Annotations::default();
    let histograms = Histograms::read(eval, eval.rows(&plan.operand)?, plan.operand_span, &mut annotations);
    let mut output = LabelledRows::new(&eval.query, eval.grid.n_steps)?;
    for (labels, series) in histograms.labels.iter().zip(&histograms.series) {
        eval.query.context.check()?;
        let metric = metric_in_remarks(eval, labels);
        let place = output.place(&eval.query, &result_labels(eval, labels, None), true)?;
        histograms.each(series, |step, found| {
            let value = match found {
                Found::Native(h) => {
                    let Estimate { value, nan_observations } = h.fraction(lower[step], upper[step]);
                    if nan_observations != NanObservations::None {
                        let metric = metric.clone();
                        annotations.add(Remark::FractionNan { metric }, plan.operand_span);
                    }
                    value
                }
                Found::Classic(buckets) => bucket_fraction(lower[step], upper[step], buckets),
            };
            output.put(place, step, Value::Float(value))
        })?;
    }
    eval.query.merge_annotations(annotations);
    output.into_operator()
}

/// The metric that remarks about estimates name. Where names are dropped at once, it is gone by then, as in Prometheus.
fn metric_in_remarks(eval: &Eval, labels: &Labels) -> String {
    if eval.query.options.delayed_name_removal { labels.metric_name().to_owned() } else { String::new() }
}

/// Classic and native histograms, put together from rows.
struct Histograms {
    rows: Rows,
    /// The labels of each histogram, without the upper bound.
    labels: Vec<Labels>,
    series: Vec<Parts>,
    n_steps: usize,
}

/// The rows that belong to one histogram.
#[derive(Debug, Default)]
struct Parts {
    /// The row with native histograms.
    native: Option<usize>,
    /// The rows with classic buckets, and their upper bounds.
    buckets: Vec<(f64, usize)>,
}

/// One histogram at one step.
enum Found<'a> {
    Native(&'a FloatHistogram),
    Classic(&'a mut Vec<ClassicBucket>),
}

impl Histograms {
    fn read(eval: &Eval, rows: Rows, span: TextSpan, annotations: &mut Annotations) -> Self {
        let mut histograms =
            Self { rows, labels: Vec::new(), series: Vec::new(), n_steps: eval.grid.n_steps };
        let mut known: HashMap<Labels, usize> = HashMap::new();
        // The native ones come first, as in Prometheus.
        for native in [true, false] {
            for row in 0..histograms.rows.len() {
                let labels = &histograms.rows.labels[row];
                let mut samples = histograms.rows.block.row(row).samples();
                if !samples.any(|(_, sample)| matches!(sample, Sample::Histogram(_)) == native) {
                    continue;
                }
                let (labels, bound) = if native {
                    (labels.clone(), 0.0)
                } else {
                    let le = labels.get(BUCKET_LABEL).unwrap_or("");
                    let Some(bound) = parse_float(le) else {
                        let (label, metric) = (le.to_owned(), labels.metric_name().to_owned());
                        annotations.add(Remark::BadBucketLabel { label, metric }, span);
                        continue;
                    };
                    (labels.without(BUCKET_LABEL), bound)
                };
                let place = *known.entry(labels).or_insert_with_key(|labels| {
                    histograms.labels.push(labels.clone());
                    histograms.series.push(Parts::default());
                    histograms.series.len() - 1
                });
                let parts = &mut histograms.series[place];
                if native {
                    parts.native = Some(row);
                } else {
                    parts.buckets.push((bound, row));
                }
            }
        }
        // The order that estimates need, so that nothing is left to sort at each step.
        for parts in &mut histograms.series {
            parts.buckets.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        }
        histograms.check_mixed(span, annotations);
        histograms
    }

    /// A histogram that is classic and native at the same step is neither.
    fn check_mixed(&self, span: TextSpan, annotations: &mut Annotations) {
        for (labels, parts) in self.labels.iter().zip(&self.series) {
            if (0..self.n_steps).any(|step| self.is_mixed(parts, step)) {
                let metric = labels.metric_name().to_owned();
                annotations.add(Remark::MixedClassicNative { metric }, span);
            }
        }
    }

    fn is_mixed(&self, parts: &Parts, step: usize) -> bool {
        self.native(parts, step).is_some()
            && parts
                .buckets
                .iter()
                .any(|(_, row)| matches!(self.rows.block.row(*row).sample(step), Some(Sample::Float(_))))
    }

    fn native(&self, parts: &Parts, step: usize) -> Option<&FloatHistogram> {
        match self.rows.block.row(parts.native?).sample(step) {
            Some(Sample::Histogram(h)) => Some(h),
            _ => None,
        }
    }

    /// The rows of the buckets, if nothing of the histogram is native.
    fn classic(&self, parts: &Parts) -> Option<Vec<(f64, RowFloats<'_>)>> {
        let rows =
            parts.buckets.iter().map(|(bound, row)| Some((*bound, self.rows.block.row(*row).floats()?)));
        if parts.native.is_some() { None } else { rows.collect() }
    }

    /// Calls `f` for each step at which there is a histogram.
    fn each(
        &self,
        parts: &Parts,
        mut f: impl FnMut(usize, Found<'_>) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        let mut buckets = Vec::with_capacity(parts.buckets.len());
        if let Some(rows) = self.classic(parts) {
            for step in 0..self.n_steps {
                buckets.clear();
                for (upper_bound, row) in &rows {
                    if let Some(count) = row.get(step) {
                        buckets.push(ClassicBucket { upper_bound: *upper_bound, count });
                    }
                }
                if !buckets.is_empty() {
                    f(step, Found::Classic(&mut buckets))?;
                }
            }
            return Ok(());
        }
        for step in 0..self.n_steps {
            buckets.clear();
            for (upper_bound, row) in &parts.buckets {
                if let Some(Sample::Float(count)) = self.rows.block.row(*row).sample(step) {
                    buckets.push(ClassicBucket { upper_bound: *upper_bound, count });
                }
            }
            match (self.native(parts, step), buckets.is_empty()) {
                (Some(h), true) => f(step, Found::Native(h))?,
                (None, false) => f(step, Found::Classic(&mut buckets))?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// The labels of an estimate: those of the histogram, and that of the quantile if it gets one.
fn result_labels(eval: &Eval, labels: &Labels, quantile: Option<(&str, f64)>) -> Labels {
    let delayed = eval.query.options.delayed_name_removal;
    let labels = if delayed { labels.clone() } else { without_metadata(labels) };
    let Some((name, q)) = quantile else { return labels };
    let mut builder = labels.to_builder();
    builder.set(name, &open_metrics_float(q));
    builder.build()
}

/// Writes a number as OpenMetrics writes quantiles: with a point, even if it is whole.
fn open_metrics_float(v: f64) -> String {
    let text = format_float_go(v);
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if plain { text + ".0" } else { text }
}
