//! What one simulated process exposes: families, their series, and how they are written.
mod exporter;
mod family;
mod histogram;
mod recent;
mod write;

pub(crate) use exporter::{Counter, Exporter, Gauge, HistogramId};
pub(crate) use family::Family;
pub(crate) use histogram::{Trace, observe};
pub(crate) use recent::{RecentValues, quantile};
