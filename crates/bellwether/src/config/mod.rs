//! The configuration file: any `prometheus.yml` is valid as it is.
//!
//! [`Config::load`] reads the file and those that it includes, and gives either everything the program runs on or all problems
//! with their places. Each room owns its section; this module assembles them, and owns the sections that belong to the
//! program as a whole. Nothing here starts anything.

mod alerting;
mod alertmanager;
mod error;
mod expand;
mod external_labels;
mod file;
mod global;
mod include;
mod limits;
mod load;
mod packs;
mod rules;
mod runtime;
mod slos;
mod storage;
mod tracing;
mod warning;
mod web;

pub use alerting::{AlertingConfig, AlertmanagerConfig};
pub use alertmanager::AlertmanagerSetup;
pub use error::{ConfigErrors, SectionError};
pub use file::{Config, Owner, Unsupported};
pub use global::GlobalConfig;
pub use limits::{LimitsConfig, TenantLimitsConfig};
pub use load::{LoadOptions, Loaded, Mode};
pub use rules::RulesConfig;
pub use runtime::RuntimeConfig;
pub use slos::load_objectives;
pub use storage::{FloatEncoding, RetentionConfig, StorageConfig, TsdbConfig};
pub use tracing::{TracingClient, TracingConfig};
pub use warning::Warning;
pub use web::{PemSource, RateLimit, WebConfig, WebTls};

#[cfg(test)]
mod tests;
