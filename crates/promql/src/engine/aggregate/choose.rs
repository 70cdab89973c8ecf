use super::grouping::Groups;
use crate::engine::annotation::Remark;
use crate::engine::block::Sample;
use crate::engine::error::QueryError;
use crate::engine::eval::Eval;
use crate::engine::operator::{Operator, Rows};
use crate::engine::plan::AggregatePlan;
use crate::engine::sort::compare_values;
use crate::syntax::AggregateOp;

/// `topk` and `bottomk`: the samples of each group with the greatest or smallest values.
pub(super) fn top_or_bottom(eval: &Eval, plan: &AggregatePlan) -> Result<Box<dyn Operator>, QueryError> {
    let descending = plan.op == AggregateOp::TopK;
    let counts = counts(eval, plan)?;
    choose(eval, plan, |operand, members, step| {
        let Some(k) = counts[step] else { return Vec::new() };
        let mut found: Vec<(f64, usize)> = Vec::new();
        for member in members {
            match operand.block.row(*member).sample(step) {
                Some(Sample::Float(v)) => found.push((v, *member)),
                Some(Sample::Histogram(_)) => {
                    let aggregation = plan.op.as_str();
                    eval.query.annotate(Remark::HistogramIgnoredInAggregation { aggregation }, plan.span);
                }
                None => {}
            }
        }
        // Equal values stay in the order in which they came. Only those that are wanted are sorted.
        let compare =
            |a: &(f64, usize), b: &(f64, usize)| compare_values(a.0, b.0, descending).then(a.1.cmp(&b.1));
        if k < found.len() {
            found.select_nth_unstable_by(k - 1, compare);
            found.truncate(k);
        }
        found.sort_unstable_by(compare);
        found.into_iter().map(|(_, member)| member).collect()
    })
}

/// `limitk`: any samples of each group; the first ones.
pub(super) fn limit(eval: &Eval, plan: &AggregatePlan) -> Result<Box<dyn Operator>, QueryError> {
    let counts = counts(eval, plan)?;
    choose(eval, plan, |operand, members, step| {
        let k = counts[step].unwrap_or(0);
        let present = members.iter().filter(|member| operand.block.row(**member).sample(step).is_some());
        present.take(k).copied().collect()
    })
}

/// How many samples are wanted at each step; `None` if less than one is.
fn counts(eval: &Eval, plan: &AggregatePlan) -> Result<Vec<Option<usize>>, QueryError> {
    let param = plan.param.as_ref().expect("BUG: the type checker asks for a count");
    let params = eval.scalar(param)?;
    // If no step wants any, it does not matter whether the numbers make sense.
    if params.iter().all(|k| *k < 1.0) {
        return Ok(vec![None; params.len()]);
    }
    params.iter().map(|k| count(*k)).collect()
}

fn count(k: f64) -> Result<Option<usize>, QueryError> {
    let out_of_range = |how: &str| {
        let k = bellwether_model::format_float_go(k);
        Err(QueryError::execution(format!("Scalar value {k} {how} int64")))
    };
    if k.is_nan() {
        return Err(QueryError::execution("Parameter value is NaN"));
    }
    if k <= i64::MIN as f64 {
        return out_of_range("underflows");
    }
    if k >= i64::MAX as f64 {
        return out_of_range("overflows");
    }
    Ok(usize::try_from(k as i64).ok().filter(|k| *k > 0))
}

/// Copies the samples that `pick` names, out of the members of each group at each step, in the order in which it names them.
pub(super) fn choose(
    eval: &Eval,
    plan: &AggregatePlan,
    mut pick: impl FnMut(&Rows, &[usize], usize) -> Vec<usize>,
) -> Result<Box<dyn Operator>, QueryError> {
    let operand = eval.rows(&plan.operand)?;
    let groups = Groups::new(&eval.query, &operand.labels, plan)?;
    let mut rows = Rows::with_capacity(&eval.query, 0, eval.grid.n_steps)?;
    let mut place_of: Vec<Option<usize>> = vec![None; operand.len()];
    for members in groups.members().iter() {
        for step in 0..eval.grid.n_steps {
            eval.query.context.check()?;
            for member in pick(&operand, members, step) {
                let source = operand.block.row(member);
                let place = if let Some(place) = place_of[member] {
                    place
                } else {
                    eval.query.keep_label_list(1)?;
                    rows.labels.push(operand.labels[member].clone());
                    rows.block.push_row()?.set_drop_name(source.drop_name());
                    rows.len() - 1
                };
                place_of[member] = Some(place);
                if let Some(sample) = source.sample(step) {
                    rows.block.row_mut(place).set_sample(step, sample)?;
                }
            }
        }
    }
    rows.block.settle()?;
    Ok(rows.into_operator())
}
