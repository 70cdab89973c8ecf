//! Every HTTP surface of the server: the Prometheus API, remote write, federation, health, the server's own metrics, and the web UI.
//!
//! [`router`] builds the whole surface from an [`AppState`]; [`serve`] serves a [`Surface`] on a socket, within [`ConnectionLimits`], from before the store
//! is open until the last request is answered. This is the only crate that turns inner types into response JSON.
mod active;
mod alert_stats;
#[cfg(feature = "bench")]
pub mod bench;
mod cardinality;
mod connection;
mod cors;
mod envelope;
mod error;
mod guard;
mod host;
mod json;
mod lifecycle;
mod memory;
mod own_metrics;
mod pace;
mod params;
mod prometheus_pages;
mod protection;
mod query_journal;
mod query_log;
mod readiness;
mod request_body;
mod requester;
mod result_limit;
mod router;
mod rule_metrics;
mod server;
mod state;
mod stats;
mod storage;
mod surface;
mod ui;
mod v1;
mod v2;
mod work;
mod write_gate;

pub use active::ActiveQueries;
pub use alert_stats::AlertStats;
pub use cardinality::{
    Breakdown, Cardinality, CardinalityQuery, LabelBreakdown, LabelChoice, LabelCost, MetricCost,
    NamedSeries, PairCost, RefusedSamples, SeriesCost,
};
pub use error::{ApiError, ErrorKind};
pub use host::Host;
pub use memory::{MemoryLevel, ProcessMemory};
pub use pace::Pace;
pub use protection::{
    ClientAuth, Protection, ProtectionError, ProtectionInForce, ProtectionSettings, RateLimit, TlsSettings,
};
pub use query_journal::{CrashedQuery, QueryJournal};
pub use query_log::QueryLog;
pub use readiness::{Readiness, Replay, ReplayWatch};
pub use router::router;
pub use server::{ConnectionLimits, serve};
pub use state::{AppState, ClockJumps, LastReload, Operations, ReloadFailure, RemoteReadSettings, Settings};
pub use stats::ApiStats;
pub use storage::{
    HeadDetails, IngestDetails, LogDetails, PartDetails, ProblemDetails, QuarantineDetails, RecoveryDetails,
    RetentionDetails, StorageAdmin, StorageAdminError, StorageAlarms, StorageDetails, StorageStatus,
    TombstoneDetails, UpkeepDetails,
};
pub use surface::Surface;
pub use write_gate::WriteGate;
