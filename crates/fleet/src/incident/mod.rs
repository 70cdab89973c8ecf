use crate::platform::Platform;

const MINUTE_MS: i64 = 60 * 1000;
/// Every so often an incident begins somewhere.
const SLOT_MS: i64 = 4 * MINUTE_MS;
/// Each platform has its turn once per round of all platforms.
const TURN_MS: i64 = SLOT_MS * Platform::ALL.len() as i64;

/// Something that goes wrong by script, so that alerts have something to say.
///
/// Each platform has a fixed rotation of incidents. When they happen depends on the (simulated) time alone: every four minutes
/// the next platform has its turn, so each has one every twenty minutes.
#[derive(Debug, Clone, Copy)]
pub struct Incident {
    /// What goes wrong, for code.
    pub(crate) id: IncidentId,
    /// A short name.
    pub name: &'static str,
    /// Where it happens.
    pub platform: Platform,
    /// One sentence for people.
    pub summary: &'static str,
    /// The alerts that it trips, by the names of the platform's catalogue.
    pub alerts: &'static [&'static str],
    /// Seconds from the beginning to full height.
    pub ramp_s: i64,
    /// Seconds at full height.
    pub hold_s: i64,
    /// Seconds from there back to normal.
    pub recovery_s: i64,
    /// How many of the platform's turns it takes.
    pub turns: i64,
}

/// Names of the incidents for the platforms' code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IncidentId {
    GenesisAgentFailing,
    GenesisTraceStoreDown,
    GenesisTaskFlood,
    GenesisMetricServerSlow,
    GenesisTraceStoreHangs,
    GenesisBackendLost,
    GenesisWrongEnvironment,
    DagModelEndpointFlaky,
    DagDatabaseFailover,
    DagLockContention,
    DagModelEndpointHangs,
    DagContextLeak,
    DagEngineLost,
    DagStarterStopped,
    CausalBadDeploy,
    CausalApiLost,
    CausalGraphStoreSlow,
    CausalExplainerDown,
    CausalPoisonTasks,
    CausalBulkImport,
    CausalCacheThrashing,
    CausalWorkerLost,
    CausalExportStorageSlow,
    CugarPlannerRegression,
    CugarSlowModel,
    CugarToolFlapping,
    CugarProviderOutage,
    CugarApproversAway,
    CugarDomainBroken,
    CugarBudgetRunaway,
    CugarSchedulerStopped,
    DevskyyPaymentErrors,
    DevskyyCheckoutSlow,
    DevskyyBatchImport,
    DevskyyModelCacheBloat,
    DevskyyConnectionLeak,
    DevskyyGdprBacklog,
}

/// One happening of an incident.
#[derive(Debug, Clone, Copy)]
pub struct Occurrence {
    /// What goes wrong.
    pub incident: &'static Incident,
    /// When it begins, in simulated Unix milliseconds.
    pub start_ms: i64,
}

impl Occurrence {
    /// When it reaches its full height.
    pub fn peak_ms(&self) -> i64 {
        self.start_ms + self.incident.ramp_s * 1000
    }

    /// When it begins to get better.
    pub fn recovery_ms(&self) -> i64 {
        self.peak_ms() + self.incident.hold_s * 1000
    }

    /// When it is over.
    pub fn end_ms(&self) -> i64 {
        self.recovery_ms() + self.incident.recovery_s * 1000
    }

    /// How bad it is: 0 before and after, 1 at full height.
    pub fn level(&self, ts_ms: i64) -> f64 {
        if ts_ms < self.start_ms || ts_ms >= self.end_ms() {
            0.0
        } else if ts_ms < self.peak_ms() {
            (ts_ms - self.start_ms) as f64 / (self.incident.ramp_s * 1000) as f64
        } else if ts_ms < self.recovery_ms() {
            1.0
        } else {
            (self.end_ms() - ts_ms) as f64 / (self.incident.recovery_s * 1000) as f64
        }
    }
}

/// All incidents, in the order of their platform's rotation.
pub fn incidents() -> &'static [Incident] {
    &SCRIPT
}

