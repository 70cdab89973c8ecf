//! Who may talk to the HTTP surface and how: TLS, passwords, a limit of requests, and the headers of every answer.
//!
//! The meaning is that of the file of Prometheus' `--web.config.file`.

mod client_certificates;
mod passwords;
mod rate_limit;
mod tls;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use rustls::ServerConfig;
use tokio::time::Instant;

pub use self::client_certificates::ClientAuth;
use self::passwords::{Admission, Passwords};
use self::rate_limit::Bucket;
pub use self::rate_limit::RateLimit;
pub use self::tls::TlsSettings;

/// What the operator wants.
#[derive(Default)]
pub struct ProtectionSettings {
    /// TLS; plain HTTP without it.
    pub tls: Option<TlsSettings>,
    /// Headers of every answer, in place of those that an answer has already.
    pub headers: BTreeMap<String, String>,
    /// Who may ask: bcrypt hashes of passwords by names. Everybody if there is nobody.
    pub users: BTreeMap<String, String>,
    /// How many requests are answered; any number without it.
    pub rate_limit: Option<RateLimit>,
}

/// Why the surface cannot be protected as wanted. The texts name the field of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtectionError {
    /// A certificate or key that cannot be used.
    #[error("{field}: {reason}")]
    Pem {
        /// `cert_file`, `key_file` or `client_ca_file`, whether the text comes from a file or not.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Settings of TLS that leave nothing to speak.
    #[error("tls_server_config: {0}")]
    Tls(String),
    /// A hash that takes too long to compare with, or none.
    #[error("basic_auth_users: {0}")]
    Password(String),
    /// A header that HTTP does not know.
    #[error("headers: {0:?} is no header, or its value is none")]
    Header(String),
}

/// The protection of the surface. The default lets everybody in.
#[derive(Default)]
pub struct Protection {
    tls: Option<Arc<ServerConfig>>,
    headers: Vec<(HeaderName, HeaderValue)>,
    passwords: Option<Arc<Passwords>>,
    bucket: Option<Bucket>,
    asks_for_certificates: bool,
}

impl Protection {
    /// Checks the settings and makes them ready.
    pub fn new(settings: &ProtectionSettings) -> Result<Self, ProtectionError> {
        let header = |(name, value): (&String, &String)| {
            let read = (HeaderName::try_from(name).ok(), HeaderValue::try_from(value).ok());
            let (Some(header), Some(value)) = read else { return Err(ProtectionError::Header(name.clone())) };
            Ok((header, value))
        };
        let has_users = !settings.users.is_empty();
        Ok(Self {
            tls: settings.tls.as_ref().map(|tls| tls::server_config(tls).map(Arc::new)).transpose()?,
            headers: settings.headers.iter().map(header).collect::<Result<_, _>>()?,
            passwords: has_users.then(|| Passwords::new(&settings.users)).transpose()?.map(Arc::new),
            bucket: settings.rate_limit.map(|limit| Bucket::new(limit, Instant::now())),
            asks_for_certificates: settings.tls.as_ref().is_some_and(|tls| tls.client_auth.is_proof()),
        })
    }

    /// Whether connections are TLS.
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Whether a password is needed.
    pub fn has_users(&self) -> bool {
        self.passwords.is_some()
    }

    /// Whether strangers are turned away, by passwords or by certificates.
    pub fn keeps_strangers_out(&self) -> bool {
        self.has_users() || self.asks_for_certificates
    }

    pub(crate) fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.tls.clone()
    }

    /// Lets a request pass, or answers it.
    pub(crate) async fn admit(&self, headers: &HeaderMap) -> Result<(), Response> {
        if self.bucket.as_ref().is_some_and(|bucket| !bucket.take(Instant::now())) {
            return Err(refusal(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests\n"));
        }
        let Some(passwords) = &self.passwords else { return Ok(()) };
        match passwords.check(headers.get(header::AUTHORIZATION)).await {
            Admission::Granted => Ok(()),
            Admission::Denied => {
                let mut response = refusal(StatusCode::UNAUTHORIZED, "Unauthorized\n");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
                Err(response)
            }
            Admission::Busy => {
                let why = "too many passwords are being checked; try again\n";
                let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, why);
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
                Err(response)
            }
        }
    }

    pub(crate) fn add_headers(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.headers {
            headers.insert(name.clone(), value.clone());
        }
    }
}

impl fmt::Debug for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tls, headers, passwords, bucket, .. } = self;
        f.debug_struct("Protection")
            .field("tls", &tls.is_some())
            .field("headers", headers)
            .field("passwords", &passwords.is_some())
            .field("bucket", bucket)
            .finish_non_exhaustive()
    }
}

fn refusal(status: StatusCode, why: &'static str) -> Response {
    let mut response = Response::new(Body::from(why));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

/// The protection that new connections and requests meet. It may be replaced at any time.
#[derive(Debug, Default)]
pub struct ProtectionInForce(RwLock<Arc<Protection>>);

impl ProtectionInForce {
    /// Begins with this one.
    pub fn new(protection: Protection) -> Self {
        Self(RwLock::new(Arc::new(protection)))
    }

    /// The one that holds now.
    pub fn get(&self) -> Arc<Protection> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on this one holds, for connections that are open as well, as far as it is not about TLS.
    pub fn set(&self, protection: Protection) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(protection);
    }
}
