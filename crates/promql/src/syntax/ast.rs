use std::sync::Arc;

use bellwether_model::Matcher;

use super::function::Function;
use super::operator::{AggregateOp, BinaryOp, UnaryOp};
use super::span::TextSpan;

/// A PromQL expression.
///
/// Each variant is one reference count, so a clone costs nothing and a sub-tree can be kept apart from its tree.
/// The parser never builds a tree higher than [`ParserLimits::max_height`, so
/// recursion over a tree is safe.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// `1.5`, `0x1f`, `1h30m`, `Inf`
    Number(Arc<NumberLiteral>),
    /// `"text"`
    String(Arc<StringLiteral>),
    /// `-x`
    Unary(Arc<UnaryExpr>),
    /// `x + on (job) y`
    Binary(Arc<BinaryExpr>),
    /// `sum by (job) (x)`
    Aggregate(Arc<AggregateExpr>),
    /// `rate(x[5m])`
    Call(Arc<Call>),
    /// `up{job="node"}`
    Vector(Arc<VectorSelector>),
    /// `up{job="node"}[5m]`
    Matrix(Arc<MatrixSelector>),
    /// `x[1h:5m]`
    Subquery(Arc<SubqueryExpr>),
    /// `(x)`
    Paren(Arc<ParenExpr>),
}

impl Expr {
    /// Where the expression was written.
    pub fn span(&self) -> TextSpan {
        match self {
            Self::Number(e) => e.span,
            Self::String(e) => e.span,
            Self::Unary(e) => e.span,
            Self::Binary(e) => e.span,
            Self::Aggregate(e) => e.span,
            Self::Call(e) => e.span,
            Self::Vector(e) => e.span,
            Self::Matrix(e) => e.span,
            Self::Subquery(e) => e.span,
            Self::Paren(e) => e.span,
        }
    }

    /// What kind of value the expression yields.
    pub fn value_type(&self) -> ValueType {
        match self {
            Self::Number(_) => ValueType::Scalar,
            Self::String(_) => ValueType::String,
            Self::Unary(e) => e.expr.value_type(),
            Self::Binary(e) => match (e.lhs.value_type(), e.rhs.value_type()) {
                (ValueType::Scalar, ValueType::Scalar) => ValueType::Scalar,
                _ => ValueType::Vector,
            },
            Self::Aggregate(_) | Self::Vector(_) => ValueType::Vector,
            Self::Call(e) => e.func.return_type,
            Self::Matrix(_) | Self::Subquery(_) => ValueType::Matrix,
            Self::Paren(e) => e.expr.value_type(),
        }
    }

    /// The expression inside any number of parentheses.
    pub fn unparenthesised(&self) -> &Self {
        let mut expr = self;
        while let Self::Paren(paren) = expr {
            expr = &paren.expr;
        }
        expr
    }
}

/// What kind of value an expression yields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// One number per evaluation.
    Scalar,
    /// Instant vector: one sample per series.
    Vector,
    /// Range vector: many samples per series.
    Matrix,
    /// A string.
    String,
}

impl ValueType {
    /// The name in the HTTP API: `scalar`, `vector`, `matrix`, `string`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Vector => "vector",
            Self::Matrix => "matrix",
            Self::String => "string",
        }
    }

    /// The name in error messages: `instant vector` and `range vector` instead of `vector` and `matrix`.
    pub fn documented(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Vector => "instant vector",
            Self::Matrix => "range vector",
            Self::String => "string",
        }
    }
}

/// A number, also one written as a duration.
#[derive(Debug, Clone)]
pub struct NumberLiteral {
    /// The number; a duration in seconds. A sign in front belongs to it.
    pub value: f64,
    /// Whether it was written as a duration (`1h30m`).
    pub duration: bool,
    /// Where it was written, the sign included.
    pub span: TextSpan,
}

/// Numbers compare by their bits, so that `NaN` equals `NaN` and `0` differs from `-0`.
impl PartialEq for NumberLiteral {
    fn eq(&self, other: &Self) -> bool {
        self.value.to_bits() == other.value.to_bits()
            && self.duration == other.duration
            && self.span == other.span
    }
}

/// A string.
#[derive(Debug, Clone, PartialEq)]
pub struct StringLiteral {
    /// The text without quotes and with its escapes resolved. Escapes that give bytes which are not UTF-8 become U+FFFD.
    pub value: String,
    /// Where it was written, the quotes included.
    pub span: TextSpan,
}

