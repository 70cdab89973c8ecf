//! The HTTP server: accepts connections within limits, and serves the surface once it is there.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, Request, StatusCode, header};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::connection::{BusyBody, Connection, Connections, OpenConnection, Patience, WatchedStream};
use crate::envelope;
use crate::error::{ApiError, ErrorKind};
use crate::protection::ProtectionInForce;
use crate::readiness::Readiness;
use crate::request_body::{BodyWatch, WatchedBody};
use crate::requester::Requester;

/// Limits of the connections from outside.
#[derive(Debug, Clone)]
pub struct ConnectionLimits {
    /// How many connections may be open at once. For further ones, those that nobody uses are closed; if there are none, they wait.
    pub max_connections: usize,
    /// How long a client may take to send the head of a request.
    pub header_timeout: Duration,
    /// How long a client may keep a connection without a request.
    pub idle_timeout: Duration,
    /// How long the body of a request may come without a byte.
    pub body_idle_timeout: Duration,
    /// How long a client may take nothing of an answer.
    pub write_timeout: Duration,
    /// Largest head of a request, in bytes.
    pub max_header_bytes: usize,
    /// How long requests in flight may go on after the server was told to stop.
    pub drain_timeout: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            max_connections: 2_000,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(1),
            body_idle_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_mins(1),
            max_header_bytes: 64 << 10,
            drain_timeout: Duration::from_secs(10),
        }
    }
}

/// The surface of the server, empty until the store is open: until then every request but the health check is told to wait.
#[derive(Clone)]
pub struct Surface {
    router: Arc<OnceLock<Router>>,
    readiness: Arc<Readiness>,
    protection: Arc<ProtectionInForce>,
}

impl Surface {
    /// A surface without content.
    pub fn new(readiness: Arc<Readiness>, protection: Arc<ProtectionInForce>) -> Self {
        Self { router: Arc::default(), readiness, protection }
    }

    /// Fills the surface; only the first call counts.
    pub fn open(&self, router: Router) {
        let _ = self.router.set(router);
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        limits: &ConnectionLimits,
    ) -> Response {
        let protection = self.protection.get();
        let mut response = match protection.admit(request.headers()).await {
            Ok(()) => self.answer_admitted(request, peer, limits).await,
            Err(refusal) => refusal,
        };
        protection.add_headers(response.headers_mut());
        response
    }

    async fn answer_admitted(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        limits: &ConnectionLimits,
    ) -> Response {
        if head_bytes(&request) > limits.max_header_bytes {
            let limit = limits.max_header_bytes;
            let why = format!("the head of the request exceeds the {limit} bytes allowed (header size)\n");
            return refuse(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, why);
        }
        let Some(router) = self.router.get() else { return self.not_yet(request.uri().path()) };
        let watch = BodyWatch::new(limits.body_idle_timeout);
        let mut request = request.map(|body| Body::new(WatchedBody::new(body, watch.clone())));
        let requester =
            Requester { peer, method: request.method().clone(), path: request.uri().path().to_owned() };
        request.extensions_mut().insert(requester);
        let response = match router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(impossible) => match impossible {},
        };
        // Whatever the handler made of it, that is what went wrong.
        watch.complaint().map_or(response, |why| refuse(StatusCode::REQUEST_TIMEOUT, why))
    }

    /// The answer while the store is being opened. The prefix of the routes is not known here, so paths are known by their ends.
    fn not_yet(&self, path: &str) -> Response {
        if path.ends_with("/-/healthy") {
            return Response::new(Body::from("Bellwether is healthy.\n"));
        }
        if path.ends_with("/api/v1/status/walreplay") {
            return envelope::success(&self.readiness.wal_replay());
        }
        let why = self.readiness.check().err().unwrap_or_else(|| "starting".to_owned());
        let why = format!("Bellwether is not ready: {why}");
        let mut response = if path.contains("/api/v1/") {
            envelope::failure(&ApiError { kind: ErrorKind::Unavailable, message: why })
        } else if path.contains("/api/v2/") {
            envelope::json(StatusCode::SERVICE_UNAVAILABLE, serde_json::json!(why).to_string())
        } else {
            let mut response = Response::new(Body::from(why + "\n"));
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
            // A browser that shows this text asks again.
            headers.insert(header::REFRESH, HeaderValue::from_static("1"));
            response
        };
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(self.readiness.retry_after_s()));
        response
    }
}

