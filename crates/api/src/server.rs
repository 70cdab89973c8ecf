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
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

use crate::readiness::Readiness;
use crate::requester::Requester;

/// Limits of the connections from outside.
#[derive(Debug, Clone)]
pub struct ConnectionLimits {
    /// How many connections may be open at once; further ones wait in the system's queue.
    pub max_connections: usize,
    /// How long a client may take to send the head of a request.
    pub header_timeout: Duration,
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
}

impl Surface {
    /// A surface without content.
    pub fn new(readiness: Arc<Readiness>) -> Self {
        Self { router: Arc::default(), readiness }
    }

    /// Fills the surface; only the first call counts.
    pub fn open(&self, router: Router) {
        let _ = self.router.set(router);
    }

    async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Response {
        let Some(router) = self.router.get() else { return self.not_yet(request.uri().path()) };
        let mut request = request.map(Body::new);
        let requester =
            Requester { peer, method: request.method().clone(), path: request.uri().path().to_owned() };
        request.extensions_mut().insert(requester);
        match router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(impossible) => match impossible {},
        }
    }

    fn not_yet(&self, path: &str) -> Response {
        if path.ends_with("/-/healthy") {
            return Response::new(Body::from("Bellwether is healthy.\n"));
        }
        let why = self.readiness.check().err().unwrap_or_else(|| "starting".to_owned());
        let mut response = Response::new(Body::from(format!("Bellwether is not ready: {why}\n")));
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
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
    let slots = Arc::new(Semaphore::new(limits.max_connections));
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        let (stream, peer, slot) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: wait for connections to close instead of spinning.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let surface = surface.clone();
        let service = hyper::service::service_fn(move |request| {
            let surface = surface.clone();
            async move { Ok::<_, Infallible>(surface.answer(request, peer).await) }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_timeout)
            .max_buf_size(limits.max_header_bytes.max(8 << 10))
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%peer, %error, "connection ended");
            }
            drop(slot);
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.drain_timeout, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish in time and were cut off");
    }
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, peer, slot))
}
