use super::grouping::Groups;
use crate::engine::annotation::{Annotations, Remark};
use crate::engine::block::Sample;
use crate::engine::error::QueryError;
use crate::engine::eval::Eval;
use crate::engine::operator::{Operator, Rows};
use crate::engine::plan::AggregatePlan;
use crate::functions::quantile;

/// `quantile`: of the floats of each group at each step.
pub(super) fn open(eval: &Eval, plan: &AggregatePlan) -> Result<Box<dyn Operator>, QueryError> {
    let param = plan.param.as_ref().expect("BUG: the type checker asks for a quantile");
    let quantiles = eval.scalar(param)?;
    let mut annotations = Annotations::default();
    let mut invalid =
        |got: f64| annotations.add(Remark::InvalidQuantile { got: got.into() }, plan.param_span);
    // As Prometheus does, the greatest and the smallest stand for all that are out of bounds.
    if quantiles.iter().any(|q| q.is_nan()) {
        invalid(f64::NAN);
    } else {
        let max = quantiles.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let min = quantiles.iter().copied().fold(f64::INFINITY, f64::min);
        if max > 1.0 {
            invalid(max);
        }
        if min < 0.0 {
            invalid(min);
        }
    }
    let operand = eval.rows(&plan.operand)?;
    let groups = Groups::new(&eval.query, &operand.labels, plan)?;
    let mut rows = Rows::with_capacity(&eval.query, groups.len(), eval.grid.n_steps)?;
    let mut vals = Vec::new();
    for (labels, members) in groups.labels.iter().zip(groups.members().iter()) {
        rows.labels.push(labels.clone());
        let mut row = rows.block.push_row()?;
        for (step, q) in quantiles.iter().enumerate() {
            eval.query.context.check()?;
            vals.clear();
            let mut drop_name = false;
            for member in members {
                let member = operand.block.row(*member);
                match member.sample(step) {
                    Some(Sample::Float(v)) => {
                        vals.push(v);
                        drop_name |= member.drop_name();
                    }
                    Some(Sample::Histogram(_)) => annotations.add(
                        Remark::HistogramIgnoredInAggregation { aggregation: "quantile" },
                        plan.operand_span,
                    ),
                    None => {}
                }
            }
            if !vals.is_empty() {
                row.set_float(step, quantile(*q, &mut vals));
                row.set_drop_name(drop_name);
            }
        }
    }
    eval.query.merge_annotations(annotations);
    rows.block.settle()?;
    Ok(rows.into_operator())
}
