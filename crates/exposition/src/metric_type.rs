use std::fmt;

/// The type of a metric family, as an exposition declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MetricType {
    /// Only goes up, except when the process restarts.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Cumulative buckets with a count and a sum.
    Histogram,
    /// A histogram whose buckets may shrink.
    GaugeHistogram,
    /// Quantiles with a count and a sum.
    Summary,
    /// Labels that describe the target; the value is 1.
    Info,
    /// One series per state; the value of the current one is 1.
    StateSet,
    /// Not declared, or declared as unknown (OpenMetrics) or untyped (text 0.0.4).
    #[default]
    Unknown,
}

impl MetricType {
    /// The word of OpenMetrics, which is also the value of the label `__type__`.
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

    /// Reads a `# TYPE` word of text 0.0.4.
    pub(crate) fn parse_text(word: &[u8]) -> Option<Self> {
        Some(match word {
            b"counter" => Self::Counter,
            b"gauge" => Self::Gauge,
            b"histogram" => Self::Histogram,
            b"summary" => Self::Summary,
            b"untyped" => Self::Unknown,
            _ => return None,
        })
    }

    /// Reads a `# TYPE` word of OpenMetrics.
    pub(crate) fn parse_openmetrics(word: &[u8]) -> Option<Self> {
        Some(match word {
            b"counter" => Self::Counter,
            b"gauge" => Self::Gauge,
            b"histogram" => Self::Histogram,
            b"gaugehistogram" => Self::GaugeHistogram,
            b"summary" => Self::Summary,
            b"info" => Self::Info,
            b"stateset" => Self::StateSet,
            b"unknown" => Self::Unknown,
            _ => return None,
        })
    }
}

impl fmt::Display for MetricType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
