//! The engine that evaluates PromQL.
//!
//! A query goes through three forms: an expression as [`syntax`](crate::syntax) reads it, a plan in which all times are resolved and
//! which knows what has to be selected, and operators that yield rows, one row per series with one cell per step. The engine knows a store only through the contracts of
//! `bellwether-model`; [`QueryEngine`] is what others know of the engine.

mod absent;
mod aggregate;
mod annotation;
mod binary;
mod block;
mod civil;
mod columns;
mod elementwise;
mod error;
mod eval;
mod grid;
mod histogram_quantile;
mod histogram_stats;
mod info;
mod label_functions;
mod label_groups;
mod labelled_rows;
mod limits;
mod local_engine;
mod metadata_labels;
mod morsels;
mod once;
mod operator;
mod options;
mod pacer;
mod plan;
mod query_engine;
mod range_call;
mod range_source;
mod range_vector;
mod request;
mod result;
mod same_labels;
mod smoothed;
mod sort;
mod state;
mod stats;
mod step_set;
mod timestamp;
mod value;
mod vector_selector;

#[cfg(test)]
mod tests;

pub use annotation::{Annotations, Severity};
pub use error::QueryError;
pub use local_engine::Engine;
pub use options::EngineOptions;
pub use query_engine::QueryEngine;
pub use request::{ExemplarsRequest, InstantQuery, QuerySettings, RangeQuery, SeriesRequest};
pub use stats::{QueryStats, QueryTimings};
pub use value::{InstantSample, QueryOutput, QueryValue, RangeSeries};

pub(crate) use annotation::{HistogramOperation, Remark};
pub(crate) use civil::{Civil, rfc3339_seconds};