/// Serves `surface` on `listener` until `stop` resolves, then lets requests in flight finish within the drain timeout.
pub async fn serve(
    listener: TcpListener,
    surface: Surface,
    limits: ConnectionLimits,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let graceful = GracefulShutdown::new();
    let connections = Connections::new(limits.max_connections);
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &connections) => accepted,
        };
        let (stream, peer, open) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: wait for connections to close instead of spinning.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let patience =
            Patience { idle: limits.idle_timeout, head: limits.header_timeout, write: limits.write_timeout };
        let (surface, limits, watcher) = (surface.clone(), limits.clone(), graceful.watcher());
        tokio::spawn(async move {
            let client = Client { peer, connection: Arc::clone(&open.connection), surface, limits, watcher };
            tokio::select! {
                outcome = client.serve(stream) => {
                    if let Err(error) = outcome {
                        tracing::debug!(%peer, %error, "connection ended");
                    }
                }
                why = open.connection.out_of_patience(patience) => {
                    tracing::debug!(%peer, why, "connection closed");
                }
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.drain_timeout, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish in time and were cut off");
    }
    Ok(())
}

/// Whoever is at the other end of a connection.
struct Client {
    peer: SocketAddr,
    connection: Arc<Connection>,
    surface: Surface,
    limits: ConnectionLimits,
    watcher: Watcher,
}

impl Client {
    /// Answers until the connection ends, over TLS if that is in force now.
    async fn serve(self, stream: TcpStream) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        match self.surface.protection.get().tls() {
            Some(tls) => {
                let stream = TlsAcceptor::from(tls).accept(stream).await?;
                self.answer_requests(stream).await?;
            }
            None => self.answer_requests(stream).await?,
        }
        Ok(())
    }

    async fn answer_requests<S>(self, stream: S) -> hyper::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { peer, connection, surface, limits, watcher } = self;
        let stream = WatchedStream { stream, connection: Arc::clone(&connection) };
        let max_buf_size = limits.max_header_bytes.saturating_mul(2).max(8 << 10);
        let service = hyper::service::service_fn(move |request| {
            let busy = connection.busy();
            let (surface, limits) = (surface.clone(), limits.clone());
            async move {
                let response = surface.answer(request, peer, &limits).await;
                Ok::<_, Infallible>(response.map(|body| BusyBody { body, _busy: busy }))
            }
        });
        let serving = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            // The connection's own watch tells an idle client from a slow one.
            .header_read_timeout(None)
            // Heads somewhat larger than allowed are read, so that they can be refused in words.
            .max_buf_size(max_buf_size)
            .serve_connection(TokioIo::new(stream), service);
        watcher.watch(serving).await
    }
}

async fn accept(
    listener: &TcpListener,
    connections: &Arc<Connections>,
) -> io::Result<(TcpStream, SocketAddr, OpenConnection)> {
    let (stream, peer) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, peer, connections.open().await?))
}

/// The size of a head as it came, nearly: spaces that mean nothing are not counted.
fn head_bytes(request: &Request<Incoming>) -> usize {
    let uri = request.uri();
    let target = uri.path().len() + uri.query().map_or(0, |q| q.len() + 1);
    let line = request.method().as_str().len() + target + " HTTP/1.1\r\n ".len();
    let headers = request.headers().iter().map(|(n, v)| n.as_str().len() + v.len() + ": \r\n".len());
    line + headers.sum::<usize>() + "\r\n".len()
}

