use super::ast::{DurationArg, DurationExpr, DurationOp};
use super::span::TextSpan;

/// What `step()` and `range()` stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueryTimes {
    /// The distance of the evaluations of the query in milliseconds; zero for an instant query.
    pub step_ms: i64,
    /// The time between the start and the end of the query in milliseconds; zero for an instant query.
    pub range_ms: i64,
}

/// Why a duration has no value in a certain query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// A range or step that is zero or negative.
    #[error("duration must be greater than 0")]
    NotPositive {
        /// Where the duration was written.
        span: TextSpan,
    },
    /// The duration does not fit into 64 bits of nanoseconds, or is no number at all.
    #[error("duration is out of range")]
    OutOfRange {
        /// Where the duration was written.
        span: TextSpan,
    },
    /// The divisor turned out to be zero.
    #[error("division by zero")]
    DivisionByZero {
        /// Where the divisor was written.
        span: TextSpan,
    },
    /// The modulus turned out to be zero.
    #[error("modulo by zero")]
    ModuloByZero {
        /// Where the modulus was written.
        span: TextSpan,
    },
}

impl DurationArg {
    /// The milliseconds of an offset, which may be negative.
    pub fn offset_ms(&self, times: QueryTimes) -> Result<i64, DurationError> {
        match self {
            Self::Literal(ms) => Ok(*ms),
            Self::Expr(expr) => expr.milliseconds(times),
        }
    }

    /// The milliseconds of a range or step, which are greater than zero unless they were cut off.
    pub fn range_ms(&self, times: QueryTimes) -> Result<i64, DurationError> {
        match self {
            Self::Literal(ms) => Ok(*ms),
            Self::Expr(expr) if expr.seconds(times)? <= 0.0 => {
                Err(DurationError::NotPositive { span: expr.span() })
            }
            Self::Expr(expr) => expr.milliseconds(times),
        }
    }
}

impl DurationExpr {
    /// The value in milliseconds; fractions are cut off.
    fn milliseconds(&self, times: QueryTimes) -> Result<i64, DurationError> {
        const MAX_MS: f64 = (i64::MAX / 1_000_000) as f64;

        let ms = (self.seconds(times)? * 1000.0).trunc();
        if ms.abs() <= MAX_MS { Ok(ms as i64) } else { Err(DurationError::OutOfRange { span: self.span() }) }
    }

    /// The value in seconds.
    fn seconds(&self, times: QueryTimes) -> Result<f64, DurationError> {
        Ok(match self {
            Self::Number(number) => number.value,
            Self::Step(_) => times.step_ms as f64 / 1000.0,
            Self::Range(_) => times.range_ms as f64 / 1000.0,
            Self::Neg { expr, .. } => -expr.seconds(times)?,
            Self::Paren { expr, .. } => expr.seconds(times)?,
            Self::Binary { op, lhs, rhs, .. } => {
                let (left, right) = (lhs.seconds(times)?, rhs.seconds(times)?);
                match op {
                    DurationOp::Add => left + right,
                    DurationOp::Sub => left - right,
                    DurationOp::Mul => left * right,
                    DurationOp::Div if right == 0.0 => {
                        return Err(DurationError::DivisionByZero { span: rhs.span() });
                    }
                    DurationOp::Div => left / right,
                    DurationOp::Mod if right == 0.0 => {
                        return Err(DurationError::ModuloByZero { span: rhs.span() });
                    }
                    DurationOp::Mod => left % right,
                    DurationOp::Pow => left.powf(right),
                    // A NaN on either side stays one.
                    DurationOp::MinOf if left.is_nan() || right < left => right,
                    DurationOp::MaxOf if left.is_nan() || right > left => right,
                    DurationOp::MinOf | DurationOp::MaxOf if right.is_nan() => right,
                    DurationOp::MinOf | DurationOp::MaxOf => left,
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::{Expr, ParserOptions, parse_expr};

    const TIMES: QueryTimes = QueryTimes { step_ms: 5000, range_ms: 60_000 };

    fn range(duration: &str) -> Result<i64, DurationError> {
        let query = format!("x[{duration}]");
        match parse_expr(&query, &ParserOptions::all_enabled()).expect("parses") {
            Expr::Matrix(matrix) => matrix.range.range_ms(TIMES),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn values() {
        let check = |duration: &str, want| assert_eq!(range(duration), Ok(want), "{duration}");
        check("5m", 300_000);
        check("4.018", 4018);
        check("0.0015", 1);
        check("11s+10s-5*2^2", 1000);
        check("-(10s-5s)+20s", 15_000);
        check("step()", 5000);
        check("range()/step()", 12_000);
        check("min_of(step(), 3s)", 3000);
        check("max_of(step(), 3s)", 5000);
        check("1h30m % 1h", 1_800_000);
        check("(-2)^2", 4000);
        check("1ms*1.5", 1);
    }

    #[test]
    fn failures() {
        let check = |duration: &str, want: &str, at: (usize, usize)| {
            let error = range(duration).expect_err(duration);
            assert_eq!(error.to_string(), want, "{duration}");
            let (DurationError::NotPositive { span }
            | DurationError::OutOfRange { span }
            | DurationError::DivisionByZero { span }
            | DurationError::ModuloByZero { span }) = error;
            assert_eq!(span, TextSpan::new(at.0, at.1), "{duration}");
        };
        check("step()-5s", "duration must be greater than 0", (2, 11));
        check("5m/(step()-5s)", "division by zero", (5, 16));
        check("5m%(step()-5s)", "modulo by zero", (5, 16));
        check("2^64", "duration is out of range", (2, 6));
        check("(-8)^0.5", "duration is out of range", (2, 10));
    }

    #[test]
    fn offsets_may_be_negative() {
        let Ok(Expr::Vector(selector)) = parse_expr("x offset -(step())", &ParserOptions::default()) else {
            panic!("a selector")
        };
        assert_eq!(selector.offset.as_ref().map(|offset| offset.offset_ms(TIMES)), Some(Ok(-5000)));
    }
}
