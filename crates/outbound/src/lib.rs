//! The one HTTP client for everything that goes out: scrapes, discovery, notifications, remote write.
mod address_policy;
mod body_decode;
mod client;
mod config;
mod connect;
mod credentials;
mod dial;
mod error;
mod file_stamp;
mod proxy;
mod redirect;
mod request;
mod response;
mod text_source;
mod tls;
mod url_text;

pub use address_policy::{AddressPolicy, Network, ParseNetworkError};
pub use body_decode::BodyError;
pub use client::{ClientOptions, HttpClient};
pub use config::{
    Authorization, BasicAuth, ConfigUrl, ConfigUrlError, HeaderValues, HttpClientConfig, HttpConfigError,
    JwtBearer, OAuth2, OAuth2Grant, ProxyConfig, SignatureAlgorithm, TlsConfig, TlsVersion,
};
pub use error::{ConnectError, CredentialsError, OutboundError, RedirectError, RequestError, TlsConfigError};
pub use proxy::{ProxyEnvironment, ProxyError};
pub use request::{Destination, Request};
pub use response::Response;
pub use url_text::UrlText;
