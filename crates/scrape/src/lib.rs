//! Discovery, scrape pools, scrape loops and staleness.
//!
//! A [`ScrapeManager`] is given jobs ([`config::ScrapeConfig`]) and an [`Appender`](bellwether_model::Appender), and does the rest: each
//! job has a pool that relabels what its discovery tasks find; each target has a scrape loop, a task of its own on a fixed grid
//! of the monotonic clock, so that a slow target delays nobody. A scrape is fetched with `bellwether-outbound`, read with
//! `bellwether-exposition` and stored as one batch, with the series that tell about the scrape (`up`, ...) and with stale markers for
//! what is gone. What targets look like to people is in [`TargetsView`].
//!
//! Reading is fast because targets repeat themselves: a loop remembers the bytes of each series in their order, so a known line costs one
//! comparison and no allocation. The same memory knows which series are gone.
//!
//! Times: timestamps come from a [`Clock`](bellwether_model::Clock), everything else runs on tokio's timers.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use bellwether_model::{AppendBatch, AppendError, AppendReport, Appender, SystemClock, Tenant};
//! use bellwether_scrape::config::{ScrapeDefaults, ScrapeSpec};
//! use bellwether_scrape::{Health, ScrapeManager, ScrapeOptions};
//! use bellwether_yaml::{Dialect, Document, Errors};
//!
//! struct Nowhere;
//! # impl Appender for Nowhere {
//! #     fn append(&self, _: &Tenant, _: &AppendBatch) -> Result<AppendReport, AppendError> {
//! #         Err(AppendError::Closed)
//! #     }
//! # }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let yaml = b"{job_name: node, static_configs: [{targets: ['localhost:9100']}]}";
//! let document = Document::parse("example.yml", yaml, Dialect::V2)?;
//! let spec: ScrapeSpec<'_> = document.decode()?;
//! let job = spec.resolve(&ScrapeDefaults::default(), &mut Errors::default()).unwrap();
//!
//! let manager = ScrapeManager::new(Arc::new(Nowhere), Arc::new(SystemClock::new()), ScrapeOptions::default());
//! manager.apply(vec![job]).await?;
//! let target = manager.targets().active.remove(0);
//! assert_eq!(target.scrape_url, "http://localhost:9100/metrics");
//! assert_eq!(target.health, Health::Unknown);
//! assert!(manager.shutdown(tokio::time::Instant::now() + Duration::from_secs(10)).await);
//! # Ok(())
//! # }
//! ```
mod backfill;
#[cfg(feature = "bench")]
pub mod bench;
pub mod config;
mod counters;
mod discovery;
mod error;
mod failure_log;
mod fetch;
mod ingest;
mod inspect;
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

pub use backfill::{Backfill, BackfillError, PastScrape};
pub use counters::ScrapeCounters;
pub use discovery::{DiscoveryStatus, Finder, Resolver};
pub use error::ScrapeError;
pub use ingest::{LabelLimitError, SampleLabelsError};
pub use inspect::{Inspector, ScrapedBody};
pub use manager::{ApplyError, ScrapeManager};
pub use options::ScrapeOptions;
pub use target::{GlobalAddress, Health, TargetError};
pub use view::{DroppedTarget, InvalidTarget, TargetMetadata, TargetMetadataQuery, TargetView, TargetsView};
