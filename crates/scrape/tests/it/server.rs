use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) type Reply = Response<Full<Bytes>>;

/// A server on a free port of the loopback interface; it ends with the value.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Answers each request with what `handler` returns.
    pub(crate) async fn start(
        handler: impl Fn(&Request<Incoming>) -> Reply + Clone + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let handler = handler.clone();
                let service = service_fn(move |request| {
                    let reply = handler(&request);
                    async move { Ok::<_, Infallible>(reply) }
                });
                tokio::spawn(async move {
                    // A client that goes away ends its connection with an error, which is none here.
                    let _ = auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { address, task }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A response with this `Content-Type`.
pub(crate) fn reply(content_type: &str, body: impl Into<Bytes>) -> Reply {
    let mut response = Response::new(Full::new(body.into()));
    response.headers_mut().insert("content-type", content_type.parse().expect("a header value"));
    response
}

/// A response in the text format.
pub(crate) fn text(body: impl Into<Bytes>) -> Reply {
    reply("text/plain; version=0.0.4", body)
}

/// The value of a request header, or `-`.
pub(crate) fn header(request: &Request<Incoming>, name: &str) -> String {
    request.headers().get(name).map_or_else(|| "-".to_owned(), |v| v.to_str().expect("text").to_owned())
}
