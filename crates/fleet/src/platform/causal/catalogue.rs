use crate::metrics::Family;

// HTTP.
pub(super) static HTTP_REQUESTS: Family = Family::counter(
    "http_requests",
    "requests",
    &["method", "handler", "status"],
    "Requests that got an answer.",
);
pub(super) static HTTP_REQUEST_DURATION: Family = Family::histogram(
    "http_request_duration_seconds",
    "seconds",
    &["method", "handler"],
    &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 2.5, 5.0, 10.0],
    "Time from a request to its answer.",
);
pub(super) static HTTP_REQUESTS_INPROGRESS: Family =
    Family::gauge("http_requests_inprogress", "requests", &[], "Requests that wait for their answer now.");

// Caches.
const CACHE: &[&str] = &["cache_layer", "cache_type"];
pub(super) static CACHE_HITS: Family =
    Family::counter("cache_hits", "lookups", CACHE, "Lookups that the cache answered.");
pub(super) static CACHE_MISSES: Family =
    Family::counter("cache_misses", "lookups", CACHE, "Lookups that the cache could not answer.");
pub(super) static CACHE_SIZE: Family =
    Family::gauge("cache_size_bytes", "bytes", CACHE, "Memory that cached entries take.");
pub(super) static CACHE_ITEMS: Family =
    Family::gauge("cache_items_count", "items", CACHE, "Entries in the cache.");

// Connection pools.
pub(super) static POOL_ACTIVE: Family = Family::gauge(
    "connection_pool_active_connections",
    "connections",
    &["pool"],
    "Connections that somebody uses.",
);
pub(super) static POOL_IDLE: Family = Family::gauge(
    "connection_pool_idle_connections",
    "connections",
    &["pool"],
    "Open connections that nobody uses.",
);
pub(super) static POOL_WAITING: Family = Family::gauge(
    "connection_pool_waiting_requests",
    "requests",
    &["pool"],
    "Callers in line for a connection.",
);
pub(super) static POOL_MAX: Family = Family::gauge(
    "connection_pool_max_connections",
    "connections",
    &["pool"],
    "Size that the pool may reach.",
);
pub(super) static POOL_TIMEOUTS: Family = Family::counter(
    "connection_pool_timeouts",
    "timeouts",
    &["pool"],
    "Callers that waited in vain for a connection.",
);

// Queues.
pub(super) static QUEUE_DEPTH: Family =
    Family::gauge("queue_depth", "items", &["queue_name"], "Items that wait in a queue.");
pub(super) static QUEUE_ENQUEUED: Family =
    Family::counter("queue_enqueued", "items", &["queue_name"], "Items that were put on a queue.");
pub(super) static QUEUE_DEQUEUED: Family =
    Family::counter("queue_dequeued", "items", &["queue_name"], "Items that a worker took off a queue.");

// Circuit breakers. The catalogue's alert selects `state="open"`, its text knows a number: the state is shown both ways.
pub(super) static BREAKER_STATE: Family = Family::gauge(
    "circuit_breaker_state",
    "state code",
    &["breaker", "state"],
    "Whether a circuit breaker is in this state (1) or not (0).",
);
pub(super) static BREAKER_STATE_CODE: Family = Family::gauge(
    "circuit_breaker_state_code",
    "state code",
    &["breaker"],
    "State of a circuit breaker: 0 closed, 1 open, 2 half-open.",
);
pub(super) static BREAKER_FAILURES: Family = Family::counter(
    "circuit_breaker_failures",
    "calls",
    &["breaker"],
    "Calls behind a breaker that went wrong.",
);
pub(super) static BREAKER_SUCCESSES: Family = Family::counter(
    "circuit_breaker_successes",
    "calls",
    &["breaker"],
    "Calls behind a breaker that went well.",
);

// The graph.
pub(super) static GRAPH_NODES: Family =
    Family::gauge("graph_nodes_count", "nodes", &[], "Size of the causal graph in nodes.");
pub(super) static GRAPH_EDGES: Family =
    Family::gauge("graph_edges_count", "edges", &[], "Size of the causal graph in edges.");
pub(super) static GRAPH_UPDATE_DURATION: Family = Family::histogram(
    "graph_update_duration_seconds",
    "seconds",
    &[],
    &[0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0],
    "Time that an update of the graph took.",
);

// Workers. Both spellings of the label: the first is the one that existing rules select.
pub(super) static WORKERS_ACTIVE: Family =
    Family::gauge("worker_active_count", "workers", &["worker_type"], "Child workers that run now.");
pub(super) static TASKS_COMPLETED: Family = Family::counter(
    "worker_tasks_completed",
    "tasks",
    &["type", "task_type", "status"],
    "Attempts at a task, by how they ended.",
);
pub(super) static TASK_DURATION: Family = Family::histogram(
    "worker_task_duration_seconds",
    "seconds",
    &["task_type"],
    &[0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0],
    "Time that an attempt at a task took.",
);
pub(super) static EXPORT_REQUESTS: Family = Family::counter(
    "export_requests",
    "exports",
    &["type", "export_type", "status"],
    "Exports that were asked for, by outcome.",
);
pub(super) static EXPORT_DURATION: Family = Family::histogram(
    "export_duration_seconds",
    "seconds",
    &["export_type"],
    &[1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 180.0, 240.0, 300.0, 420.0, 600.0, 1800.0],
    "Time that an export took.",
);
pub(super) static EXPORT_SIZE: Family = Family::histogram(
    "export_size_bytes",
    "bytes",
    &["export_type"],
    &[1024.0, 10_240.0, 102_400.0, 1_048_576.0, 10_485_760.0, 104_857_600.0, 1_073_741_824.0],
    "Size of the file that an export wrote.",
);
pub(super) static INTERVENTION_PROPOSALS: Family = Family::counter(
    "intervention_proposals",
    "interventions",
    &[],
    "Interventions that an analysis suggested.",
);
pub(super) static INTERVENTION_EXECUTIONS: Family = Family::counter(
    "intervention_executions",
    "interventions",
    &["status"],
    "Interventions that were tried.",
);
pub(super) static INTERVENTION_ROLLBACKS: Family =
    Family::counter("intervention_rollbacks", "interventions", &[], "Interventions that were taken back.");
