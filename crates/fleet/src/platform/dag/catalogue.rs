use crate::metrics::Family;

// Workflows.
pub(super) static WORKFLOW_EXECUTIONS: Family = Family::counter(
    "dag_workflow_executions",
    "executions",
    &["workflow_name", "status"],
    "Workflow runs, by how they ended.",
);
pub(super) static WORKFLOW_DURATION: Family = Family::histogram(
    "dag_workflow_execution_duration_seconds",
    "seconds",
    &["workflow_name"],
    &[0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0],
    "Time from the start of a workflow run to its end.",
);
pub(super) static ACTIVE_WORKFLOWS: Family =
    Family::gauge("dag_active_workflows", "workflows", &[], "Workflow runs that are under way.");
pub(super) static QUEUE_DEPTH: Family =
    Family::gauge("dag_workflow_queue_depth", "workflows", &[], "Workflow runs that nobody has started yet.");

// Nodes.
pub(super) static NODE_EXECUTIONS: Family = Family::counter(
    "dag_node_executions",
    "executions",
    &["node_type", "phase_name", "status"],
    "Node runs, by how they ended.",
);
pub(super) static NODE_DURATION: Family = Family::histogram(
    "dag_node_execution_duration_seconds",
    "seconds",
    &["node_type", "phase_name"],
    &[0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0],
    "Time from the start of a node run to its end, retries included.",
);
pub(super) static NODE_RETRIES: Family = Family::counter(
    "dag_node_retries",
    "retries",
    &["node_type", "phase_name"],
    "Further attempts at a node.",
);
pub(super) static ACTIVE_NODES: Family =
    Family::gauge("dag_active_nodes", "nodes", &[], "Node runs that are under way.");

// The system.
pub(super) static DATABASE_CONNECTIONS: Family =
    Family::gauge("dag_database_connections", "connections", &[], "Database connections that somebody uses.");
pub(super) static DATABASE_POOL_SIZE: Family = Family::gauge(
    "dag_database_pool_size",
    "connections",
    &[],
    "Database connections that the pool may open.",
);
pub(super) static DATABASE_QUERY_DURATION: Family = Family::histogram(
    "dag_database_query_duration_seconds",
    "seconds",
    &["query_type"],
    &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0],
    "Time that the database took for a query.",
);
pub(super) static CONTEXT_STORE_OPERATIONS: Family = Family::counter(
    "dag_context_store_operations",
    "operations",
    &["operation", "status"],
    "Reads and writes of run contexts.",
);
pub(super) static MEMORY_USAGE: Family =
    Family::gauge("dag_memory_usage_bytes", "bytes", &[], "Memory that the process occupies.");
pub(super) static CPU_USAGE: Family =
    Family::gauge("dag_cpu_usage_percent", "percent", &[], "Share of one processor that the process uses.");

// The API.
pub(super) static API_REQUESTS: Family = Family::counter(
    "dag_api_requests",
    "requests",
    &["method", "endpoint", "status_code"],
    "Requests that the API answered.",
);
pub(super) static API_REQUEST_DURATION: Family = Family::histogram(
    "dag_api_request_duration_seconds",
    "seconds",
    &["method", "endpoint"],
    &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0],
    "Time from a request to the API to its answer.",
);
pub(super) static WEBSOCKETS: Family =
    Family::gauge("dag_websocket_connections", "connections", &[], "WebSocket connections that are open.");
pub(super) static HEALTH_CHECK: Family = Family::gauge(
    "dag_health_check_status",
    "boolean (1 = healthy)",
    &["check_type"],
    "Whether the last check went well (1) or not (0).",
);

// Quality.
pub(super) static QUALITY_SCORE: Family = Family::histogram(
    "dag_quality_score_distribution",
    "ratio",
    &["phase_name"],
    &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0],
    "Scores, from 0 to 1, that reviews gave to a phase's results.",
);
pub(super) static ARTIFACTS: Family = Family::counter(
    "dag_artifacts_generated",
    "artifacts",
    &["artifact_type"],
    "Artifacts that nodes produced.",
);
pub(super) static ARTIFACT_SIZE: Family = Family::histogram(
    "dag_artifact_size_bytes",
    "bytes",
    &["artifact_type"],
    &[1024.0, 10_240.0, 102_400.0, 1_048_576.0, 10_485_760.0, 104_857_600.0, 1_073_741_824.0],
    "Sizes of the produced artifacts.",
);
pub(super) static CONTRACT_VALIDATIONS: Family = Family::counter(
    "dag_contract_validations",
    "validations",
    &["contract_type", "status"],
    "Checks of results against a contract, by outcome.",
);
