//! Which series a name means.

use crate::schema::{Metric, MetricKind, Pack};

/// What a name of series stands for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Series<'p> {
    /// A metric of the pack, or a part of it.
    Own(&'p Metric, Part),
    /// A metric of another pack, or one that every target has.
    External(MetricKind),
    /// A series that a recording makes.
    Recorded,
}

/// Which of the series of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Those with the name of the family.
    Value,
    /// The buckets of a histogram.
    Bucket,
    /// The sum of the observations.
    Sum,
    /// The number of observations.
    Count,
}

/// What every scraped target has, and what every server makes.
const EVERYWHERE: [&str; 8] = [
    "ALERTS",
    "ALERTS_FOR_STATE",
    "scrape_duration_seconds",
    "scrape_samples_post_metric_relabeling",
    "scrape_samples_scraped",
    "scrape_series_added",
    "scrape_timeout_seconds",
    "up",
];

impl Pack {
    /// What `name` stands for; `None` if nothing is known of it.
    pub(crate) fn series(&self, name: &str) -> Option<Series<'_>> {
        let has_values = |metric: &Metric| metric.kind != MetricKind::Histogram || metric.name.value != name;
        if let Some(metric) = self.metric(name).filter(|metric| has_values(metric)) {
            return Some(Series::Own(metric, Part::Value));
        }
        let parts = [("_bucket", Part::Bucket), ("_sum", Part::Sum), ("_count", Part::Count)];
        for (suffix, part) in parts {
            let Some(metric) = name.strip_suffix(suffix).and_then(|family| self.metric(family)) else {
                continue;
            };
            match metric.kind {
                MetricKind::Histogram => return Some(Series::Own(metric, part)),
                MetricKind::Summary if part != Part::Bucket => return Some(Series::Own(metric, part)),
                _ => {}
            }
        }
        if self.recordings.iter().any(|recording| recording.record.value == name) {
            return Some(Series::Recorded);
        }
        if let Some(kind) = self.external.get(name) {
            return Some(Series::External(*kind));
        }
        // The parts of a histogram of another pack.
        let family = parts.iter().find_map(|(suffix, _)| name.strip_suffix(suffix));
        if let Some(MetricKind::Histogram | MetricKind::Summary) = family.and_then(|f| self.external.get(f)) {
            return Some(Series::External(MetricKind::Counter));
        }
        EVERYWHERE.contains(&name).then_some(Series::External(MetricKind::Gauge))
    }

    /// Every name that an expression may use.
    pub(crate) fn known_names(&self) -> impl Iterator<Item = &str> {
        let metrics = self.metrics.iter().map(|metric| metric.name.value.as_str());
        let named = self.named.iter().map(|named| named.name.value.as_str());
        let recorded = self.recordings.iter().map(|recording| recording.record.value.as_str());
        named.chain(metrics).chain(recorded).chain(self.external.keys().map(String::as_str)).chain(EVERYWHERE)
    }
}
