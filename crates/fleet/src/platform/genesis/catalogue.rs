use crate::metrics::Family;

// Every process.
pub(super) static UPTIME: Family = Family::gauge(
    "process_uptime_seconds",
    "seconds",
    &[],
    "Time that has passed since the start of the process.",
);
pub(super) static START_TIME: Family = Family::gauge(
    "process_start_time_seconds",
    "seconds",
    &[],
    "Unix time at which the process was started.",
);
pub(super) static CPU: Family =
    Family::counter("process_cpu_seconds", "seconds", &[], "Processor time that the process has spent.");
pub(super) static MEMORY: Family =
    Family::gauge("process_resident_memory_bytes", "bytes", &[], "Memory that the process occupies.");

// Agents.
pub(super) static AGENT_TASKS: Family = Family::counter(
    "genesis_agent_tasks",
    "tasks",
    &["agent", "status"],
    "Tasks that an agent ended, by outcome.",
);
pub(super) static AGENT_SUCCESS_RATE: Family = Family::gauge(
    "genesis_agent_success_rate",
    "ratio",
    &["agent"],
    "Share of an agent's tasks of the last five minutes that went well.",
);

// The backend.
pub(super) static ACTIVE_AGENTS: Family =
    Family::gauge("genesis_active_agents", "agents", &[], "Agents that worked in the last minute.");
pub(super) static QUEUE_DEPTH: Family =
    Family::gauge("genesis_task_queue_depth", "tasks", &["queue"], "Tasks that wait for their agent.");
pub(super) static UPSTREAM_UP: Family = Family::gauge(
    "genesis_upstream_up",
    "boolean (1 = up)",
    &["upstream"],
    "Whether the backend reaches a data source (1) or not (0).",
);
