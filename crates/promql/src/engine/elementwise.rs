//! Operations on each sample by itself.

use std::sync::Arc;

use bellwether_model::{FloatHistogram, Labels, Value};

use super::block::{Block, Sample};
use super::error::QueryError;
use super::eval::Eval;
use super::metadata_labels::without_metadata;
use super::operator::{Operator, Rows};
use super::pacer::{CELLS_PER_LABEL_SET, Pacer};
use super::plan::{FloatCall, Plan};
use super::same_labels::{has_same_labels, merge_same_labels};
use crate::functions::{DateField, FloatSink};

/// What an operation does with the labels that describe a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    Keep,
    /// Drops name, type and unit, because the result is no longer described by them.
    DropMetadata,
    /// Drops the name alone. Only functions of histograms do this, and only where names are dropped at once; Prometheus treats them so.
    DropName,
}

pub(super) fn negate(eval: &Eval, operand: &Plan) -> Result<Box<dyn Operator>, QueryError> {
    let operand = eval.open(operand)?;
    per_sample(eval, operand, Names::DropMetadata, |_, sample| {
        Some(match sample {
            Sample::Float(v) => Value::Float(-v),
            Sample::Histogram(h) => {
                let mut negated = FloatHistogram::clone(h);
                negated.scale(-1.0);
                Value::Histogram(Arc::new(negated))
            }
        })
    })
}

/// `vector(scalar)`: one row without labels.
pub(super) fn vector(eval: &Eval, operand: &Plan) -> Result<Box<dyn Operator>, QueryError> {
    let scalar = eval.scalar(operand)?;
    single_row(eval, |step| scalar[step])
}

pub(super) fn float_call(eval: &Eval, call: &FloatCall) -> Result<Box<dyn Operator>, QueryError> {
    // In the order in which they are written: of several that fail, the query reports the first one.
    let operand = eval.open(&call.operand)?;
    let args = call.args.iter().map(|arg| eval.scalar(arg)).collect::<Result<Vec<_>, _>>()?;
    let function = call.function;
    let mut at_step = vec![0.0; args.len()];
    per_sample(eval, operand, Names::DropMetadata, move |step, sample| {
        let Sample::Float(v) = sample else { return None };
        for (at_step, arg) in at_step.iter_mut().zip(&args) {
            *at_step = arg[step];
        }
        function(v, &at_step).map(Value::Float)
    })
}

pub(super) fn histogram_call(
    eval: &Eval,
    function: fn(&FloatHistogram) -> f64,
    operand: &Plan,
) -> Result<Box<dyn Operator>, QueryError> {
    let operand = eval.open(operand)?;
    per_sample(eval, operand, Names::DropName, move |_, sample| match sample {
        Sample::Float(_) => None,
        Sample::Histogram(h) => Some(Value::Float(function(h))),
    })
}

/// A field of a date; without an operand, of the evaluation time.
pub(super) fn date(
    eval: &Eval,
    field: DateField,
    operand: Option<&Plan>,
) -> Result<Box<dyn Operator>, QueryError> {
    let Some(operand) = operand else {
        let grid = eval.grid;
        return single_row(eval, |step| field.of((grid.ts_ms(step) / 1000) as f64));
    };
    let operand = eval.open(operand)?;
    per_sample(eval, operand, Names::DropMetadata, move |_, sample| match sample {
        Sample::Float(v) => Some(Value::Float(field.of(v))),
        Sample::Histogram(_) => None,
    })
}

fn single_row(eval: &Eval, v: impl Fn(usize) -> f64) -> Result<Box<dyn Operator>, QueryError> {
    let mut rows = Rows::with_capacity(&eval.query, 1, eval.grid.n_steps)?;
    rows.labels.push(Labels::empty());
    let mut row = rows.block.push_row()?;
    for step in 0..eval.grid.n_steps {
        row.set_float(step, v(step));
    }
    rows.block.settle()?;
    Ok(rows.into_operator())
}

