//! What is to be done for a query: its tree with all times resolved, its selections, and what can be evaluated once.

mod build;
mod hull;
mod reference;

use std::sync::Arc;

use bellwether_model::{FloatHistogram, Labels, Matcher, SelectSpec, TimeRange};

use super::state::SelectionId;
use crate::functions::{DateField, FloatFunction, RangeFunction};
use crate::syntax::{AggregateOp, BinaryOp, RangeMode, TextSpan, VectorMatching};

pub(crate) use build::build;
pub(crate) use reference::Reference;

/// A query, ready to be evaluated.
#[derive(Debug)]
pub(crate) struct QueryPlan {
    pub(crate) root: Plan,
    /// What the selectors of the query select; [`SelectionId`]s count through them.
    pub(crate) selections: Vec<SelectSpec>,
    /// The hull of everything that will be looked at; `None` if nothing is.
    pub(crate) range: Option<TimeRange>,
    /// Whether the query puts its series in order, or chooses among them by their order. The selections are sorted then.
    pub(crate) uses_order: bool,
    /// What the compiled regular expressions take, in bytes.
    pub(crate) regex_bytes: usize,
}

/// A node of a plan.
///
/// Nodes do not remember where they were written; those that may have something to say carry the place that they will name.
#[derive(Debug)]
pub(crate) enum Plan {
    Number(f64),
    String(String),
    /// `time()`
    Time,
    Selector(Arc<SelectorPlan>),
    /// A range selector or subquery as the result of an instant query.
    RangeVector(RangePlan),
    Negate(Box<Plan>),
    Binary(Box<BinaryPlan>),
    Aggregate(Box<AggregatePlan>),
    /// `scalar(vector)`
    ToScalar(Box<Plan>),
    /// `vector(scalar)`
    ToVector(Box<Plan>),
    /// `max_of` and `min_of`
    Extreme {
        max: bool,
        operands: Box<(Plan, Plan)>,
    },
    Float(Box<FloatCall>),
    /// A function of each histogram, such as `histogram_count`.
    Histogram {
        function: fn(&FloatHistogram) -> f64,
        operand: Box<Plan>,
    },
    /// A field of a date; of the evaluation time if there is no operand.
    Date {
        field: DateField,
        operand: Option<Box<Plan>>,
    },
    Timestamp(Box<TimestampPlan>),
    Range(Box<RangeCall>),
    AbsentOverTime {
        source: Box<RangePlan>,
        labels: Labels,
    },
    Absent {
        operand: Box<Plan>,
        labels: Labels,
    },
    Quantile(Box<HistogramQuantilePlan>),
    Fraction(Box<HistogramFractionPlan>),
    Sort(Box<SortPlan>),
    LabelReplace(Box<LabelReplacePlan>),
    LabelJoin(Box<LabelJoinPlan>),
    Info(Box<InfoPlan>),
    /// Does not depend on the evaluation time: evaluated once and repeated for all steps.
    Once(Box<Plan>),
}

/// An instant or range selector.
#[derive(Debug, PartialEq)]
pub(crate) struct SelectorPlan {
    pub(crate) selection: SelectionId,
    pub(crate) reference: Reference,
    pub(crate) mode: RangeMode,
    /// Of histograms, only count and sum are needed.
    pub(crate) histogram_stats: bool,
    pub(crate) span: TextSpan,
}

/// What a range function works on.
#[derive(Debug)]
pub(crate) struct RangePlan {
    pub(crate) source: RangeSource,
    /// The width of the window.
    pub(crate) range_ms: i64,
    /// Where annotations about the operand point.
    pub(crate) span: TextSpan,
}

#[derive(Debug)]
pub(crate) enum RangeSource {
    Selector(Arc<SelectorPlan>),
    Subquery(Box<SubqueryPlan>),
}

#[derive(Debug)]
pub(crate) struct SubqueryPlan {
    pub(crate) operand: Plan,
    pub(crate) step_ms: i64,
    pub(crate) reference: Reference,
}

