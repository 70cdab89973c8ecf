use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bellwether_exposition::{ScrapeProtocol, accept_header, timeout_header_value};
use bellwether_outbound::{Destination, HttpClient, RepeatedGet, Request};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use tokio::time::Instant;
use url::Url;

use crate::config::{self, ScrapeConfig};
use crate::error::ScrapeError;

const TIMEOUT_HEADER: HeaderName = HeaderName::from_static("x-prometheus-scrape-timeout-seconds");

/// Gets the body of one target. The seam between scrape loops and the network.
pub(crate) trait Fetch: Send + Sync {
    /// Appends the decoded body to `body` and returns its `Content-Type`, empty if there is none.
    fn fetch<'a>(&'a self, body: &'a mut Vec<u8>, deadline: Instant) -> FetchFuture<'a>;
}

pub(crate) type FetchFuture<'a> = Pin<Box<dyn Future<Output = Result<String, ScrapeError>> + Send + 'a>>;

/// Gets it by HTTP.
#[derive(Debug)]
pub(crate) struct HttpFetch {
    get: RepeatedGet,
    body_limit_bytes: usize,
}

impl HttpFetch {
    pub(crate) fn new(
        client: HttpClient,
        url: Url,
        headers: HeaderMap,
        destination: Destination,
        body_limit_bytes: usize,
    ) -> Self {
        let request = Request { headers, destination, ..Request::get(url) };
        Self { get: RepeatedGet::new(client, request), body_limit_bytes }
    }
}

impl Fetch for HttpFetch {
    fn fetch<'a>(&'a self, body: &'a mut Vec<u8>, deadline: Instant) -> FetchFuture<'a> {
        Box::pin(async move { Ok(self.get.read_into(body, self.body_limit_bytes, deadline).await?) })
    }
}

/// The headers that ask a target of the job for its metrics.
pub(crate) fn request_headers(config: &ScrapeConfig, timeout: Duration) -> HeaderMap {
    let text = |text: &str| HeaderValue::from_str(text).expect("BUG: the headers of a scrape are plain text");
    let escaping = bellwether_exposition::EscapingScheme::parse(config.escaping_scheme.as_str())
        .expect("BUG: both crates know the escaping schemes of Prometheus");
    let protocols: Vec<ScrapeProtocol> = config.protocols.iter().map(|p| to_exposition(*p)).collect();
    let accept = accept_header(&protocols, escaping);
    let encoding = if config.enable_compression { "gzip" } else { "identity" };
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, text(&accept));
    headers.insert(header::ACCEPT_ENCODING, text(encoding));
    headers.insert(TIMEOUT_HEADER, text(&timeout_header_value(timeout)));
    headers
}

/// The protocol under the name that the exposition crate has for it.
pub(crate) fn to_exposition(protocol: config::ScrapeProtocol) -> ScrapeProtocol {
    ScrapeProtocol::parse(protocol.as_str()).expect("BUG: both crates know the protocols of Prometheus")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_config::job;

    #[test]
    fn asks_for_what_the_job_wants() {
        let accept = |yaml: &str| {
            let headers = request_headers(&job(yaml), Duration::from_millis(2500));
            assert_eq!(headers[TIMEOUT_HEADER], "2.5");
            headers[header::ACCEPT].to_str().expect("text").to_owned()
        };
        let usual = accept("job_name: j");
        assert!(
            usual.starts_with("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6"),
            "{usual}"
        );
        let native = accept("job_name: j\nscrape_native_histograms: true");
        assert!(native.starts_with("application/vnd.google.protobuf;"), "{native}");
        assert!(native.contains("encoding=delimited;q=0.6,application/openmetrics-text;"), "{native}");
        assert_eq!(
            accept("job_name: j\nscrape_protocols: [PrometheusText0.0.4, PrometheusProto]"),
            "text/plain;version=0.0.4;q=0.6,\
             application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.5,\
             */*;q=0.4"
        );
    }

    #[test]
    fn compression_can_be_switched_off() {
        let encoding =
            |yaml: &str| request_headers(&job(yaml), Duration::from_secs(1))[header::ACCEPT_ENCODING].clone();
        assert_eq!(encoding("job_name: j"), "gzip");
        assert_eq!(encoding("job_name: j\nenable_compression: false"), "identity");
    }
}
