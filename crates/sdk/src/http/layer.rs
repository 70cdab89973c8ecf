use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, header};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::body::RequestBody;
use super::exchange::{Exchange, Instruments, Nested, SocketGuard, Told};
use super::future::{Part, ResponseFuture};
use super::names::{Names, Standard};
use crate::buckets;
use crate::error::RegisterError;
use crate::labels::Labels;
use crate::registry::{Instrument, Opts, Registry};

type RouteOf = dyn Fn(&Parts) -> Option<Cow<'_, str>> + Send + Sync;

/// How requests are counted, see [`MetricsLayer::builder`].
pub struct Builder<N = Standard> {
    route_of: Box<RouteOf>,
    buckets: &'static [f64],
    size_buckets: &'static [f64],
    max_series: u32,
    first_byte: bool,
    sizes: bool,
    skip: Vec<String>,
    names: PhantomData<fn(N)>,
}

impl<N: Names> Builder<N> {
    fn new() -> Self {
        #[cfg(feature = "axum")]
        let route_of: Box<RouteOf> = Box::new(super::matched_path);
        #[cfg(not(feature = "axum"))]
        let route_of: Box<RouteOf> = Box::new(|_| None);
        Self {
            route_of,
            buckets: buckets::SECONDS,
            size_buckets: buckets::BYTES,
            max_series: Opts::DEFAULT_MAX_SERIES,
            first_byte: false,
            sizes: true,
            skip: vec!["/metrics".to_owned()],
            names: PhantomData,
        }
    }

    /// Reads the route out of a request, `None` if nothing matched it. It must not be the path as it is: there are as many paths as clients can think of; see
    /// [`normalise_path`](super::normalise_path). With the feature `axum` it is what `axum` matched if nothing is said.
    #[must_use]
    pub fn route_of(
        mut self,
        route_of: impl for<'r> Fn(&'r Parts) -> Option<Cow<'r, str>> + Send + Sync + 'static,
    ) -> Self {
        self.route_of = Box::new(route_of);
        self
    }

    /// Other names of families and labels.
    #[must_use]
    pub fn names<M: Names>(self) -> Builder<M> {
        Builder {
            route_of: self.route_of,
            buckets: self.buckets,
            size_buckets: self.size_buckets,
            max_series: self.max_series,
            first_byte: self.first_byte,
            sizes: self.sizes,
            skip: self.skip,
            names: PhantomData,
        }
    }

    /// The bounds of times, in seconds. [`buckets::SECONDS`] if nothing is said.
    #[must_use]
    pub fn buckets(mut self, seconds: &'static [f64]) -> Self {
        self.buckets = seconds;
        self
    }

    /// The bounds of sizes, in bytes. [`buckets::BYTES`] if nothing is said.
    #[must_use]
    pub fn size_buckets(mut self, bytes: &'static [f64]) -> Self {
        self.size_buckets = bytes;
        self
    }

    /// How many series each family has at most.
    #[must_use]
    pub fn max_series(mut self, max_series: u32) -> Self {
        self.max_series = max_series;
        self
    }

    /// Whether the time until the first byte of an answer is measured. It is not if nothing is said.
    #[must_use]
    pub fn first_byte(mut self, is_measured: bool) -> Self {
        self.first_byte = is_measured;
        self
    }

    /// Whether the sizes of bodies are measured. They are if nothing is said.
    #[must_use]
    pub fn sizes(mut self, are_measured: bool) -> Self {
        self.sizes = are_measured;
        self
    }

    /// Paths of requests that are not counted. Only `/metrics` if nothing is said.
    #[must_use]
    pub fn skip(mut self, paths: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.skip = paths.into_iter().map(Into::into).collect();
        self
    }

    /// Registers the families.
    pub fn register(self, registry: &Registry) -> Result<MetricsLayer<N>, RegisterError> {
        let opts = |name, help| Opts::new(name, help).max_series(self.max_series);
        let seconds = |name: &'static str, help| {
            let opts = opts(name, help).buckets(self.buckets);
            histogram(registry, opts, name, "seconds")
        };
        let bytes = |name: &'static str, help| {
            let opts = opts(name, help).buckets(self.size_buckets);
            histogram(registry, opts, name, "bytes")
        };
        let first_byte = "Time until the first byte of the answer.";
        let sizes = || {
            let requests = bytes(N::REQUEST_SIZE, "Bytes of the bodies of requests that were read.")?;
            Ok([requests, bytes(N::RESPONSE_SIZE, "Bytes of the bodies of responses that were sent.")?])
        };
        let instruments = Instruments {
            requests: registry.counter(opts(N::REQUESTS, "HTTP requests that are over."))?,
            duration: seconds(N::DURATION, "Time until the last byte of the answer.")?,
            first_byte: self.first_byte.then(|| seconds(N::FIRST_BYTE, first_byte)).transpose()?,
            sizes: self.sizes.then(sizes).transpose()?,
            in_flight: registry.gauge(opts(N::IN_FLIGHT, "HTTP requests under way."))?,
            exceptions: registry.counter(opts(N::EXCEPTIONS, "HTTP requests that broke, by what did."))?,
            websockets: registry.gauge(opts(N::WEBSOCKETS, "Open web sockets."))?,
        };
        let shared = Shared {
            instruments: Arc::new(instruments),
            route_of: self.route_of,
            skip: self.skip.into_boxed_slice(),
        };
        Ok(MetricsLayer { shared: Arc::new(shared) })
    }
}

