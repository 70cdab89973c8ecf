use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use std::{fmt, io};

use http::{HeaderMap, Uri};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::address_policy::AddressPolicy;
use crate::dial::dial;
use crate::error::ConnectError;
use crate::proxy::{Proxy, ProxyRules, open_tunnel};
use crate::tls::TlsClient;

/// How long a TLS handshake may take, as in Go's default transport.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens the connections of a client: directly or through a proxy, plain or over TLS.
#[derive(Clone)]
pub(crate) struct Connector {
    pub(crate) route: Arc<Route>,
    /// The addresses that may be reached; `None` permits all.
    pub(crate) policy: Option<Arc<AddressPolicy>>,
}

/// What all connections of a client have in common.
pub(crate) struct Route {
    pub(crate) tls: TlsClient,
    /// TLS to the proxy itself speaks HTTP/1.1 only, whatever the destination is offered.
    pub(crate) proxy_tls: TlsClient,
    pub(crate) proxies: ProxyRules,
    pub(crate) proxy_connect_headers: HeaderMap,
}

impl Connector {
    async fn connect(&self, uri: Uri) -> Result<Stream, ConnectError> {
        let https = uri.scheme_str() == Some("https");
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
        let Some(proxy) = self.route.proxies.proxy_for(https, host, port) else {
            let tcp = Stream::plain(dial(host, port, self.policy.as_deref()).await?);
            return if https { handshake(&self.route.tls, host, tcp).await } else { Ok(tcp) };
        };
        self.check_behind_proxy(host)?;
        let mut stream = Stream::plain(connect_to_proxy(proxy).await?);
        if proxy.over_tls {
            stream = handshake(&self.route.proxy_tls, &proxy.host, stream).await?;
        }
        if !https {
            stream.via_proxy = true;
            return Ok(stream);
        }
        let authority =
            if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        open_tunnel(&mut stream, proxy, &authority, &self.route.proxy_connect_headers).await?;
        handshake(&self.route.tls, host, stream).await
    }

    /// A proxy resolves names itself, so only destinations that are written as addresses can be checked here.
    fn check_behind_proxy(&self, host: &str) -> Result<(), ConnectError> {
        match (self.policy.as_deref(), host.parse()) {
            (Some(policy), Ok(address)) if !policy.permits(address) => {
                Err(ConnectError::Denied { host: host.to_owned(), address })
            }
            _ => Ok(()),
        }
    }
}

async fn connect_to_proxy(proxy: &Proxy) -> Result<TcpStream, ConnectError> {
    // The proxy comes from the configuration, so the policy does not apply to it.
    dial(&proxy.host, proxy.port, None)
        .await
        .map_err(|e| ConnectError::Proxy { proxy: proxy.authority(), reason: e.to_string() })
}

pub(crate) async fn handshake(tls: &TlsClient, host: &str, stream: Stream) -> Result<Stream, ConnectError> {
    let name = match &tls.server_name {
        Some(name) => name.clone(),
        None => ServerName::try_from(host.to_owned())
            .map_err(|e| ConnectError::Handshake { source: io::Error::other(format!("{host:?}: {e}")) })?,
    };
    let connecting = TlsConnector::from(Arc::clone(&tls.config)).connect(name, stream);
    match timeout(HANDSHAKE_TIMEOUT, connecting).await {
        Ok(Ok(stream)) => Ok(Stream { io: StreamIo::Tls(Box::new(stream)), via_proxy: false }),
        Ok(Err(source)) => Err(ConnectError::Handshake { source }),
        Err(_) => Err(ConnectError::HandshakeTimeout { limit: HANDSHAKE_TIMEOUT }),
    }
}

impl tower::Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    /// Shared, because the pool hands out its errors by reference only.
    type Error = Arc<ConnectError>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move { connector.connect(uri).await.map(TokioIo::new).map_err(Arc::new) })
    }
}

/// An open connection, plain or over TLS.
pub struct Stream {
    io: StreamIo,
    /// Requests go to a proxy that forwards them one by one, so they carry the whole URL.
    via_proxy: bool,
}

enum StreamIo {
    Plain(TcpStream),
    Tls(Box<TlsStream<Stream>>),
}

impl Stream {
    pub(crate) fn plain(stream: TcpStream) -> Self {
        Self { io: StreamIo::Plain(stream), via_proxy: false }
    }

    /// The address at the other end.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.io {
            StreamIo::Plain(stream) => stream.peer_addr(),
            StreamIo::Tls(stream) => stream.get_ref().0.peer_addr(),
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tls = matches!(self.io, StreamIo::Tls(_));
        f.debug_struct("Stream").field("tls", &tls).field("via_proxy", &self.via_proxy).finish()
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        let connected = Connected::new().proxy(self.via_proxy);
        match &self.io {
            StreamIo::Tls(stream) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
                connected.negotiated_h2()
            }
            _ => connected,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.io {
            StreamIo::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            StreamIo::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.io {
            StreamIo::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            StreamIo::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            StreamIo::Plain(stream) => Pin::new(stream).poll_flush(cx),
            StreamIo::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            StreamIo::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            StreamIo::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.io {
            StreamIo::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            StreamIo::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            StreamIo::Plain(stream) => stream.is_write_vectored(),
            StreamIo::Tls(stream) => stream.is_write_vectored(),
        }
    }
}
