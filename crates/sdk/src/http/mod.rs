//! Requests of an HTTP server, counted by a layer for any `tower` service: `axum`, `tonic`, `hyper` by way of `hyper-util`.
//!
//! | what | family | labels |
//! |---|---|---|
//! | requests that are over | `http_requests_total` | `method`, `route`, `status` |
//! | time until the last byte of the answer | `http_request_duration_seconds` | `method`, `route` |
//! | time until its first byte ([`Builder::first_byte`]) | `http_request_ttfb_seconds` | `method`, `route` |
//! | bytes of bodies, as they went through ([`Builder::sizes`]) | `http_request_size_bytes`, `http_response_size_bytes` | `method`, `route` |
//! | requests under way | `http_requests_in_flight` | `method` |
//! | what broke | `http_exceptions_total` | `route`, `exception_type` |
//! | open web sockets | `http_websocket_connections` | `route` |
//!
//! All names can be others, see [`Names`].
//!
//! `status` is the exact code; `499` if the client left, or whoever else dropped the answer before its end; `500` if the service panicked or failed. `method` is one of the known methods
//! or `_other`. `route` is what the router matched, never the path itself: what a client makes up must not become a series. What no route matches is `_unmatched`.
//!
//! ```
//! use bellwether_sdk::Registry;
//! use bellwether_sdk::http::MetricsLayer;
//! use http::{Request, Response};
//! use tower_layer::Layer;
//! use tower_service::Service;
//!
//! #[derive(Clone)]
//! struct Hello;
//!
//! impl<B> Service<Request<B>> for Hello {
//!     type Response = Response<String>;
//!     type Error = std::convert::Infallible;
//!     type Future = std::future::Ready<Result<Self::Response, Self::Error>>;
//!
//!     fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
//!         std::task::Poll::Ready(Ok(()))
//!     }
//!
//!     fn call(&mut self, _: Request<B>) -> Self::Future {
//!         std::future::ready(Ok(Response::new(String::new())))
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let registry = Registry::new();
//! let layer = MetricsLayer::builder()
//!     .route_of(|request| request.uri.path().starts_with("/users/").then_some("/users/{id}".into()))
//!     .register(&registry)?;
//! let mut service = layer.layer(Hello);
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let response = service.call(Request::get("/users/7").body(String::new())?).await?;
//! drop(response);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! let line = "http_requests_total{method=\"GET\",route=\"/users/{id}\",status=\"200\"} 1\n";
//! assert!(registry.text().contains(line));
//! # Ok(())
//! # }
//! ```
//!
//! **Routers in routers.** A layer around a router that hands requests on to another one does not see what that one matches. Put the same layer around the inner one as well: it
//! counts nothing a second time, it only says what it matched. A handler can say it, too: a [`Route`] in the extensions of its response.
//!
//! **Web sockets.** A request that asks for one finds a [`SocketGuard`] in its extensions, which a handler of `axum` takes as an argument. Whoever serves the socket keeps it as long as the socket is open:
//! `upgrade.on_upgrade(|socket| guard.hold(talk(socket)))`.

mod body;
mod exchange;
mod future;
mod layer;
mod names;
mod route;
mod scrape;

pub use body::{RequestBody, ResponseBody};
pub use exchange::SocketGuard;
pub use future::ResponseFuture;
pub use layer::{Builder, MetricsLayer, MetricsService};
pub use names::{Names, Standard};
#[cfg(feature = "axum")]
pub use route::matched_path;
pub use route::{Route, UNMATCHED, normalise_path};