/// The incident whose turn it is on `platform`; it may be over already.
pub fn occurrence_at(platform: Platform, ts_ms: i64) -> Occurrence {
    let place = Platform::ALL.iter().position(|it| *it == platform).unwrap_or_default();
    let offset_ms = place as i64 * SLOT_MS;
    let turn = (ts_ms - offset_ms).div_euclid(TURN_MS);
    let rotation = || SCRIPT.iter().filter(|it| it.platform == platform);
    let cycle: i64 = rotation().map(|it| it.turns).sum();
    let mut first_turn = turn - turn.rem_euclid(cycle);
    for incident in rotation() {
        if turn < first_turn + incident.turns {
            return Occurrence { incident, start_ms: first_turn * TURN_MS + offset_ms };
        }
        first_turn += incident.turns;
    }
    unreachable!("BUG: the turn lies within its cycle")
}

/// How bad things are on a platform: what goes wrong, and how much.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trouble {
    id: IncidentId,
    level: f64,
}

impl Trouble {
    /// All is well.
    pub(crate) const NONE: Self = Self { id: IncidentId::GenesisAgentFailing, level: 0.0 };

    pub(crate) fn at(platform: Platform, ts_ms: i64) -> Self {
        let occurrence = occurrence_at(platform, ts_ms);
        Self { id: occurrence.incident.id, level: occurrence.level(ts_ms) }
    }

    /// Whether nothing goes wrong by script.
    pub(crate) fn is_over(&self) -> bool {
        self.level == 0.0
    }

    /// The level of one incident, 0 while another one or none is going on.
    pub(crate) fn level(&self, id: IncidentId) -> f64 {
        if self.id == id { self.level } else { 0.0 }
    }
}

const fn incident(
    id: IncidentId,
    platform: Platform,
    name: &'static str,
    summary: &'static str,
    alerts: &'static [&'static str],
    [ramp_s, hold_s, recovery_s]: [i64; 3],
) -> Incident {
    Incident { id, name, platform, summary, alerts, ramp_s, hold_s, recovery_s, turns: 1 }
}