/// An answer behind which the connection is closed.
fn refuse(status: StatusCode, why: String) -> Response {
    let mut response = Response::new(Body::from(why));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream as Client;

    use axum::extract::Request;
    use axum::routing::{get, post};

    use super::*;
    use crate::readiness::Replay;
    use crate::request_body::read_body;

    /// Serves with `limits` until the sender is dropped.
    fn served(limits: ConnectionLimits) -> (tokio::sync::oneshot::Sender<()>, SocketAddr) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("possible");
        let address = listener.local_addr().expect("bound");
        let surface = Surface::new(replaying(), Arc::default());
        let echo =
            |request: Request| async { format!("{:?}", read_body(request, 1 << 20).await.map(|b| b.len())) };
        let large = || async { "x".repeat(LARGE) };
        surface.open(
            Router::new()
                .route("/", get(|| async { "here" }))
                .route("/echo", post(echo))
                .route("/large", get(large)),
        );
        let (stop, stopped) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let threads = tokio::runtime::Builder::new_current_thread().enable_all().build();
            threads.expect("a runtime").block_on(async {
                let listener = TcpListener::from_std(listener).expect("a listener");
                let stopped = async { drop(stopped.await) };
                serve(listener, surface, limits, stopped).await.expect("served");
            });
        });
        (stop, address)
    }

    fn replaying() -> Arc<Readiness> {
        let replay = Replay { first_segment: 1, last_segment: 4, segment: 2, bytes: 100, bytes_read: 62 };
        let clock = Arc::new(bellwether_model::ManualClock::new(0));
        Arc::new(Readiness::replaying(clock, Box::new(move || replay)))
    }

    #[tokio::test]
    async fn while_the_log_is_replayed_everybody_is_told_how_far_it_is() {
        let surface = Surface::new(replaying(), Arc::default());
        let ask = async |path: &str| {
            let response = surface.not_yet(path);
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let body = axum::body::to_bytes(response.into_body(), 1 << 10).await.expect("short");
            let retry = headers.get(header::RETRY_AFTER).map(|v| v.to_str().expect("a number").to_owned());
            (status, retry, String::from_utf8(body.to_vec()).expect("text"))
        };
        let why = "Bellwether is not ready: starting: replay 62%, 0s left";
        assert_eq!(ask("/-/healthy").await, (200, None, "Bellwether is healthy.\n".to_owned()));
        let again = Some("1".to_owned());
        for path in ["/-/ready", "/x/-/ready", "/metrics", "/"] {
            assert_eq!(ask(path).await, (503, again.clone(), format!("{why}\n")), "{path}");
        }
        let error = format!(r#"{{"status":"error","errorType":"unavailable","error":"{why}"}}"#);
        for path in ["/api/v1/query", "/x/api/v1/write", "/api/v1/status/storage"] {
            assert_eq!(ask(path).await, (503, again.clone(), error.clone()), "{path}");
        }
        let (status, retry, body) = ask("/x/api/v1/status/walreplay").await;
        assert_eq!((status, retry), (200, None));
        let data: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        let replay = serde_json::json!({"min": 1, "max": 4, "current": 2, "state": "in progress"});
        assert_eq!(data, serde_json::json!({"status": "success", "data": replay}));
    }

    /// What the server says to `request` until it closes the connection.
    fn said(address: SocketAddr, request: &str) -> String {
        let mut client = Client::connect(address).expect("connected");
        client.write_all(request.as_bytes()).expect("sent");
        let mut said = String::new();
        client.read_to_string(&mut said).expect("the server closes the connection");
        said
    }

    const SOON: Duration = Duration::from_millis(50);
    /// More than the system keeps for a client that does not read.
    const LARGE: usize = 64 << 20;

    #[test]
    fn a_body_that_does_not_come_is_answered_with_408() {
        let (_stop, address) =
            served(ConnectionLimits { body_idle_timeout: SOON, ..ConnectionLimits::default() });
        let said = said(address, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345");
        assert!(said.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{said}");
        assert!(said.contains("\r\nconnection: close\r\n"), "{said}");
        assert!(
            said.ends_with(
                "the body of the request came too slowly: no byte for 50ms, or less than 60 KiB in 60s\n"
            ),
            "{said}"
        );
    }

    #[test]
    fn a_connection_without_a_request_is_closed() {
        let (_stop, address) = served(ConnectionLimits { idle_timeout: SOON, ..ConnectionLimits::default() });
        // It is kept behind an answer, and then for too long.
        let said = said(address, "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(said.matches("HTTP/1.1 200 OK").count(), 2, "{said}");
    }

    #[test]
    fn an_answer_that_nobody_takes_is_given_up() {
        let limits =
            ConnectionLimits { max_connections: 1, write_timeout: SOON, ..ConnectionLimits::default() };
        let (_stop, address) = served(limits);
        let request = "GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let mut idler = Client::connect(address).expect("connected");
        idler.write_all(request.as_bytes()).expect("sent");
        // There is one place, so this is answered only when the other connection is closed.
        assert!(said(address, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ends_with("here"));
        let mut taken = Vec::new();
        let _ = idler.read_to_end(&mut taken);
        assert!(taken.len() < LARGE, "{}", taken.len());
    }

    #[test]
    fn a_head_that_does_not_end_is_not_waited_for() {
        let (_stop, address) =
            served(ConnectionLimits { header_timeout: SOON, ..ConnectionLimits::default() });
        assert_eq!(said(address, "GET / HTTP/1.1\r\nHost: x\r\n"), "");
        assert_eq!(said(address, ""), "");
        let both = said(address, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert!(both.ends_with("here"), "{both}");
    }
}
