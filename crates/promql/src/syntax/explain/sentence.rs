use super::matching::{grouping, pairing, series};
use super::times::{length, milliseconds, moved};
use crate::syntax::ast::{
    BinaryExpr, Expr, MatrixSelector, NumberLiteral, RangeMode, SubqueryExpr, UnaryExpr, ValueType,
    VectorSelector,
};
use crate::syntax::operator::{BinaryOp, UnaryOp};
use crate::syntax::quote::quote;

/// What the node does, apart from the nodes below it.
pub(super) fn sentence(expr: &Expr) -> String {
    match expr {
        Expr::Number(number) => number_sentence(number),
        Expr::String(string) => format!("The text {}.", quote(&string.value)),
        Expr::Unary(unary) => unary_sentence(unary).to_owned(),
        Expr::Binary(binary) => binary_sentence(binary),
        Expr::Aggregate(aggregate) => {
            format!("{}; {}.", without_stop(aggregate.op.doc()), grouping(aggregate))
        }
        Expr::Call(call) => call.func.doc.to_owned(),
        Expr::Vector(selector) => vector_sentence(selector),
        Expr::Matrix(matrix) => matrix_sentence(matrix),
        Expr::Subquery(subquery) => subquery_sentence(subquery),
        Expr::Paren(_) => "What stands in the parentheses, taken as one.".to_owned(),
    }
}

fn without_stop(sentence: &str) -> &str {
    sentence.strip_suffix('.').unwrap_or(sentence)
}

fn number_sentence(number: &NumberLiteral) -> String {
    if number.duration {
        let words = milliseconds((number.value * 1000.0).round() as i64);
        return format!("{} as a number of seconds: {}.", capitalised(&words), number.value);
    }
    format!("The number {number}.")
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn unary_sentence(unary: &UnaryExpr) -> &'static str {
    match (unary.op, unary.expr.value_type()) {
        (UnaryOp::Plus, _) => "Leaves what follows as it is.",
        (UnaryOp::Minus, ValueType::Scalar) => "The number with its sign changed.",
        (UnaryOp::Minus, _) => "Changes the sign of each sample.",
    }
}

fn binary_sentence(binary: &BinaryExpr) -> String {
    let sides = (binary.lhs.value_type(), binary.rhs.value_type());
    let number_with_series = (sides.0 == ValueType::Scalar) != (sides.1 == ValueType::Scalar);
    let does = match comparison(binary.op) {
        None => without_stop(binary.op.doc()).to_owned(),
        Some(words) if binary.return_bool => {
            format!("1 where the left side is {words} the right side, otherwise 0")
        }
        Some(words) if sides.0 == ValueType::Scalar && number_with_series => {
            format!("Keeps the samples on the right for which the number on the left is {words} the sample")
        }
        Some(words) if number_with_series => {
            format!("Keeps the samples on the left that are {words} the number on the right")
        }
        Some(words) => format!("Keeps the samples on the left that are {words} those on the right"),
    };
    let each = if number_with_series && (comparison(binary.op).is_none() || binary.return_bool) {
        ", for each series"
    } else {
        ""
    };
    format!("{does}{each}{}.", pairing(binary))
}

fn comparison(op: BinaryOp) -> Option<&'static str> {
    match op {
        BinaryOp::Eq => Some("equal to"),
        BinaryOp::Ne => Some("different from"),
        BinaryOp::Lt => Some("smaller than"),
        BinaryOp::Le => Some("smaller than or equal to"),
        BinaryOp::Gt => Some("greater than"),
        BinaryOp::Ge => Some("greater than or equal to"),
        BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Mod
        | BinaryOp::Pow
        | BinaryOp::Atan2
        | BinaryOp::TrimUpper
        | BinaryOp::TrimLower
        | BinaryOp::And
        | BinaryOp::Or
        | BinaryOp::Unless => None,
    }
}

fn vector_sentence(selector: &VectorSelector) -> String {
    let what = match selector.mode {
        RangeMode::Plain | RangeMode::Anchored => "The newest sample",
        RangeMode::Smoothed => "The value, interpolated between the samples before and after,",
    };
    let when = moved(selector.at, selector.offset.as_ref());
    let when = when.map(|when| format!(", looked up {when}")).unwrap_or_default();
    format!("{what} of {}{when}.", series(selector))
}

fn matrix_sentence(matrix: &MatrixSelector) -> String {
    let selector = &matrix.selector;
    let window = window(&length(&matrix.range), moved(selector.at, selector.offset.as_ref()));
    let edges = match selector.mode {
        RangeMode::Plain => "",
        RangeMode::Anchored => "; the last sample before the window stands at its left edge",
        RangeMode::Smoothed => "; the values at both edges are interpolated from the samples around them",
    };
    format!("The samples of {window} of {}{edges}.", series(selector))
}

fn subquery_sentence(subquery: &SubqueryExpr) -> String {
    let window = window(&length(&subquery.range), moved(subquery.at, subquery.offset.as_ref()));
    let often = match &subquery.step {
        Some(step) => format!("every {}", length(step)),
        None => "at the default interval".to_owned(),
    };
    format!("Evaluates what is inside {often} over {window} and takes the results as samples.")
}

/// `the last 5 minutes`, or where they end if a modifier says so.
fn window(length: &str, end: Option<String>) -> String {
    match end {
        None => format!("the last {length}"),
        Some(end) => format!("a window of {length} that ends {end}"),
    }
}
