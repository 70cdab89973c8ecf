use std::sync::Arc;
use std::time::Duration;

use bellwether_outbound::{ClientConfigError, ClientOptions, HttpClient, Request, UrlText};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use tokio::time::{Instant, sleep_until};
use url::Url;

use super::feed::{Feed, refresh_interval};
use crate::config::{HttpDiscovery, TargetGroup, read_target_json};

/// A list of a hundred thousand targets has a tenth of this.
const MAX_BODY_BYTES: usize = 64 << 20;
const URL_LABEL: &str = "__meta_url";
const REFRESH_HEADER: HeaderName = HeaderName::from_static("x-prometheus-refresh-interval-seconds");

/// A web service that lists targets.
pub(super) struct Source {
    client: HttpClient,
    url: Result<Url, url::ParseError>,
    /// The URL without secrets.
    shown: String,
    refresh: Duration,
}

/// Why the list could not be had.
#[derive(Debug, thiserror::Error)]
enum ListError {
    #[error("url: {0}")]
    Url(#[from] url::ParseError),
    #[error(transparent)]
    Fetch(#[from] bellwether_outbound::OutboundError),
    #[error("unsupported content type {0:?}, want application/json")]
    ContentType(String),
    #[error("{0}")]
    Content(String),
}

impl Source {
    pub(super) fn new(config: &HttpDiscovery, options: &ClientOptions) -> Result<Self, ClientConfigError> {
        Ok(Self {
            client: HttpClient::new(&config.http, options)?,
            url: Url::parse(config.url.as_str()),
            shown: shown_url(config),
            refresh: refresh_interval(config.refresh_interval_ms),
        })
    }

    /// Asks for the list until it is dropped.
    pub(super) async fn run(self, feed: Arc<Feed>) {
        let mut wake = Instant::now();
        loop {
            feed.publish(self.list(wake + self.refresh).await.map_err(|e| e.to_string()));
            wake = (wake + self.refresh).max(Instant::now());
            sleep_until(wake).await;
        }
    }

    async fn list(&self, deadline: Instant) -> Result<Vec<TargetGroup>, ListError> {
        let mut request = Request::get(self.url.clone()?);
        request.headers = self.headers();
        let response = self.client.send(request, deadline).await?.require_ok().await?;
        let content_type = response.header(header::CONTENT_TYPE).unwrap_or_default().to_owned();
        if !is_json(&content_type) {
            return Err(ListError::ContentType(content_type));
        }
        let mut body = Vec::new();
        response.read_into(&mut body, MAX_BODY_BYTES).await?;
        let mut groups =
            read_target_json(&self.shown, &body).map_err(|errors| ListError::Content(errors.to_string()))?;
        for group in &mut groups {
            group.labels.insert(URL_LABEL.to_owned(), self.shown.clone());
        }
        Ok(groups)
    }

    fn headers(&self) -> HeaderMap {
        let refresh = HeaderValue::try_from(self.refresh.as_secs_f64().to_string())
            .expect("BUG: a number is a valid header value");
        HeaderMap::from_iter([
            (header::ACCEPT, HeaderValue::from_static("application/json")),
            (header::ACCEPT_ENCODING, HeaderValue::from_static("gzip")),
            (REFRESH_HEADER, refresh),
        ])
    }
}

/// The URL of the service as it may be shown.
pub(super) fn shown_url(config: &HttpDiscovery) -> String {
    match Url::parse(config.url.as_str()) {
        Ok(url) => UrlText::new(&url).to_string(),
        Err(_) => config.url.to_string(),
    }
}

/// Whether the media type is JSON in UTF-8.
fn is_json(content_type: &str) -> bool {
    let lower = content_type.to_ascii_lowercase();
    let Some(parameters) = lower.strip_prefix("application/json") else { return false };
    let parameters = parameters.strip_prefix(';').map_or(parameters, str::trim_start);
    matches!(parameters, "" | "charset=utf-8" | "charset=\"utf-8\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_what_says_so() {
        let check =
            |content_type: &str, want: bool| assert_eq!(is_json(content_type), want, "{content_type}");
        check("application/json", true);
        check("Application/JSON; charset=utf-8", true);
        check("application/json;charset=\"UTF-8\"", true);
        check("application/json; charset=latin1", false);
        check("application/jsonx", false);
        check("text/plain", false);
        check("", false);
    }
}
