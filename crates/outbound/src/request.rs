use bytes::Bytes;
use http::{HeaderMap, Method};
use url::Url;

use crate::url_text::UrlText;

/// Who chose the destination of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// It stands in the configuration file and is trusted.
    Configured,
    /// It comes from discovery, a template, a redirect or an API caller, so the address policy applies.
    Foreign,
}

/// A request to send. Credentials and the headers of the configuration are added by the client.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where to; user-info in it becomes basic authentication.
    pub url: Url,
    /// Headers of this request. Those that are sensitive do not follow a redirect to another host.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Bytes,
    /// Who chose the URL.
    pub destination: Destination,
    /// The path is a secret itself (an incoming webhook), so errors show only the host.
    pub secret_path: bool,
    /// The body is what the request is about: a redirect that would leave it behind is an error.
    pub keep_body: bool,
    /// The body holds a secret: a redirect that would take it to another host is an error.
    pub secret_body: bool,
}

impl Request {
    /// A GET request to a URL of the configuration.
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url, Bytes::new())
    }

    /// A POST request to a URL of the configuration.
    pub fn post(url: Url, body: Bytes) -> Self {
        Self::new(Method::POST, url, body)
    }

    fn new(method: Method, url: Url, body: Bytes) -> Self {
        let headers = HeaderMap::new();
        Self {
            method,
            url,
            headers,
            body,
            destination: Destination::Configured,
            secret_path: false,
            keep_body: false,
            secret_body: false,
        }
    }

    /// The URL as it may be shown.
    pub(crate) fn url_text(&self) -> UrlText {
        if self.secret_path { UrlText::host_only(&self.url) } else { UrlText::new(&self.url) }
    }

    /// The method as Go words it in errors: `Get`.
    pub(crate) fn operation(&self) -> String {
        let (first, rest) = self.method.as_str().split_at(1);
        format!("{first}{}", rest.to_ascii_lowercase())
    }
}
