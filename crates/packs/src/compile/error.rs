use bellwether_promql::syntax::ParseErrors;
use bellwether_yaml::Position;

/// Why an expression of a pack has no meaning.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{kind}")]
pub struct CompileError {
    /// What is wrong.
    pub kind: CompileErrorKind,
    /// The place in the pack.
    pub position: Position,
}

/// What is wrong with an expression.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CompileErrorKind {
    /// A name that neither the pack nor `external` has.
    #[error("nothing exposes {name}{}", suggestion(near.as_deref()))]
    UnknownName {
        /// The name.
        name: String,
        /// The name that is probably meant.
        near: Option<String>,
    },
    /// Expressions that are defined by each other.
    #[error("{0} is defined by itself")]
    Cycle(String),
    /// Names that stand for names that stand for names, and so on.
    #[error("{name} stands for more than {limit} names within each other")]
    TooDeep {
        /// The innermost name that was looked at.
        name: String,
        /// How many there may be.
        limit: usize,
    },
    /// A condition or a range on a named expression.
    #[error("{0} is an expression; it takes no conditions, range, offset or @ of its own")]
    NotASelector(String),
    /// A metric of the wrong type.
    #[error("{name} is a {kind}, and this needs {needed}")]
    WrongKind {
        /// The metric.
        name: String,
        /// Its type.
        kind: &'static str,
        /// The types that would do.
        needed: &'static str,
    },
    /// A ratio of events and levels.
    #[error("a ratio is either of events (counters, histograms) or of levels (gauges), not of both")]
    MixedRatio,
    /// `under` names no bound.
    #[error("{under} is not a bound of {name}, whose buckets end at {bounds}")]
    NotABound {
        /// The value of `under`.
        under: f64,
        /// The histogram.
        name: String,
        /// Its bounds, as a list.
        bounds: String,
    },
    /// The expression has the wrong types.
    #[error("{text} is wrong: {why}")]
    Types {
        /// What the expression became.
        text: String,
        /// What is wrong.
        why: ParseErrors,
    },
    /// `min_traffic` without events.
    #[error("min_traffic needs a ratio or a quantile of events in the condition")]
    NoTraffic,
    /// `min_traffic` where the condition has other labels than the traffic.
    #[error(
        "the condition is grouped otherwise than the events that it is about, so min_traffic cannot be added"
    )]
    TrafficLabels,
}

fn suggestion(near: Option<&str>) -> String {
    near.map(|near| format!("; did you mean {near}?")).unwrap_or_default()
}
