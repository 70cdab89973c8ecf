use bellwether_model::{Labels, METRIC_NAME};

/// The labels that describe a metric and not where it comes from: its name, its type and its unit. What an operation computes from a metric is no longer described by them.
pub(crate) const METADATA_LABELS: [&str; 3] = [METRIC_NAME, TYPE_LABEL, "__unit__"];

/// The label that carries the type of a metric.
pub(crate) const TYPE_LABEL: &str = "__type__";

/// The labels without those that describe the metric.
pub(crate) fn without_metadata(labels: &Labels) -> Labels {
    if METADATA_LABELS.iter().any(|name| labels.has(name)) {
        labels.retain(|l| !METADATA_LABELS.contains(&l.name))
    } else {
        labels.clone()
    }
}
