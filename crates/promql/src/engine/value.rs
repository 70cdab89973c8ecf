use std::sync::Arc;

use bellwether_model::{FloatHistogram, Labels, MemoryReservation, Value};

use super::annotation::Annotations;
use super::stats::QueryStats;
use crate::syntax::ValueType;

/// What a query yields.
#[derive(Debug, Clone)]
pub enum QueryValue {
    /// One number.
    Scalar {
        /// The evaluation time in milliseconds since the Unix epoch.
        ts_ms: i64,
        /// The number.
        value: f64,
    },
    /// A string.
    String {
        /// The evaluation time in milliseconds since the Unix epoch.
        ts_ms: i64,
        /// The string.
        text: String,
    },
    /// One sample per series, in the order that the query chose, else ordered by labels.
    Vector(Vec<InstantSample>),
    /// Many samples per series, ordered by labels.
    Matrix(Vec<RangeSeries>),
}

impl QueryValue {
    /// The type of the value.
    pub fn value_type(&self) -> ValueType {
        match self {
            Self::Scalar { .. } => ValueType::Scalar,
            Self::String { .. } => ValueType::String,
            Self::Vector(_) => ValueType::Vector,
            Self::Matrix(_) => ValueType::Matrix,
        }
    }
}

/// One sample of an instant vector.
#[derive(Debug, Clone)]
pub struct InstantSample {
    /// The series.
    pub labels: Labels,
    /// The evaluation time in milliseconds since the Unix epoch.
    pub ts_ms: i64,
    /// The value.
    pub value: Value,
}

/// One series of a matrix: at least one sample.
#[derive(Debug, Clone, Default)]
pub struct RangeSeries {
    /// The series.
    pub labels: Labels,
    /// The float samples in time order, with their times in milliseconds since the Unix epoch.
    pub floats: Vec<(i64, f64)>,
    /// The histogram samples in time order. No time is in both lists.
    pub histograms: Vec<(i64, Arc<FloatHistogram>)>,
}

/// The result of a query and what is to be said about it.
#[derive(Debug)]
pub struct QueryOutput {
    /// The result.
    pub value: QueryValue,
    /// Warnings and infos.
    pub annotations: Annotations,
    /// What the query cost.
    pub stats: QueryStats,
    /// Keeps the memory of the result set aside.
    pub(crate) _memory: Option<MemoryReservation>,
}
