use bellwether_model::Labels;

use super::columns::{SeriesColumns, WindowCursor};
use super::error::QueryError;
use super::eval::Eval;
use super::operator::{Operator, Rows};
use super::plan::{Plan, RangePlan};
use super::range_source::RangeSeries;
use super::step_set::StepSet;

/// `absent`: 1 at each step at which the vector has no sample.
pub(super) fn now(eval: &Eval, operand: &Plan, labels: &Labels) -> Result<Box<dyn Operator>, QueryError> {
    let mut present = StepSet::new(&eval.query, eval.grid.n_steps)?;
    let mut operand = eval.open(operand)?;
    while let Some(block) = operand.next()? {
        block.rows().for_each(|row| present.insert_all(row.words()));
    }
    ones_where_absent(eval, &present, labels, false)
}

/// `absent_over_time`: 1 at each step at which no series has a sample in the window.
pub(super) fn over_time(
    eval: &Eval,
    source: &RangePlan,
    labels: &Labels,
) -> Result<Box<dyn Operator>, QueryError> {
    let mut source = RangeSeries::open(eval, source)?;
    let mut present = StepSet::new(&eval.query, eval.grid.n_steps)?;
    let mut columns = SeriesColumns::default();
    let mut tally = eval.query.tally.counter(eval.scope);
    for _ in 0..source.labels().len() {
        eval.query.context.check()?;
        source.read_next(&mut columns)?;
        let mut cursor = WindowCursor::default();
        for (step, ts_ms) in eval.times_ms().enumerate() {
            let edges = source.frame().edges(ts_ms);
            let found = cursor.advance(&columns, edges.after, edges.until);
            if found.weight > 0 {
                present.insert(step);
            }
            tally.add(step, found.weight);
        }
    }
    ones_where_absent(eval, &present, labels, true)
}

fn ones_where_absent(
    eval: &Eval,
    present: &StepSet,
    labels: &Labels,
    drop_name: bool,
) -> Result<Box<dyn Operator>, QueryError> {
    let mut rows = Rows::with_capacity(&eval.query, 1, eval.grid.n_steps)?;
    rows.labels.push(labels.clone());
    let mut row = rows.block.push_row()?;
    row.set_drop_name(drop_name);
    for step in (0..eval.grid.n_steps).filter(|step| !present.contains(*step)) {
        row.set_float(step, 1.0);
    }
    rows.block.settle()?;
    Ok(rows.into_operator())
}
