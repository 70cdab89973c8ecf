//! The canonical form of a query: one line, one way to write each thing, as Prometheus prints it.

use std::fmt::{self, Display, Formatter};

use bellwether_model::{
    METRIC_NAME, MatchOp, Matcher, format_duration_ms, format_float, format_float_go, is_legacy_label_name,
};

use super::ast::{
    AggregateExpr, AtModifier, BinaryExpr, DurationArg, DurationExpr, DurationOp, Expr, FillValues,
    MatchCardinality, MatrixSelector, NumberLiteral, RangeMode, SubqueryExpr, VectorSelector,
};
use super::operator::BinaryOp;
use super::quote::quote;
use super::token::TokenKind;

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::String(string) => f.write_str(&quote(&string.value)),
            Self::Unary(unary) => write!(f, "{}{}", unary.op.as_str(), unary.expr),
            Self::Binary(binary) => {
                match &binary.lhs {
                    // Otherwise the sign of `+Inf` would apply to the power.
                    Self::Number(n) if binary.op == BinaryOp::Pow && n.value == f64::INFINITY => {
                        f.write_str("Inf")?;
                    }
                    lhs => lhs.fmt(f)?,
                }
                write!(f, " {} {}", Operator(binary), binary.rhs)
            }
            Self::Aggregate(aggregate) => {
                write!(f, "{}(", AggregationHead(aggregate))?;
                if let Some(param) = &aggregate.param {
                    write!(f, "{param}, ")?;
                }
                write!(f, "{})", aggregate.expr)
            }
            Self::Call(call) => {
                write!(f, "{}(", call.func.name)?;
                for (idx, arg) in call.args.iter().enumerate() {
                    f.write_str(if idx > 0 { ", " } else { "" })?;
                    arg.fmt(f)?;
                }
                f.write_str(")")
            }
            Self::Vector(selector) => selector.fmt(f),
            Self::Matrix(matrix) => matrix.fmt(f),
            Self::Subquery(subquery) => write!(f, "{}{}", subquery.expr, SubqueryTail(subquery)),
            Self::Paren(paren) => write!(f, "({})", paren.expr),
        }
    }
}

impl Display for NumberLiteral {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.duration {
            f.write_str(&format_duration_ms((self.value * 1000.0).round() as i64))
        } else {
            f.write_str(&format_float(self.value))
        }
    }
}

/// What stands between the operands of a binary expression.
pub(super) struct Operator<'a>(pub(super) &'a BinaryExpr);

impl Display for Operator<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.op.as_str())?;
        if self.0.return_bool {
            f.write_str(" bool")?;
        }
        let Some(matching) = &self.0.matching else { return Ok(()) };
        let group = match matching.card {
            MatchCardinality::ManyToOne => Some("group_left"),
            MatchCardinality::OneToMany => Some("group_right"),
            MatchCardinality::OneToOne | MatchCardinality::ManyToMany => None,
        };
        if matching.on || !matching.labels.is_empty() || group.is_some() {
            let keyword = if matching.on { "on" } else { "ignoring" };
            write!(f, " {keyword} ({})", LabelNames(&matching.labels))?;
        }
        if let Some(group) = group {
            write!(f, " {group} ({})", LabelNames(&matching.include))?;
        }
        matching.fill.fmt(f)
    }
}

/// With a blank in front, if there is anything to write.
impl Display for FillValues {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match (self.lhs, self.rhs) {
            (Some(lhs), Some(rhs)) if lhs.to_bits() == rhs.to_bits() => {
                write!(f, " fill ({})", format_float_go(lhs))
            }
            (lhs, rhs) => {
                if let Some(lhs) = lhs {
                    write!(f, " fill_left ({})", format_float_go(lhs))?;
                }
                if let Some(rhs) = rhs {
                    write!(f, " fill_right ({})", format_float_go(rhs))?;
                }
                Ok(())
            }
        }
    }
}

/// What stands in front of the arguments of an aggregation.
pub(super) struct AggregationHead<'a>(pub(super) &'a AggregateExpr);

impl Display for AggregationHead<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.op.as_str())?;
        let labels = LabelNames(&self.0.grouping);
        if self.0.without {
            write!(f, " without ({labels}) ")
        } else if self.0.grouping.is_empty() {
            Ok(())
        } else {
            write!(f, " by ({labels}) ")
        }
    }
}

