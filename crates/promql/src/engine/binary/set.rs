use super::matching::MatchGroups;
use crate::engine::error::QueryError;
use crate::engine::eval::Eval;
use crate::engine::operator::{Operator, Rows};
use crate::engine::pacer::Pacer;
use crate::engine::plan::BinaryPlan;
use crate::engine::same_labels::merge_same_labels;
use crate::engine::state::QueryState;
use crate::engine::step_set::StepSets;
use crate::syntax::BinaryOp;

/// `and`, `or` and `unless`: which samples stay depends on whether the other side has a sample in the same match group at the same step.
pub(super) fn open(eval: &Eval, plan: &BinaryPlan) -> Result<Box<dyn Operator>, QueryError> {
    let matching = plan.matching.as_ref().expect("BUG: the type checker gives set operators a matching");
    let (mut left, mut right) = (eval.rows(&plan.lhs)?, eval.rows(&plan.rhs)?);
    let groups = MatchGroups::new(&eval.query, &left.labels, &right.labels, matching)?;
    if plan.op == BinaryOp::Or {
        let taken = presence(&left, &groups.left, groups.n_groups, &eval.query)?;
        retain(&mut right, &groups.right, &taken, false, &eval.query)?;
        let mut all = Rows::with_capacity(&eval.query, left.len() + right.len(), eval.grid.n_steps)?;
        eval.query.keep_label_list(left.len() + right.len())?;
        for mut rows in [left, right] {
            eval.query.context.check()?;
            rows.block.settle()?;
            all.block.append(&rows.block)?;
            all.labels.append(&mut rows.labels);
        }
        return Ok(merge_same_labels(&eval.query, all)?.into_operator());
    }
    let partners = presence(&right, &groups.right, groups.n_groups, &eval.query)?;
    retain(&mut left, &groups.left, &partners, plan.op == BinaryOp::And, &eval.query)?;
    left.block.settle()?;
    Ok(left.into_operator())
}

/// At which steps each group has a sample.
fn presence(
    rows: &Rows,
    group_of: &[usize],
    n_groups: usize,
    query: &QueryState,
) -> Result<StepSets, QueryError> {
    let mut groups = StepSets::new(query, n_groups, rows.block.n_steps())?;
    let mut pacer = Pacer::new(&query.context);
    for (row, group) in rows.block.rows().zip(group_of) {
        pacer.work(row.words().len())?;
        groups.insert_all(*group, row.words());
    }
    Ok(groups)
}

/// Leaves the samples at the steps that are in the set of their group (`keep_matched`) or are not.
fn retain(
    rows: &mut Rows,
    group_of: &[usize],
    groups: &StepSets,
    keep_matched: bool,
    query: &QueryState,
) -> Result<(), QueryError> {
    let mut pacer = Pacer::new(&query.context);
    for (row, group) in group_of.iter().enumerate() {
        pacer.work(rows.block.n_steps())?;
        rows.block.row_mut(row).retain(groups.words(*group), keep_matched);
    }
    Ok(())
}
