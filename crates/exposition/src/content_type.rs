use crate::ScrapeProtocol;
use crate::media_type::{MediaTypeError, parse_media_type};
use crate::quote::quote;

/// Which parser a scraped body needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BodyFormat {
    /// Text 0.0.4 or 1.0.0: [`Reader::text`](crate::Reader::text).
    Text,
    /// OpenMetrics: [`Reader::openmetrics`](crate::Reader::openmetrics).
    OpenMetrics,
    /// Delimited protobuf messages of `io.prometheus.client.MetricFamily`: [`ProtobufReader`](crate::ProtobufReader).
    Protobuf,
}

impl BodyFormat {
    /// The media type, without parameters.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain",
            Self::OpenMetrics => "application/openmetrics-text",
            Self::Protobuf => "application/vnd.google.protobuf",
        }
    }

    fn from_media_type(media_type: &str) -> Option<Self> {
        [Self::Text, Self::OpenMetrics, Self::Protobuf].into_iter().find(|f| f.media_type() == media_type)
    }
}

/// What a `Content-Type` led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectedFormat {
    /// The parser to use.
    pub format: BodyFormat,
    /// Why it is the fallback, if it is: the target should be told.
    pub warning: Option<ContentTypeError>,
}

/// Why the `Content-Type` of a response does not select a parser. The messages are those of Prometheus.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub struct ContentTypeError {
    problem: Problem,
    fallback: Option<BodyFormat>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Problem {
    Blank,
    Malformed { content_type: String, error: MediaTypeError },
    Unsupported { content_type: String },
}

impl ContentTypeError {
    fn message(&self) -> String {
        let using =
            |fallback: BodyFormat| format!("using fallback_scrape_protocol {:?}", fallback.media_type());
        match (&self.problem, self.fallback) {
            (Problem::Blank, None) => "non-compliant scrape target sending blank Content-Type and no \
                fallback_scrape_protocol specified for target"
                .to_owned(),
            (Problem::Blank, Some(fallback)) => {
                format!("non-compliant scrape target sending blank Content-Type, {}", using(fallback))
            }
            (Problem::Malformed { content_type, error }, None) => {
                let shown = quote(content_type.as_bytes());
                format!(
                    "cannot parse Content-Type {shown} and no fallback_scrape_protocol for target\n{error}"
                )
            }
            (Problem::Malformed { content_type, error }, Some(fallback)) => {
                let shown = quote(content_type.as_bytes());
                format!("could not parse received Content-Type {shown}, {}\n{error}", using(fallback))
            }
            (Problem::Unsupported { content_type }, None) => {
                let shown = quote(content_type.as_bytes());
                format!(
                    "received unsupported Content-Type {shown} and no fallback_scrape_protocol specified for target"
                )
            }
            (Problem::Unsupported { content_type }, Some(fallback)) => {
                let shown = quote(content_type.as_bytes());
                format!("received unsupported Content-Type {shown}, {}", using(fallback))
            }
        }
    }
}

/// Selects the parser for a response by its `Content-Type` header, empty if there is none.
///
/// If the header does not help, the target's `fallback_scrape_protocol` is used and the problem becomes a warning; without
/// one it is an error and the scrape fails.
pub fn select_format(
    content_type: &str,
    fallback: Option<ScrapeProtocol>,
) -> Result<SelectedFormat, ContentTypeError> {
    let problem = if content_type.is_empty() {
        Problem::Blank
    } else {
        match parse_media_type(content_type) {
            Ok(media_type) => match BodyFormat::from_media_type(&media_type) {
                Some(format) => return Ok(SelectedFormat { format, warning: None }),
                None => Problem::Unsupported { content_type: content_type.to_owned() },
            },
            Err(error) => Problem::Malformed { content_type: content_type.to_owned(), error },
        }
    };
    let fallback = fallback.map(ScrapeProtocol::body_format);
    let error = ContentTypeError { problem, fallback };
    match fallback {
        Some(format) => Ok(SelectedFormat { format, warning: Some(error) }),
        None => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selects_by_header_then_by_fallback() {
        let ok = |header: &str| select_format(header, None).map(|s| s.format);
        assert_eq!(ok("text/plain; version=0.0.4; charset=utf-8"), Ok(BodyFormat::Text));
        assert_eq!(ok("application/openmetrics-text; version=1.0.0"), Ok(BodyFormat::OpenMetrics));
        let error = select_format("text/html", None).expect_err("unsupported");
        assert_eq!(
            error.to_string(),
            "received unsupported Content-Type \"text/html\" and no fallback_scrape_protocol specified for target"
        );
        let selected = select_format("x/", Some(ScrapeProtocol::PrometheusText1_0_0)).expect("fallback");
        assert_eq!(selected.format, BodyFormat::Text);
        assert_eq!(
            selected.warning.map(|w| w.to_string()).as_deref(),
            Some(
                "could not parse received Content-Type \"x/\", using fallback_scrape_protocol \"text/plain\"\n\
                 mime: expected token after slash"
            )
        );
    }
}
