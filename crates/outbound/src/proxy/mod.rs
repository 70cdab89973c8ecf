mod no_proxy;
mod tunnel;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use percent_encoding::percent_decode_str;
use url::Url;

pub(crate) use no_proxy::NoProxy;
pub(crate) use tunnel::open_tunnel;

/// The proxy variables of the environment (`HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`, each also in lower case), read once at start.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ProxyEnvironment {
    /// The proxy for `http` destinations.
    pub http: Option<String>,
    /// The proxy for `https` destinations.
    pub https: Option<String>,
    /// The destinations without a proxy.
    pub no_proxy: String,
}

impl ProxyEnvironment {
    /// The variables of this process.
    pub fn from_process() -> Self {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// The variables that `lookup` knows; of the two spellings the upper-case one wins, as in Go.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let either = |upper: &str| {
            [lookup(upper), lookup(&upper.to_ascii_lowercase())].into_iter().flatten().find(|v| !v.is_empty())
        };
        Self {
            http: either("HTTP_PROXY"),
            https: either("HTTPS_PROXY"),
            no_proxy: either("NO_PROXY").unwrap_or_default(),
        }
    }
}

/// Proxy URLs may hold passwords.
impl fmt::Debug for ProxyEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyEnvironment")
            .field("http", &self.http.is_some())
            .field("https", &self.https.is_some())
            .field("no_proxy", &self.no_proxy)
            .finish()
    }
}

/// Why a proxy setting is unusable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// The text is not a URL with a host.
    #[error("{field}: not a URL such as http://proxy.example:3128")]
    NotAUrl {
        /// The field or variable.
        field: &'static str,
    },
    /// Proxies of that kind are not supported.
    #[error("{field}: proxies of scheme {scheme:?} are not supported, use http or https")]
    Scheme {
        /// The field or variable.
        field: &'static str,
        /// The scheme.
        scheme: String,
    },
}

/// One proxy.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The proxy itself is spoken to over TLS.
    pub(crate) over_tls: bool,
    /// The value of `Proxy-Authorization` made from the user-info of the URL.
    pub(crate) authorization: Option<HeaderValue>,
}

impl Proxy {
    /// Reads a proxy URL; a missing scheme means `http`, as in the environment variables.
    pub(crate) fn parse(field: &'static str, text: &str) -> Result<Self, ProxyError> {
        let not_a_url = || ProxyError::NotAUrl { field };
        let url = match Url::parse(text) {
            Ok(url) if url.has_host() => url,
            _ => Url::parse(&format!("http://{text}")).map_err(|_| not_a_url())?,
        };
        let over_tls = match url.scheme() {
            "http" => false,
            "https" => true,
            other => return Err(ProxyError::Scheme { field, scheme: other.to_owned() }),
        };
        let host = bare_host(&url).ok_or_else(not_a_url)?;
        let port = url.port_or_known_default().ok_or_else(not_a_url)?;
        let authorization = url_basic_auth(&url);
        Ok(Self { host, port, over_tls, authorization })
    }

    pub(crate) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// Which proxy a destination is reached through.
#[derive(Clone, Default)]
pub(crate) enum ProxyRules {
    #[default]
    Direct,
    /// `proxy_url` alone covers everything, loopback included.
    Always(Proxy),
    Selective {
        http: Option<Proxy>,
        https: Option<Proxy>,
        except: NoProxy,
    },
}

impl ProxyRules {
    /// The rules of `proxy_url` and `no_proxy`.
    pub(crate) fn from_url(proxy_url: &str, no_proxy: &str) -> Result<Self, ProxyError> {
        let proxy = Proxy::parse("proxy_url", proxy_url)?;
        if no_proxy.is_empty() {
            return Ok(Self::Always(proxy));
        }
        Ok(Self::Selective {
            http: Some(proxy.clone()),
            https: Some(proxy),
            except: NoProxy::parse(no_proxy),
        })
    }

    /// The rules of `proxy_from_environment`.
    pub(crate) fn from_environment(environment: &ProxyEnvironment) -> Result<Self, ProxyError> {
        let proxy = |field, text: &Option<String>| text.as_ref().map(|t| Proxy::parse(field, t)).transpose();
        Ok(Self::Selective {
            http: proxy("HTTP_PROXY", &environment.http)?,
            https: proxy("HTTPS_PROXY", &environment.https)?,
            except: NoProxy::parse(&environment.no_proxy),
        })
    }

