//! One request from its head to the last byte of its answer.

use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use http::{Method, Response, StatusCode, header};

use super::names::{Exception, MethodLabel, Names, OfException, OfMethod, OfRequest, OfRoute, OfSocket};
use super::route::{Route, UNMATCHED};
use crate::counter::Counter;
use crate::gauge::{Gauge, InFlight};
use crate::histogram::Histogram;

/// The status of an answer that was dropped before its end, as in nginx.
const CLIENT_CLOSED_REQUEST: &str = "499";

/// The families.
pub(super) struct Instruments<N> {
    pub(super) requests: Counter<OfRequest<'static, N>>,
    pub(super) duration: Histogram<OfRoute<'static, N>>,
    pub(super) first_byte: Option<Histogram<OfRoute<'static, N>>>,
    /// Those of requests and of responses.
    pub(super) sizes: Option<[Histogram<OfRoute<'static, N>>; 2]>,
    pub(super) in_flight: Gauge<OfMethod<'static, N>>,
    pub(super) exceptions: Counter<OfException<'static, N>>,
    pub(super) websockets: Gauge<OfSocket<'static, N>>,
}

/// What layers further inside and the body of the request tell about a request. It is in the extensions of the request, by which the layers further inside know that it is counted already.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The route as the innermost router matched it.
    route: OnceLock<String>,
    /// Bytes of the request's body so far.
    pub(super) received: AtomicU64,
}

/// In the extensions of a request that asks for a web socket. The socket counts as open from the response that agrees to it until the last copy of this is dropped.
#[derive(Clone, Default)]
pub struct SocketGuard(Arc<OnceLock<InFlight>>);

impl SocketGuard {
    /// Lets the socket count as open until the future ends that talks over it, or is dropped.
    pub async fn hold<F: Future>(self, socket: F) -> F::Output {
        let output = socket.await;
        drop(self);
        output
    }
}

/// Of what is no request for a web socket, a guard that counts nothing.
#[cfg(feature = "axum")]
impl<S: Send + Sync> axum::extract::FromRequestParts<S> for SocketGuard {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut http::request::Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

impl fmt::Debug for SocketGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SocketGuard").field(&self.0.get().is_some()).finish()
    }
}

/// A request that is counted when this is dropped.
pub(super) struct Exchange<N: Names> {
    instruments: Arc<Instruments<N>>,
    method: MethodLabel,
    is_head: bool,
    /// As this layer saw it.
    route: Option<String>,
    /// As the response says.
    named: Option<String>,
    told: Arc<Told>,
    socket: Option<SocketGuard>,
    started: Instant,
    status: Option<StatusCode>,
    /// What the head of the response announces.
    content_length: Option<u64>,
    /// Bytes of the response's body so far.
    sent: u64,
    has_begun: bool,
    is_complete: bool,
    exception: Option<Exception>,
    /// Whether the service or the body is being polled. If this is dropped meanwhile it panicked.
    is_polled: bool,
    /// Goes last.
    _in_flight: InFlight,
}

impl<N: Names> Exchange<N> {
    pub(super) fn new(
        instruments: Arc<Instruments<N>>,
        method: &Method,
        route: Option<String>,
        told: Arc<Told>,
        socket: Option<SocketGuard>,
    ) -> Self {
        let is_head = *method == Method::HEAD;
        let method = MethodLabel::new(method);
        let in_flight = instruments.in_flight.with(OfMethod { method, names: PhantomData }).track();
        Self {
            instruments,
            method,
            is_head,
            route,
            named: None,
            told,
            socket,
            started: Instant::now(),
            status: None,
            content_length: None,
            sent: 0,
            has_begun: false,
            is_complete: false,
            exception: None,
            is_polled: true,
            _in_flight: in_flight,
        }
    }

    /// Calls what may panic.
    pub(super) fn polling<T>(&mut self, poll: impl FnOnce() -> T) -> T {
        self.is_polled = true;
        let polled = poll();
        self.is_polled = false;
        polled
    }

    /// The service has called what returns its future.
    pub(super) fn called(&mut self) {
        self.is_polled = false;
    }

