use crate::functions::FloatSink;
use crate::syntax::BinaryOp;

/// An operator between a row of floats and a number per step. It yields the same bits as [`operation`](super::element::operation) does for each sample by
/// itself, which a property test holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowOperation {
    op: BinaryOp,
    /// Whether the row is the right operand.
    pub(super) swapped: bool,
    /// Whether comparisons yield 1 or 0 instead of leaving samples out.
    pub(super) return_bool: bool,
}

impl RowOperation {
    /// `None` if the operator is not defined for floats.
    pub(super) fn new(op: BinaryOp, swapped: bool, return_bool: bool) -> Option<Self> {
        let is_defined = !op.is_set() && !matches!(op, BinaryOp::TrimUpper | BinaryOp::TrimLower);
        is_defined.then_some(Self { op, swapped, return_bool })
    }

    /// Replaces each float of the row by the result. A comparison leaves those for which it holds, on whichever side they stand.
    pub(super) fn apply(self, row: &mut FloatSink<'_>, numbers: &[f64]) {
        match self.op {
            BinaryOp::Add => self.arithmetic(row, numbers, |a, b| a + b),
            BinaryOp::Sub => self.arithmetic(row, numbers, |a, b| a - b),
            BinaryOp::Mul => self.arithmetic(row, numbers, |a, b| a * b),
            BinaryOp::Div => self.arithmetic(row, numbers, |a, b| a / b),
            BinaryOp::Mod => self.arithmetic(row, numbers, |a, b| a % b),
            BinaryOp::Pow => self.arithmetic(row, numbers, f64::powf),
            BinaryOp::Atan2 => self.arithmetic(row, numbers, f64::atan2),
            BinaryOp::Eq => self.comparison(row, numbers, |a, b| a == b),
            BinaryOp::Ne => self.comparison(row, numbers, |a, b| a != b),
            BinaryOp::Lt => self.comparison(row, numbers, |a, b| a < b),
            BinaryOp::Le => self.comparison(row, numbers, |a, b| a <= b),
            BinaryOp::Gt => self.comparison(row, numbers, |a, b| a > b),
            BinaryOp::Ge => self.comparison(row, numbers, |a, b| a >= b),
            BinaryOp::TrimUpper | BinaryOp::TrimLower | BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => {
                unreachable!("BUG: {} is not defined for floats", self.op.as_str())
            }
        }
    }

    /// Cells without a sample are computed, too: nobody looks at them, and a loop without branches is faster.
    #[inline(always)]
    fn arithmetic(self, row: &mut FloatSink<'_>, numbers: &[f64], f: impl Fn(f64, f64) -> f64) {
        let cells = row.vals.iter_mut().zip(numbers);
        if self.swapped {
            cells.for_each(|(v, number)| *v = f(*number, *v));
        } else {
            cells.for_each(|(v, number)| *v = f(*v, *number));
        }
    }

    #[inline(always)]
    fn comparison(self, row: &mut FloatSink<'_>, numbers: &[f64], holds: impl Fn(f64, f64) -> bool) {
        const BITS: usize = u64::BITS as usize;

        let chunks = row.vals.chunks_mut(BITS).zip(numbers.chunks(BITS));
        for ((vals, numbers), present) in chunks.zip(&mut *row.present) {
            let mut held = 0;
            for (bit, (v, number)) in vals.iter().zip(numbers).enumerate() {
                let (a, b) = if self.swapped { (*number, *v) } else { (*v, *number) };
                held |= u64::from(holds(a, b)) << bit;
            }
            if self.return_bool {
                vals.iter_mut().enumerate().for_each(|(bit, v)| *v = f64::from((held >> bit & 1) as u8));
            } else {
                *present &= held;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::binary::element::operation;
    use crate::engine::block::Sample;
    use bellwether_model::Value;

    const OPERATORS: [BinaryOp; 13] = [
        BinaryOp::Add,
        BinaryOp::Sub,
        BinaryOp::Mul,
        BinaryOp::Div,
        BinaryOp::Mod,
        BinaryOp::Pow,
        BinaryOp::Atan2,
        BinaryOp::Eq,
        BinaryOp::Ne,
        BinaryOp::Lt,
        BinaryOp::Le,
        BinaryOp::Gt,
        BinaryOp::Ge,
    ];

    /// What the plain form makes of a sample of the row.
    fn plain(operator: RowOperation, v: f64, number: f64) -> Option<f64> {
        let (row, number) = (Sample::Float(v), Sample::Float(number));
        let (lhs, rhs) = if operator.swapped { (number, row) } else { (row, number) };
        let outcome = operation(operator.op, lhs, rhs);
        let Some(Value::Float(result)) = outcome.value else { panic!("{operator:?} is undefined") };
        if operator.return_bool {
            return Some(f64::from(u8::from(outcome.holds)));
        }
        outcome.holds.then_some(if operator.op.is_comparison() { v } else { result })
    }

    fn number() -> impl Strategy<Value = f64> {
        prop_oneof![
            4 => (-3_i32..4).prop_map(f64::from),
            4 => any::<f64>(),
            1 => Just(f64::NAN),
            1 => Just(-0.0),
            1 => Just(f64::NEG_INFINITY),
        ]
    }

    proptest! {
        #[test]
        fn rows_equal_samples(
            cells in prop::collection::vec((any::<bool>(), number(), number()), 1..140),
            swapped in any::<bool>(),
            return_bool in any::<bool>(),
        ) {
            let numbers: Vec<f64> = cells.iter().map(|(_, _, number)| *number).collect();
            for op in OPERATORS {
                let return_bool = return_bool && op.is_comparison();
                let operator = RowOperation::new(op, swapped, return_bool).expect("defined");
                let mut vals: Vec<f64> = cells.iter().map(|(_, v, _)| *v).collect();
                let mut present = vec![0_u64; cells.len().div_ceil(64)];
                for (idx, _) in cells.iter().enumerate().filter(|(_, (is_present, ..))| *is_present) {
                    present[idx / 64] |= 1 << (idx % 64);
                }
                operator.apply(&mut FloatSink { vals: &mut vals, present: &mut present }, &numbers);
                for (idx, (is_present, v, number)) in cells.iter().enumerate() {
                    let got = (present[idx / 64] >> (idx % 64) & 1 == 1).then(|| vals[idx]);
                    let want = if *is_present { plain(operator, *v, *number) } else { None };
                    // Which NaN it is, nobody can see.
                    let bits = |v: Option<f64>| v.map(|v| if v.is_nan() { f64::NAN } else { v }.to_bits());
                    prop_assert_eq!(bits(got), bits(want), "{:?} cell {}: {} {}", operator, idx, v, number);
                }
            }
        }
    }
}
