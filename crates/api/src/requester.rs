use std::net::SocketAddr;

use http::{HeaderMap, Method, header};

/// Who asks, and how: for the list of running queries, the query log, and the question of whether somebody sits at this machine.
#[derive(Debug, Clone)]
pub(crate) struct Requester {
    /// The other end of the connection; a proxy in front of the server hides the client behind its own address.
    pub(crate) peer: SocketAddr,
    /// The method of the request.
    pub(crate) method: Method,
    /// The path of the request, the route prefix included.
    pub(crate) path: String,
}

impl Requester {
    /// Whether somebody on this machine asks: they could send signals as well. A page of another site that their browser shows may not.
    pub(crate) fn is_at_this_machine(&self, headers: &HeaderMap) -> bool {
        self.peer.ip().is_loopback() && !is_cross_site(headers)
    }
}

/// Whether a browser sent the request on behalf of a page of another site.
pub(crate) fn is_cross_site(headers: &HeaderMap) -> bool {
    let text = |value: Option<&http::HeaderValue>| value.and_then(|v| v.to_str().ok()).map(str::to_owned);
    if let Some(site) = text(headers.get("sec-fetch-site")) {
        return !matches!(site.as_str(), "same-origin" | "none");
    }
    let host = text(headers.get(header::HOST));
    let origin = text(headers.get(header::ORIGIN));
    origin.is_some_and(|origin| origin.split_once("://").map(|(_, rest)| rest.to_owned()) != host)
}
