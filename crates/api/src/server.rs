//! The HTTP server: accepts connections within limits, and serves the surface once it is there.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::connection::{BusyBody, Connection, Connections, OpenConnection, Patience, WatchedStream};
use crate::surface::Surface;

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
        match self.surface.protection().tls() {
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

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream as Client;

    use axum::Router;
    use axum::extract::Request;
    use axum::routing::{get, post};

    use super::*;
    use crate::request_body::read_body;
    use crate::surface::tests::replaying;

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
