use std::fmt::Write as _;
use std::time::Duration;

use crate::{BodyFormat, EscapingScheme};

/// A format that a scrape can ask for, under the names of the configuration field `scrape_protocols`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScrapeProtocol {
    /// Delimited protobuf messages.
    PrometheusProto,
    /// Text, version 0.0.4.
    PrometheusText0_0_4,
    /// Text, version 1.0.0: 0.0.4 with quoted names.
    PrometheusText1_0_0,
    /// OpenMetrics, version 0.0.1.
    OpenMetricsText0_0_1,
    /// OpenMetrics, version 1.0.0.
    OpenMetricsText1_0_0,
}

impl ScrapeProtocol {
    /// All protocols, in the order of their names.
    pub const ALL: [Self; 5] = [
        Self::OpenMetricsText0_0_1,
        Self::OpenMetricsText1_0_0,
        Self::PrometheusProto,
        Self::PrometheusText0_0_4,
        Self::PrometheusText1_0_0,
    ];

    /// What Prometheus asks for unless it is configured otherwise, best first.
    pub const DEFAULT: [Self; 4] = [
        Self::OpenMetricsText1_0_0,
        Self::OpenMetricsText0_0_1,
        Self::PrometheusText1_0_0,
        Self::PrometheusText0_0_4,
    ];

    /// The name used in configuration files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PrometheusProto => "PrometheusProto",
            Self::PrometheusText0_0_4 => "PrometheusText0.0.4",
            Self::PrometheusText1_0_0 => "PrometheusText1.0.0",
            Self::OpenMetricsText0_0_1 => "OpenMetricsText0.0.1",
            Self::OpenMetricsText1_0_0 => "OpenMetricsText1.0.0",
        }
    }

    /// Reads the name used in configuration files.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.as_str() == name)
    }

    /// The parser for bodies of this protocol.
    pub fn body_format(self) -> BodyFormat {
        match self {
            Self::PrometheusProto => BodyFormat::Protobuf,
            Self::PrometheusText0_0_4 | Self::PrometheusText1_0_0 => BodyFormat::Text,
            Self::OpenMetricsText0_0_1 | Self::OpenMetricsText1_0_0 => BodyFormat::OpenMetrics,
        }
    }

    /// The media range, without `q`.
    fn media_range(self) -> &'static str {
        match self {
            Self::PrometheusProto => {
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
            }
            Self::PrometheusText0_0_4 => "text/plain;version=0.0.4",
            Self::PrometheusText1_0_0 => "text/plain;version=1.0.0",
            Self::OpenMetricsText0_0_1 => "application/openmetrics-text;version=0.0.1",
            Self::OpenMetricsText1_0_0 => "application/openmetrics-text;version=1.0.0",
        }
    }

    /// Only the newer versions of the text formats know how to negotiate names.
    fn takes_escaping(self) -> bool {
        matches!(self, Self::PrometheusText1_0_0 | Self::OpenMetricsText1_0_0)
    }
}

/// The `Accept` header of a scrape that prefers `protocols` in this order: the text that Prometheus sends.
pub fn accept_header(protocols: &[ScrapeProtocol], escaping: EscapingScheme) -> String {
    let mut header = String::new();
    let mut weight = ScrapeProtocol::ALL.len() + 1;
    for protocol in protocols {
        header.push_str(protocol.media_range());
        if protocol.takes_escaping() {
            push(&mut header, format_args!(";escaping={}", escaping.as_str()));
        }
        push(&mut header, format_args!(";q=0.{weight},"));
        weight = weight.saturating_sub(1);
    }
    push(&mut header, format_args!("*/*;q=0.{weight}"));
    header
}

/// The value of the header `X-Prometheus-Scrape-Timeout-Seconds`.
pub fn timeout_header_value(timeout: Duration) -> String {
    timeout.as_secs_f64().to_string()
}

fn push(out: &mut String, args: std::fmt::Arguments<'_>) {
    out.write_fmt(args).expect("BUG: writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_as_prometheus() {
        assert_eq!(
            accept_header(&ScrapeProtocol::DEFAULT, EscapingScheme::AllowUtf8),
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,\
             text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
             text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
        );
        assert_eq!(
            accept_header(&[ScrapeProtocol::PrometheusProto], EscapingScheme::Underscores),
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,*/*;q=0.5"
        );
        assert_eq!(timeout_header_value(Duration::from_secs(10)), "10");
        assert_eq!(timeout_header_value(Duration::from_millis(1500)), "1.5");
    }

    #[test]
    fn names() {
        for protocol in ScrapeProtocol::ALL {
            assert_eq!(ScrapeProtocol::parse(protocol.as_str()), Some(protocol));
        }
        assert_eq!(ScrapeProtocol::parse("PrometheusText"), None);
    }
}