/// A sign in front of something that is not a number literal.
#[derive(Debug, Clone, PartialEq)]
pub struct UnaryExpr {
    /// The sign.
    pub op: UnaryOp,
    /// What it applies to: a scalar or an instant vector.
    pub expr: Expr,
    /// Where it was written.
    pub span: TextSpan,
}

/// Two operands and an operator between them.
#[derive(Debug, Clone, PartialEq)]
pub struct BinaryExpr {
    /// The operator.
    pub op: BinaryOp,
    /// The left operand.
    pub lhs: Expr,
    /// The right operand.
    pub rhs: Expr,
    /// Whether a comparison yields 0 and 1 instead of filtering.
    pub return_bool: bool,
    /// How series are paired; present exactly if both operands are instant vectors.
    pub matching: Option<VectorMatching>,
    /// Where the operator itself was written.
    pub op_span: TextSpan,
    /// From the start of the left to the end of the right operand.
    pub span: TextSpan,
}

/// How the series of two instant vectors are paired.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct VectorMatching {
    /// How many series of one side may pair with how many of the other.
    pub card: MatchCardinality,
    /// Whether `labels` are the only ones compared (`on`) or the ones left out (`ignoring`, also the default).
    pub on: bool,
    /// The labels of `on` or `ignoring`.
    pub labels: Vec<String>,
    /// The labels of `group_left` or `group_right` that are taken from the "one" side.
    pub include: Vec<String>,
    /// What stands in for a missing partner.
    pub fill: FillValues,
}

/// How many series of one side may pair with how many of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MatchCardinality {
    /// No modifier.
    #[default]
    OneToOne,
    /// `group_left`
    ManyToOne,
    /// `group_right`
    OneToMany,
    /// The set operators.
    ManyToMany,
}

impl MatchCardinality {
    /// The name in the HTTP API, for instance `one-to-one`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OneToOne => "one-to-one",
            Self::ManyToOne => "many-to-one",
            Self::OneToMany => "one-to-many",
            Self::ManyToMany => "many-to-many",
        }
    }
}

/// The values of `fill`, `fill_left` and `fill_right`.
#[derive(Debug, Clone, Copy, Default)]
pub struct FillValues {
    /// Stands in for a missing series on the left.
    pub lhs: Option<f64>,
    /// Stands in for a missing series on the right.
    pub rhs: Option<f64>,
}

impl FillValues {
    /// Whether neither side is filled.
    pub fn is_none(self) -> bool {
        self.lhs.is_none() && self.rhs.is_none()
    }
}

/// Fill values compare by their bits, like [`NumberLiteral`].
impl PartialEq for FillValues {
    fn eq(&self, other: &Self) -> bool {
        let bits = |v: Option<f64>| v.map(f64::to_bits);
        bits(self.lhs) == bits(other.lhs) && bits(self.rhs) == bits(other.rhs)
    }
}

/// An aggregation over the series of an instant vector.
#[derive(Debug, Clone, PartialEq)]
pub struct AggregateExpr {
    /// The operation.
    pub op: AggregateOp,
    /// The parameter of `topk`, `quantile`, `count_values` and their like; see [`AggregateOp::param_type`].
    pub param: Option<Expr>,
    /// The instant vector.
    pub expr: Expr,
    /// The labels of `by` or `without`.
    pub grouping: Vec<String>,
    /// Whether `grouping` lists the labels to drop.
    pub without: bool,
    /// Where it was written, the modifier included.
    pub span: TextSpan,
}

/// A call of a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The function, an entry of [`FUNCTIONS`](super::FUNCTIONS).
    pub func: &'static Function,
    /// The arguments, checked against the signature.
    pub args: Vec<Expr>,
    /// From the name to the closing parenthesis.
    pub span: TextSpan,
}

/// Selects series by name and labels.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorSelector {
    /// The metric name in front of the braces. A name given as a matcher or quoted inside the braces is not repeated here.
    pub name: Option<String>,
    /// All conditions in the order they were written; the one on the name in front of the braces comes last.
    pub matchers: Vec<Matcher>,
    /// The `@` modifier.
    pub at: Option<AtModifier>,
    /// The `offset` modifier as written; positive looks into the past.
    pub offset: Option<DurationArg>,
    /// `anchored` or `smoothed`.
    pub mode: RangeMode,
    /// Where it was written. Of a selector inside a range selector this covers neither the range nor what follows it.
    pub span: TextSpan,
}

