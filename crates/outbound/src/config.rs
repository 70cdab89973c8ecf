//! What the configuration says about outgoing requests: the fields that scraping, discovery, notifications, remote write and remote
//! read share, with the names, defaults and refusals of `prometheus/common`.

mod authorization;
mod config_url;
mod headers;
mod oauth2;
mod proxy;
mod tls;

use std::borrow::Cow;
use std::path::Path;

use bellwether_yaml::{Decode, Errors, MapReader, MapValue, Node, Reported};

pub use authorization::{Authorization, BasicAuth};
pub use config_url::{ConfigUrl, ConfigUrlError};
pub use headers::HeaderValues;
pub use oauth2::{JwtBearer, OAuth2, OAuth2Grant, SignatureAlgorithm};
pub use proxy::ProxyConfig;
pub use tls::{TlsConfig, TlsVersion};

use authorization::read_authorization;
use headers::read_headers;

/// Why the settings for outgoing requests are refused. The sentences are those of Prometheus.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpConfigError {
    /// Fields that exclude each other.
    #[error("{0} must be configured")]
    AtMostOne(&'static str),
    /// `authorization` beside the old fields.
    #[error("authorization is not compatible with bearer_token & bearer_token_file")]
    AuthorizationWithBearerToken,
    /// `type: basic`.
    #[error("authorization type cannot be set to \"basic\", use \"basic_auth\" instead")]
    BasicAuthorization,
    /// A field that must be there.
    #[error("oauth2 {0} must be configured")]
    OAuth2Missing(&'static str),
    /// Half of a client certificate.
    #[error("exactly one of {0} must be configured when a client {1} is configured")]
    HalfCertificate(&'static str, &'static str),
    /// A TLS version that does not exist.
    #[error("unknown TLS version: {0}")]
    UnknownTlsVersion(String),
    /// `min_version` above `max_version`.
    #[error(
        "tls_config.max_version must be greater than or equal to tls_config.min_version if both are specified"
    )]
    TlsVersionOrder,
    /// Proxy settings that need or exclude each other.
    #[error("if {0}")]
    Proxy(&'static str),
    /// A header that the client sets itself.
    #[error("setting header {0:?} is not allowed")]
    ReservedHeader(String),
    /// A reference to a secret manager, which does not exist here.
    #[error("cannot use secret ref without manager; use the field itself or its _file form")]
    SecretReference,
    /// Claims that have no names.
    #[error("oauth2 claims must be a map")]
    Claims,
    /// An algorithm that is not supported.
    #[error("valid signature algorithms are RS256, RS384 and RS512")]
    SignatureAlgorithm,
    /// A grant type that is not supported.
    #[error(
        "unknown oauth2 grant_type {0:?}, supported: client_credentials, urn:ietf:params:oauth:grant-type:jwt-bearer"
    )]
    GrantType(String),
}

/// How to make requests to one kind of destination. What is not set has its default; there is nothing left to resolve.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpClientConfig {
    /// User name and password.
    pub basic_auth: Option<BasicAuth>,
    /// Any other `Authorization` header. The old fields `bearer_token` and `bearer_token_file` end up here.
    pub authorization: Option<Authorization>,
    /// Tokens from an authorization server.
    pub oauth2: Option<Box<OAuth2>>,
    /// Certificates and TLS versions.
    pub tls: TlsConfig,
    /// Whether redirects are followed.
    pub follow_redirects: bool,
    /// Whether HTTP/2 is offered.
    pub enable_http2: bool,
    /// Through which proxy requests go.
    pub proxy: ProxyConfig,
    /// Further headers, by name, in the order of their names.
    pub http_headers: Vec<(String, HeaderValues)>,
}

impl Default for HttpClientConfig {
    fn default() -> Self {
        Self {
            basic_auth: None,
            authorization: None,
            oauth2: None,
            tls: TlsConfig::default(),
            follow_redirects: true,
            enable_http2: true,
            proxy: ProxyConfig::default(),
            http_headers: Vec::new(),
        }
    }
}

