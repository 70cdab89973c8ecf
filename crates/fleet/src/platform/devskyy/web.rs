use bellwether_sdk::{CounterHandle, GaugeHandle, HistogramHandle, SummaryHandle};

use crate::generated::devskyy as pack;
use crate::generated::devskyy::{Devskyy, Method};
use crate::metrics::{Trace, observe};

/// A route of the application.
pub(super) struct Endpoint {
    pub(super) method: Method,
    pub(super) route: &'static str,
    /// Its share of the requests.
    pub(super) weight: f64,
    pub(super) ok: u16,
    /// The status of a bad request, and how many are bad.
    pub(super) client_error: (u16, f64),
    /// Median sizes of the bodies.
    pub(super) request_bytes: f64,
    pub(super) response_bytes: f64,
}

pub(super) const LIST: usize = 0;
pub(super) const PRODUCT: usize = 1;
pub(super) const SEARCH: usize = 2;
pub(super) const CART: usize = 3;
pub(super) const CHECKOUT: usize = 4;
pub(super) const PREDICT: usize = 5;
pub(super) const REGISTER: usize = 6;
pub(super) const GDPR: usize = 7;
pub(super) const HEALTH: usize = 8;

const fn get(route: &'static str, weight: f64, response_bytes: f64) -> Endpoint {
    Endpoint {
        method: Method::Get,
        route,
        weight,
        ok: 200,
        client_error: (404, 0.0),
        request_bytes: 0.0,
        response_bytes,
    }
}

const fn post(
    route: &'static str,
    weight: f64,
    ok: u16,
    bytes: [f64; 2],
    client_error: (u16, f64),
) -> Endpoint {
    let [request_bytes, response_bytes] = bytes;
    Endpoint { method: Method::Post, route, weight, ok, client_error, request_bytes, response_bytes }
}

pub(super) static ENDPOINTS: [Endpoint; 9] = [
    get("/api/v1/products", 30.0, 18_000.0),
    Endpoint { client_error: (404, 0.02), ..get("/api/v1/products/{id}", 28.0, 4_200.0) },
    get("/api/v1/search", 14.0, 9_000.0),
    post("/api/v1/cart", 11.0, 201, [380.0, 620.0], (422, 0.01)),
    post("/api/v1/checkout", 4.5, 201, [900.0, 760.0], (402, 0.03)),
    post("/api/v1/ml/predict", 8.0, 200, [2_400.0, 450.0], (422, 0.005)),
    post("/api/v1/users", 0.8, 201, [520.0, 240.0], (409, 0.04)),
    post("/api/v1/gdpr/requests", 0.36, 202, [310.0, 180.0], (403, 0.01)),
    get("/health", 4.0, 21.0),
];

/// What went wrong on our side, with the exception that reached the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Somebody else's answer: handled, status 502.
    Upstream = 0,
    /// The database had no connection or failed: status 503.
    Database = 1,
    /// A bug: status 500.
    Internal = 2,
    /// Too much waits already: turned away, status 503.
    Overload = 3,
}
const FAULTS: [&str; 4] = ["upstream", "database", "internal", "overload"];
const EXCEPTIONS: [&str; 2] = ["TimeoutError", "ValueError"];

impl Fault {
    pub(super) fn status(self) -> u16 {
        [502, 503, 500, 503][self as usize]
    }

    /// Index into [`EXCEPTIONS`]; what is handled is none.
    fn exception(self) -> Option<usize> {
        match self {
            Self::Upstream | Self::Overload => None,
            Self::Database => Some(0),
            Self::Internal => Some(1),
        }
    }
}

/// A request on its way through the application.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub(super) host: usize,
    /// The worker process, and which of its lives.
    pub(super) worker: usize,
    pub(super) life: u32,
    pub(super) endpoint: usize,
    pub(super) start_ms: i64,
    pub(super) trace: Option<Trace>,
}

/// The end of a request.
pub(super) struct Answer {
    pub(super) outcome: Result<u16, Fault>,
    pub(super) seconds: f64,
    pub(super) request_bytes: f64,
    pub(super) response_bytes: f64,
    pub(super) now_ms: i64,
}

/// Per endpoint, in the order of [`ENDPOINTS`].
pub(super) struct WebInstruments {
    /// The statuses that it may answer with.
    requests: Vec<[(u16, CounterHandle); 5]>,
    duration: Vec<HistogramHandle>,
    /// Of all endpoints.
    pub(super) active: GaugeHandle,
    request_size: Vec<SummaryHandle>,
    response_size: Vec<SummaryHandle>,
    /// By [`Fault`].
    errors: Vec<[CounterHandle; 4]>,
    /// By [`EXCEPTIONS`].
    exceptions: Vec<[CounterHandle; 2]>,
}

impl WebInstruments {
    pub(super) fn of(devskyy: &Devskyy) -> Self {
        let routes = ENDPOINTS
            .each_ref()
            .map(|it| pack::RequestDurationSecondsLabels { method: it.method, endpoint: it.route });
        Self {
            requests: ENDPOINTS
                .iter()
                .map(|it| {
                    [it.ok, it.client_error.0, 500, 502, 503].map(|status| {
                        let labels = pack::RequestsLabels {
                            method: it.method,
                            endpoint: it.route,
                            status: &status.to_string(),
                        };
                        (status, devskyy.requests.with(labels))
                    })
                })
                .collect(),
            duration: routes.map(|it| devskyy.request_duration_seconds.with(it)).to_vec(),
            active: devskyy.active_requests.with(()),
            request_size: routes.map(|it| devskyy.request_size_bytes.with(it)).to_vec(),
            response_size: routes.map(|it| devskyy.response_size_bytes.with(it)).to_vec(),
            errors: routes
                .map(|pack::RequestDurationSecondsLabels { method, endpoint }| {
                    FAULTS.map(|error_type| {
                        devskyy.errors.with(pack::ErrorsLabels { method, endpoint, error_type })
                    })
                })
                .to_vec(),
            exceptions: routes
                .map(|pack::RequestDurationSecondsLabels { endpoint, .. }| {
                    EXCEPTIONS.map(|exception_type| {
                        devskyy.exceptions.with(pack::ExceptionsLabels { endpoint, exception_type })
                    })
                })
                .to_vec(),
        }
    }

    pub(super) fn answered(&self, request: &Request, answer: &Answer) {
        let endpoint = request.endpoint;
        let status = answer.outcome.unwrap_or_else(Fault::status);
        let (_, counter) = self.requests[endpoint]
            .iter()
            .find(|(it, _)| *it == status)
            .expect("BUG: a status that the endpoint does not list");
        counter.inc();
        let traced = request.trace.map(|trace| (trace, answer.now_ms));
        observe(self.duration[endpoint], answer.seconds, traced);
        self.request_size[endpoint].observe(answer.request_bytes);
        self.response_size[endpoint].observe(answer.response_bytes);
        if let Err(fault) = answer.outcome {
            self.errors[endpoint][fault as usize].inc();
            if let Some(exception) = fault.exception() {
                self.exceptions[endpoint][exception].inc();
            }
        }
    }
}
