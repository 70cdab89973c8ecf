use crate::metrics::{Family, Kind};

const LATENCY: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0];
const INFERENCE: &[f64] = &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
const QUERY: &[f64] = &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
const JOB: &[f64] = &[0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0];

// Application.
pub(super) static REQUESTS: Family = Family::counter(
    "devskyy_requests",
    "requests",
    &["method", "endpoint", "status"],
    "Requests that the application answered.",
);
pub(super) static REQUEST_DURATION: Family = Family::histogram(
    "devskyy_request_duration_seconds",
    "seconds",
    &["method", "endpoint"],
    LATENCY,
    "Time from a request to its answer.",
);
pub(super) static ACTIVE_REQUESTS: Family = Family::gauge(
    "devskyy_active_requests",
    "requests",
    &[],
    "Requests under way, in all workers of the host.",
);
pub(super) static REQUEST_SIZE: Family = Family::summary(
    "devskyy_request_size_bytes",
    "bytes",
    &["method", "endpoint"],
    "Bytes in request bodies.",
);
pub(super) static RESPONSE_SIZE: Family = Family::summary(
    "devskyy_response_size_bytes",
    "bytes",
    &["method", "endpoint"],
    "Bytes in response bodies.",
);
pub(super) static ERRORS: Family = Family::counter(
    "devskyy_errors",
    "errors",
    &["method", "endpoint", "error_type"],
    "Requests that the application could not serve.",
);
pub(super) static EXCEPTIONS: Family = Family::counter(
    "devskyy_exceptions",
    "exceptions",
    &["endpoint", "exception_type"],
    "Exceptions that reached the top of a request.",
);

// Agents.
pub(super) static AGENT_TASKS: Family =
    Family::counter("devskyy_agent_tasks", "tasks", &["agent", "status"], "Tasks that an agent finished.");
pub(super) static AGENT_DURATION: Family = Family::histogram(
    "devskyy_agent_execution_duration_seconds",
    "seconds",
    &["agent"],
    INFERENCE,
    "Time that an agent took for a task.",
);
pub(super) static AGENT_CONFIDENCE: Family = Family::histogram(
    "devskyy_agent_confidence_score",
    "ratio",
    &["agent"],
    &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0],
    "How sure the router was of its choice of agent, from 0 to 1.",
);
pub(super) static CLUSTER_UTILIZATION: Family = Family::gauge(
    "devskyy_cluster_utilization",
    "ratio",
    &["cluster", "resource"],
    "Share of a cluster's resource that is in use.",
);
pub(super) static AGENT_CACHE_SIZE: Family =
    Family::gauge("devskyy_agent_cache_size", "agents", &[], "Agents that are loaded and ready.");

// Machine learning.
pub(super) static PREDICTIONS: Family = Family::counter(
    "devskyy_ml_predictions",
    "predictions",
    &["model_name", "model_type", "status"],
    "Predictions that a model was asked for.",
);
pub(super) static INFERENCE_DURATION: Family = Family::histogram(
    "devskyy_ml_inference_duration_seconds",
    "seconds",
    &["model_name", "model_type"],
    INFERENCE,
    "Time that a model took for a prediction.",
);
pub(super) static MODEL_ACCURACY: Family = Family::gauge(
    "devskyy_ml_model_accuracy",
    "ratio",
    &["model_name", "model_version"],
    "Share of a model's checked predictions that were right.",
);
pub(super) static MODEL_LOAD_TIME: Family = Family::histogram(
    "devskyy_ml_model_load_time_seconds",
    "seconds",
    &["model_name"],
    INFERENCE,
    "Time to bring a model into memory.",
);
pub(super) static EMBEDDINGS: Family = Family::counter(
    "devskyy_embedding_generation",
    "embeddings",
    &["model_name", "status"],
    "Texts that were turned into vectors.",
);
pub(super) static EMBEDDING_DURATION: Family = Family::histogram(
    "devskyy_embedding_generation_duration_seconds",
    "seconds",
    &["model_name"],
    INFERENCE,
    "Time to turn a text into a vector.",
);
pub(super) static VECTOR_SEARCHES: Family = Family::counter(
    "devskyy_vector_search",
    "searches",
    &["index_name", "status"],
    "Searches for near vectors.",
);
pub(super) static VECTOR_SEARCH_DURATION: Family = Family::histogram(
    "devskyy_vector_search_duration_seconds",
    "seconds",
    &["index_name", "top_k"],
    QUERY,
    "Time of a search for near vectors.",
);
pub(super) static VECTOR_INDEX_SIZE: Family =
    Family::gauge("devskyy_vector_index_size", "vectors", &["index_name"], "Vectors that an index holds.");

