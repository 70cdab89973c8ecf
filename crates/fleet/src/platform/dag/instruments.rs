use bellwether_sdk::{CounterHandle, GaugeHandle, HistogramHandle};

use super::api::ENDPOINTS;
use super::workflow::{ARTIFACTS, CONTRACTS, NODES, WORKFLOWS};
use crate::generated::dag as pack;
use crate::generated::dag::{ContextStoreOperationsStatus, Dag, Operation, QueryType, Status};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Success = 0,
    Failure = 1,
    Cancelled = 2,
}
const ENDS: [Status; 3] = [Status::Success, Status::Failure, Status::Cancelled];

pub(super) const SELECT: usize = 0;
pub(super) const INSERT: usize = 1;
pub(super) const UPDATE: usize = 2;
const QUERY_TYPES: [QueryType; 3] = [QueryType::Select, QueryType::Insert, QueryType::Update];

pub(super) const GET: usize = 0;
pub(super) const SET: usize = 1;
const OPERATIONS: [Operation; 2] = [Operation::Get, Operation::Set];
const RESULTS: [ContextStoreOperationsStatus; 2] =
    [ContextStoreOperationsStatus::Success, ContextStoreOperationsStatus::Failure];

/// The series of one process.
pub(super) struct Instruments {
    pub(super) workflow_ends: Vec<[CounterHandle; 3]>,
    pub(super) workflow_duration: Vec<HistogramHandle>,
    pub(super) active_workflows: GaugeHandle,
    pub(super) queue_depth: GaugeHandle,
    pub(super) node_ends: Vec<[CounterHandle; 3]>,
    pub(super) node_duration: Vec<HistogramHandle>,
    pub(super) node_retries: Vec<CounterHandle>,
    pub(super) active_nodes: GaugeHandle,
    pub(super) connections: GaugeHandle,
    pub(super) pool_size: GaugeHandle,
    pub(super) query_duration: [HistogramHandle; 3],
    /// Per operation: worked, failed.
    pub(super) context_store: [[CounterHandle; 2]; 2],
    pub(super) memory: GaugeHandle,
    pub(super) cpu: GaugeHandle,
    /// Per endpoint: the statuses it may answer with.
    pub(super) requests: Vec<[(u16, CounterHandle); 4]>,
    pub(super) request_duration: Vec<HistogramHandle>,
    pub(super) websockets: GaugeHandle,
    /// Database, Redis.
    pub(super) health: [GaugeHandle; 2],
    /// Of nodes that produce an artifact, in the order of the nodes.
    pub(super) quality: Vec<Option<HistogramHandle>>,
    pub(super) artifacts: [CounterHandle; 4],
    pub(super) artifact_size: [HistogramHandle; 4],
    /// Per contract: valid, invalid.
    pub(super) contracts: [[CounterHandle; 2]; 3],
}

impl Instruments {
    /// All series that the simulation will count in, at zero if they are new or were removed.
    pub(super) fn of(dag: &Dag) -> Self {
        let node_labels = NODES
            .each_ref()
            .map(|it| pack::NodeExecutionDurationSecondsLabels { node_type: it.kind, phase_name: it.phase });
        let artifact_labels =
            ARTIFACTS.map(|(artifact_type, _)| pack::ArtifactsGeneratedLabels { artifact_type });
        Self {
            workflow_ends: WORKFLOWS
                .iter()
                .map(|it| {
                    ENDS.map(|status| {
                        let workflow_name = it.name;
                        dag.workflow_executions.with(pack::WorkflowExecutionsLabels { workflow_name, status })
                    })
                })
                .collect(),
            workflow_duration: WORKFLOWS
                .iter()
                .map(|it| {
                    let workflow_name = it.name;
                    dag.workflow_execution_duration_seconds
                        .with(pack::WorkflowExecutionDurationSecondsLabels { workflow_name })
                })
                .collect(),
            active_workflows: dag.active_workflows.with(()),
            queue_depth: dag.workflow_queue_depth.with(()),
            node_ends: NODES
                .iter()
                .map(|it| {
                    ENDS.map(|status| {
                        let (node_type, phase_name) = (it.kind, it.phase);
                        dag.node_executions.with(pack::NodeExecutionsLabels { node_type, phase_name, status })
                    })
                })
                .collect(),
            node_duration: node_labels.map(|it| dag.node_execution_duration_seconds.with(it)).to_vec(),
            node_retries: node_labels.map(|it| dag.node_retries.with(it)).to_vec(),
            active_nodes: dag.active_nodes.with(()),
            connections: dag.database_connections.with(()),
            pool_size: dag.database_pool_size.with(()),
            query_duration: QUERY_TYPES.map(|query_type| {
                dag.database_query_duration_seconds
                    .with(pack::DatabaseQueryDurationSecondsLabels { query_type })
            }),
            context_store: OPERATIONS.map(|operation| {
                RESULTS.map(|status| {
                    dag.context_store_operations
                        .with(pack::ContextStoreOperationsLabels { operation, status })
                })
            }),
            memory: dag.memory_usage_bytes.with(()),
            cpu: dag.cpu_usage_percent.with(()),
            requests: ENDPOINTS
                .iter()
                .map(|it| {
                    [it.ok, 404, 500, 503].map(|status| {
                        let labels = pack::ApiRequestsLabels {
                            method: it.method,
                            endpoint: it.route,
                            status_code: &status.to_string(),
                        };
                        (status, dag.api_requests.with(labels))
                    })
                })
                .collect(),
            request_duration: ENDPOINTS
                .iter()
                .map(|it| {
                    let (method, endpoint) = (it.method, it.route);
                    dag.api_request_duration_seconds
                        .with(pack::ApiRequestDurationSecondsLabels { method, endpoint })
                })
                .collect(),
            websockets: dag.websocket_connections.with(()),
            health: ["database", "redis"]
                .map(|check_type| dag.health_check_status.with(pack::HealthCheckStatusLabels { check_type })),
            quality: NODES
                .iter()
                .map(|it| {
                    let labels = pack::QualityScoreDistributionLabels { phase_name: it.phase };
                    it.artifact.map(|_| dag.quality_score_distribution.with(labels))
                })
                .collect(),
            artifacts: artifact_labels.map(|it| dag.artifacts_generated.with(it)),
            artifact_size: artifact_labels.map(|it| dag.artifact_size_bytes.with(it)),
            contracts: CONTRACTS.map(|contract_type| {
                RESULTS.map(|status| {
                    dag.contract_validations.with(pack::ContractValidationsLabels { contract_type, status })
                })
            }),
        }
    }
}
