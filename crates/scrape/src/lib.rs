//! Discovery, scrape pools, scrape loops and staleness.

pub mod config;
mod counters;
mod error;
mod failure_log;
mod fetch;
mod ingest;
mod run;
mod schedule;
mod target;
#[cfg(test)]
mod test_config;
#[cfg(test)]
mod test_store;
mod workspace;

pub use counters::ScrapeCounters;
pub use error::ScrapeError;
pub use ingest::{LabelLimitError, SampleLabelsError};
pub use target::{GlobalAddress, Health, TargetError};
