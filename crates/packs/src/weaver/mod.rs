//! The registries of OpenTelemetry's Weaver, in the format `definition/2`: packs become such registries and are made of them.
//!
//! A registry has metrics that refer to attributes, which are defined once for all of them. What it has no words for (buckets, old names, limits of labels, types beside counter, gauge and
//! histogram) goes into the annotation `bellwether` in the words of packs, so that a pack that was exported and imported has the same metrics. Alerts, dashboards and named expressions stay
//! behind.
mod export;
mod import;
mod units;

pub use export::{RegistryFile, export};
pub use import::import;

/// The annotation with what a registry has no words for.
const ANNOTATION: &str = "bellwether";