impl HttpClientConfig {
    /// The files with credentials and certificates that the section names, each with its field. Credentials are read for each request only, so a
    /// missing file does not show before that.
    pub fn named_files(&self) -> Vec<(&'static str, &Path)> {
        let mut files = Vec::new();
        if let Some(auth) = &self.basic_auth {
            files.push(("basic_auth.username_file", auth.username_file.as_path()));
            files.push(("basic_auth.password_file", auth.password_file.as_path()));
        }
        if let Some(auth) = &self.authorization {
            files.push(("authorization.credentials_file", auth.credentials_file.as_path()));
        }
        if let Some(oauth2) = &self.oauth2 {
            files.push(match &oauth2.grant {
                OAuth2Grant::ClientCredentials { secret_file, .. } => {
                    ("oauth2.client_secret_file", secret_file.as_path())
                }
                OAuth2Grant::JwtBearer(jwt) => ("oauth2.client_certificate_key_file", jwt.key_file.as_path()),
            });
            files.push(("oauth2.tls_config.ca_file", oauth2.tls.ca_file.as_path()));
            files.push(("oauth2.tls_config.cert_file", oauth2.tls.cert_file.as_path()));
            files.push(("oauth2.tls_config.key_file", oauth2.tls.key_file.as_path()));
        }
        let header_files = self.http_headers.iter().flat_map(|(_, header)| &header.files);
        files.extend(header_files.map(|file| ("http_headers.files", file.as_path())));
        files.push(("tls_config.ca_file", self.tls.ca_file.as_path()));
        files.push(("tls_config.cert_file", self.tls.cert_file.as_path()));
        files.push(("tls_config.key_file", self.tls.key_file.as_path()));
        files.retain(|(_, file)| !file.as_os_str().is_empty());
        files
    }

    /// Reads the fields from the section `map`, in which they stand side by side with the section's own. What is absent stays as in
    /// `defaults`.
    pub fn read_fields(map: &mut MapReader<'_, '_>, defaults: &Self) -> Self {
        let basic_auth: Option<BasicAuth> = map.optional("basic_auth");
        let oauth2: Option<Box<OAuth2>> = map.optional::<OAuth2>("oauth2").map(Box::new);
        let authorization = read_authorization(map, basic_auth.is_some(), oauth2.is_some());
        Self {
            tls: map.or_default("tls_config"),
            follow_redirects: map.or("follow_redirects", defaults.follow_redirects),
            enable_http2: map.or("enable_http2", defaults.enable_http2),
            proxy: ProxyConfig::read_fields(map),
            http_headers: read_headers(map),
            basic_auth,
            authorization,
            oauth2,
        }
    }

    /// Whether requests carry credentials.
    pub fn has_credentials(&self) -> bool {
        self.basic_auth.is_some() || self.authorization.is_some() || self.oauth2.is_some()
    }

    /// Writes the fields for people to read; secrets are hidden.
    pub fn write_fields(&self, map: &mut MapValue) {
        if let Some(basic_auth) = &self.basic_auth {
            map.set("basic_auth", basic_auth.to_value());
        }
        if let Some(authorization) = &self.authorization {
            map.set("authorization", authorization.to_value());
        }
        if let Some(oauth2) = &self.oauth2 {
            map.set("oauth2", oauth2.to_value());
        }
        if self.tls != TlsConfig::default() {
            map.set("tls_config", self.tls.to_value());
        }
        map.set("follow_redirects", self.follow_redirects);
        map.set("enable_http2", self.enable_http2);
        self.proxy.write_fields(map);
        if !self.http_headers.is_empty() {
            map.set("http_headers", headers::to_value(&self.http_headers));
        }
    }
}

impl Decode<'_> for HttpClientConfig {
    fn type_name() -> Cow<'static, str> {
        "config.plain".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.plain", errors)?;
        let config = Self::read_fields(&mut map, &Self::default());
        map.finish()?;
        Ok(config)
    }
}

/// How many of these say something.
fn count_set(set: &[bool]) -> usize {
    set.iter().filter(|set| **set).count()
}

#[cfg(test)]
mod tests;