/// An operation on each sample by itself. A function of a step and a sample is one.
pub(super) trait Elementwise: Send {
    /// What the operation makes of a sample; `None` removes it. Of a float it never makes a histogram.
    fn sample(&mut self, step: usize, sample: Sample<'_>) -> Option<Value>;

    /// The same for a whole row of floats.
    fn floats(&mut self, row: &mut FloatSink<'_>) {
        self.each_float(row);
    }

    /// The same for each float of a row, one after the other.
    fn each_float(&mut self, row: &mut FloatSink<'_>) {
        row.map(|step, v| match self.sample(step, Sample::Float(v))? {
            Value::Float(v) => Some(v),
            Value::Histogram(_) => unreachable!("BUG: an operation made a histogram of a float"),
        });
    }
}

impl<F: FnMut(usize, Sample<'_>) -> Option<Value> + Send> Elementwise for F {
    fn sample(&mut self, step: usize, sample: Sample<'_>) -> Option<Value> {
        self(step, sample)
    }
}

/// Replaces each sample by what `f` makes of it and its step, or removes it.
pub(super) fn per_sample(
    eval: &Eval,
    operand: Box<dyn Operator>,
    names: Names,
    f: impl FnMut(usize, Sample<'_>) -> Option<Value> + Send + 'static,
) -> Result<Box<dyn Operator>, QueryError> {
    elementwise(eval, operand, names, f)
}

/// Replaces each sample by what an operation makes of it, or removes it.
pub(super) fn elementwise(
    eval: &Eval,
    operand: Box<dyn Operator>,
    names: Names,
    operation: impl Elementwise + 'static,
) -> Result<Box<dyn Operator>, QueryError> {
    let delayed = eval.query.options.delayed_name_removal;
    let relabel = match names {
        Names::DropMetadata if !delayed => Some(without_metadata as fn(&Labels) -> Labels),
        Names::DropName if !delayed => Some(Labels::without_metric_name as fn(&Labels) -> Labels),
        _ => None,
    };
    let labels = relabel.map(|relabel| relabelled(eval, operand.labels(), relabel)).transpose()?;
    let merge = labels.as_ref().is_some_and(|labels| has_same_labels(labels));
    let pacer = Pacer::new(&eval.query.context);
    let operator = Box::new(PerSample { operand, labels, drop_name: names != Names::Keep, pacer, operation });
    if merge {
        let rows = Rows::collect(&eval.query, operator, eval.grid.n_steps)?;
        return Ok(merge_same_labels(&eval.query, rows)?.into_operator());
    }
    Ok(operator)
}

fn relabelled(
    eval: &Eval,
    labels: &[Labels],
    relabel: fn(&Labels) -> Labels,
) -> Result<Vec<Labels>, QueryError> {
    eval.query.keep_label_list(labels.len())?;
    let mut pacer = Pacer::new(&eval.query.context);
    let one = |old: &Labels| {
        pacer.work(CELLS_PER_LABEL_SET)?;
        let new = relabel(old);
        if new.as_bytes().len() < old.as_bytes().len() {
            eval.query.keep_labels(&new)?;
        }
        Ok(new)
    };
    labels.iter().map(one).collect()
}

struct PerSample<E> {
    operand: Box<dyn Operator>,
    /// The labels, if they are not those of the operand.
    labels: Option<Vec<Labels>>,
    drop_name: bool,
    pacer: Pacer,
    operation: E,
}

impl<E: Elementwise> Operator for PerSample<E> {
    fn labels(&self) -> &[Labels] {
        self.labels.as_deref().unwrap_or(self.operand.labels())
    }

    fn next(&mut self) -> Result<Option<Block>, QueryError> {
        let Some(mut block) = self.operand.next()? else { return Ok(None) };
        for row in 0..block.n_rows() {
            if self.drop_name {
                block.row_mut(row).set_drop_name(true);
            }
            if let Some(mut floats) = block.row_mut(row).floats() {
                self.pacer.work(floats.vals.len())?;
                self.operation.floats(&mut floats);
                continue;
            }
            let steps: Vec<usize> = block.row(row).steps().collect();
            for step in steps {
                self.pacer.work(1)?;
                let sample = block.row(row).sample(step);
                let result = sample.and_then(|sample| self.operation.sample(step, sample));
                let mut cell = block.row_mut(row);
                match result {
                    Some(value) => cell.set(step, value)?,
                    None => cell.clear(step),
                }
            }
        }
        block.settle()?;
        Ok(Some(block))
    }
}
