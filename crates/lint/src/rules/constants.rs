//! Expressions whose result is known without any data: none.

use bellwether_model::{MatchOp, Matcher};
use bellwether_promql::syntax::{
    AggregateOp, BinaryExpr, BinaryOp, Call, Expr, TextSpan, ValueType, VectorSelector,
};

use super::{Found, Scene};

pub(super) fn always_empty(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in &scene.rules {
        let mut find = |span: TextSpan, message: String, remedy: &str| {
            found.push(Found::in_expr(rule, span, message, remedy));
        };
        rule.rule.expr.walk(&mut |node, _| match node {
            Expr::Vector(selector) => in_selector(selector, &mut find),
            Expr::Matrix(matrix) => in_selector(&matrix.selector, &mut find),
            Expr::Binary(binary) => in_binary(binary, &mut find),
            _ => {}
        });
    }
    found
}

fn in_selector(selector: &VectorSelector, find: &mut impl FnMut(TextSpan, String, &str)) {
    for (idx, matcher) in selector.matchers.iter().enumerate() {
        if matcher.op() == MatchOp::Nre
            && matcher.regex().is_some_and(|regex| regex.is_match("") && is_everything(matcher))
        {
            find(
                selector.span,
                format!("{matcher} matches no value at all"),
                "remove the matcher, or name what is left out",
            );
        }
        let other = selector.matchers[..idx].iter().find(|other| contradict(matcher, other));
        if let Some(other) = other {
            find(
                selector.span,
                format!("no series can have both {other} and {matcher}"),
                "use one matcher such as `=~\"a|b\"`, or two selectors with `or` between them",
            );
        }
    }
}

fn is_everything(matcher: &Matcher) -> bool {
    matches!(matcher.value(), ".*" | "^.*$" | "^.*" | ".*$")
}

/// Whether one of two matchers of the same label demands a value that the other refuses.
fn contradict(a: &Matcher, b: &Matcher) -> bool {
    let refuses = |one: &Matcher, other: &Matcher| one.op() == MatchOp::Eq && !other.matches(one.value());
    a.name() == b.name() && (refuses(a, b) || refuses(b, a))
}

fn in_binary(binary: &BinaryExpr, find: &mut impl FnMut(TextSpan, String, &str)) {
    if !binary.op.is_comparison() || binary.return_bool {
        return conjunction(binary, find);
    }
    let Some((expr, op, number)) = with_number(binary) else { return };
    let before = Values::of(expr);
    if before.is_any() || !before.narrowed(op, number).is_empty() {
        return;
    }
    let remedy = match expr.unparenthesised() {
        Expr::Aggregate(aggregate) if aggregate.op == AggregateOp::Count => {
            "use absent() for \"there is none\": a count of nothing has no result"
        }
        _ => "correct the comparison",
    };
    find(binary.span, format!("{expr} is always {before}, so the comparison is never true"), remedy);
}

/// `x > 5 and x < 3`
fn conjunction(binary: &BinaryExpr, find: &mut impl FnMut(TextSpan, String, &str)) {
    let filter = |side: &Expr| match side.unparenthesised() {
        Expr::Binary(inner) if inner.op.is_comparison() && !inner.return_bool => {
            with_number(inner).map(|(expr, op, number)| (expr.unparenthesised().without_spans(), op, number))
        }
        _ => None,
    };
    let (BinaryOp::And, Some(lhs), Some(rhs)) = (binary.op, filter(&binary.lhs), filter(&binary.rhs)) else {
        return;
    };
    if lhs.0 == rhs.0 && Values::ANY.narrowed(lhs.1, lhs.2).narrowed(rhs.1, rhs.2).is_empty() {
        find(binary.span, format!("{} cannot meet both conditions", lhs.0), "did you mean `or`?");
    }
}

/// A comparison with a number on either side, turned so that the number stands on the right.
fn with_number(binary: &BinaryExpr) -> Option<(&Expr, BinaryOp, f64)> {
    let number = |side: &Expr| match side.unparenthesised() {
        Expr::Number(number) => Some(number.value),
        _ => None,
    };
    if let Some(value) = number(&binary.rhs) {
        return Some((&binary.lhs, binary.op, value));
    }
    let turned = match binary.op {
        BinaryOp::Lt => BinaryOp::Gt,
        BinaryOp::Le => BinaryOp::Ge,
        BinaryOp::Gt => BinaryOp::Lt,
        BinaryOp::Ge => BinaryOp::Le,
        same => same,
    };
    number(&binary.lhs).map(|value| (&binary.rhs, turned, value))
}

