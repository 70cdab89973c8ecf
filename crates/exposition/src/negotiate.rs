use crate::EscapingScheme;

/// A text format that the [`Writer`](crate::Writer) writes, as a server tells it to its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputFormat {
    /// The syntax and its version.
    pub syntax: Syntax,
    /// How names are written.
    pub escaping: EscapingScheme,
}

/// The syntax of a text format and its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// Text, version 0.0.4.
    Text0_0_4,
    /// Text, version 1.0.0.
    Text1_0_0,
    /// OpenMetrics, version 0.0.1.
    OpenMetrics0_0_1,
    /// OpenMetrics, version 1.0.0.
    OpenMetrics1_0_0,
}

impl Syntax {
    /// Whether this is a version of OpenMetrics.
    pub fn is_openmetrics(self) -> bool {
        matches!(self, Self::OpenMetrics0_0_1 | Self::OpenMetrics1_0_0)
    }
}

/// Which formats a server offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// Only the text format, as Prometheus' `/federate`.
    Text,
    /// Text and OpenMetrics, as `/metrics`.
    TextAndOpenMetrics,
}

impl OutputFormat {
    /// Text 0.0.4 with names that every client understands: the answer to a client that does not say what it wants.
    pub const FALLBACK: Self = Self { syntax: Syntax::Text0_0_4, escaping: EscapingScheme::Underscores };

    /// Chooses the format for a client by its `Accept` header, empty if there is none.
    pub fn negotiate(accept: &str, offer: Offer) -> Self {
        let mut chosen = Self::FALLBACK;
        for range in media_ranges(accept) {
            if let Some(escaping) = range.parameter("escaping").and_then(EscapingScheme::parse) {
                chosen.escaping = escaping;
            }
            let Some(syntax) = range.syntax() else { continue };
            if !syntax.is_openmetrics() || offer == Offer::TextAndOpenMetrics {
                return Self { syntax, ..chosen };
            }
        }
        chosen
    }

    /// The `Content-Type` header of a response in this format.
    pub fn content_type(self) -> String {
        let (media_type, version) = match self.syntax {
            Syntax::Text0_0_4 => ("text/plain", "0.0.4"),
            Syntax::Text1_0_0 => ("text/plain", "1.0.0"),
            Syntax::OpenMetrics0_0_1 => ("application/openmetrics-text", "0.0.1"),
            Syntax::OpenMetrics1_0_0 => ("application/openmetrics-text", "1.0.0"),
        };
        format!("{media_type}; version={version}; charset=utf-8; escaping={}", self.escaping.as_str())
    }
}

/// A format that a server can be asked for, as it tells it to its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpositionFormat {
    /// One of the text formats.
    Text(OutputFormat),
    /// Delimited protobuf messages, and how names are written in them.
    Protobuf(EscapingScheme),
}

impl ExpositionFormat {
    /// Chooses the format for a client by its `Accept` header, empty if there is none. What it gives a quality of zero is not chosen; a client that
    /// takes none of the formats gets text 0.0.4.
    pub fn negotiate(accept: &str) -> Self {
        let mut escaping = OutputFormat::FALLBACK.escaping;
        for range in media_ranges(accept).into_iter().filter(|range| range.quality > 0.0) {
            if let Some(asked) = range.parameter("escaping").and_then(EscapingScheme::parse) {
                escaping = asked;
            }
            if range.is_delimited_families() {
                return Self::Protobuf(escaping);
            }
            if let Some(syntax) = range.syntax() {
                return Self::Text(OutputFormat { syntax, escaping });
            }
        }
        Self::Text(OutputFormat { escaping, ..OutputFormat::FALLBACK })
    }

    /// The `Content-Type` header of a response in this format.
    pub fn content_type(self) -> String {
        match self {
            Self::Text(format) => format.content_type(),
            Self::Protobuf(escaping) => format!(
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping={}",
                escaping.as_str()
            ),
        }
    }
}

struct MediaRange<'a> {
    media_type: String,
    parameters: Vec<(&'a str, &'a str)>,
    quality: f64,
}