// Databases and caches.
pub(super) static DB_ACTIVE: Family = Family::gauge(
    "devskyy_db_connections_active",
    "connections",
    &["database"],
    "Connections that somebody uses.",
);
pub(super) static DB_IDLE: Family = Family::gauge(
    "devskyy_db_connections_idle",
    "connections",
    &["database"],
    "Open connections that nobody uses.",
);
pub(super) static DB_POOL_SIZE: Family = Family::gauge(
    "devskyy_db_pool_size",
    "connections",
    &["database"],
    "Connections that the pool may open.",
);
pub(super) static DB_QUERY_DURATION: Family = Family::histogram(
    "devskyy_db_query_duration_seconds",
    "seconds",
    &["database", "query_type"],
    QUERY,
    "Time that a database took for a query.",
);
pub(super) static DB_QUERIES: Family = Family::counter(
    "devskyy_db_queries",
    "queries",
    &["database", "query_type", "status"],
    "Queries that a database was asked.",
);
pub(super) static DB_TRANSACTION_DURATION: Family = Family::histogram(
    "devskyy_db_transaction_duration_seconds",
    "seconds",
    &["database", "outcome"],
    LATENCY,
    "Time from the begin of a transaction to its end.",
);
pub(super) static CACHE_HITS: Family =
    Family::counter("devskyy_cache_hits", "lookups", &["cache"], "Lookups that the cache answered.");
pub(super) static CACHE_MISSES: Family = Family::counter(
    "devskyy_cache_misses",
    "lookups",
    &["cache"],
    "Lookups that the cache could not answer.",
);
pub(super) static CACHE_SIZE: Family =
    Family::gauge("devskyy_cache_size", "entries", &["cache"], "Entries that are cached.");
pub(super) static CACHE_MEMORY: Family =
    Family::gauge("devskyy_cache_memory_bytes", "bytes", &["cache"], "Memory that cached entries take.");

// Data protection and retention.
pub(super) static GDPR_REQUESTS: Family = Family::counter(
    "devskyy_gdpr_requests",
    "requests",
    &["request_type", "status"],
    "Requests of people about their data, by outcome.",
);
pub(super) static GDPR_DURATION: Family = Family::histogram(
    "devskyy_gdpr_processing_duration_seconds",
    "seconds",
    &["request_type"],
    JOB,
    "Time to work off a request of a person about their data.",
);
pub(super) static GDPR_EXPORTS: Family =
    Family::counter("devskyy_gdpr_data_exports", "exports", &[], "Personal data handed out.");
pub(super) static GDPR_DELETIONS: Family =
    Family::counter("devskyy_gdpr_data_deletions", "deletions", &[], "Personal data erased.");
pub(super) static GDPR_RECORDS: Family = Family::counter(
    "devskyy_gdpr_records_deleted",
    "records",
    &["data_type"],
    "Records that were erased because a person asked for it.",
);
pub(super) static RETENTION_RUNS: Family =
    Family::counter("devskyy_data_retention_cleanups", "runs", &[], "Clean-ups of data past their time.");
pub(super) static RETENTION_RECORDS: Family = Family::counter(
    "devskyy_data_retention_records_deleted",
    "records",
    &["data_type"],
    "Records that were removed past their time.",
);
pub(super) static RETENTION_DURATION: Family = Family::histogram(
    "devskyy_data_retention_cleanup_duration_seconds",
    "seconds",
    &[],
    &[1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0],
    "Time of a clean-up.",
);
pub(super) static RETENTION_FREED: Family = Family::counter(
    "devskyy_data_retention_storage_freed_bytes",
    "bytes",
    &[],
    "Storage that clean-ups gave back.",
);

