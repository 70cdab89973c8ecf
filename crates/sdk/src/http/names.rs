use std::marker::PhantomData;

use http::Method;

use crate::LabelValue;
use crate::labels::{Field, Labels, OpenValues, Values};

/// What families and labels are called, for those who have dashboards already:
///
/// ```
/// use bellwether_sdk::Registry;
/// use bellwether_sdk::http::{MetricsLayer, Names};
///
/// struct Ours;
///
/// impl Names for Ours {
///     const IN_FLIGHT: &'static str = "http_requests_inprogress";
///     const ROUTE: &'static str = "handler";
///     const STATUS: &'static str = "status_code";
/// }
///
/// let layer = MetricsLayer::builder().names::<Ours>().register(&Registry::new())?;
/// # Ok::<(), bellwether_sdk::RegisterError>(())
/// ```
pub trait Names: 'static {
    /// The family of requests that are over.
    const REQUESTS: &'static str = "http_requests_total";
    /// The family of times until the last byte.
    const DURATION: &'static str = "http_request_duration_seconds";
    /// The family of times until the first byte.
    const FIRST_BYTE: &'static str = "http_request_ttfb_seconds";
    /// The family of the sizes of requests.
    const REQUEST_SIZE: &'static str = "http_request_size_bytes";
    /// The family of the sizes of responses.
    const RESPONSE_SIZE: &'static str = "http_response_size_bytes";
    /// The family of requests under way.
    const IN_FLIGHT: &'static str = "http_requests_in_flight";
    /// The family of exceptions.
    const EXCEPTIONS: &'static str = "http_exceptions_total";
    /// The family of open web sockets.
    const WEBSOCKETS: &'static str = "http_websocket_connections";
    /// The label with the method.
    const METHOD: &'static str = "method";
    /// The label with the route.
    const ROUTE: &'static str = "route";
    /// The label with the status.
    const STATUS: &'static str = "status";
    /// The label with what broke.
    const EXCEPTION_TYPE: &'static str = "exception_type";
    /// Whether the status is a class (`2xx`) instead of the exact code.
    const STATUS_IS_CLASS: bool = false;
}

/// The names that are used if nothing is said.
#[derive(Debug, Clone, Copy)]
pub struct Standard;

impl Names for Standard {}

/// A known method, or any other one.
#[derive(Clone, Copy, LabelValue)]
pub(super) enum MethodLabel {
    #[label(name = "GET")]
    Get,
    #[label(name = "HEAD")]
    Head,
    #[label(name = "POST")]
    Post,
    #[label(name = "PUT")]
    Put,
    #[label(name = "DELETE")]
    Delete,
    #[label(name = "CONNECT")]
    Connect,
    #[label(name = "OPTIONS")]
    Options,
    #[label(name = "TRACE")]
    Trace,
    #[label(name = "PATCH")]
    Patch,
    #[label(name = "_other")]
    Other,
}

impl MethodLabel {
    pub(super) fn new(method: &Method) -> Self {
        Self::parse(method.as_str()).unwrap_or(Self::Other)
    }
}

/// What broke.
#[derive(Clone, Copy, LabelValue)]
pub(super) enum Exception {
    /// The service or its body panicked.
    Panic,
    /// The service returned an error instead of a response.
    #[label(name = "service_error")]
    Service,
    /// The body of the response ended with an error.
    #[label(name = "body_error")]
    Body,
}

const fn closed<V: LabelValue>(name: &'static str) -> Field {
    Field { name, values: Values::Closed(V::VALUES) }
}

/// As the pack `http` has it.
const fn route(name: &'static str) -> Field {
    let limits = OpenValues { max_values: 200, max_bytes: 120, ..OpenValues::DEFAULT };
    Field { name, values: Values::Open(limits) }
}

/// As the pack `http` has it; fewer codes than that are registered.
const fn status(name: &'static str) -> Field {
    let limits = OpenValues { max_values: 70, max_bytes: 3, ..OpenValues::DEFAULT };
    Field { name, values: Values::Open(limits) }
}

/// A label set whose names come from `N`.
macro_rules! labels {
    ($(#[$doc:meta])* $name:ident { $($closed:ident: $closed_ty:ty)?; $($open:ident),* } in $fields:expr) => {
        $(#[$doc])*
        pub(super) struct $name<'a, N> {
            $(pub(super) $closed: $closed_ty,)?
            $(pub(super) $open: &'a str,)*
            pub(super) names: PhantomData<(&'a (), fn(N))>,
        }

        impl<N: Names> Labels for $name<'_, N> {
            const FIELDS: &'static [Field] = &$fields;
            type At<'a> = $name<'a, N>;
            type Open<'s> = [&'s str; <[&str]>::len(&[$(stringify!($open)),*])] where Self: 's;

            fn closed_index(&self) -> u32 {
                0 $(+ self.$closed.index() as u32)?
            }

            fn open_values(&self) -> Self::Open<'_> {
                [$(self.$open),*]
            }
        }
    };
}

labels! {
    /// Of requests that are over.
    OfRequest { method: MethodLabel; route, status }
    in [closed::<MethodLabel>(N::METHOD), route(N::ROUTE), status(N::STATUS)]
}
labels! {
    /// Of times and sizes.
    OfRoute { method: MethodLabel; route }
    in [closed::<MethodLabel>(N::METHOD), route(N::ROUTE)]
}
labels! {
    /// Of requests under way.
    OfMethod { method: MethodLabel; }
    in [closed::<MethodLabel>(N::METHOD)]
}
labels! {
    /// Of exceptions.
    OfException { exception: Exception; route }
    in [route(N::ROUTE), closed::<Exception>(N::EXCEPTION_TYPE)]
}
labels! {
    /// Of web sockets.
    OfSocket { ; route }
    in [route(N::ROUTE)]
}
