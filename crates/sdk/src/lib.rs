//! Instruments for applications, scraped by anything that reads the formats of Prometheus.
//!
//! A family is declared once, with its labels as a type; a value is found by its labels in a few nanoseconds without a lock, or kept as a handle that costs one atomic
//! addition:
//!
//! ```
//! use bellwether_sdk::{Labels, Opts, Registry};
//!
//! #[derive(Labels)]
//! struct Call<'a> {
//!     tool: &'a str,
//!     cached: bool,
//! }
//!
//! let registry = Registry::new();
//! let calls = registry.counter::<Call<'static>>(Opts::new("tool_calls", "Calls of tools."))?;
//! let searches = calls.with(Call { tool: "search", cached: false });
//! searches.inc();
//! searches.inc();
//! assert_eq!(
//!     registry.text(),
//!     "# HELP tool_calls_total Calls of tools.\n# TYPE tool_calls_total counter\n\
//!      tool_calls_total{tool=\"search\",cached=\"false\"} 2\n"
//! );
//! # Ok::<(), bellwether_sdk::RegisterError>(())
//! ```
//!
//! Labels with a closed set of values (enums, `bool`) are an index into an array. Others are bounded: by the number of values and of series, beyond which values are counted in an
//! overflow series, so that sums stay right and a mistake cannot fill the memory.
extern crate self as bellwether_sdk;

mod alias;
mod arena;
pub mod buckets;
mod clock;
mod collector;
mod core;
mod counter;
pub mod domain;
mod encode;
mod error;
mod exemplar;
mod expiry;
mod exponential;
mod expose;
mod gate;
mod gauge;
pub mod golden;
pub mod health;
mod histogram;
#[cfg(target_os = "linux")]
pub mod host;
#[cfg(feature = "tower")]
pub mod http;
mod info;
mod journal;
mod json;
mod key;
mod kind;
mod labels;
mod native;
pub mod normalise;
mod observed;
mod operation;
mod overflow;
#[cfg(feature = "push")]
pub mod push;
mod recent;
mod record;
mod region;
mod registry;
#[cfg(feature = "tokio")]
pub mod runtime;
mod server;
mod sharded;
mod sketch;
mod slices;
mod state_set;
mod summary;
mod sync;
mod table;
pub mod track;

pub use bellwether_exposition::{EscapingScheme, ExpositionFormat, Offer, OutputFormat};
pub use bellwether_macros::{LabelValue, Labels, MetricSet, track};

pub use alias::Alias;
pub use collector::Collector;
pub use counter::{Counter, CounterHandle};
pub use error::RegisterError;
pub use exemplar::TraceContext;
pub use expose::{Exposition, Request};
pub use gauge::{Gauge, GaugeHandle, InFlight};
pub use histogram::{Histogram, HistogramHandle, Timer};
pub use info::Info;
pub use labels::{
    Field, LabelValue, Labels, OVERFLOW, OpenValues, UnknownValue, Values, is_unique_to_an_event,
};
pub use native::{NativeHistogram, NativeHistogramHandle, NativeTimer};
pub use normalise::{deny_ids, normalise_ids};
pub use observed::{ObservedCounter, ObservedCounterHandle};
pub use operation::{Operation, OperationRun};
pub use overflow::Overflow;
pub use region::{GaugeMerge, ShareError, Sharing, SkipReason, SkippedRegion};
pub use registry::{ExpositionHook, Instrument, MetricSet, Opts, Registry};
pub use server::{DEFAULT_ADDR, MetricsServer, ServeError};
pub use sharded::{ShardedCounter, ShardedCounterHandle};
pub use state_set::{StateSet, StateSetHandle};
pub use summary::{Summary, SummaryHandle};

/// The examples of the guide, so that they are run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/sdk.md")]
mod guide {}
