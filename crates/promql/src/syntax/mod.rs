//! The PromQL language as text and as a tree.
//!
//! An [`Expr`] is a tree of nodes behind reference counts: a clone is cheap, and every node carries the [`TextSpan`] it was
//! written in, so that errors, annotations and editors can point at it.
//! What functions, aggregations and operators exist is data: [`FUNCTIONS`], [`AggregateOp::ALL`], [`BinaryOp::ALL`].

mod ast;
mod check;
mod duration;
mod erase;
mod error;
mod explain;
mod function;
mod lexer;
mod number;
mod operator;
mod options;
mod parser;
mod pretty;
mod print;
#[cfg(test)]
mod properties;
mod questions;
pub(crate) mod quote;
mod result_labels;
mod series;
mod span;
mod token;
mod walk;

pub use ast::{
    AggregateExpr, AtModifier, BinaryExpr, Call, DurationArg, DurationExpr, DurationOp, Expr, FillValues,
    MatchCardinality, MatrixSelector, NumberLiteral, ParenExpr, RangeMode, StringLiteral, SubqueryExpr,
    UnaryExpr, ValueType, VectorMatching, VectorSelector,
};
pub use duration::{DurationError, QueryTimes};
pub use error::{ParseError, ParseErrors};
pub use explain::{Explanation, NodeKind, NodeRole, explain};
pub use function::{FUNCTIONS, Function, function};
pub use operator::{AggregateOp, BinaryOp, UnaryOp};
pub use options::{ParserLimits, ParserOptions};
pub use parser::{parse_expr, parse_metric_selector};
pub use pretty::prettify;
pub use questions::Comparison;
pub use result_labels::{ResultLabels, result_labels};
pub use series::{
    MAX_SERIES_VALUES, SequenceValue, SeriesDescription, StartTimestamps, parse_series,
    parse_start_timestamps,
};
pub use span::TextSpan;
pub use token::KEYWORDS;
pub use walk::SelectorUse;
