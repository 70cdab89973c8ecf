//! What one simulated process exposes: families, their series, and how they are written.
mod exporter;
mod family;
mod histogram;
mod summary;
mod write;

pub(crate) use exporter::{Counter, Exporter, Gauge, HistogramId, StateSet, SummaryId};
pub(crate) use family::{Family, Kind};
pub(crate) use histogram::{Trace, observe};
pub(crate) use summary::{RecentValues, quantile};
