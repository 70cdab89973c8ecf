use std::borrow::Cow;

use bellwether_yaml::{Decode, Errors, Node, Reported};

use super::error::{Scope, ScrapeConfigError};

/// A format in which targets can be asked to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScrapeProtocol {
    /// Delimited protobuf messages; the only one with native histograms.
    PrometheusProto,
    /// The text format without quoted names.
    PrometheusText0_0_4,
    /// The text format with quoted names.
    PrometheusText1_0_0,
    /// OpenMetrics, early version.
    OpenMetricsText0_0_1,
    /// OpenMetrics.
    OpenMetricsText1_0_0,
}

impl ScrapeProtocol {
    /// All protocols in the order of their names.
    pub(super) const BY_NAME: [Self; 5] = [
        Self::OpenMetricsText0_0_1,
        Self::OpenMetricsText1_0_0,
        Self::PrometheusProto,
        Self::PrometheusText0_0_4,
        Self::PrometheusText1_0_0,
    ];

    /// What is asked for when nothing is configured, most wanted first.
    pub const DEFAULT: [Self; 4] = [
        Self::OpenMetricsText1_0_0,
        Self::OpenMetricsText0_0_1,
        Self::PrometheusText1_0_0,
        Self::PrometheusText0_0_4,
    ];

    /// What is asked for when native histograms are wanted.
    pub const DEFAULT_PROTO_FIRST: [Self; 5] = [
        Self::PrometheusProto,
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

    /// The media type for the `Accept` header, without weight and escaping.
    pub fn media_type(self) -> &'static str {
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

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::BY_NAME.into_iter().find(|protocol| protocol.as_str() == name)
    }
}

/// A protocol as the user wrote it; whether it exists is said later, together with the name of the job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ProtocolName(pub(super) String);

impl Decode<'_> for ProtocolName {
    fn type_name() -> Cow<'static, str> {
        "config.ScrapeProtocol".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        node.decode_text("config.ScrapeProtocol", errors).map(|name| Self(name.into_owned()))
    }
}

/// The protocols of a list, which has to have one, and none twice in whatever case.
pub(super) fn check_protocols(
    names: &[ProtocolName],
    scope: &Scope,
) -> Result<Vec<ScrapeProtocol>, ScrapeConfigError> {
    if names.is_empty() {
        return Err(ScrapeConfigError::NoProtocols(scope.clone()));
    }
    let mut protocols = Vec::with_capacity(names.len());
    for (idx, ProtocolName(name)) in names.iter().enumerate() {
        if names[..idx].iter().any(|ProtocolName(earlier)| earlier.eq_ignore_ascii_case(name)) {
            let names = names.iter().map(|name| name.0.clone()).collect();
            return Err(ScrapeConfigError::DuplicateProtocol { names, scope: scope.clone() });
        }
        let protocol = ScrapeProtocol::parse(name);
        protocols.push(protocol.ok_or_else(|| ScrapeConfigError::UnknownProtocol {
            name: name.clone(),
            scope: scope.clone(),
        })?);
    }
    Ok(protocols)
}

/// A list as Go prints it: `[a b c]`.
pub(super) fn go_list<S: AsRef<str>>(items: &[S]) -> String {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    format!("[{}]", items.join(" "))
}
