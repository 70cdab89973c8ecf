use super::catalogue as c;
use crate::metrics::{Counter, Exporter, Gauge, HistogramId, SummaryId, Trace};

/// A route of the application.
pub(super) struct Endpoint {
    pub(super) method: &'static str,
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
        method: "GET",
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
    Endpoint { method: "POST", route, weight, ok, client_error, request_bytes, response_bytes }
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
}
const FAULTS: [&str; 3] = ["upstream", "database", "internal"];
const EXCEPTIONS: [&str; 2] = ["TimeoutError", "ValueError"];

impl Fault {
    pub(super) fn status(self) -> u16 {
        [502, 503, 500][self as usize]
    }

    /// Index into [`EXCEPTIONS`]; an upstream's error is handled and is none.
    fn exception(self) -> Option<usize> {
        match self {
            Self::Upstream => None,
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

pub(super) struct WebInstruments {
    requests: Vec<[(u16, Counter); 5]>,
    duration: Vec<HistogramId>,
    pub(super) active: Gauge,
    request_size: Vec<SummaryId>,
    response_size: Vec<SummaryId>,
    errors: Vec<[Counter; 3]>,
    exceptions: Vec<[Counter; 2]>,
}

impl WebInstruments {
    pub(super) fn register(e: &mut Exporter) -> Self {
        let route = |it: &Endpoint| [it.method, it.route];
        let mut each = Vec::new();
        for it in &ENDPOINTS {
            each.push([it.ok, it.client_error.0, 500, 502, 503].map(|status| {
                let counter = e.counter(&c::REQUESTS, &[it.method, it.route, &status.to_string()]);
                (status, counter)
            }));
        }
        Self {
            requests: each,
            duration: ENDPOINTS.iter().map(|it| e.histogram(&c::REQUEST_DURATION, &route(it))).collect(),
            active: e.gauge(&c::ACTIVE_REQUESTS, &[]),
            request_size: ENDPOINTS.iter().map(|it| e.summary(&c::REQUEST_SIZE, &route(it))).collect(),
            response_size: ENDPOINTS.iter().map(|it| e.summary(&c::RESPONSE_SIZE, &route(it))).collect(),
            errors: ENDPOINTS
                .iter()
                .map(|it| FAULTS.map(|fault| e.counter(&c::ERRORS, &[it.method, it.route, fault])))
                .collect(),
            exceptions: ENDPOINTS
                .iter()
                .map(|it| EXCEPTIONS.map(|name| e.counter(&c::EXCEPTIONS, &[it.route, name])))
                .collect(),
        }
    }

    pub(super) fn answered(&self, e: &mut Exporter, request: &Request, answer: &Answer) {
        let endpoint = request.endpoint;
        let status = answer.outcome.unwrap_or_else(Fault::status);
        let (_, counter) = self.requests[endpoint]
            .iter()
            .find(|(it, _)| *it == status)
            .expect("BUG: a status that the endpoint does not list");
        e.inc(*counter);
        let traced = request.trace.map(|trace| (trace, answer.now_ms));
        e.observe(self.duration[endpoint], answer.seconds, traced);
        e.summarize(self.request_size[endpoint], answer.request_bytes, answer.now_ms);
        e.summarize(self.response_size[endpoint], answer.response_bytes, answer.now_ms);
        if let Err(fault) = answer.outcome {
            e.inc(self.errors[endpoint][fault as usize]);
            if let Some(exception) = fault.exception() {
                e.inc(self.exceptions[endpoint][exception]);
            }
        }
    }
}
