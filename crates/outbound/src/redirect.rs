use http::{Method, StatusCode};
use url::Url;

use crate::error::RedirectError;

/// How many redirects are followed for one request.
pub(crate) const MAX_REDIRECTS: usize = 5;

/// Where a redirect leads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Hop {
    pub(crate) url: Url,
    /// The method to go on with; the body is kept only if the method is.
    pub(crate) method: Method,
    /// Another host or port: credentials must not go there.
    pub(crate) leaves_host: bool,
}

/// Whether a response with this status leads elsewhere.
pub(crate) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301..=303 | 307 | 308)
}

/// The next hop that a response asks for, or `None` if it is no redirect.
pub(crate) fn next_hop(
    url: &Url,
    method: &Method,
    status: StatusCode,
    location: Option<&[u8]>,
) -> Result<Option<Hop>, RedirectError> {
    let method = match status.as_u16() {
        301..=303 if *method != Method::HEAD => Method::GET,
        301..=303 | 307 | 308 => method.clone(),
        _ => return Ok(None),
    };
    let next = location
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
        .and_then(|text| url.join(text).ok())
        .ok_or(RedirectError::NoLocation { status: status.as_u16() })?;
    if next.scheme() != url.scheme() {
        return Err(RedirectError::OtherScheme {
            from: url.scheme().to_owned(),
            to: next.scheme().to_owned(),
        });
    }
    let leaves_host =
        next.host() != url.host() || next.port_or_known_default() != url.port_or_known_default();
    Ok(Some(Hop { url: next, method, leaves_host }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(method: &Method, status: u16, location: &str) -> Result<Option<Hop>, String> {
        let url = Url::parse("http://a.test:8080/metrics?x=1").expect("valid");
        let status = StatusCode::from_u16(status).expect("valid");
        next_hop(&url, method, status, Some(location.as_bytes())).map_err(|e| e.to_string())
    }

    #[test]
    fn follows_as_clients_do() {
        let check = |method: Method, status, location: &str, want: &str, want_method: Method, leaves| {
            let got = hop(&method, status, location).expect("followed").expect("a redirect");
            assert_eq!((got.url.as_str(), got.method, got.leaves_host), (want, want_method, leaves));
        };
        check(Method::GET, 302, "/other", "http://a.test:8080/other", Method::GET, false);
        check(Method::GET, 301, "//b.test/x", "http://b.test/x", Method::GET, true);
        check(Method::GET, 308, "http://a.test/x", "http://a.test/x", Method::GET, true);
        check(Method::POST, 303, "?y", "http://a.test:8080/metrics?y", Method::GET, false);
        check(Method::POST, 307, "x", "http://a.test:8080/x", Method::POST, false);
        check(Method::HEAD, 302, "x", "http://a.test:8080/x", Method::HEAD, false);
        assert_eq!(hop(&Method::GET, 200, "/x"), Ok(None));
        assert_eq!(hop(&Method::GET, 304, "/x"), Ok(None));
    }

    #[test]
    fn never_changes_the_scheme() {
        for location in ["https://a.test/metrics", "file:///etc/passwd", "ftp://a.test/"] {
            let error = hop(&Method::GET, 302, location).expect_err("refused");
            assert!(error.starts_with("refused the redirect from http to "), "{error}");
            // Only what can be asked is suggested.
            assert_eq!(
                error.ends_with("; if it is wanted, set scheme: https"),
                location.starts_with("https")
            );
        }
        assert_eq!(
            hop(&Method::GET, 302, "http://").expect_err("refused"),
            "302 response has no usable Location header"
        );
    }
}
