//! The vocabulary that every other crate speaks, and the contracts between the engines.
//!
//! A [`Labels`] is a sorted, duplicate-free set of name/value pairs and identifies a series; a [`Matcher`]
//! selects series by their labels; a [`Value`] is one float or one native histogram.
//! Engines meet only through the traits at the end of the list: whoever ingests fills an [`AppendBatch`] and hands
//! it to an [`Appender`]; whoever asks opens a [`Querier`] over a [`TimeRange`] and reads columns from a
//! [`SeriesSet`]. So the query language knows no storage, the storage knows no query language, and both can be
//! replaced by something on another machine.
//!
//! ```
//! use bellwether_model::{Labels, MatchOp, Matcher};
//!
//! let labels = Labels::from_pairs([("__name__", "up"), ("job", "node")]);
//! let matcher = Matcher::new(MatchOp::Re, "job", "node|api").unwrap();
//! assert!(matcher.matches(labels.get("job").unwrap_or("")));
//! assert_eq!(labels.to_string(), r#"up{job="node"}"#);
//! ```
mod alert;
mod append;
mod context;
mod exemplar;
mod float;
pub mod histogram;
mod labels;
mod limit;
mod matcher;
mod metadata;
mod name;
mod query;
mod quote;
mod regex;
mod size;
mod tenant;
mod time;
mod unquote;
mod value;

pub use alert::{Alert, Fingerprint, ParseFingerprintError};
pub use append::{
    AppendBatch, AppendEntry, AppendError, AppendExemplar, AppendMetadata, AppendReport, Appender,
    KnownSample, Rejection, SeriesRef,
};
pub use context::{MemoryReservation, QueryContext, QueryInterrupt, QueryMemory};
pub use exemplar::Exemplar;
pub use float::{format_float, format_float_go, format_float_json, format_integer, parse_float};
pub use histogram::{CounterResetHint, FloatHistogram, Histogram, Span};
pub use labels::{Label, Labels, LabelsBuilder, LabelsScratch, METRIC_NAME};
pub use limit::{Limit, OverLimit};
pub use matcher::{MatchOp, Matcher};
pub use metadata::{MetricMetadata, MetricType};
pub use name::{
    EscapingScheme, ValidationScheme, is_legacy_label_name, is_legacy_metric_name, is_valid_label_name,
    is_valid_metric_name,
};
pub use query::{
    ColumnBuffer, MetadataRequest, Querier, Queryable, SelectHints, SelectSpec, SeriesExemplars, SeriesSet,
    StorageError,
};
pub use quote::{go_code_point, go_quote, go_quote_bytes, go_quote_char, is_go_printable};
pub use regex::{AnchoredRegex, Expansion, RegexError, SearchRegex, go_to_rust_pattern};
pub use size::{ParseSizeError, format_size, parse_size};
pub use tenant::Tenant;
pub use time::{
    Clock, ManualClock, ParseDurationError, SystemClock, TimeRange, format_duration_ms, parse_duration_ms,
};
pub use unquote::go_unquote;
pub use value::{STALE_NAN_BITS, Value, is_stale_nan, stale_nan};
