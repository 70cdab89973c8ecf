//! Whether a metric is a counter or a gauge: as the application told it, else as its name says.

use bellwether_model::MetricType;

use super::Scene;

/// How a metric moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MetricKind {
    /// It only grows, and begins anew when its process does.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// Endings of the series of counters, and of those that count for histograms.
const COUNTERS: [&str; 3] = ["_total", "_bucket", "_sum"];

/// Endings that only gauges have.
const GAUGES: [&str; 22] = [
    "_ratio",
    "_percent",
    "_bytes",
    "_celsius",
    "_info",
    "_timestamp_seconds",
    "_created",
    "_usage",
    "_active",
    "_current",
    "_limit",
    "_max",
    "_min",
    "_depth",
    "_available",
    "_free",
    "_in_progress",
    "_inprogress",
    "_state",
    "_status",
    "_utilization",
    "_temperature",
];

impl Scene<'_> {
    /// How the metric moves; `None` if neither its type nor its name tells.
    pub(super) fn kind(&self, metric: &str) -> Option<MetricKind> {
        self.told_kind(metric).or_else(|| kind_by_name(metric))
    }

    /// Whether its type tells how the metric moves, and not its name alone.
    pub(super) fn is_told(&self, metric: &str) -> bool {
        self.told_kind(metric).is_some()
    }

    fn told_kind(&self, metric: &str) -> Option<MetricKind> {
        let types = &self.options.metric_types;
        let of_histogram = ["_bucket", "_count", "_sum"].iter().find_map(|end| {
            let family = types.get(metric.strip_suffix(end)?)?;
            matches!(family, MetricType::Histogram | MetricType::Summary).then_some(MetricKind::Counter)
        });
        of_histogram.or_else(|| match types.get(metric)? {
            MetricType::Counter => Some(MetricKind::Counter),
            MetricType::Gauge | MetricType::Info | MetricType::StateSet | MetricType::GaugeHistogram => {
                Some(MetricKind::Gauge)
            }
            _ => None,
        })
    }
}

fn kind_by_name(metric: &str) -> Option<MetricKind> {
    if let Some((_, operation)) = metric.rsplit_once(':') {
        // By convention the last part of a recorded name is what was done, newest last.
        let is_rate =
            ["rate", "irate", "increase", "ratio", "deriv"].iter().any(|word| operation.starts_with(word));
        return is_rate.then_some(MetricKind::Gauge);
    }
    if COUNTERS.iter().any(|end| metric.ends_with(end)) {
        return Some(MetricKind::Counter);
    }
    (metric == "up" || GAUGES.iter().any(|end| metric.ends_with(end))).then_some(MetricKind::Gauge)
}
