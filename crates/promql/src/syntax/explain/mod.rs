//! What a query means, in words.
//!
//! [`explain`] gives each node of an expression one sentence. What functions, aggregations and operators do is said where they are
//! declared; here stands how the parts of a query are put into words around that.

mod matching;
mod sentence;
#[cfg(test)]
mod tests;
mod times;

use super::ast::Expr;
use super::span::TextSpan;

/// One node of an expression, in words, with the nodes below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Where the node was written.
    pub span: TextSpan,
    /// What kind of node it is.
    pub kind: NodeKind,
    /// What it is to the node above it.
    pub role: NodeRole,
    /// What it does: one sentence with a full stop.
    pub sentence: String,
    /// Its operands and arguments, in the order in which they were written.
    pub children: Vec<Explanation>,
}

/// What kind of node an explanation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NodeKind {
    /// `1.5`
    Number,
    /// `"text"`
    String,
    /// `-x`
    Unary,
    /// `x + y`
    Binary,
    /// `sum(x)`
    Aggregate,
    /// `rate(x[5m])`
    Call,
    /// `up`
    Vector,
    /// `up[5m]`
    Matrix,
    /// `x[1h:5m]`
    Subquery,
    /// `(x)`
    Paren,
}

impl NodeKind {
    /// The name of the kind in `/api/v1/parse_query`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Number => "numberLiteral",
            Self::String => "stringLiteral",
            Self::Unary => "unaryExpr",
            Self::Binary => "binaryExpr",
            Self::Aggregate => "aggregation",
            Self::Call => "call",
            Self::Vector => "vectorSelector",
            Self::Matrix => "matrixSelector",
            Self::Subquery => "subquery",
            Self::Paren => "parenExpr",
        }
    }

    fn of(expr: &Expr) -> Self {
        match expr {
            Expr::Number(_) => Self::Number,
            Expr::String(_) => Self::String,
            Expr::Unary(_) => Self::Unary,
            Expr::Binary(_) => Self::Binary,
            Expr::Aggregate(_) => Self::Aggregate,
            Expr::Call(_) => Self::Call,
            Expr::Vector(_) => Self::Vector,
            Expr::Matrix(_) => Self::Matrix,
            Expr::Subquery(_) => Self::Subquery,
            Expr::Paren(_) => Self::Paren,
        }
    }
}

/// What a node is to the node above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NodeRole {
    /// There is none above: the whole query.
    Query,
    /// The left operand.
    Left,
    /// The right operand.
    Right,
    /// The parameter of an aggregation, such as the number of `topk`.
    Parameter,
    /// An argument of a function.
    Argument,
    /// The only expression that the node above works on.
    Operand,
}

impl NodeRole {
    /// One word for people and programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Left => "left",
            Self::Right => "right",
            Self::Parameter => "parameter",
            Self::Argument => "argument",
            Self::Operand => "operand",
        }
    }
}

/// Says what the expression and each one inside it does.
pub fn explain(expr: &Expr) -> Explanation {
    explain_as(expr, NodeRole::Query)
}

fn explain_as(expr: &Expr, role: NodeRole) -> Explanation {
    let children = expr.children().enumerate();
    Explanation {
        span: expr.span(),
        kind: NodeKind::of(expr),
        role,
        sentence: sentence::sentence(expr),
        children: children.map(|(idx, child)| explain_as(child, role_of_child(expr, idx))).collect(),
    }
}

fn role_of_child(parent: &Expr, idx: usize) -> NodeRole {
    match parent {
        Expr::Binary(_) if idx == 0 => NodeRole::Left,
        Expr::Binary(_) => NodeRole::Right,
        Expr::Call(_) => NodeRole::Argument,
        Expr::Aggregate(aggregate) if idx == 0 && aggregate.param.is_some() => NodeRole::Parameter,
        _ => NodeRole::Operand,
    }
}
