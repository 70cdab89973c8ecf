//! The one HTTP client for everything that goes out: scrapes, discovery, notifications, remote write.
//!
//! An [`HttpClientConfig`] is what a section of the configuration says about requests; an [`HttpClient`] sends [`Request`]s as it says,
//! each with a deadline, and returns a [`Response`] whose body is read with a cap on its decoded size. Secrets and certificates
//! that lie in files are read again when the files change. [`OutboundError`] words failures as Prometheus users know them, without
//! secrets; [`UrlText`] is the form of a URL that may be shown.
//!
//! Whoever chose the destination matters: what stands in the configuration is trusted, everything else
//! ([`Destination::Foreign`]: discovery, templates, redirects to other hosts) meets the [`AddressPolicy`] on the address that is connected to.
//!
//! A [`Dialer`] opens connections to servers that do not speak HTTP.
//!
//! ```
//! use std::time::Duration;
//!
//! use bellwether_outbound::{ClientOptions, HttpClient, HttpClientConfig, Request};
//! use tokio::time::Instant;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client = HttpClient::new(&HttpClientConfig::default(), &ClientOptions::default())?;
//! let request = Request::get("http://127.0.0.1:1/metrics?token=hunter2".parse()?);
//! let error = client.send(request, Instant::now() + Duration::from_secs(10)).await.unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     r#"Get "http://127.0.0.1:1/metrics?token=<secret>": dial tcp 127.0.0.1:1: connect: connection refused"#
//! );
//! # Ok(())
//! # }
//! ```
mod address_policy;
mod body_decode;
mod client;
mod config;
mod connect;
mod credentials;
mod dial;
mod dialer;
mod error;
mod file_stamp;
mod one_at_a_time;
mod proxy;
mod redirect;
mod repeated;
mod request;
mod response;
mod settings;
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
pub use connect::Stream;
pub use dialer::Dialer;
pub use error::{
    ClientConfigError, ConnectError, CredentialsError, OutboundError, RedirectError, RequestError,
    TlsConfigError,
};
pub use proxy::{ProxyEnvironment, ProxyError};
pub use repeated::RepeatedGet;
pub use request::{Destination, Request};
pub use response::Response;
pub use url_text::UrlText;
