use bellwether_model::format_float;

use super::grouping::group_labels;
use crate::engine::block::Sample;
use crate::engine::error::QueryError;
use crate::engine::eval::Eval;
use crate::engine::labelled_rows::LabelledRows;
use crate::engine::operator::Operator;
use crate::engine::pacer::{CELLS_PER_LABEL_SET, Pacer};
use crate::engine::plan::{AggregatePlan, Plan};

/// `count_values`: how many samples of each group have the same value, which becomes a label.
pub(super) fn open(eval: &Eval, plan: &AggregatePlan) -> Result<Box<dyn Operator>, QueryError> {
    let Some(Plan::String(label)) = &plan.param else {
        unreachable!("BUG: the type checker asks for a label name");
    };
    let mut operand = eval.open(&plan.operand)?;
    let mut counts = LabelledRows::new(&eval.query, eval.grid.n_steps)?;
    let mut pacer = Pacer::new(&eval.query.context);
    let mut series = 0;
    while let Some(block) = operand.next()? {
        for row in block.rows() {
            eval.query.context.check()?;
            let labels = operand.labels()[series].clone();
            series += 1;
            // A value often stays the same for a while.
            let mut last: Option<(String, usize)> = None;
            for (step, sample) in row.samples() {
                pacer.work(CELLS_PER_LABEL_SET)?;
                let text = match sample {
                    Sample::Float(v) => format_float(v),
                    Sample::Histogram(h) => h.to_string(),
                };
                let place = match last.take() {
                    Some((seen, place)) if seen == text => place,
                    _ => {
                        let mut builder = labels.to_builder();
                        builder.set(label, &text);
                        counts.place(&eval.query, &group_labels(&builder.build(), plan), false)?
                    }
                };
                last = Some((text, place));
                let block = &mut counts.rows_mut().block;
                let before = match block.row(place).sample(step) {
                    Some(Sample::Float(n)) => n,
                    _ => 0.0,
                };
                block.row_mut(place).set_float(step, before + 1.0);
            }
        }
    }
    counts.into_operator()
}
