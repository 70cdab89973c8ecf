use std::time::Instant;

use bellwether_model::Value;

use super::block::Sample;
use super::error::QueryError;
use super::eval::Eval;
use super::metadata_labels::without_metadata;
use super::operator::Rows;
use super::pacer::{Pacer, sort_paced};
use super::plan::Plan;
use super::range_vector;
use super::same_labels::{has_same_labels, merge_same_labels, same_labelset};
use super::stats::QueryTimings;
use super::value::{InstantSample, QueryValue, RangeSeries};

/// Evaluates a plan and puts the result into the form in which it is handed out. An instant vector keeps the order of the computation if the query
/// `uses_order`; else, and in a matrix, the order is that of the labels.
pub(super) fn evaluate(
    eval: &Eval,
    root: &Plan,
    uses_order: bool,
    timings: &mut QueryTimings,
) -> Result<QueryValue, QueryError> {
    let started = Instant::now();
    let ts_ms = eval.grid.start_ms;
    let value = match root {
        Plan::String(text) => QueryValue::String { ts_ms, text: text.clone() },
        Plan::RangeVector(plan) => {
            let mut series = Vec::new();
            for (mut one, drop_name) in range_vector::read(eval, plan)? {
                if drop_name {
                    one.labels = without_metadata(&one.labels);
                }
                series.push(one);
            }
            let labels: Vec<_> = series.iter().map(|s| s.labels.clone()).collect();
            if has_same_labels(&labels) {
                return Err(same_labelset());
            }
            QueryValue::Matrix(series)
        }
        scalar if scalar.is_scalar() => {
            let vals = eval.scalar(scalar)?;
            if eval.grid.of_instant_query {
                QueryValue::Scalar { ts_ms, value: vals[0] }
            } else {
                let floats = eval.times_ms().zip(vals.iter().copied()).collect();
                QueryValue::Matrix(vec![RangeSeries { floats, ..RangeSeries::default() }])
            }
        }
        vector => {
            let rows = eval.rows(vector)?;
            let rows = drop_names(eval, rows)?;
            if eval.grid.of_instant_query {
                QueryValue::Vector(instant(eval, &rows)?)
            } else {
                QueryValue::Matrix(range(eval, &rows)?)
            }
        }
    };
    timings.evaluation = started.elapsed();
    let context = &eval.query.context;
    let started = Instant::now();
    let value = match value {
        QueryValue::Matrix(mut series) => {
            sort_paced(&mut series, context, |a, b| a.labels.cmp(&b.labels))?;
            QueryValue::Matrix(series)
        }
        QueryValue::Vector(mut samples) if !uses_order => {
            sort_paced(&mut samples, context, |a, b| a.labels.cmp(&b.labels))?;
            QueryValue::Vector(samples)
        }
        other => other,
    };
    timings.result_sort = started.elapsed();
    Ok(value)
}

/// Drops the names that operations left for the end.
fn drop_names(eval: &Eval, mut rows: Rows) -> Result<Rows, QueryError> {
    if eval.query.options.delayed_name_removal {
        for (labels, row) in rows.labels.iter_mut().zip(rows.block.rows()) {
            if row.drop_name() {
                *labels = without_metadata(labels);
            }
        }
    }
    merge_same_labels(&eval.query, rows)
}

fn instant(eval: &Eval, rows: &Rows) -> Result<Vec<InstantSample>, QueryError> {
    let ts_ms = eval.grid.start_ms;
    // The list may grow to twice what is in it.
    eval.query.keep(2 * rows.len() * size_of::<InstantSample>())?;
    let samples = rows.labels.iter().zip(rows.block.rows());
    let samples = samples
        .filter_map(|(labels, row)| {
            let value: Value = row.sample(0)?.to_value();
            Some(InstantSample { labels: labels.clone(), ts_ms, value })
        })
        .collect();
    Ok(samples)
}

fn range(eval: &Eval, rows: &Rows) -> Result<Vec<RangeSeries>, QueryError> {
    eval.query.keep(rows.len() * size_of::<RangeSeries>())?;
    let mut pacer = Pacer::new(&eval.query.context);
    let mut result = Vec::with_capacity(rows.len());
    for (labels, row) in rows.labels.iter().zip(rows.block.rows()) {
        if row.is_empty() {
            continue;
        }
        let (n_floats, n_histograms) = row.kinds();
        pacer.work(n_floats + n_histograms)?;
        eval.query.keep((n_floats + n_histograms) * 16)?;
        let mut series = RangeSeries {
            labels: labels.clone(),
            floats: Vec::with_capacity(n_floats),
            histograms: Vec::with_capacity(n_histograms),
        };
        if let Some(floats) = row.floats() {
            floats.for_each(|step, v| series.floats.push((eval.grid.ts_ms(step), v)));
            result.push(series);
            continue;
        }
        for (step, sample) in row.samples() {
            let ts_ms = eval.grid.ts_ms(step);
            match sample {
                Sample::Float(v) => series.floats.push((ts_ms, v)),
                Sample::Histogram(h) => series.histograms.push((ts_ms, h.clone())),
            }
        }
        result.push(series);
    }
    Ok(result)
}