impl MediaRange<'_> {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    /// The text format that is meant.
    fn syntax(&self) -> Option<Syntax> {
        match (self.media_type.as_str(), self.parameter("version").unwrap_or("")) {
            ("text/plain", "1.0.0") => Some(Syntax::Text1_0_0),
            ("text/plain", "0.0.4" | "") => Some(Syntax::Text0_0_4),
            ("application/openmetrics-text", "1.0.0") => Some(Syntax::OpenMetrics1_0_0),
            ("application/openmetrics-text", "0.0.1" | "") => Some(Syntax::OpenMetrics0_0_1),
            _ => None,
        }
    }

    fn is_delimited_families(&self) -> bool {
        self.media_type == "application/vnd.google.protobuf"
            && self.parameter("proto") == Some("io.prometheus.client.MetricFamily")
            && self.parameter("encoding") == Some("delimited")
    }
}

/// The ranges of an `Accept` header, the preferred ones first. What does not parse is left out.
fn media_ranges(accept: &str) -> Vec<MediaRange<'_>> {
    /// A header names a handful; more are not worth the sorting.
    const MAX_RANGES: usize = 64;
    let mut ranges: Vec<_> = accept
        .split(',')
        .take(MAX_RANGES)
        .filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let media_type = parts.next().filter(|m| m.contains('/'))?.to_ascii_lowercase();
            let parameters: Vec<_> = parts
                .filter_map(|part| part.split_once('='))
                .map(|(name, value)| (name.trim(), value.trim().trim_matches('"')))
                .collect();
            let mut range = MediaRange { media_type, parameters, quality: 1.0 };
            range.quality = range.parameter("q").and_then(|q| q.parse().ok()).unwrap_or(1.0);
            Some(range)
        })
        .collect();
    ranges.sort_by(|a, b| b.quality.total_cmp(&a.quality));
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ScrapeProtocol, accept_header};

    #[test]
    fn negotiates() {
        let check = |accept: &str, want: &str| {
            assert_eq!(
                OutputFormat::negotiate(accept, Offer::TextAndOpenMetrics).content_type(),
                want,
                "{accept}"
            );
        };
        check("", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores");
        check("*/*", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores");
        check(
            "application/openmetrics-text;version=1.0.0;escaping=dots",
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=dots",
        );
        check(
            "text/plain;version=0.0.4;q=0.5,application/openmetrics-text;q=0.9",
            "application/openmetrics-text; version=0.0.1; charset=utf-8; escaping=underscores",
        );
        check(
            "application/openmetrics-text;version=9;q=0.9,text/plain;q=0.1;escaping=bad",
            "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
        );
        check(
            &accept_header(&ScrapeProtocol::DEFAULT, EscapingScheme::AllowUtf8),
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
        );
    }

    #[test]
    fn negotiates_protobuf() {
        let check = |accept: &str, want: &str| {
            let got = ExpositionFormat::negotiate(accept).content_type();
            assert!(got.starts_with(want), "{accept}: {got}");
        };
        let protobuf =
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
        check(
            protobuf,
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=underscores",
        );
        check(&format!("{protobuf};q=0.5,text/plain;version=0.0.4;q=0.6"), "text/plain; version=0.0.4");
        check(&format!("{protobuf};q=0.5,text/plain;q=0.4"), "application/vnd.google.protobuf");
        check(
            &format!("{protobuf};q=0,application/openmetrics-text;version=1.0.0;q=0.1"),
            "application/openmetrics-text; version=1.0.0",
        );
        check(
            "application/vnd.google.protobuf;proto=other;encoding=delimited,*/*;q=0.1",
            "text/plain; version=0.0.4",
        );
        check("", "text/plain; version=0.0.4");
        let accept = accept_header(&ScrapeProtocol::ALL[2..4], EscapingScheme::AllowUtf8);
        check(&accept, "application/vnd.google.protobuf");
        let utf8 = ExpositionFormat::negotiate(&format!("{protobuf};escaping=allow-utf-8"));
        assert_eq!(utf8, ExpositionFormat::Protobuf(EscapingScheme::AllowUtf8));
    }

    #[test]
    fn offers_only_text() {
        let accept = accept_header(&ScrapeProtocol::DEFAULT, EscapingScheme::AllowUtf8);
        let format = OutputFormat::negotiate(&accept, Offer::Text);
        assert_eq!(format, OutputFormat { syntax: Syntax::Text1_0_0, escaping: EscapingScheme::AllowUtf8 });
    }
}
