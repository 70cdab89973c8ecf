//! Lengths and points of time in words.

use crate::engine::rfc3339_seconds;
use crate::syntax::ast::{AtModifier, DurationArg, DurationExpr, DurationOp};

const UNITS: [(&str, u64); 5] =
    [("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000), ("second", 1000), ("millisecond", 1)];

/// `1 hour 30 minutes`
pub(super) fn milliseconds(ms: i64) -> String {
    let mut rest = ms.unsigned_abs();
    let mut parts = Vec::new();
    for (unit, unit_ms) in UNITS {
        let count = rest / unit_ms;
        rest %= unit_ms;
        if count > 0 {
            parts.push(format!("{count} {unit}{}", if count == 1 { "" } else { "s" }));
        }
    }
    if parts.is_empty() {
        return "0 seconds".to_owned();
    }
    format!("{}{}", if ms < 0 { "minus " } else { "" }, parts.join(" "))
}

/// How long a range or step is.
pub(super) fn length(duration: &DurationArg) -> String {
    match duration {
        DurationArg::Literal(ms) => milliseconds(*ms),
        DurationArg::Expr(expr) => arithmetic(expr),
    }
}

fn arithmetic(expr: &DurationExpr) -> String {
    match expr {
        DurationExpr::Number(number) => seconds(number.value),
        DurationExpr::Step(_) => "the step of the query".to_owned(),
        DurationExpr::Range(_) => "the range of the query".to_owned(),
        DurationExpr::Neg { expr, .. } => format!("minus {}", arithmetic(expr)),
        DurationExpr::Paren { expr, .. } => format!("({})", arithmetic(expr)),
        DurationExpr::Binary { op, lhs, rhs, .. } => {
            let (left, right) = (arithmetic(lhs), arithmetic(rhs));
            // What a length of time is multiplied by or divided through is a plain number.
            let factor = || plain(rhs).unwrap_or_else(|| right.clone());
            match op {
                DurationOp::Add => format!("{left} plus {right}"),
                DurationOp::Sub => format!("{left} minus {right}"),
                DurationOp::Mul => format!("{left} times {}", factor()),
                DurationOp::Div => format!("{left} divided by {}", factor()),
                DurationOp::Mod => format!("the remainder of {left} divided by {right}"),
                DurationOp::Pow => format!("{left} to the power of {}", factor()),
                DurationOp::MinOf => format!("the smaller of {left} and {right}"),
                DurationOp::MaxOf => format!("the greater of {left} and {right}"),
            }
        }
    }
}

fn plain(expr: &DurationExpr) -> Option<String> {
    match expr {
        DurationExpr::Number(number) if !number.duration => Some(number.to_string()),
        _ => None,
    }
}

fn seconds(value: f64) -> String {
    let ms = value * 1000.0;
    if ms.fract() == 0.0 && ms.abs() < i64::MAX as f64 {
        milliseconds(ms as i64)
    } else {
        format!("{value} seconds")
    }
}

/// The time that a selector looks at, if a modifier moves it: `5 minutes before the end of the query`.
pub(super) fn moved(at: Option<AtModifier>, offset: Option<&DurationArg>) -> Option<String> {
    let fixed = at.map(point);
    let shift = offset.and_then(|offset| match offset {
        DurationArg::Literal(0) => None,
        DurationArg::Literal(ms) if *ms < 0 => Some((milliseconds(ms.saturating_neg()), false)),
        other => Some((length(other), true)),
    });
    match (fixed, shift) {
        (None, None) => None,
        (Some(point), None) => Some(format!("at {point}")),
        (None, Some((length, true))) => Some(format!("{length} in the past")),
        (None, Some((length, false))) => Some(format!("{length} in the future")),
        (Some(point), Some((length, true))) => Some(format!("{length} before {point}")),
        (Some(point), Some((length, false))) => Some(format!("{length} after {point}")),
    }
}

fn point(at: AtModifier) -> String {
    match at {
        AtModifier::Start => "the start of the query".to_owned(),
        AtModifier::End => "the end of the query".to_owned(),
        AtModifier::Timestamp(ms) => {
            let text = rfc3339_seconds(ms.div_euclid(1000));
            match ms.rem_euclid(1000) {
                0 => text,
                fraction => format!("{}.{fraction:03}Z", text.trim_end_matches('Z')),
            }
        }
    }
}
