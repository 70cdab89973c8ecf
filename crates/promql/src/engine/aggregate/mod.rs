//! Aggregations: of the series of each group into one, or into those that are chosen.

mod average;
mod choose;
mod count_values;
mod extreme;
mod fold;
mod grouping;
mod presence;
mod quantile;
mod ratio;
mod sum;
mod variance;

use super::error::QueryError;
use super::eval::Eval;
use super::operator::Operator;
use super::plan::AggregatePlan;
use crate::syntax::AggregateOp;

pub(super) fn open(eval: &Eval, plan: &AggregatePlan) -> Result<Box<dyn Operator>, QueryError> {
    match plan.op {
        AggregateOp::Sum => fold::open(eval, plan, sum::Sum::default()),
        AggregateOp::Avg => fold::open(eval, plan, average::Average::default()),
        AggregateOp::Count => fold::open(eval, plan, presence::Count::default()),
        AggregateOp::Group => fold::open(eval, plan, presence::Group::default()),
        AggregateOp::Min => fold::open(eval, plan, extreme::Min::default()),
        AggregateOp::Max => fold::open(eval, plan, extreme::Max::default()),
        AggregateOp::Stddev => fold::open(eval, plan, variance::Variance::root()),
        AggregateOp::Stdvar => fold::open(eval, plan, variance::Variance::squared()),
        AggregateOp::Quantile => quantile::open(eval, plan),
        AggregateOp::CountValues => count_values::open(eval, plan),
        AggregateOp::TopK | AggregateOp::BottomK => choose::top_or_bottom(eval, plan),
        AggregateOp::LimitK => choose::limit(eval, plan),
        AggregateOp::LimitRatio => ratio::open(eval, plan),
    }
}
