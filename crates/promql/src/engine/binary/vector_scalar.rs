use bellwether_model::Value;

use super::changes_meaning;
use super::element::operation;
use crate::engine::block::Sample;
use crate::engine::elementwise::{Names, per_sample};
use crate::engine::error::QueryError;
use crate::engine::eval::Eval;
use crate::engine::operator::Operator;
use crate::engine::plan::{BinaryPlan, Plan};

/// An operation between a vector and a scalar. `swapped`: the scalar stands on the left.
pub(super) fn open(
    eval: &Eval,
    plan: &BinaryPlan,
    vector: &Plan,
    scalar: &Plan,
    swapped: bool,
) -> Result<Box<dyn Operator>, QueryError> {
    let vector = eval.open(vector)?;
    let scalar = eval.scalar(scalar)?;
    let (op, return_bool, span) = (plan.op, plan.return_bool, plan.span);
    let names = if changes_meaning(op) || return_bool { Names::DropMetadata } else { Names::Keep };
    let query = eval.query.clone();
    per_sample(eval, vector, names, move |step, sample| {
        let number = Sample::Float(scalar[step]);
        let (lhs, rhs) = if swapped { (number, sample) } else { (sample, number) };
        let outcome = operation(op, lhs, rhs);
        if let Some(remark) = outcome.remark {
            query.annotate(remark, span);
        }
        let value = outcome.value?;
        if return_bool {
            return Some(Value::Float(f64::from(u8::from(outcome.holds))));
        }
        if !outcome.holds {
            return None;
        }
        // A comparison filters the vector, on whichever side it stands.
        Some(if op.is_comparison() { sample.to_value() } else { value })
    })
}
