use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::body_decode::BodyError;
use crate::proxy::ProxyError;
use crate::url_text::UrlText;

/// Why a request brought no usable response. The texts follow those that people know from Prometheus' target page; none contains a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboundError {
    /// No response came.
    #[error("{operation} \"{url}\": {source}")]
    Request {
        /// The method as Go writes it, for instance `Get`.
        operation: String,
        /// What was asked, without secrets.
        url: UrlText,
        /// What went wrong.
        #[source]
        source: RequestError,
    },
    /// The response has a status other than the one that was needed.
    #[error("server returned HTTP status {} {reason}", status.as_u16())]
    Status {
        /// The status.
        status: StatusCode,
        /// The reason phrase, as the server gave it or as the standard words it.
        reason: String,
    },
    /// The time was used up while the body was read.
    #[error("context deadline exceeded")]
    BodyDeadline,
    /// The connection broke while the body was read.
    #[error("read body: {}", body_text(.0))]
    BodyRead(#[source] hyper::Error),
    /// The same, on a connection that is read without the help of a library.
    #[error("read body: {}", body_end_text(.0))]
    BodyBroken(#[source] io::Error),
    /// The body was refused.
    #[error(transparent)]
    Body(#[from] BodyError),
}

impl OutboundError {
    /// Whether the time was used up.
    pub fn is_deadline(&self) -> bool {
        matches!(self, Self::BodyDeadline | Self::Request { source: RequestError::Deadline, .. })
    }

    /// Whether the decoded body had more bytes than allowed.
    pub fn is_body_too_large(&self) -> bool {
        matches!(self, Self::Body(BodyError::TooLarge { .. }))
    }
}

/// Why no response came.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The time was used up.
    #[error("context deadline exceeded")]
    Deadline,
    /// The URL cannot be asked.
    #[error("{0}")]
    Url(String),
    /// No connection could be made.
    #[error(transparent)]
    Connect(Arc<ConnectError>),
    /// A redirect was not followed.
    #[error(transparent)]
    Redirect(#[from] RedirectError),
    /// The credentials for the request could not be had.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// Certificates changed on disk and the new ones are unusable.
    #[error(transparent)]
    Tls(#[from] TlsConfigError),
    /// The connection broke, or the other side does not speak HTTP.
    #[error("{0}")]
    Protocol(String),
}

/// Why no connection could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The name has no address.
    #[error("dial tcp: lookup {host}: {}", lookup_text(source))]
    Lookup {
        /// The name.
        host: String,
        /// What the system's resolver said.
        #[source]
        source: io::Error,
    },
    /// All addresses are refused by policy.
    #[error(
        "dial tcp {address}: refused ({host}): link-local and cloud metadata addresses are reached only if the configuration file itself names them"
    )]
    Denied {
        /// The name or address asked for.
        host: String,
        /// The address it has.
        address: IpAddr,
    },
    /// TCP could not connect.
    #[error("dial tcp {address}: connect: {}", system_text(source))]
    Dial {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// TCP did not connect in time.
    #[error("dial tcp {host}: i/o timeout after {limit:?}")]
    DialTimeout {
        /// The name or address asked for.
        host: String,
        /// How long it was tried.
        limit: Duration,
    },
    /// The proxy did not open a tunnel.
    #[error("proxyconnect tcp: {proxy}: {reason}")]
    Proxy {
        /// Host and port of the proxy.
        proxy: String,
        /// What happened.
        reason: String,
    },
    /// The settings for TLS are unusable.
    #[error(transparent)]
    Settings(#[from] TlsConfigError),
    /// TLS was not established.
    #[error("{}", tls_text(source))]
    Handshake {
        /// What rustls said.
        #[source]
        source: io::Error,
    },
    /// TLS was not established in time.
    #[error("net/http: TLS handshake timeout after {limit:?}")]
    HandshakeTimeout {
        /// How long it was tried.
        limit: Duration,
    },
}

/// Why a redirect was not followed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedirectError {
    /// A chain of redirects has no end in sight.
    #[error("stopped after {0} redirects")]
    TooMany(usize),
    /// The other scheme would carry the request over another kind of connection than was configured.
    #[error("refused the redirect from {from} to {to}{}", scheme_remedy(to))]
    OtherScheme {
        /// The scheme asked.
        from: String,
        /// The scheme redirected to.
        to: String,
    },
    /// Nothing of what was to be brought would arrive.
    #[error(
        "refused a redirect that would leave the body of the request behind; set the URL to where it leads, or let the server answer 307 or 308"
    )]
    LosesBody,
    /// Somebody else would get a secret.
    #[error("refused a redirect that would take a secret in the body to another host")]
    SecretBody,
    /// The redirect leads nowhere.
    #[error("{status} response has no usable Location header")]
    NoLocation {
        /// The status.
        status: u16,
    },
}

