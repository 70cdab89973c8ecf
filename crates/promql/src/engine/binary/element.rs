use std::sync::Arc;

use bellwether_model::histogram::{AddOutcome, HistogramError, TrimSide};
use bellwether_model::{CounterResetHint, FloatHistogram, Value};

use crate::engine::annotation::{HistogramOperation, Remark};
use crate::engine::block::Sample;
use crate::syntax::BinaryOp;

/// What an operator makes of two samples.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The result of arithmetic, or the left operand of a comparison; `None` if the operator is not defined for these kinds of samples.
    pub(super) value: Option<Value>,
    /// Whether a comparison holds; true for arithmetic.
    pub(super) holds: bool,
    pub(super) remark: Option<Remark>,
}

impl Outcome {
    fn arithmetic(value: Value, remark: Option<Remark>) -> Self {
        Self { value: Some(value), holds: true, remark }
    }

    fn comparison(value: Value, holds: bool) -> Self {
        Self { value: Some(value), holds, remark: None }
    }

    fn undefined(remark: Remark) -> Self {
        Self { value: None, holds: false, remark: Some(remark) }
    }
}

/// Applies an operator, which is not a set operator, to two samples.
pub(super) fn operation(op: BinaryOp, lhs: Sample<'_>, rhs: Sample<'_>) -> Outcome {
    match (lhs, rhs) {
        (Sample::Float(a), Sample::Float(b)) => floats(op, a, b),
        (Sample::Float(a), Sample::Histogram(b)) => match op {
            BinaryOp::Mul => Outcome::arithmetic(scaled(b, |h| h.scale(a)), None),
            _ => incompatible("float", op, "histogram"),
        },
        (Sample::Histogram(a), Sample::Float(b)) => match op {
            BinaryOp::Mul => Outcome::arithmetic(scaled(a, |h| h.scale(b)), None),
            BinaryOp::Div => Outcome::arithmetic(scaled(a, |h| h.divide(b)), None),
            BinaryOp::TrimUpper => Outcome::arithmetic(trimmed(a, b, TrimSide::KeepBelow), None),
            BinaryOp::TrimLower => Outcome::arithmetic(trimmed(a, b, TrimSide::KeepAbove), None),
            _ => incompatible("histogram", op, "float"),
        },
        (Sample::Histogram(a), Sample::Histogram(b)) => histograms(op, a, b),
    }
}

/// Applies an operator to two numbers; a comparison yields 1 or 0.
pub(crate) fn scalar_operation(op: BinaryOp, a: f64, b: f64) -> f64 {
    match float_operation(op, a, b) {
        Some(FloatResult::Number(v)) => v,
        Some(FloatResult::Holds(holds)) => f64::from(u8::from(holds)),
        None => f64::NAN,
    }
}

enum FloatResult {
    Number(f64),
    Holds(bool),
}

/// `None` if the operator is not defined for numbers.
fn float_operation(op: BinaryOp, a: f64, b: f64) -> Option<FloatResult> {
    use FloatResult::{Holds, Number};

    Some(match op {
        BinaryOp::Add => Number(a + b),
        BinaryOp::Sub => Number(a - b),
        BinaryOp::Mul => Number(a * b),
        BinaryOp::Div => Number(a / b),
        BinaryOp::Mod => Number(a % b),
        BinaryOp::Pow => Number(a.powf(b)),
        BinaryOp::Atan2 => Number(a.atan2(b)),
        BinaryOp::Eq => Holds(a == b),
        BinaryOp::Ne => Holds(a != b),
        BinaryOp::Lt => Holds(a < b),
        BinaryOp::Le => Holds(a <= b),
        BinaryOp::Gt => Holds(a > b),
        BinaryOp::Ge => Holds(a >= b),
        BinaryOp::TrimUpper | BinaryOp::TrimLower | BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => {
            return None;
        }
    })
}

fn floats(op: BinaryOp, a: f64, b: f64) -> Outcome {
    match float_operation(op, a, b) {
        Some(FloatResult::Number(v)) => Outcome::arithmetic(Value::Float(v), None),
        Some(FloatResult::Holds(holds)) => Outcome::comparison(Value::Float(a), holds),
        None => incompatible("float", op, "float"),
    }
}

fn histograms(op: BinaryOp, a: &Arc<FloatHistogram>, b: &Arc<FloatHistogram>) -> Outcome {
    let combine =
        |during, f: fn(&mut FloatHistogram, &FloatHistogram) -> Result<AddOutcome, HistogramError>| {
            let mut result = FloatHistogram::clone(a);
            let Ok(outcome) = f(&mut result, b) else {
                return Outcome::undefined(Remark::IncompatibleBucketLayout { op: op.as_str() });
            };
            if during == HistogramOperation::Subtraction {
                // A difference may go up and down.
                result.counter_reset_hint = CounterResetHint::Gauge;
            }
            result.compact(0);
            let remark = if outcome.bounds_reconciled {
                Some(Remark::CustomBucketsReconciled { during })
            } else if outcome.counter_reset_collision {
                Some(Remark::CounterResetCollision { during })
            } else {
                None
            };
            Outcome::arithmetic(Value::Histogram(Arc::new(result)), remark)
        };
    let compared = |holds| Outcome::comparison(Value::Histogram(Arc::clone(a)), holds);
    match op {
        BinaryOp::Add => combine(HistogramOperation::Addition, FloatHistogram::add),
        BinaryOp::Sub => combine(HistogramOperation::Subtraction, FloatHistogram::sub),
        BinaryOp::Eq => compared(a.same_data(b)),
        BinaryOp::Ne => compared(!a.same_data(b)),
        _ => incompatible("histogram", op, "histogram"),
    }
}

fn scaled(h: &FloatHistogram, f: impl FnOnce(&mut FloatHistogram)) -> Value {
    let mut result = h.clone();
    f(&mut result);
    result.compact(0);
    Value::Histogram(Arc::new(result))
}

fn trimmed(h: &FloatHistogram, bound: f64, keep: TrimSide) -> Value {
    let mut result = h.clone();
    result.trim(bound, keep);
    Value::Histogram(Arc::new(result))
}

fn incompatible(lhs: &'static str, op: BinaryOp, rhs: &'static str) -> Outcome {
    Outcome::undefined(Remark::IncompatibleTypes { lhs, op: op.as_str(), rhs })
}
