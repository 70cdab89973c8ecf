//! Binary operators: between scalars, between a vector and a scalar, and between two vectors.

mod element;
mod matching;
mod row;
mod set;
mod vector_scalar;
mod vector_vector;

use super::error::QueryError;
use super::eval::Eval;
use super::operator::Operator;
use super::plan::BinaryPlan;
use crate::syntax::BinaryOp;

pub(super) use element::scalar_operation;

pub(super) fn open(eval: &Eval, plan: &BinaryPlan) -> Result<Box<dyn Operator>, QueryError> {
    match (plan.lhs.is_scalar(), plan.rhs.is_scalar()) {
        (false, true) => vector_scalar::open(eval, plan, &plan.lhs, &plan.rhs, false),
        (true, false) => vector_scalar::open(eval, plan, &plan.rhs, &plan.lhs, true),
        (false, false) if plan.op.is_set() => set::open(eval, plan),
        (false, false) => vector_vector::open(eval, plan),
        (true, true) => unreachable!("BUG: an operation on scalars is no vector"),
    }
}

/// Whether the result is no longer a sample of the metric on the left, so that it must not have its name.
fn changes_meaning(op: BinaryOp) -> bool {
    matches!(
        op,
        BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::Div
            | BinaryOp::Mod
            | BinaryOp::Pow
            | BinaryOp::Atan2
    )
}