// The host.
pub(super) static CPU_USAGE: Family = Family::gauge(
    "devskyy_system_cpu_usage_percent",
    "percent",
    &[],
    "Share of the host's processors in use.",
);
pub(super) static CPU_COUNT: Family =
    Family::gauge("devskyy_system_cpu_count", "cores", &[], "Processors that the host has.");
pub(super) static MEMORY_USAGE: Family =
    Family::gauge("devskyy_system_memory_usage_bytes", "bytes", &[], "Memory of the host in use.");
pub(super) static MEMORY_AVAILABLE: Family =
    Family::gauge("devskyy_system_memory_available_bytes", "bytes", &[], "Memory of the host that is left.");
pub(super) static MEMORY_PERCENT: Family =
    Family::gauge("devskyy_system_memory_percent", "percent", &[], "Share of the host's memory in use.");
pub(super) static DISK_USAGE: Family =
    Family::gauge("devskyy_system_disk_usage_bytes", "bytes", &["mount"], "Disk space in use.");
pub(super) static DISK_FREE: Family =
    Family::gauge("devskyy_system_disk_free_bytes", "bytes", &["mount"], "Disk space that is left.");
pub(super) static DISK_PERCENT: Family =
    Family::gauge("devskyy_system_disk_percent", "percent", &["mount"], "Share of the disk in use.");
pub(super) static NETWORK_SENT: Family = Family::counter(
    "devskyy_system_network_sent_bytes",
    "bytes",
    &["interface"],
    "Bytes that the host sent.",
);
pub(super) static NETWORK_RECEIVED: Family = Family::counter(
    "devskyy_system_network_recv_bytes",
    "bytes",
    &["interface"],
    "Bytes that the host received.",
);
pub(super) static UPTIME: Family =
    Family::gauge("devskyy_uptime_seconds", "seconds", &[], "Time since the application was started.");

// Webhooks.
pub(super) static DELIVERIES: Family = Family::counter(
    "devskyy_webhook_deliveries",
    "deliveries",
    &["event_type", "status"],
    "Attempts to deliver a webhook, and deliveries that were given up.",
);
pub(super) static DELIVERY_DURATION: Family = Family::histogram(
    "devskyy_webhook_delivery_duration_seconds",
    "seconds",
    &["event_type"],
    LATENCY,
    "Time of an attempt to deliver a webhook.",
);
pub(super) static RETRIES: Family = Family::counter(
    "devskyy_webhook_retry_count",
    "retries",
    &["event_type"],
    "Further attempts at a delivery.",
);

// Business.
pub(super) static ORDERS: Family =
    Family::counter("devskyy_orders", "orders", &["status"], "Orders that reached a status.");
pub(super) static ORDER_VALUE: Family =
    Family::summary("devskyy_order_value_usd", "US dollars", &[], "Worth of an order in US dollars.");
pub(super) static REVENUE: Family =
    Family::counter("devskyy_revenue_usd", "US dollars", &[], "Worth of all paid orders in US dollars.");
pub(super) static ACTIVE_USERS: Family =
    Family::gauge("devskyy_active_users", "users", &[], "People on the site now.");
pub(super) static REGISTRATIONS: Family =
    Family::counter("devskyy_user_registrations", "users", &[], "People who opened an account.");

// Health.
pub(super) static HEALTH_STATUS: Family = Family {
    name: "devskyy_health_status",
    kind: Kind::StateSet(&["healthy", "degraded", "unhealthy"]),
    unit: "state",
    help: "Health of the application as a whole.",
    labels: &[],
};
pub(super) static COMPONENT_HEALTH: Family = Family::gauge(
    "devskyy_component_health",
    "boolean (1 = healthy)",
    &["component"],
    "Whether a component works (1) or not (0).",
);
pub(super) static PLATFORM: Family = Family {
    name: "devskyy_platform",
    kind: Kind::Info,
    unit: "none",
    help: "What runs here.",
    labels: &["version", "environment", "python_version"],
};