/// Names separated by commas; those that are not plain words in quotes.
struct LabelNames<'a>(&'a [String]);

impl Display for LabelNames<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (idx, name) in self.0.iter().enumerate() {
            f.write_str(if idx > 0 { ", " } else { "" })?;
            // `inf`, `nan` and `without` are plain words that mean something else here.
            let word = TokenKind::of_word(name.as_bytes());
            if is_legacy_label_name(name) && word.is_none_or(TokenKind::is_label_name) {
                f.write_str(name)?;
            } else {
                f.write_str(&quote(name))?;
            }
        }
        Ok(())
    }
}

impl Display for VectorSelector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}{}", Series(self), At(self.at), self.mode, Offset(self.offset.as_ref()))
    }
}

impl Display for MatrixSelector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { selector, range, .. } = self;
        let (at, offset) = (At(selector.at), Offset(selector.offset.as_ref()));
        write!(f, "{}[{range}]{}{at}{offset}", Series(selector), selector.mode)
    }
}

/// What stands behind the expression of a subquery.
pub(super) struct SubqueryTail<'a>(pub(super) &'a SubqueryExpr);

impl Display for SubqueryTail<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let SubqueryExpr { range, step, at, offset, .. } = self.0;
        write!(f, "[{range}:")?;
        if let Some(step) = step {
            step.fmt(f)?;
        }
        write!(f, "]{}{}", At(*at), Offset(offset.as_ref()))
    }
}

/// The name and the matchers of a selector. Matchers are sorted by their text.
struct Series<'a>(&'a VectorSelector);

impl Display for Series<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let name = self.0.name.as_deref().unwrap_or("");
        let is_name = |m: &&Matcher| {
            m.name() == METRIC_NAME && m.op() == MatchOp::Eq && m.value() == name && !name.is_empty()
        };
        let mut matchers: Vec<String> =
            self.0.matchers.iter().filter(|m| !is_name(m)).map(matcher_text).collect();
        matchers.sort_unstable();
        f.write_str(name)?;
        // Braces without matchers are left out behind a name. Without one they are all there is.
        if !matchers.is_empty() || name.is_empty() {
            write!(f, "{{{}}}", matchers.join(","))?;
        }
        Ok(())
    }
}

fn matcher_text(matcher: &Matcher) -> String {
    let mut out = String::new();
    if is_legacy_label_name(matcher.name()) {
        out.push_str(matcher.name());
    } else {
        out.push_str(&quote(matcher.name()));
    }
    out.push_str(matcher.op().as_str());
    out.push_str(&quote(matcher.value()));
    out
}

/// With a blank in front, if there is anything to write.
impl Display for RangeMode {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "",
            Self::Anchored => " anchored",
            Self::Smoothed => " smoothed",
        })
    }
}

struct At(Option<AtModifier>);

impl Display for At {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => Ok(()),
            Some(AtModifier::Timestamp(ms)) => write!(f, " @ {:.3}", ms as f64 / 1000.0),
            Some(AtModifier::Start) => f.write_str(" @ start()"),
            Some(AtModifier::End) => f.write_str(" @ end()"),
        }
    }
}

struct Offset<'a>(Option<&'a DurationArg>);

impl Display for Offset<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            None | Some(DurationArg::Literal(0)) => Ok(()),
            Some(offset) => write!(f, " offset {offset}"),
        }
    }
}

impl Display for DurationArg {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(ms) => f.write_str(&format_duration_ms(*ms)),
            Self::Expr(expr) => expr.fmt(f),
        }
    }
}

impl Display for DurationExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Step(_) => f.write_str("step()"),
            Self::Range(_) => f.write_str("range()"),
            Self::Neg { expr, .. } => write!(f, "-{expr}"),
            Self::Binary { op, lhs, rhs, .. } => match op {
                DurationOp::MinOf | DurationOp::MaxOf => write!(f, "{}({lhs}, {rhs})", op.as_str()),
                _ => write!(f, "{lhs} {} {rhs}", op.as_str()),
            },
            Self::Paren { expr, .. } => write!(f, "({expr})"),
        }
    }
}