/// Selects the samples of a time window of each series.
#[derive(Debug, Clone, PartialEq)]
pub struct MatrixSelector {
    /// The series; modifiers behind the range (`x[5m] offset 1m`) are set here.
    pub selector: VectorSelector,
    /// How long the window is.
    pub range: DurationArg,
    /// Where it was written, range and modifiers included.
    pub span: TextSpan,
}

/// Evaluates an expression at many times and collects the results as a range vector.
#[derive(Debug, Clone, PartialEq)]
pub struct SubqueryExpr {
    /// The expression, an instant vector.
    pub expr: Expr,
    /// How long the window is.
    pub range: DurationArg,
    /// The distance of the evaluations; if absent, the engine's default applies.
    pub step: Option<DurationArg>,
    /// The `@` modifier.
    pub at: Option<AtModifier>,
    /// The `offset` modifier as written; positive looks into the past.
    pub offset: Option<DurationArg>,
    /// Where it was written.
    pub span: TextSpan,
}

/// An expression in parentheses.
#[derive(Debug, Clone, PartialEq)]
pub struct ParenExpr {
    /// What is inside.
    pub expr: Expr,
    /// Where it was written, the parentheses included.
    pub span: TextSpan,
}

/// The time that an `@` modifier fixes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AtModifier {
    /// `@ 1603774568.123`, as milliseconds since the epoch.
    Timestamp(i64),
    /// `@ start()`: the start of the query.
    Start,
    /// `@ end()`: the end of the query.
    End,
}

/// Whether a range selector looks beyond its window to find values at the edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RangeMode {
    /// Only the samples inside the window.
    #[default]
    Plain,
    /// `anchored`: the last sample before the window stands at its left edge.
    Anchored,
    /// `smoothed`: values at both edges are interpolated.
    Smoothed,
}

/// A length of time in a range, an offset or a subquery step.
#[derive(Debug, Clone, PartialEq)]
pub enum DurationArg {
    /// Known when the query is parsed, in milliseconds; fractions of a millisecond are cut off.
    Literal(i64),
    /// Depends on the query (`step()`, `range()`), or is written as arithmetic.
    Expr(Arc<DurationExpr>),
}

/// Arithmetic over lengths of time; numbers are seconds.
#[derive(Debug, Clone, PartialEq)]
pub enum DurationExpr {
    /// `5m` or `300`
    Number(NumberLiteral),
    /// `step()`: the distance of the evaluations of the query, zero for an instant query.
    Step(TextSpan),
    /// `range()`: the time between the start and the end of the query, zero for an instant query.
    Range(TextSpan),
    /// `-x`. A plus sign leaves no trace.
    Neg {
        /// What is negated.
        expr: Box<DurationExpr>,
        /// Where it was written, the sign included.
        span: TextSpan,
    },
    /// `x + y`, `min_of(x, y)` and their like.
    Binary {
        /// The operator or function.
        op: DurationOp,
        /// The left operand or first argument.
        lhs: Box<DurationExpr>,
        /// The right operand or second argument.
        rhs: Box<DurationExpr>,
        /// Where it was written.
        span: TextSpan,
    },
    /// `(x)`
    Paren {
        /// What is inside.
        expr: Box<DurationExpr>,
        /// Where it was written, the parentheses included.
        span: TextSpan,
    },
}

impl DurationExpr {
    /// Where the expression was written.
    pub fn span(&self) -> TextSpan {
        match self {
            Self::Number(number) => number.span,
            Self::Step(span)
            | Self::Range(span)
            | Self::Neg { span, .. }
            | Self::Binary { span, .. }
            | Self::Paren { span, .. } => *span,
        }
    }
}

/// How two lengths of time are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DurationOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Mod,
    /// `^`
    Pow,
    /// `min_of(x, y)`
    MinOf,
    /// `max_of(x, y)`
    MaxOf,
}

impl DurationOp {
    /// The operator or the name of the function.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
            Self::MinOf => "min_of",
            Self::MaxOf => "max_of",
        }
    }
}
