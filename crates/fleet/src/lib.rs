//! The demo platforms: five simulated systems that expose real metrics.
//!
//! A [`Fleet`] runs the simulations behind HTTP endpoints on loopback: some fifteen processes of five [`Platform`]s, each with `/metrics` in
//! text 0.0.4 and OpenMetrics 1.0. Load follows the time of day, queues fill, pools run dry, breakers open, processes restart, and by
//! script something goes wrong every four minutes ([`incidents`]) so that the platforms' alerts fire. Everything is labelled as demo.
//!
//! The simulation is a sequence of events that depends on a seed and the time alone, never on who looks at it. So [`Fleet::history`] can
//! tell what the endpoints would have said in the past hours, and the present continues from there.
//!
//! Time comes from a [`Clock`](bellwether_model::Clock); nothing happens between two scrapes until the second one asks for it, so an idle
//! fleet costs nothing.
//!
//! ```
//! use bellwether_exposition::OutputFormat;
//! use bellwether_fleet::{History, HistoryRange, Platform};
//!
//! let range = HistoryRange { from_ms: 1_700_000_000_000, to_ms: 1_700_000_060_000, step_ms: 15_000 };
//! let history = History::new(7, range.from_ms, &[Platform::Dag], range, OutputFormat::FALLBACK);
//! let snapshots: Vec<_> = history.collect();
//! assert_eq!(snapshots.len(), 2 * 5, "two processes at five times");
//! let exposition = snapshots[9].exposition.as_deref().unwrap_or_default();
//! assert!(exposition.contains("dag_workflow_executions_total{workflow_name=\"sdlc_parallel\",status=\"success\"}"));
//! ```
mod error;
mod fleet;
mod generated;
mod history;
mod inbox;
mod incident;
mod metrics;
mod options;
mod platform;
mod rate;
mod scrape_config;
mod server;
mod sim;
mod target;
mod world;

pub use error::FleetError;
pub use fleet::Fleet;
pub use history::{History, HistoryRange, Snapshot};
pub use inbox::Inbox;
pub use incident::{Incident, Occurrence, incidents, occurrence_at};
pub use options::{FleetOptions, Ports};
pub use platform::Platform;
pub use rate::ArrivalRate;
pub use target::Target;
