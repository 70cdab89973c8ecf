//! What a pack says, decoded field by field.
//!
//! Only the form is checked here: a number where a number belongs, PromQL that parses, no key that nobody knows. Whether names exist and expressions make sense is a
//! matter of [`lint`](crate::lint).
mod alert;
mod dashboard;
mod deploy;
mod expression;
pub mod fields;
mod fix;
mod json_schema;
mod metric;
mod pack;
mod spanned;
mod tables;
pub(crate) mod word;

pub use alert::{Absent, Alert, AlertCase, AlertTests, Frequency, Recording, RuleGroup, Severity, Slo};
pub use dashboard::{Color, Dashboard, Panel, PanelKind, PanelUnit, Show, Threshold, Variable};
pub use deploy::{Endpoint, HealthCheck, Receiver, ReceiverKind, Scheme, Scrape, Service, Setting};
pub use expression::{Definition, Expression, Join, Level, Named, Per, Quantile, Rate, Ratio, Selector};
pub use fix::Fix;
pub use json_schema::json_schema;
pub use metric::{Alias, Buckets, Label, Metric, MetricKind, Multiprocess, Normalise, Stability};
pub use pack::{Counts, LoadError, Pack};
pub use spanned::Spanned;
pub use tables::markdown_table;

pub(crate) use word::words;