/// A family that has its unit only if its name ends in it: another name may say another one.
fn histogram<L: Labels>(
    registry: &Registry,
    opts: Opts,
    name: &str,
    unit: &'static str,
) -> Result<crate::histogram::Histogram<L>, RegisterError> {
    let unit = if name.ends_with(unit) { unit } else { "" };
    Instrument::register(registry, opts.unit(unit))
}

impl<N> fmt::Debug for Builder<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("skip", &self.skip).finish_non_exhaustive()
    }
}

struct Shared<N> {
    instruments: Arc<Instruments<N>>,
    route_of: Box<RouteOf>,
    skip: Box<[String]>,
}

/// Counts the requests of the services it is put around. See [the module](super).
pub struct MetricsLayer<N = Standard> {
    shared: Arc<Shared<N>>,
}

impl MetricsLayer {
    /// A layer with standard names and settings.
    pub fn new(registry: &Registry) -> Result<Self, RegisterError> {
        Self::builder().register(registry)
    }

    /// A layer with settings.
    pub fn builder() -> Builder {
        Builder::new()
    }
}

impl<N> Clone for MetricsLayer<N> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<N> fmt::Debug for MetricsLayer<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsLayer").finish_non_exhaustive()
    }
}

impl<S, N> Layer<S> for MetricsLayer<N> {
    type Service = MetricsService<S, N>;

    fn layer(&self, inner: S) -> Self::Service {
        MetricsService { inner, shared: Arc::clone(&self.shared) }
    }
}

/// A service whose requests are counted.
pub struct MetricsService<S, N = Standard> {
    inner: S,
    shared: Arc<Shared<N>>,
}

impl<S: Clone, N> Clone for MetricsService<S, N> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), shared: Arc::clone(&self.shared) }
    }
}

impl<S: fmt::Debug, N> fmt::Debug for MetricsService<S, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsService").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<S, B, R, N> Service<Request<B>> for MetricsService<S, N>
where
    S: Service<Request<RequestBody<B>>, Response = Response<R>>,
    R: Body,
    N: Names,
{
    type Response = Response<super::ResponseBody<R, N>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, N>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut head, body) = request.into_parts();
        if self.shared.skip.iter().any(|path| path == head.uri.path()) {
            let request = Request::from_parts(head, RequestBody::new(body, None));
            return ResponseFuture::new(self.inner.call(request), Part::None);
        }
        let route = (self.shared.route_of)(&head).map(Cow::into_owned);
        if let Some(told) = head.extensions.get::<Arc<Told>>().cloned() {
            let nested = Nested { told, route };
            let request = Request::from_parts(head, RequestBody::new(body, None));
            return ResponseFuture::new(self.inner.call(request), Part::Tells(Some(nested)));
        }
        let told = Arc::new(Told::default());
        head.extensions.insert(Arc::clone(&told));
        let socket = asks_for_socket(&head.method, &head.headers).then(SocketGuard::default);
        if let Some(socket) = &socket {
            head.extensions.insert(socket.clone());
        }
        let instruments = Arc::clone(&self.shared.instruments);
        let mut exchange = Exchange::new(instruments, &head.method, route, Arc::clone(&told), socket);
        let request = Request::from_parts(head, RequestBody::new(body, Some(told)));
        let response = self.inner.call(request);
        exchange.called();
        ResponseFuture::new(response, Part::Counts(Box::new(Some(exchange))))
    }
}

/// By the upgrade of HTTP/1.1, or the extended CONNECT of HTTP/2.
fn asks_for_socket(method: &Method, headers: &HeaderMap) -> bool {
    let upgrade = headers.get(header::UPGRADE);
    upgrade.is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"))
        || (method == Method::CONNECT && headers.contains_key(header::SEC_WEBSOCKET_VERSION))
}
