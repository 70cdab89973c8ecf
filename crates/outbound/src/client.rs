use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{Clock, SystemClock};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::address_policy::AddressPolicy;
use crate::config::HttpClientConfig;
use crate::connect::{Connector, Route};
use crate::error::{
    ClientConfigError, ConnectError, OutboundError, RedirectError, RequestError, TlsConfigError,
    connection_text, hung_up_text, malformed_text,
};
use crate::one_at_a_time::OneAtATime;
use crate::proxy::{ProxyEnvironment, bare_host, url_basic_auth};
use crate::redirect::{Hop, MAX_REDIRECTS, next_hop};
use crate::request::{Destination, Request};
use crate::response::Response;
use crate::settings::ClientSettings;
use crate::tls::{TlsSettings, TlsStamp};

/// Idle connections per host; as many as targets behind one proxy are common.
const MAX_IDLE_PER_HOST: usize = 1000;
/// An HTTP/2 connection that is silent for so long is asked whether it still lives.
const HTTP2_PING_INTERVAL: Duration = Duration::from_mins(1);

/// What the clients of one process have in common.
#[derive(Clone)]
pub struct ClientOptions {
    /// The `User-Agent` header.
    pub user_agent: String,
    /// The addresses that [`Destination::Foreign`] requests may reach.
    pub policy: AddressPolicy,
    /// What `proxy_from_environment` refers to.
    pub environment: ProxyEnvironment,
    /// How long a connection is kept without a request.
    pub idle_timeout: Duration,
    /// Dates the assertions that are signed for authorization servers.
    pub clock: Arc<dyn Clock>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            user_agent: concat!("Bellwether/", env!("CARGO_PKG_VERSION")).to_owned(),
            policy: AddressPolicy::default(),
            environment: ProxyEnvironment::default(),
            idle_timeout: Duration::from_mins(5),
            clock: Arc::new(SystemClock::new()),
        }
    }
}

/// Sends requests as one [`HttpClientConfig`](crate::HttpClientConfig) section wants. Cloning is cheap and shares the connections.
#[derive(Clone)]
pub struct HttpClient {
    inner: Arc<Inner>,
}

struct Inner {
    settings: ClientSettings,
    options: ClientOptions,
    user_agent: HeaderValue,
    policy: Arc<AddressPolicy>,
    /// Replaced as a whole when certificates change on disk.
    pools: Mutex<Pools>,
    certificates: OneAtATime,
}

type Pool = legacy::Client<Connector, Full<Bytes>>;

/// Connections to destinations of the configuration and to others are kept apart, because only the latter are checked when they
/// are made.
#[derive(Clone)]
struct Pools {
    configured: Pool,
    foreign: Pool,
    tls_stamp: TlsStamp,
}

/// Shows nothing of the settings, which hold secrets.
impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").finish_non_exhaustive()
    }
}