/// Between which numbers the samples of a result lie.
#[derive(Clone, Copy)]
struct Values {
    min: f64,
    max: f64,
    /// Whether the ends themselves are left out.
    open: (bool, bool),
}

impl Values {
    const ANY: Self = Self { min: f64::NEG_INFINITY, max: f64::INFINITY, open: (false, false) };

    const fn between(min: f64, max: f64) -> Self {
        Self { min, max, open: (false, false) }
    }

    fn of(expr: &Expr) -> Self {
        match expr.unparenthesised() {
            Expr::Number(number) => Self::between(number.value, number.value),
            Expr::Call(call) => Self::of_call(call),
            Expr::Aggregate(aggregate) => match aggregate.op {
                AggregateOp::Count => Self::between(1.0, f64::INFINITY),
                AggregateOp::Group => Self::between(1.0, 1.0),
                AggregateOp::Min | AggregateOp::Max | AggregateOp::Avg => Self::of(&aggregate.expr),
                op if op.chooses_series() => Self::of(&aggregate.expr),
                _ => Self::ANY,
            },
            Expr::Binary(binary) if binary.return_bool => Self::between(0.0, 1.0),
            Expr::Binary(binary)
                if binary.op.is_comparison() && binary.lhs.value_type() == ValueType::Vector =>
            {
                match with_number(binary) {
                    Some((expr, op, number)) if std::ptr::eq(expr, &raw const binary.lhs) => {
                        Self::of(expr).narrowed(op, number)
                    }
                    _ => Self::of(&binary.lhs),
                }
            }
            Expr::Binary(binary) if matches!(binary.op, BinaryOp::And | BinaryOp::Unless) => {
                Self::of(&binary.lhs)
            }
            Expr::Vector(selector) if selector.metric_name() == Some("up") => Self::between(0.0, 1.0),
            _ => Self::ANY,
        }
    }

    fn of_call(call: &Call) -> Self {
        match call.func.name {
            "absent" | "absent_over_time" => Self::between(1.0, 1.0),
            "vector" | "scalar" => call.args.first().map_or(Self::ANY, Self::of),
            "count_over_time" | "present_over_time" => Self::between(1.0, f64::INFINITY),
            "abs" | "changes" | "resets" | "sqrt" | "rate" | "irate" | "increase" => {
                Self::between(0.0, f64::INFINITY)
            }
            _ => Self::ANY,
        }
    }

    /// What is left of them behind a comparison.
    fn narrowed(self, op: BinaryOp, number: f64) -> Self {
        let mut left = self;
        match op {
            BinaryOp::Gt | BinaryOp::Ge if number >= left.min => {
                left.open.0 = op == BinaryOp::Gt || (left.open.0 && number == left.min);
                left.min = number;
            }
            BinaryOp::Lt | BinaryOp::Le if number <= left.max => {
                left.open.1 = op == BinaryOp::Lt || (left.open.1 && number == left.max);
                left.max = number;
            }
            BinaryOp::Eq => {
                let inside = Self::between(number, number);
                return if self.holds(number) { inside } else { Self { min: 1.0, max: 0.0, ..inside } };
            }
            _ => {}
        }
        left
    }

    fn holds(self, number: f64) -> bool {
        let above = if self.open.0 { number > self.min } else { number >= self.min };
        let below = if self.open.1 { number < self.max } else { number <= self.max };
        above && below
    }

    fn is_empty(self) -> bool {
        self.min > self.max || (self.min == self.max && (self.open.0 || self.open.1))
    }

    fn is_any(self) -> bool {
        self.min == f64::NEG_INFINITY && self.max == f64::INFINITY
    }
}

/// `1`, `at least 1`, `from 0 to 1`
impl std::fmt::Display for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { min, max, open } = self;
        match (min.is_finite(), max.is_finite()) {
            (true, true) if min == max => write!(f, "{min}"),
            (true, true) => write!(f, "from {min} to {max}"),
            (true, false) if open.0 => write!(f, "more than {min}"),
            (true, false) => write!(f, "at least {min}"),
            (false, _) if open.1 => write!(f, "less than {max}"),
            (false, _) => write!(f, "at most {max}"),
        }
    }
}