    /// The service returned a response. `is_empty` is whether its body is over already.
    pub(super) fn answered<B>(&mut self, response: &Response<B>, is_empty: bool) {
        let status = response.status();
        self.status = Some(status);
        if let Some(Route(route)) = response.extensions().get() {
            self.named = Some(route.clone().into_owned());
        }
        let is_without_body = self.is_head
            || status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        self.is_complete = is_empty || is_without_body;
        let length = response.headers().get(header::CONTENT_LENGTH);
        self.content_length = length.and_then(|length| length.to_str().ok()?.parse().ok());
        if let Some(socket) = self.socket.take()
            && (status == StatusCode::SWITCHING_PROTOCOLS || status.is_success())
        {
            let labels = OfSocket { route: self.route(), names: PhantomData };
            let _ = socket.0.set(self.instruments.websockets.with(labels).track());
        }
    }

    /// The service returned an error.
    pub(super) fn failed(&mut self) {
        self.exception = Some(Exception::Service);
    }

    /// The body gave some bytes. `is_last` is whether it is over with them.
    pub(super) fn gave(&mut self, n: usize, is_last: bool) {
        self.first_byte();
        self.sent += n as u64;
        self.is_complete |= is_last;
    }

    /// The body is over.
    pub(super) fn complete(&mut self) {
        self.is_complete = true;
    }

    /// The body ended with an error.
    pub(super) fn body_failed(&mut self) {
        self.exception = Some(Exception::Body);
    }

    fn first_byte(&mut self) {
        if !std::mem::replace(&mut self.has_begun, true)
            && let Some(first_byte) = self.instruments.first_byte
        {
            first_byte.with(self.of_route()).observe(self.started.elapsed().as_secs_f64());
        }
    }

    fn route(&self) -> &str {
        let known = self.named.as_ref().or(self.told.route.get()).or(self.route.as_ref());
        known.map_or(UNMATCHED, String::as_str)
    }

    fn of_route(&self) -> OfRoute<'_, N> {
        OfRoute { method: self.method, route: self.route(), names: PhantomData }
    }

    fn count(&mut self) {
        if self.is_polled {
            self.exception = Some(Exception::Panic);
        }
        let is_complete = self.is_complete || self.content_length == Some(self.sent);
        let status = match (self.exception, self.status) {
            // The head is gone already, so what the client saw is an answer that broke off.
            (Some(_), Some(status)) => status,
            (Some(_), None) => StatusCode::INTERNAL_SERVER_ERROR,
            (None, Some(status)) if is_complete => status,
            (None, _) => return self.observe(CLIENT_CLOSED_REQUEST),
        };
        self.observe(status.as_str());
    }

    fn observe(&mut self, status: &str) {
        if self.status.is_some() {
            self.first_byte();
        }
        let instruments = &*self.instruments;
        let class = ["1xx", "2xx", "3xx", "4xx", "5xx"];
        let class_of = |status: &str| {
            let first = status.bytes().next().unwrap_or_default().wrapping_sub(b'1');
            class.get(usize::from(first)).copied().unwrap_or("_other")
        };
        let status = if N::STATUS_IS_CLASS { class_of(status) } else { status };
        let labels = OfRequest { method: self.method, route: self.route(), status, names: PhantomData };
        instruments.requests.with(labels).inc();
        instruments.duration.with(self.of_route()).observe(self.started.elapsed().as_secs_f64());
        if let Some([of_requests, of_responses]) = &instruments.sizes {
            let received = self.told.received.load(Ordering::Relaxed);
            of_requests.with(self.of_route()).observe(received as f64);
            of_responses.with(self.of_route()).observe(self.sent as f64);
        }
        if let Some(exception) = self.exception {
            let labels = OfException { exception, route: self.route(), names: PhantomData };
            instruments.exceptions.with(labels).inc();
        }
    }
}

impl<N: Names> Drop for Exchange<N> {
    fn drop(&mut self) {
        self.count();
    }
}

/// A request that a layer further outside counts, which is told the route when this is dropped: the innermost layer is the first one to do that.
pub(super) struct Nested {
    pub(super) told: Arc<Told>,
    pub(super) route: Option<String>,
}

impl Drop for Nested {
    fn drop(&mut self) {
        if let Some(route) = self.route.take() {
            let _ = self.told.route.set(route);
        }
    }
}
