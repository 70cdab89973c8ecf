use crate::generated::dag::Method;
use crate::metrics::Trace;

/// A route of the API.
pub(super) struct Endpoint {
    pub(super) method: Method,
    pub(super) route: &'static str,
    /// Its share of the requests; starts of workflows come from elsewhere.
    pub(super) weight: f64,
    pub(super) ok: u16,
    /// Time in the database.
    pub(super) query_s: f64,
}

pub(super) const EXECUTE: usize = 0;
pub(super) const STATUS: usize = 1;
pub(super) static ENDPOINTS: [Endpoint; 4] = [
    Endpoint {
        method: Method::Post,
        route: "/workflow/{workflow_id}/execute",
        weight: 0.0,
        ok: 202,
        query_s: 0.012,
    },
    Endpoint {
        method: Method::Get,
        route: "/workflow/{workflow_id}/status",
        weight: 0.62,
        ok: 200,
        query_s: 0.006,
    },
    Endpoint {
        method: Method::Get,
        route: "/workflow/{workflow_id}/artifacts",
        weight: 0.23,
        ok: 200,
        query_s: 0.022,
    },
    Endpoint { method: Method::Get, route: "/health/ready", weight: 0.15, ok: 200, query_s: 0.002 },
];
pub(super) const READY: usize = 3;

/// A request on its way through the API.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub(super) process: usize,
    pub(super) incarnation: u32,
    pub(super) endpoint: usize,
    /// The workflow to start, for [`EXECUTE`].
    pub(super) workflow: usize,
    pub(super) start_ms: i64,
    pub(super) trace: Option<Trace>,
}
