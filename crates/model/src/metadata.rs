use std::fmt;

/// The type of a metric family, as expositions declare it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum MetricType {
    /// Only goes up, except when the process restarts.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Classic or native histogram of observations.
    Histogram,
    /// Histogram whose buckets may shrink.
    GaugeHistogram,
    /// Quantiles computed by the target.
    Summary,
    /// Labels that describe the target; the value is 1.
    Info,
    /// One series per state; the value of the current one is 1.
    StateSet,
    /// Not declared, or declared as unknown.
    #[default]
    Unknown,
}

impl MetricType {
    /// The word used in expositions and in the metadata API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
            Self::Unknown => "unknown",
        }
    }

    /// Reads the word used in expositions; `untyped` is the old word for unknown.
    pub fn parse(s: &str) -> Option<Self> {
        Some(match s {
            "counter" => Self::Counter,
            "gauge" => Self::Gauge,
            "histogram" => Self::Histogram,
            "gaugehistogram" => Self::GaugeHistogram,
            "summary" => Self::Summary,
            "info" => Self::Info,
            "stateset" => Self::StateSet,
            "unknown" | "untyped" => Self::Unknown,
            _ => return None,
        })
    }
}

impl fmt::Display for MetricType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a target says about one metric family.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct MetricMetadata {
    /// The type of the family.
    pub metric_type: MetricType,
    /// The base unit, for instance `seconds`; empty if not declared.
    pub unit: String,
    /// One sentence about the metric; empty if not declared.
    pub help: String,
}
