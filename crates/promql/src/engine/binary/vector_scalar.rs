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
    // The left side first: if both fail, the query reports that one.
    let (vector, scalar) = if swapped {
        let scalar = eval.scalar(scalar)?;
        (eval.open(vector)?, scalar)
    } else {
        let vector = eval.open(vector)?;
        (vector, eval.scalar(scalar)?)
    };
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::testkit::{MemoryStore, ScriptOptions, run_script};

    #[test]
    fn what_is_written_first_fails_first() {
        let script = "
            load 10s
              a{x=\"1\"} 1
              a{x=\"2\"} 2

            eval instant at 0 scalar(1 * a * on () group_left () a) * (a + on () a{x=\"1\"})
              expect fail regex:found duplicate series

            eval instant at 0 (a + on () a{x=\"1\"}) * scalar(1 * a * on () group_left () a)
              expect fail regex:multiple matches

            eval instant at 0 clamp_min(a + on () a{x=\"1\"}, scalar(1 * a * on () group_left () a))
              expect fail regex:multiple matches
        ";
        let report = run_script("sides", script, &ScriptOptions::default(), &|| Arc::new(MemoryStore::new()));
        assert!(report.error.is_none(), "{:?}", report.error);
        let outcomes: Vec<_> = report.evaluations.iter().map(|it| it.outcome.clone()).collect();
        assert_eq!(outcomes, vec![Ok(()); 3]);
    }
}