    /// The proxy for a destination, or `None` if it is reached directly.
    pub(crate) fn proxy_for(&self, https: bool, host: &str, port: u16) -> Option<&Proxy> {
        match self {
            Self::Direct => None,
            Self::Always(proxy) => Some(proxy),
            Self::Selective { except, .. } if except.covers(host, port) => None,
            Self::Selective { http: proxy_for_http, https: proxy_for_https, .. } => {
                if https {
                    proxy_for_https.as_ref()
                } else {
                    proxy_for_http.as_ref()
                }
            }
        }
    }
}

/// The host of a URL, an IPv6 address without its brackets.
pub(crate) fn bare_host(url: &Url) -> Option<String> {
    let host = url.host_str().filter(|h| !h.is_empty())?;
    Some(host.trim_start_matches('[').trim_end_matches(']').to_owned())
}

/// The basic-auth header value that the user-info of a URL asks for.
pub(crate) fn url_basic_auth(url: &Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decode = |s: &str| percent_decode_str(s).collect::<Vec<u8>>();
    Some(basic_auth(&decode(url.username()), &decode(url.password().unwrap_or_default())))
}

/// The value of a basic `Authorization` or `Proxy-Authorization` header.
pub(crate) fn basic_auth(username: &[u8], password: &[u8]) -> HeaderValue {
    let text = format!("Basic {}", STANDARD.encode([username, b":", password].concat()));
    let mut value = HeaderValue::try_from(text).expect("BUG: base64 is a valid header value");
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(rules: &ProxyRules, https: bool, host: &str) -> Option<String> {
        rules.proxy_for(https, host, if https { 443 } else { 80 }).map(Proxy::authority)
    }

    #[test]
    fn proxy_url_alone_covers_everything() {
        let rules = ProxyRules::from_url("http://proxy.test:3128", "").expect("valid");
        assert_eq!(chosen(&rules, false, "localhost").as_deref(), Some("proxy.test:3128"));
        let rules = ProxyRules::from_url("http://proxy.test:3128", "example.com").expect("valid");
        assert_eq!(chosen(&rules, false, "localhost"), None);
        assert_eq!(chosen(&rules, true, "example.com"), None);
        assert_eq!(chosen(&rules, true, "example.org").as_deref(), Some("proxy.test:3128"));
    }

    #[test]
    fn environment_chooses_by_scheme() {
        let environment = ProxyEnvironment::from_variables(|name| match name {
            "http_proxy" => Some("plain.test".to_owned()),
            "HTTPS_PROXY" => Some("https://secure.test".to_owned()),
            "no_proxy" => Some("ignored, the upper-case one wins".to_owned()),
            "NO_PROXY" => Some("example.com".to_owned()),
            _ => None,
        });
        let rules = ProxyRules::from_environment(&environment).expect("valid");
        assert_eq!(chosen(&rules, false, "a.test").as_deref(), Some("plain.test:80"));
        assert_eq!(chosen(&rules, true, "a.test").as_deref(), Some("secure.test:443"));
        assert_eq!(chosen(&rules, true, "example.com"), None);
        let nothing = ProxyRules::from_environment(&ProxyEnvironment::default()).expect("valid");
        assert_eq!(chosen(&nothing, true, "a.test"), None);
    }

    #[test]
    fn reads_proxy_urls() {
        let proxy = Proxy::parse("proxy_url", "http://us%40er:p%3Aw@[::1]:8080").expect("valid");
        assert_eq!((proxy.host.as_str(), proxy.port), ("::1", 8080));
        assert_eq!(proxy.authorization, Some(basic_auth(b"us@er", b"p:w")));
        let check = |text, want: &str| {
            let error = Proxy::parse("proxy_url", text).err().expect(text);
            assert_eq!(error.to_string(), want);
        };
        check("", "proxy_url: not a URL such as http://proxy.example:3128");
        check(
            "socks5://proxy.test:1080",
            "proxy_url: proxies of scheme \"socks5\" are not supported, use http or https",
        );
    }
}
