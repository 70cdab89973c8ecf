use std::fmt::Write as _;

use super::PushError;

/// Where something is pushed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) is_https: bool,
    /// Without the brackets of IPv6.
    pub(super) host: String,
    pub(super) port: u16,
    /// As it was written, for the header `Host`.
    pub(super) authority: String,
    /// Path and query, with its slash in front.
    pub(super) path: String,
}

impl Url {
    pub(super) fn parse(url: &str) -> Result<Self, PushError> {
        let wrong = |reason| PushError::Url { url: url.to_owned(), reason };
        let (scheme, rest) = url.split_once("://").ok_or(wrong("it must begin with http:// or https://"))?;
        let is_https = match scheme {
            "http" => false,
            "https" if cfg!(feature = "push-tls") => true,
            "https" => return Err(wrong("https needs the feature `push-tls` of bellwether-sdk")),
            _ => return Err(wrong("it must begin with http:// or https://")),
        };
        if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(wrong("blanks and control characters must be percent-encoded"));
        }
        let (authority, path) = match rest.find(['/', '?', '#']) {
            Some(end) => rest.split_at(end),
            None => (rest, ""),
        };
        if authority.contains('@') {
            return Err(wrong("a user does not belong into it; say `.header(\"Authorization\", ..)`"));
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => rest.split_once(']').ok_or(wrong("the bracket of an IPv6 address is open"))?,
            None => authority.find(':').map_or((authority, ""), |at| authority.split_at(at)),
        };
        let port = match port.strip_prefix(':') {
            Some(port) => port.parse().map_err(|_| wrong("the port is no number below 65536"))?,
            None if port.is_empty() => {
                if is_https {
                    443
                } else {
                    80
                }
            }
            None => return Err(wrong("something stands between the address and the port")),
        };
        if host.is_empty() {
            return Err(wrong("there is no host in it"));
        }
        let path = path.split('#').next().unwrap_or_default();
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(Self {
            is_https,
            host: host.to_owned(),
            port,
            authority: authority.to_owned(),
            path: format!("{slash}{path}"),
        })
    }

    /// Appends a segment to the path.
    pub(super) fn push_segment(&mut self, segment: &str) {
        if !self.path.ends_with('/') {
            self.path.push('/');
        }
        for byte in segment.bytes() {
            if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
                self.path.push(char::from(byte));
            } else {
                let _ = write!(self.path, "%{byte:02X}");
            }
        }
    }
}

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What stands behind the path may be a secret.
        let path = self.path.split('?').next().unwrap_or_default();
        write!(f, "{}://{}{path}", if self.is_https { "https" } else { "http" }, self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found() {
        let parts = |url: &str| {
            let url = Url::parse(url).expect("it is right");
            (url.host, url.port, url.path)
        };
        let of = |host: &str, port, path: &str| (host.to_owned(), port, path.to_owned());
        assert_eq!(parts("http://a.b/c/d?e=f#g"), of("a.b", 80, "/c/d?e=f"));
        assert_eq!(parts("http://a:9091"), of("a", 9091, "/"));
        assert_eq!(parts("http://[::1]:1?x"), of("::1", 1, "/?x"));
        let mut url = Url::parse("http://a:1/base").expect("it is right");
        url.push_segment("a b/ü");
        assert_eq!(url.path, "/base/a%20b%2F%C3%BC");
        assert_eq!(Url::parse("http://a/b?token=c").expect("it is right").to_string(), "http://a/b");
    }

    #[test]
    fn mistakes_are_named() {
        for (url, reason) in [
            ("a:1", "it must begin"),
            ("ftp://a", "it must begin"),
            ("http://", "there is no host"),
            ("http://:80", "there is no host"),
            ("http://a:b", "the port"),
            ("http://a:65536", "the port"),
            ("http://[::1", "the bracket"),
            ("http://[::1]9", "something stands"),
            ("http://u:p@a", "a user"),
            ("http://a/b c\r\nx: y", "blanks"),
        ] {
            let error = Url::parse(url).expect_err("it is wrong").to_string();
            assert!(error.contains(reason), "{url}: {error}");
        }
    }
}