/// Why credentials could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// A file with a secret cannot be read.
    #[error("unable to read {field} {}: {}", path.display(), system_text(source))]
    File {
        /// The field that names the file.
        field: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The secret has bytes that cannot stand in a header.
    #[error("the value of {field} cannot be sent: it has a line break or another control character")]
    Unsendable {
        /// The field.
        field: &'static str,
    },
    /// A token request cannot be signed.
    #[error("oauth2: client_certificate_key cannot sign: {reason}")]
    SigningKey {
        /// What is wrong with the key.
        reason: String,
    },
    /// The token server was not reached.
    #[error("oauth2: cannot fetch token: {0}")]
    TokenRequest(#[source] Box<OutboundError>),
    /// The token server refused, or answered with something that is no token.
    #[error("oauth2: cannot fetch token: {0}")]
    TokenResponse(String),
}

/// Why TLS settings are unusable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsConfigError {
    /// A file cannot be read.
    #[error("unable to read {field} {}: {}", path.display(), system_text(source))]
    File {
        /// The field that names the file.
        field: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The text is not PEM, or has nothing of what it should hold.
    #[error("unable to use {what}: {reason}")]
    Pem {
        /// Field and file.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The settings contradict each other or ask for what is not supported.
    #[error("tls_config: {0}")]
    Settings(String),
}

/// So many characters of what the other side says are told: somebody reads them on a line, and they may be kept for long.
const FOREIGN_CHARS_MAX: usize = 200;

/// The beginning of what the other side says.
pub(crate) fn beginning(text: &str) -> String {
    match text.char_indices().nth(FOREIGN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Words a system error as Go does: lower case and without the error number.
pub(crate) fn system_text(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// Words the end of a connection in the middle of a body: hyper's own words hide what the system said.
fn body_text(error: &hyper::Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| (*cause).source());
    match causes.last() {
        Some(cause) => match cause.downcast_ref::<io::Error>() {
            Some(error) => body_end_text(error),
            None => cause.to_string(),
        },
        None => error.to_string(),
    }
}

fn body_end_text(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "unexpected EOF".to_owned(),
        _ => connection_text(error),
    }
}

/// Words that a connection ended before there was a response.
pub(crate) fn hung_up_text() -> String {
    "EOF: the server closed the connection without a response".to_owned()
}

/// Words that what came is not HTTP.
pub(crate) fn malformed_text(what: &str) -> String {
    format!("malformed HTTP response ({what}); the server may speak TLS, then set scheme: https")
}

/// What to do about a redirect to another scheme, if that is one that can be asked.
fn scheme_remedy(scheme: &str) -> String {
    match scheme {
        "http" | "https" => format!("; if it is wanted, set scheme: {scheme}"),
        _ => String::new(),
    }
}

/// Words the end of an established connection; with TLS the other side may have said why.
pub(crate) fn connection_text(error: &io::Error) -> String {
    match error.get_ref() {
        Some(inner) if inner.is::<rustls::Error>() => tls_text(error),
        _ => format!("read tcp: {}", system_text(error)),
    }
}

fn lookup_text(error: &io::Error) -> String {
    let text = error.to_string();
    let unknown = ["Name or service not known", "No address associated", "nodename nor servname"];
    if unknown.iter().any(|u| text.contains(u)) {
        return "no such host".to_owned();
    }
    text.trim_start_matches("failed to lookup address information: ").to_lowercase()
}

/// Words a TLS failure as Go does where people know the words, and adds what to do.
fn tls_text(error: &io::Error) -> String {
    use rustls::CertificateError as Bad;

    let Some(inner) = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) else {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof => "tls: connection closed during the handshake: EOF".to_owned(),
            _ => format!("tls: {}", system_text(error)),
        };
    };
    let certificate = |text: String| format!("tls: failed to verify certificate: x509: {text}");
    match inner {
        rustls::Error::InvalidCertificate(Bad::UnknownIssuer | Bad::BadSignature) => certificate(
            "certificate signed by unknown authority; set tls_config.ca_file to the authority's certificate"
                .to_owned(),
        ),
        rustls::Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => {
            certificate("certificate has expired or is not yet valid".to_owned())
        }
        rustls::Error::InvalidCertificate(Bad::NotValidYet | Bad::NotValidYetContext { .. }) => {
            certificate("certificate has expired or is not yet valid: it starts later than now".to_owned())
        }
        rustls::Error::InvalidCertificate(Bad::NotValidForNameContext { expected, presented }) => {
            let presented: Vec<&str> = presented.iter().map(|name| bare_name(name)).collect();
            let presented = if presented.is_empty() { "no name".to_owned() } else { presented.join(", ") };
            let expected = expected.to_str();
            certificate(format!(
                "certificate is valid for {presented}, not {expected}; set tls_config.server_name if the name differs on purpose"
            ))
        }
        // What `openssl req -x509` makes is an authority and the server's certificate in one.
        rustls::Error::InvalidCertificate(Bad::Other(other)) if other.0.to_string() == "CaUsedAsEndEntity" => {
            certificate(
                "certificate signed by unknown authority: it has signed itself; set tls_config.ca_file to this certificate"
                    .to_owned(),
            )
        }
        rustls::Error::InvalidCertificate(other) => certificate(other.to_string()),
        rustls::Error::AlertReceived(alert) => format!("remote error: tls: {alert:?}"),
        rustls::Error::InvalidMessage(_) => {
            "tls: first record does not look like a TLS handshake; the server may speak plain HTTP, then set scheme: http"
                .to_owned()
        }
        other => format!("tls: {other}"),
    }
}

/// The name in `DnsName("example.org")` or `IpAddress(127.0.0.1)`.
fn bare_name(presented: &str) -> &str {
    let inner = presented.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.map_or(presented, |name| name.trim_matches('"'))
}

/// Why a client cannot be made from its section of the configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientConfigError {
    /// Certificates or keys are unusable.
    #[error(transparent)]
    Tls(#[from] TlsConfigError),
    /// The proxy is unusable.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The token URL is none.
    #[error("oauth2.token_url: {0}")]
    TokenUrl(#[source] url::ParseError),
    /// A header cannot be sent as it is.
    #[error("{field}: {name:?} is not a header name, or its value has a control character")]
    Header {
        /// The field.
        field: &'static str,
        /// The name of the header.
        name: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_address_are_worded_as_in_go() {
        let check =
            |text: &str, want: &str| assert_eq!(lookup_text(&io::Error::other(text.to_owned())), want);
        check("failed to lookup address information: Name or service not known", "no such host");
        check(
            "failed to lookup address information: Temporary failure in name resolution",
            "temporary failure in name resolution",
        );
    }

    #[test]
    fn system_errors_lose_their_number() {
        assert_eq!(system_text(&io::Error::from_raw_os_error(104)), "connection reset by peer");
        assert_eq!(connection_text(&io::Error::from_raw_os_error(104)), "read tcp: connection reset by peer");
    }
}