/// Lengths follow from the alerts: an expression over `[5m]` takes up to five minutes to cross its threshold and then has to stay there
/// for its `for`.
static SCRIPT: [Incident; 37] = [
    incident(
        IncidentId::GenesisAgentFailing,
        Platform::Genesis,
        "qa-agent-failing",
        "a new prompt makes the QA agent fail a third of its tasks",
        &["GenesisAgentFailureRateHigh"],
        [30, 510, 60],
    ),
    incident(
        IncidentId::GenesisTraceStoreDown,
        Platform::Genesis,
        "trace-store-down",
        "the backend cannot reach the trace store",
        &["GenesisBackendDataSourceDown"],
        [1, 239, 1],
    ),
    incident(
        IncidentId::GenesisBackendLost,
        Platform::Genesis,
        "backend-lost",
        "the backend is gone, and with it what it knows of its sources",
        &["GenesisBackendDown", "GenesisBackendDataSourceDown"],
        [1, 209, 1],
    ),
    incident(
        IncidentId::GenesisTaskFlood,
        Platform::Genesis,
        "task-flood",
        "a scheduled report floods the task queue",
        &["GenesisTaskQueueBacklog"],
        [60, 720, 60],
    ),
    incident(
        IncidentId::GenesisMetricServerSlow,
        Platform::Genesis,
        "metric-server-slow",
        "the server of metrics answers fifteen times slower",
        &["GenesisMetricQueriesSlow"],
        [20, 960, 20],
    ),
    incident(
        IncidentId::GenesisTraceStoreHangs,
        Platform::Genesis,
        "trace-store-hangs",
        "the trace store takes questions and does not answer, until they are given up",
        &["GenesisTraceQueriesSlow", "GenesisAnswersSlow", "GenesisBackendDataSourceDown"],
        [1, 960, 1],
    ),
    incident(
        IncidentId::GenesisWrongEnvironment,
        Platform::Genesis,
        "wrong-environment",
        "a deployment says that this is no production, so that the backend makes data up",
        &["GenesisAnswersAreMadeUp"],
        [1, 239, 1],
    ),
    incident(
        IncidentId::DagEngineLost,
        Platform::Dag,
        "engine-lost",
        "one engine process is gone, its runs wait for its successor",
        &["DagTargetDown"],
        [1, 209, 1],
    ),
    incident(
        IncidentId::DagModelEndpointFlaky,
        Platform::Dag,
        "model-endpoint-flaky",
        "the model endpoint answers nonsense, nodes run out of retries",
        &["HighWorkflowFailureRate"],
        [30, 540, 60],
    ),
    incident(
        IncidentId::DagDatabaseFailover,
        Platform::Dag,
        "database-failover",
        "the database fails over and refuses connections meanwhile",
        &["DatabaseUnhealthy"],
        [5, 170, 5],
    ),
    incident(
        IncidentId::DagLockContention,
        Platform::Dag,
        "lock-contention",
        "a migration holds a lock that the status endpoint needs",
        &["HighAPILatency"],
        [30, 540, 60],
    ),
    incident(
        IncidentId::DagModelEndpointHangs,
        Platform::Dag,
        "model-endpoint-hangs",
        "the model endpoint hardly answers, workflow runs pile up",
        &["TooManyActiveWorkflows"],
        [60, 720, 60],
    ),
    incident(
        IncidentId::DagContextLeak,
        Platform::Dag,
        "context-leak",
        "contexts of finished runs stay in memory until the process is killed",
        &["HighMemoryUsage"],
        [240, 480, 60],
    ),
    Incident {
        // What runs has to finish, then the window of half an hour, then five minutes of `for`.
        turns: 3,
        ..incident(
            IncidentId::DagStarterStopped,
            Platform::Dag,
            "starter-stopped",
            "what starts workflows stands still",
            &["NoWorkflowFinishes"],
            [1, 50 * 60, 1],
        )
    },
    incident(
        IncidentId::CausalBadDeploy,
        Platform::Causal,
        "bad-deploy",
        "a release breaks two handlers for a third of their requests",
        &["HighAPIErrorRate"],
        [20, 520, 20],
    ),
    incident(
        IncidentId::CausalApiLost,
        Platform::Causal,
        "api-lost",
        "one API process is gone; its successor starts with cold caches",
        &["APIServiceDown"],
        [1, 209, 1],
    ),
    incident(
        IncidentId::CausalGraphStoreSlow,
        Platform::Causal,
        "graph-store-slow",
        "graph queries take a minute, the pool runs dry and callers time out",
        &["HighAPILatency", "ConnectionPoolExhausted", "ConnectionPoolTimeouts", "HighAPIErrorRate"],
        [30, 600, 30],
    ),
    incident(
        IncidentId::CausalExplainerDown,
        Platform::Causal,
        "explainer-down",
        "the explanation service fails more and more often, then always, so that its breaker opens",
        &["CircuitBreakerOpen", "HighCircuitBreakerFailureRate"],
        [420, 330, 5],
    ),
    incident(
        IncidentId::CausalPoisonTasks,
        Platform::Causal,
        "poison-tasks",
        "analyses of a malformed data set fail for good",
        &["HighWorkerTaskFailureRate"],
        [30, 540, 30],
    ),
    incident(
        IncidentId::CausalBulkImport,
        Platform::Causal,
        "bulk-import",
        "an import submits analyses faster than the workers run them",
        &["HighQueueDepth"],
        [60, 690, 30],
    ),
    incident(
        IncidentId::CausalCacheThrashing,
        Platform::Causal,
        "cache-thrashing",
        "a wrong setting evicts cache entries as soon as they are written",
        &["LowCacheHitRate"],
        [20, 840, 20],
    ),
    incident(
        IncidentId::CausalWorkerLost,
        Platform::Causal,
        "worker-lost",
        "one worker process is gone, its tasks are delivered again",
        &["WorkerServiceDown"],
        [1, 209, 1],
    ),
    incident(
        IncidentId::CausalExportStorageSlow,
        Platform::Causal,
        "export-storage-slow",
        "object storage throttles uploads, exports take minutes",
        &["SlowExportTasks"],
        [30, 1020, 60],
    ),
    incident(
        IncidentId::CugarPlannerRegression,
        Platform::Cugar,
        "planner-regression",
        "a new planner fails every seventh execution",
        &["LowSuccessRate", "HighErrorRate"],
        [20, 600, 60],
    ),
    incident(
        IncidentId::CugarSlowModel,
        Platform::Cugar,
        "slow-model",
        "the model provider answers five times slower",
        &["HighLatencyP95", "HighLatencyP99"],
        [30, 870, 60],
    ),
    incident(
        IncidentId::CugarToolFlapping,
        Platform::Cugar,
        "tool-flapping",
        "web search fails every third call, retries hide most of it",
        &["HighToolErrorRate"],
        [20, 540, 60],
    ),
    incident(
        IncidentId::CugarProviderOutage,
        Platform::Cugar,
        "provider-outage",
        "the model provider refuses two of five calls",
        &["CriticalSuccessRate", "LowSuccessRate", "HighErrorRate"],
        [20, 520, 30],
    ),
    incident(
        IncidentId::CugarApproversAway,
        Platform::Cugar,
        "approvers-away",
        "nobody answers approvals, the oldest ones time out",
        &["ApprovalTimeouts"],
        [1, 480, 1],
    ),
    incident(
        IncidentId::CugarDomainBroken,
        Platform::Cugar,
        "domain-broken",
        "the content domain answers with errors",
        &["DomainErrors"],
        [20, 420, 60],
    ),
    incident(
        IncidentId::CugarBudgetRunaway,
        Platform::Cugar,
        "budget-runaway",
        "a loop in research executions spends many times the usual amount",
        &["FrequentBudgetExceeded"],
        [20, 300, 30],
    ),
    Incident {
        // The window of half an hour, then half an hour of `for`: only a long stop can trip it.
        turns: 4,
        ..incident(
            IncidentId::CugarSchedulerStopped,
            Platform::Cugar,
            "scheduler-stopped",
            "the scheduler that starts executions stands still",
            &["NoRecentExecutions"],
            [1, 67 * 60, 1],
        )
    },
    incident(
        IncidentId::DevskyyPaymentErrors,
        Platform::Devskyy,
        "payment-errors",
        "the payment provider and the catalogue behind it answer with errors",
        &["HighErrorRate"],
        [20, 540, 30],
    ),
    incident(
        IncidentId::DevskyyCheckoutSlow,
        Platform::Devskyy,
        "checkout-slow",
        "fraud scoring holds up the checkout",
        &["SlowRequests"],
        [20, 570, 30],
    ),
    incident(
        IncidentId::DevskyyBatchImport,
        Platform::Devskyy,
        "batch-import",
        "a batch import of products uses all processors",
        &["HighCPU"],
        [60, 480, 60],
    ),
    incident(
        IncidentId::DevskyyModelCacheBloat,
        Platform::Devskyy,
        "model-cache-bloat",
        "old model versions are never unloaded",
        &["HighMemory"],
        [180, 480, 30],
    ),
    incident(
        IncidentId::DevskyyConnectionLeak,
        Platform::Devskyy,
        "connection-leak",
        "a report forgets to give its connections back",
        &["DatabasePoolExhaustion"],
        [60, 450, 5],
    ),
    incident(
        IncidentId::DevskyyGdprBacklog,
        Platform::Devskyy,
        "gdpr-backlog",
        "deletions wait for a legacy system that takes more than a minute each",
        &["GDPRProcessingDelay"],
        [10, 960, 30],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_incident_fits_its_turns() {
        for it in incidents() {
            let length_ms = (it.ramp_s + it.hold_s + it.recovery_s) * 1000;
            assert!(length_ms < it.turns * TURN_MS, "{}", it.name);
            assert!(it.ramp_s > 0 && it.recovery_s > 0 && !it.alerts.is_empty(), "{}", it.name);
        }
    }

    #[test]
    fn the_rotation_visits_all() {
        for platform in Platform::ALL {
            let own = || incidents().iter().filter(|it| it.platform == platform);
            let cycle: i64 = own().map(|it| it.turns).sum();
            let mut seen = Vec::new();
            for turn in 0..cycle {
                let ts_ms = 1_700_000_000_000 + turn * TURN_MS;
                let occurrence = occurrence_at(platform, ts_ms);
                let past_ms = ts_ms - occurrence.start_ms;
                assert!(
                    (0..occurrence.incident.turns * TURN_MS).contains(&past_ms),
                    "{occurrence:?} at {ts_ms}"
                );
                if !seen.contains(&occurrence.incident.name) {
                    seen.push(occurrence.incident.name);
                }
            }
            assert_eq!(seen.len(), own().count(), "{platform}: {seen:?}");
        }
    }

    #[test]
    fn levels_rise_hold_and_fall() {
        let occurrence = Occurrence { incident: &SCRIPT[0], start_ms: 1_000_000 };
        let level = |s: i64| occurrence.level(1_000_000 + s * 1000);
        assert_eq!(
            [level(-1), level(15), level(30), level(539), level(570), level(600)],
            [0.0, 0.5, 1.0, 1.0, 0.5, 0.0]
        );
    }
}
