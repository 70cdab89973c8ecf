use std::sync::Arc;

use bellwether_model::Value;

use super::changes_meaning;
use super::element::operation;
use super::row::RowOperation;
use crate::engine::block::Sample;
use crate::engine::elementwise::{Elementwise, Names, elementwise};
use crate::engine::error::QueryError;
use crate::engine::eval::{Eval, Scalar};
use crate::engine::operator::Operator;
use crate::engine::plan::{BinaryPlan, Plan};
use crate::engine::state::QueryState;
use crate::functions::FloatSink;
use crate::syntax::{BinaryOp, TextSpan};

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
    let (op, return_bool) = (plan.op, plan.return_bool);
    let names = if changes_meaning(op) || return_bool { Names::DropMetadata } else { Names::Keep };
    let operation = WithScalar {
        query: Arc::clone(&eval.query),
        op,
        swapped,
        return_bool,
        span: plan.span,
        rows: RowOperation::new(op, swapped, return_bool),
        scalar,
    };
    elementwise(eval, vector, names, operation)
}

struct WithScalar {
    query: Arc<QueryState>,
    op: BinaryOp,
    swapped: bool,
    return_bool: bool,
    span: TextSpan,
    /// The faster form for rows of floats, if there is one.
    rows: Option<RowOperation>,
    scalar: Scalar,
}

impl Elementwise for WithScalar {
    fn sample(&mut self, step: usize, sample: Sample<'_>) -> Option<Value> {
        let number = Sample::Float(self.scalar[step]);
        let (lhs, rhs) = if self.swapped { (number, sample) } else { (sample, number) };
        let outcome = operation(self.op, lhs, rhs);
        if let Some(remark) = outcome.remark {
            self.query.annotate(remark, self.span);
        }
        let value = outcome.value?;
        if self.return_bool {
            return Some(Value::Float(f64::from(u8::from(outcome.holds))));
        }
        if !outcome.holds {
            return None;
        }
        // A comparison filters the vector, on whichever side it stands.
        Some(if self.op.is_comparison() { sample.to_value() } else { value })
    }

    fn floats(&mut self, row: &mut FloatSink<'_>) {
        match self.rows {
            Some(operation) => operation.apply(row, &self.scalar),
            None => self.each_float(row),
        }
    }
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
