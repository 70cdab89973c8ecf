//! Discovery, scrape pools, scrape loops and staleness.

#[cfg(feature = "bench")]
pub mod bench;
pub mod config;
mod counters;
mod discovery;
mod error;
mod failure_log;
mod fetch;
mod ingest;
mod manager;
mod options;
mod pool;
mod run;
mod schedule;
mod target;
#[cfg(test)]
mod test_config;
#[cfg(test)]
mod test_store;
mod view;
mod workspace;

pub use counters::ScrapeCounters;
pub use discovery::{DiscoveryStatus, Resolver};
pub use error::ScrapeError;
pub use ingest::{LabelLimitError, SampleLabelsError};
pub use manager::{ApplyError, ScrapeManager};
pub use options::ScrapeOptions;
pub use target::{GlobalAddress, Health, TargetError};
pub use view::{DroppedTarget, InvalidTarget, TargetMetadata, TargetMetadataQuery, TargetView, TargetsView};
