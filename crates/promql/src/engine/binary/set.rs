use super::matching::MatchGroups;
use crate::engine::error::QueryError;
use crate::engine::eval::Eval;
use crate::engine::operator::{Operator, Rows};
use crate::engine::pacer::Pacer;
use crate::engine::plan::BinaryPlan;
use crate::engine::same_labels::merge_same_labels;
use crate::engine::state::QueryState;
use crate::engine::step_set::StepSet;
use crate::syntax::BinaryOp;

/// `and`, `or` and `unless`: which samples stay depends on whether the other side has a sample in the same match group at the same step.
pub(super) fn open(eval: &Eval, plan: &BinaryPlan) -> Result<Box<dyn Operator>, QueryError> {
    let matching = plan.matching.as_ref().expect("BUG: the type checker gives set operators a matching");
    let (mut left, mut right) = (eval.rows(&plan.lhs)?, eval.rows(&plan.rhs)?);
    let groups = MatchGroups::new(&eval.query, &left.labels, &right.labels, matching)?;
    if plan.op == BinaryOp::Or {
        let taken = Presence::of(&left, &groups.left, groups.n_groups, &eval.query)?;
        retain(&mut right, &groups.right, &eval.query, |group, step| !taken.get(group, step))?;
        let mut all = Rows::with_capacity(&eval.query, left.len() + right.len(), eval.grid.n_steps)?;
        eval.query.keep_label_list(left.len() + right.len())?;
        for rows in [&left, &right] {
            eval.query.context.check()?;
            all.labels.extend_from_slice(&rows.labels);
            rows.block.rows().try_for_each(|row| all.block.push_copy(row))?;
        }
        all.block.settle()?;
        return Ok(merge_same_labels(&eval.query, all)?.into_operator());
    }
    let partners = Presence::of(&right, &groups.right, groups.n_groups, &eval.query)?;
    let keep_matched = plan.op == BinaryOp::And;
    retain(&mut left, &groups.left, &eval.query, |group, step| partners.get(group, step) == keep_matched)?;
    left.block.settle()?;
    Ok(left.into_operator())
}

/// At which steps a group has a sample.
struct Presence {
    n_steps: usize,
    cells: StepSet,
}

impl Presence {
    fn of(rows: &Rows, group_of: &[usize], n_groups: usize, query: &QueryState) -> Result<Self, QueryError> {
        let n_steps = rows.block.n_steps();
        let mut cells = StepSet::new(query, n_groups.saturating_mul(n_steps))?;
        let mut pacer = Pacer::new(&query.context);
        for (row, group) in rows.block.rows().zip(group_of) {
            pacer.work(n_steps)?;
            row.steps().for_each(|step| cells.insert(group * n_steps + step));
        }
        Ok(Self { n_steps, cells })
    }

    fn get(&self, group: usize, step: usize) -> bool {
        self.cells.contains(group * self.n_steps + step)
    }
}

fn retain(
    rows: &mut Rows,
    group_of: &[usize],
    query: &QueryState,
    keep: impl Fn(usize, usize) -> bool,
) -> Result<(), QueryError> {
    let mut pacer = Pacer::new(&query.context);
    for (row, group) in group_of.iter().enumerate() {
        pacer.work(rows.block.n_steps())?;
        let dropped: Vec<usize> = rows.block.row(row).steps().filter(|step| !keep(*group, *step)).collect();
        for step in dropped {
            rows.block.row_mut(row).clear(step);
        }
    }
    Ok(())
}