#[derive(Debug)]
pub(crate) struct BinaryPlan {
    pub(crate) op: BinaryOp,
    pub(crate) lhs: Plan,
    pub(crate) rhs: Plan,
    pub(crate) return_bool: bool,
    /// Present if both sides are vectors.
    pub(crate) matching: Option<VectorMatching>,
    pub(crate) span: TextSpan,
}

#[derive(Debug)]
pub(crate) struct AggregatePlan {
    pub(crate) op: AggregateOp,
    pub(crate) param: Option<Plan>,
    pub(crate) operand: Plan,
    /// Sorted.
    pub(crate) grouping: Vec<String>,
    pub(crate) without: bool,
    pub(crate) param_span: TextSpan,
    pub(crate) operand_span: TextSpan,
    /// Of the whole aggregation.
    pub(crate) span: TextSpan,
}

/// A function of each float.
#[derive(Debug)]
pub(crate) struct FloatCall {
    pub(crate) function: FloatFunction,
    pub(crate) operand: Plan,
    pub(crate) args: Vec<Plan>,
}

#[derive(Debug)]
pub(crate) struct TimestampPlan {
    pub(crate) operand: Plan,
    /// Whether the samples are those of a selector, which have times of their own. Anything else happens at the evaluation time, even the
    /// unary plus in front of a selector.
    pub(crate) of_samples: bool,
    /// Start timestamps instead of timestamps.
    pub(crate) start: bool,
}

/// A range function and its arguments.
#[derive(Debug)]
pub(crate) struct RangeCall {
    pub(crate) name: &'static str,
    pub(crate) function: RangeFunction,
    pub(crate) source: RangePlan,
    pub(crate) args: Vec<Plan>,
}

#[derive(Debug)]
pub(crate) struct HistogramQuantilePlan {
    pub(crate) operand: Plan,
    pub(crate) operand_span: TextSpan,
    /// The quantiles and where they were written.
    pub(crate) quantiles: Vec<(Plan, TextSpan)>,
    /// The label that tells the quantiles apart: only of `histogram_quantiles`.
    pub(crate) label: Option<String>,
}

#[derive(Debug)]
pub(crate) struct HistogramFractionPlan {
    pub(crate) lower: Plan,
    pub(crate) upper: Plan,
    pub(crate) operand: Plan,
    pub(crate) operand_span: TextSpan,
}

#[derive(Debug)]
pub(crate) struct SortPlan {
    pub(crate) operand: Plan,
    pub(crate) key: SortKey,
    pub(crate) descending: bool,
    pub(crate) span: TextSpan,
}

#[derive(Debug)]
pub(crate) enum SortKey {
    Value,
    Labels(Vec<String>),
}

#[derive(Debug)]
pub(crate) struct LabelReplacePlan {
    pub(crate) operand: Plan,
    pub(crate) target: String,
    pub(crate) template: String,
    pub(crate) source: String,
    pub(crate) regex: bellwether_model::AnchoredRegex,
}

#[derive(Debug)]
pub(crate) struct LabelJoinPlan {
    pub(crate) operand: Plan,
    pub(crate) target: String,
    pub(crate) separator: String,
    pub(crate) sources: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct InfoPlan {
    pub(crate) operand: Plan,
    /// The conditions on the info series; `None` if no second argument was given.
    pub(crate) matchers: Option<Vec<Matcher>>,
    /// At which time the info series are looked at.
    pub(crate) reference: Reference,
    /// What the selection of the info series may look at.
    pub(crate) range: TimeRange,
    pub(crate) step_ms: i64,
}

impl Plan {
    /// Whether the node yields a number per step and not rows.
    pub(crate) fn is_scalar(&self) -> bool {
        match self {
            Self::Number(_) | Self::Time | Self::ToScalar(_) | Self::Extreme { .. } => true,
            Self::Negate(operand) | Self::Once(operand) => operand.is_scalar(),
            Self::Binary(binary) => binary.lhs.is_scalar() && binary.rhs.is_scalar(),
            _ => false,
        }
    }
}
