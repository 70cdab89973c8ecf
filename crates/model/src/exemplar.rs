use crate::Labels;

/// An example of one observation, usually with the id of the trace that it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// The labels of the exemplar itself, for instance `trace_id`; not those of its series.
    pub labels: Labels,
    /// The observed value.
    pub value: f64,
    /// When it was observed, in milliseconds since the Unix epoch. A target that gives no time gets the time of the sample.
    pub ts_ms: i64,
}
