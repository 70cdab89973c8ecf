use std::collections::HashMap;

use bellwether_model::{Labels, format_float};

use super::grouping::group_labels;
use crate::engine::block::Sample;
use crate::engine::error::QueryError;
use crate::engine::eval::Eval;
use crate::engine::operator::{Operator, Rows};
use crate::engine::plan::{AggregatePlan, Plan};

/// `count_values`: how many samples of each group have the same value, which becomes a label.
pub(super) fn open(eval: &Eval, plan: &AggregatePlan) -> Result<Box<dyn Operator>, QueryError> {
    let Some(Plan::String(label)) = &plan.param else {
        unreachable!("BUG: the type checker asks for a label name");
    };
    let mut operand = eval.open(&plan.operand)?;
    let mut rows = Rows::with_capacity(&eval.query, 0, eval.grid.n_steps)?;
    let mut place_of: HashMap<Labels, usize> = HashMap::new();
    let mut series = 0;
    while let Some(block) = operand.next()? {
        for row in block.rows() {
            eval.query.context.check()?;
            let labels = operand.labels()[series].clone();
            series += 1;
            // A value often stays the same for a while.
            let mut last: Option<(String, usize)> = None;
            for (step, sample) in row.samples() {
                let text = match sample {
                    Sample::Float(v) => format_float(v),
                    Sample::Histogram(h) => h.test_expression(),
                };
                let place = match &last {
                    Some((seen, place)) if *seen == text => *place,
                    _ => {
                        let mut builder = labels.to_builder();
                        builder.set(label, &text);
                        let group = group_labels(&builder.build(), plan);
                        let place = match place_of.get(&group) {
                            Some(place) => *place,
                            None => {
                                rows.labels.push(group.clone());
                                rows.block.push_row()?;
                                place_of.insert(group, rows.len() - 1);
                                rows.len() - 1
                            }
                        };
                        last = Some((text, place));
                        place
                    }
                };
                let before = match rows.block.row(place).sample(step) {
                    Some(Sample::Float(n)) => n,
                    _ => 0.0,
                };
                rows.block.row_mut(place).set_float(step, before + 1.0);
            }
        }
    }
    rows.block.settle()?;
    Ok(rows.into_operator())
}