impl HttpClient {
    /// A client for this section of a configuration. Certificates and keys are read now, which blocks, and again when they change.
    pub fn new(config: &HttpClientConfig, options: &ClientOptions) -> Result<Self, ClientConfigError> {
        let settings = ClientSettings::from_config(config, options)?;
        let policy = Arc::new(options.policy.clone());
        let pools = Mutex::new(build_pools(&settings, options, &policy)?);
        let user_agent = HeaderValue::from_str(&options.user_agent)
            .unwrap_or_else(|_| HeaderValue::from_static("Bellwether"));
        let (options, certificates) = (options.clone(), OneAtATime::default());
        let inner = Inner { settings, options, user_agent, policy, pools, certificates };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Sends the request, follows redirects, and returns the response when its headers are there.
    ///
    /// `deadline` covers everything, the body included.
    pub async fn send(&self, request: Request, deadline: Instant) -> Result<Response, OutboundError> {
        let (operation, url) = (request.operation(), request.url_text());
        match in_time(deadline, self.inner.send(request, deadline)).await {
            Ok(response) => Ok(Response::new(response, deadline)),
            Err(source) => Err(OutboundError::Request { operation, url, source }),
        }
    }

    pub(crate) fn settings(&self) -> &ClientSettings {
        &self.inner.settings
    }

    pub(crate) fn options(&self) -> &ClientOptions {
        &self.inner.options
    }

    /// The request as it is sent, with these headers of the credentials.
    pub(crate) fn message(
        &self,
        request: &Request,
        credentials: &HeaderMap,
    ) -> Result<http::Request<Full<Bytes>>, RequestError> {
        self.inner.message(request, credentials)
    }
}

/// Waits for the head of a response, but not longer than until `deadline`.
pub(crate) async fn in_time<T>(
    deadline: Instant,
    head: impl Future<Output = Result<T, RequestError>>,
) -> Result<T, RequestError> {
    match timeout_at(deadline, head).await {
        Ok(Err(error)) if error.is_token_deadline() => Err(RequestError::Deadline),
        Ok(outcome) => outcome,
        Err(_) => Err(RequestError::Deadline),
    }
}

impl RequestError {
    /// The time was used up while a token was fetched: the same as if it was used up here.
    fn is_token_deadline(&self) -> bool {
        match self {
            Self::Credentials(crate::error::CredentialsError::TokenRequest(e)) => e.is_deadline(),
            _ => false,
        }
    }
}

impl Inner {
    async fn send(
        self: &Arc<Self>,
        mut request: Request,
        deadline: Instant,
    ) -> Result<http::Response<Incoming>, RequestError> {
        let mut own_host = true;
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send_once(&request, own_host, deadline).await?;
            if own_host && response.status() == StatusCode::UNAUTHORIZED {
                self.settings.credentials.refused();
            }
            if !self.settings.follow_redirects {
                return Ok(response);
            }
            let location = response.headers().get(header::LOCATION).map(HeaderValue::as_bytes);
            let Some(hop) = next_hop(&request.url, &request.method, response.status(), location)? else {
                return Ok(response);
            };
            Response::new(response, deadline).drain().await;
            own_host &= !hop.leaves_host;
            follow(&mut request, hop)?;
        }
        Err(RedirectError::TooMany(MAX_REDIRECTS).into())
    }

    async fn send_once(
        self: &Arc<Self>,
        request: &Request,
        own_host: bool,
        deadline: Instant,
    ) -> Result<http::Response<Incoming>, RequestError> {
        if !matches!(request.url.scheme(), "http" | "https") {
            return Err(RequestError::Url(format!("unsupported protocol scheme {:?}", request.url.scheme())));
        }
        let pools = self.current_pools().await?;
        let credentials =
            if own_host { self.settings.credentials.headers(deadline).await? } else { HeaderMap::new() };
        let message = self.message(request, &credentials)?;
        let pool = match request.destination {
            Destination::Configured => &pools.configured,
            Destination::Foreign => &pools.foreign,
        };
        pool.request(message).await.map_err(|e| request_error(&e))
    }

    fn message(
        &self,
        request: &Request,
        credentials: &HeaderMap,
    ) -> Result<http::Request<Full<Bytes>>, RequestError> {
        let mut message = http::Request::new(Full::new(request.body.clone()));
        *message.method_mut() = request.method.clone();
        *message.uri_mut() = plain_uri(&request.url)?;
        let headers = message.headers_mut();
        headers.insert(header::USER_AGENT, self.user_agent.clone());
        // What the request says wins over the configuration, and that over the user-info of the URL.
        if let Some(value) = url_basic_auth(&request.url) {
            headers.insert(header::AUTHORIZATION, value);
        }
        extend_by_name(headers, credentials);
        extend_by_name(headers, &request.headers);
        if let Some(value) = self.proxy_authorization(&request.url) {
            headers.insert(header::PROXY_AUTHORIZATION, value);
        }
        Ok(message)
    }

    /// The proxy's credentials for a request that it forwards; a tunnelled request must not carry them to the destination.
    fn proxy_authorization(&self, url: &Url) -> Option<HeaderValue> {
        if url.scheme() != "http" {
            return None;
        }
        let host = bare_host(url)?;
        let proxy = self.settings.proxies.proxy_for(false, &host, url.port_or_known_default()?)?;
        proxy.authorization.clone()
    }

    async fn current_pools(self: &Arc<Self>) -> Result<Pools, TlsConfigError> {
        if !self.settings.tls.has_files() {
            return Ok(self.pools.lock().clone());
        }
        // Files may lie on a network that hangs; only this request waits for them then.
        let inner = Arc::clone(self);
        self.certificates.run(move || inner.refresh_pools()).await
    }

