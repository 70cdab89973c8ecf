use bellwether_model::histogram::HistogramError;
use bellwether_model::{Labels, Value};

use super::grouping::{Groups, groups_by_metadata};
use crate::engine::annotation::{Annotations, HistogramOperation, Remark};
use crate::engine::block::{RowFloats, Sample};
use crate::engine::error::QueryError;
use crate::engine::eval::Eval;
use crate::engine::operator::{Operator, Rows};
use crate::engine::pacer::Pacer;
use crate::engine::plan::AggregatePlan;
use crate::engine::step_set::StepSets;

/// An aggregation that takes one sample after the other. There is one state per cell, that is per group and step, in columns, so that the floats of a row
/// can be added without branches.
pub(super) trait Fold {
    /// Makes room for so many cells.
    fn resize(&mut self, n_cells: usize);

    /// The bytes that a cell takes.
    fn bytes_per_cell() -> usize;

    /// Takes a sample.
    fn add(&mut self, cell: usize, sample: Sample<'_>, remarks: &mut Remarks<'_>);

    /// Takes a row of floats, whose cells are those from `first_cell` on.
    fn add_floats(&mut self, first_cell: usize, floats: RowFloats<'_>);

    /// The result of a cell; `None` if there is none. Each cell is asked once. `has_float`: whether a float was added.
    fn finish(&mut self, cell: usize, has_float: bool, remarks: &mut Remarks<'_>) -> Option<Value>;

    /// The results of the cells from `first_cell` on, if nothing but floats was added. Cells without any may become anything.
    fn finish_floats(&mut self, first_cell: usize, results: &mut [f64]);
}

/// What an aggregation has to say beside its result.
pub(super) struct Remarks<'a> {
    plan: &'a AggregatePlan,
    annotations: Annotations,
    /// The series of the sample that is being added.
    labels: Labels,
}

impl Remarks<'_> {
    pub(super) fn histogram_ignored(&mut self, aggregation: &'static str) {
        self.annotations.add(Remark::HistogramIgnoredInAggregation { aggregation }, self.plan.operand_span);
    }

    pub(super) fn mixed_floats_histograms(&mut self) {
        self.annotations.add(Remark::MixedFloatsHistogramsAggregation, self.plan.operand_span);
    }

    pub(super) fn cannot_combine(&mut self, _: &HistogramError) {
        let metric = self.labels.metric_name().to_owned();
        self.annotations.add(Remark::MixedExponentialCustom { metric }, self.plan.operand_span);
    }

    pub(super) fn bounds_reconciled(&mut self) {
        let during = HistogramOperation::Aggregation;
        self.annotations.add(Remark::CustomBucketsReconciled { during }, self.plan.operand_span);
    }

    pub(super) fn counter_reset_collision(&mut self) {
        let during = HistogramOperation::Aggregation;
        self.annotations.add(Remark::CounterResetCollision { during }, self.plan.operand_span);
    }
}

/// Runs an aggregation over all series, which it reads one block after the other.
pub(super) fn open<F: Fold>(
    eval: &Eval,
    plan: &AggregatePlan,
    mut fold: F,
) -> Result<Box<dyn Operator>, QueryError> {
    let mut operand = eval.open(&plan.operand)?;
    let groups = if groups_by_metadata(plan) {
        Groups::new(&eval.query, operand.labels(), plan)?
    } else {
        Groups::new(&eval.query, operand.labels_with_metadata(), plan)?
    };
    let n_steps = eval.grid.n_steps;
    let n_cells = groups.len().saturating_mul(n_steps);
    let _memory = eval.query.context.reserve(n_cells.saturating_mul(F::bytes_per_cell()))?;
    fold.resize(n_cells);
    // At which steps each group has a float.
    let mut has_float = StepSets::new(&eval.query, groups.len(), n_steps)?;
    let mut only_floats = true;
    let mut names = vec![NameFlag::default(); groups.len()];
    let mut remarks = Remarks { plan, annotations: Annotations::default(), labels: Labels::empty() };
    let mut series = 0;
    while let Some(block) = operand.next()? {
        eval.query.context.check()?;
        for row in block.rows() {
            if let Some(last_step) = row.last_step() {
                let group = groups.of_series[series];
                names[group].see(last_step, row.drop_name());
                if let Some(floats) = row.floats() {
                    has_float.insert_all(group, floats.present);
                    fold.add_floats(group * n_steps, floats);
                } else {
                    only_floats = false;
                    remarks.labels = operand.labels()[series].clone();
                    for (step, sample) in row.samples() {
                        if matches!(sample, Sample::Float(_)) {
                            has_float.insert(group, step);
                        }
                        fold.add(group * n_steps + step, sample, &mut remarks);
                    }
                }
            }
            series += 1;
        }
    }
    let mut rows = Rows::with_capacity(&eval.query, groups.len(), n_steps)?;
    let mut pacer = Pacer::new(&eval.query.context);
    for (group, labels) in groups.labels.into_iter().enumerate() {
        pacer.work(n_steps)?;
        rows.labels.push(labels);
        let mut row = rows.block.push_row()?;
        row.set_drop_name(names[group].drop_name);
        if only_floats {
            let results = row.as_floats();
            fold.finish_floats(group * n_steps, results.vals);
            results.present.copy_from_slice(has_float.words(group));
            continue;
        }
        for step in 0..n_steps {
            let has_float = has_float.contains(group, step);
            if let Some(value) = fold.finish(group * n_steps + step, has_float, &mut remarks) {
                row.set(step, value)?;
            }
        }
    }
    eval.query.merge_annotations(remarks.annotations);
    rows.block.settle()?;
    Ok(rows.into_operator())
}

/// Whether the name of a group goes at the end of the query: if that of any of the series goes that it has at its last step.
#[derive(Debug, Clone, Copy, Default)]
struct NameFlag {
    last_step: usize,
    drop_name: bool,
}

impl NameFlag {
    fn see(&mut self, last_step: usize, drop_name: bool) {
        if last_step > self.last_step {
            *self = Self { last_step, drop_name };
        } else if last_step == self.last_step {
            self.drop_name |= drop_name;
        }
    }
}
