use super::api::ENDPOINTS;
use super::catalogue as c;
use super::workflow::{ARTIFACTS, CONTRACTS, NODES, WORKFLOWS};
use crate::metrics::{Counter, Exporter, Gauge, HistogramId};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Success = 0,
    Failure = 1,
    Cancelled = 2,
}
const ENDS: [&str; 3] = ["success", "failure", "cancelled"];

pub(super) const SELECT: usize = 0;
pub(super) const INSERT: usize = 1;
pub(super) const UPDATE: usize = 2;
const QUERY_TYPES: [&str; 3] = ["select", "insert", "update"];

pub(super) const GET: usize = 0;
pub(super) const SET: usize = 1;
const OPERATIONS: [&str; 2] = ["get", "set"];

/// The series of one process.
pub(super) struct Instruments {
    pub(super) workflow_ends: Vec<[Counter; 3]>,
    pub(super) workflow_duration: Vec<HistogramId>,
    pub(super) active_workflows: Gauge,
    pub(super) queue_depth: Gauge,
    pub(super) node_ends: Vec<[Counter; 3]>,
    pub(super) node_duration: Vec<HistogramId>,
    pub(super) node_retries: Vec<Counter>,
    pub(super) active_nodes: Gauge,
    pub(super) connections: Gauge,
    pub(super) pool_size: Gauge,
    pub(super) query_duration: [HistogramId; 3],
    /// Per operation: worked, failed.
    pub(super) context_store: [[Counter; 2]; 2],
    pub(super) memory: Gauge,
    pub(super) cpu: Gauge,
    /// Per endpoint: the statuses it may answer with.
    pub(super) requests: Vec<[(u16, Counter); 4]>,
    pub(super) request_duration: Vec<HistogramId>,
    pub(super) websockets: Gauge,
    /// Database, Redis.
    pub(super) health: [Gauge; 2],
    /// Of nodes that produce an artifact, in the order of the nodes.
    pub(super) quality: Vec<Option<HistogramId>>,
    pub(super) artifacts: [Counter; 4],
    pub(super) artifact_size: [HistogramId; 4],
    /// Per contract: valid, invalid.
    pub(super) contracts: [[Counter; 2]; 3],
}

impl Instruments {
    pub(super) fn register(e: &mut Exporter) -> Self {
        Self {
            workflow_ends: WORKFLOWS
                .iter()
                .map(|it| ENDS.map(|end| e.counter(&c::WORKFLOW_EXECUTIONS, &[it.name, end])))
                .collect(),
            workflow_duration: WORKFLOWS
                .iter()
                .map(|it| e.histogram(&c::WORKFLOW_DURATION, &[it.name]))
                .collect(),
            active_workflows: e.gauge(&c::ACTIVE_WORKFLOWS, &[]),
            queue_depth: e.gauge(&c::QUEUE_DEPTH, &[]),
            node_ends: NODES
                .iter()
                .map(|it| ENDS.map(|end| e.counter(&c::NODE_EXECUTIONS, &[it.kind, it.phase, end])))
                .collect(),
            node_duration: NODES
                .iter()
                .map(|it| e.histogram(&c::NODE_DURATION, &[it.kind, it.phase]))
                .collect(),
            node_retries: NODES.iter().map(|it| e.counter(&c::NODE_RETRIES, &[it.kind, it.phase])).collect(),
            active_nodes: e.gauge(&c::ACTIVE_NODES, &[]),
            connections: e.gauge(&c::DATABASE_CONNECTIONS, &[]),
            pool_size: e.gauge(&c::DATABASE_POOL_SIZE, &[]),
            query_duration: QUERY_TYPES.map(|it| e.histogram(&c::DATABASE_QUERY_DURATION, &[it])),
            context_store: OPERATIONS.map(|it| {
                ["success", "error"].map(|status| e.counter(&c::CONTEXT_STORE_OPERATIONS, &[it, status]))
            }),
            memory: e.gauge(&c::MEMORY_USAGE, &[]),
            cpu: e.gauge(&c::CPU_USAGE, &[]),
            requests: ENDPOINTS
                .iter()
                .map(|it| {
                    [it.ok, 404, 500, 503].map(|status| {
                        let labels = [it.method, it.route, &status.to_string()];
                        (status, e.counter(&c::API_REQUESTS, &labels))
                    })
                })
                .collect(),
            request_duration: ENDPOINTS
                .iter()
                .map(|it| e.histogram(&c::API_REQUEST_DURATION, &[it.method, it.route]))
                .collect(),
            websockets: e.gauge(&c::WEBSOCKETS, &[]),
            health: ["database", "redis"].map(|it| e.gauge(&c::HEALTH_CHECK, &[it])),
            quality: NODES
                .iter()
                .map(|it| it.artifact.map(|_| e.histogram(&c::QUALITY_SCORE, &[it.phase])))
                .collect(),
            artifacts: ARTIFACTS.map(|(it, _)| e.counter(&c::ARTIFACTS, &[it])),
            artifact_size: ARTIFACTS.map(|(it, _)| e.histogram(&c::ARTIFACT_SIZE, &[it])),
            contracts: CONTRACTS.map(|it| {
                ["success", "failure"].map(|status| e.counter(&c::CONTRACT_VALIDATIONS, &[it, status]))
            }),
        }
    }
}