    fn refresh_pools(&self) -> Result<Pools, TlsConfigError> {
        let known = self.pools.lock().clone();
        if known.tls_stamp == self.settings.tls.stamp() {
            return Ok(known);
        }
        let pools = build_pools(&self.settings, &self.options, &self.policy)?;
        tracing::debug!("certificates changed, connections are opened anew");
        *self.pools.lock() = pools.clone();
        Ok(pools)
    }
}

fn build_pools(
    settings: &ClientSettings,
    options: &ClientOptions,
    policy: &Arc<AddressPolicy>,
) -> Result<Pools, TlsConfigError> {
    // Stamps are taken before the files are read, so a change in between is seen at the next request.
    let tls_stamp = settings.tls.stamp();
    let tls = settings.tls.build(settings.http2)?;
    let proxy_tls = TlsSettings { server_name: None, ..settings.tls.clone() }.build(false)?;
    let route = Arc::new(Route {
        tls,
        proxy_tls,
        proxies: settings.proxies.clone(),
        proxy_connect_headers: settings.proxy_connect_headers.clone(),
    });
    let pool = |policy| {
        legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(options.idle_timeout)
            .pool_max_idle_per_host(MAX_IDLE_PER_HOST)
            .http2_keep_alive_interval(HTTP2_PING_INTERVAL)
            .build(Connector { route: Arc::clone(&route), policy })
    };
    Ok(Pools { configured: pool(None), foreign: pool(Some(Arc::clone(policy))), tls_stamp })
}

fn follow(request: &mut Request, hop: Hop) -> Result<(), RedirectError> {
    if hop.method != request.method {
        if request.keep_body {
            return Err(RedirectError::LosesBody);
        }
        request.body = Bytes::new();
        for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING] {
            request.headers.remove(name);
        }
    }
    if hop.leaves_host {
        if request.secret_body && !request.body.is_empty() {
            return Err(RedirectError::SecretBody);
        }
        for name in [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION] {
            request.headers.remove(name);
        }
        let secret = |(name, value): (&HeaderName, &HeaderValue)| value.is_sensitive().then(|| name.clone());
        let secrets: Vec<HeaderName> = request.headers.iter().filter_map(secret).collect();
        for name in secrets {
            request.headers.remove(name);
        }
        // The server chose this host, nobody configured it.
        request.destination = Destination::Foreign;
    }
    request.method = hop.method;
    request.url = hop.url;
    Ok(())
}

/// The URL without user-info and fragment, which are not sent.
fn plain_uri(url: &Url) -> Result<Uri, RequestError> {
    let mut plain = url.clone();
    // Both calls fail only for URLs that cannot have user-info in the first place.
    let _ = plain.set_username("");
    let _ = plain.set_password(None);
    plain.set_fragment(None);
    Uri::try_from(plain.as_str()).map_err(|e| RequestError::Url(format!("invalid URL: {e}")))
}

/// Puts the headers of `from` in place of those with the same name in `into`.
fn extend_by_name(into: &mut HeaderMap, from: &HeaderMap) {
    for name in from.keys() {
        into.remove(name);
        for value in from.get_all(name) {
            into.append(name.clone(), value.clone());
        }
    }
}

/// The cause inside the pool's error, in the words of this crate.
fn request_error(error: &legacy::Error) -> RequestError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let mut innermost = error.to_string();
    while let Some(current) = cause {
        if let Some(connect) = current.downcast_ref::<Arc<ConnectError>>() {
            return RequestError::Connect(Arc::clone(connect));
        }
        if let Some(hyper) = current.downcast_ref::<hyper::Error>() {
            return RequestError::Protocol(protocol_text(hyper));
        }
        innermost = current.to_string();
        cause = current.source();
    }
    RequestError::Protocol(innermost)
}

fn protocol_text(error: &hyper::Error) -> String {
    if error.is_parse() {
        return malformed_text(&error.to_string());
    }
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        return hung_up_text();
    }
    let mut cause = std::error::Error::source(error);
    while let Some(current) = cause {
        if let Some(io) = current.downcast_ref::<std::io::Error>() {
            return connection_text(io);
        }
        cause = current.source();
    }
    error.to_string()
}
