//! Each incident trips the alerts that it names, and nothing else does.
//!
//! The rules are those of the platforms' catalogues, in their corrected form where there is one, with unchanged thresholds and `for`.
use std::collections::BTreeMap;

use bellwether_fleet::{HistoryRange, Incident, Platform, incidents, occurrence_at};

use crate::recording::{Groups, Recording, ratio};
use crate::{HOUR_MS, MINUTE_MS, MORNING_MS, NIGHT_MS};

/// The longest step between two samples.
const STEP_MS: i64 = 30_000;

/// An alerting rule: it is pending while `value` gives a group that crosses the threshold, and fires once one group did so for `for_s`.
pub(crate) struct Rule {
    pub(crate) platform: Platform,
    pub(crate) alert: &'static str,
    value: fn(&Recording, usize) -> Groups,
    crosses: fn(f64) -> bool,
    for_s: i64,
    /// How far back the expression looks: so long its value remembers an incident.
    memory_s: i64,
}

const fn rule(
    platform: Platform,
    alert: &'static str,
    value: fn(&Recording, usize) -> Groups,
    crosses: fn(f64) -> bool,
    [for_min, memory_min]: [i64; 2],
) -> Rule {
    Rule { platform, alert, value, crosses, for_s: for_min * 60, memory_s: memory_min * 60 }
}

use Platform::{Causal, Cugar, Dag, Devskyy, Genesis};

pub(crate) static RULES: [Rule; 36] = [
    rule(
        Genesis,
        "GenesisAgentFailureRateHigh",
        |r, at| {
            let all = r.rate("genesis_agent_tasks_total", &[], &["agent"], M5, at);
            let good = r.rate("genesis_agent_tasks_total", &[("status", "success")], &["agent"], M5, at);
            ratio(&good, &all).into_iter().map(|(agent, it)| (agent, 1.0 - it)).collect()
        },
        |v| v > 0.1,
        [5, 5],
    ),
    rule(
        Genesis,
        "GenesisBackendDataSourceDown",
        |r, at| r.sum("genesis_upstream_up", &[], &["upstream"], at),
        |v| v == 0.0,
        [1, 0],
    ),
    rule(
        Genesis,
        "GenesisTaskQueueBacklog",
        |r, at| r.sum("genesis_task_queue_depth", &[], &["queue"], at),
        |v| v > 100.0,
        [10, 3],
    ),
    rule(
        Dag,
        "HighWorkflowFailureRate",
        |r, at| status_ratio(r, "dag_workflow_executions_total", "status", "failure", &["workflow_name"], at),
        |v| v > 0.1,
        [5, 5],
    ),
    rule(
        Dag,
        "DatabaseUnhealthy",
        |r, at| r.sum("dag_health_check_status", &[("check_type", "database")], &["instance"], at),
        |v| v == 0.0,
        [1, 0],
    ),
    rule(
        Dag,
        "HighAPILatency",
        |r, at| r.quantile(0.95, "dag_api_request_duration_seconds", &["endpoint"], M5, at),
        |v| v > 5.0,
        [5, 5],
    ),
    rule(
        Dag,
        "TooManyActiveWorkflows",
        |r, at| r.sum("dag_active_workflows", &[], &[], at),
        |v| v > 100.0,
        [5, 5],
    ),
    rule(
        Dag,
        "HighMemoryUsage",
        |r, at| r.sum("dag_memory_usage_bytes", &[], &["instance"], at),
        |v| v > 2_147_483_648.0,
        [5, 0],
    ),
    rule(
        Causal,
        "HighAPIErrorRate",
        |r, at| status_ratio(r, "http_requests_total", "status", "5*", &[], at),
        |v| v > 0.05,
        [5, 7],
    ),
    rule(
        Causal,
        "APIServiceDown",
        |r, at| r.sum("up", &[("job", "api")], &["instance"], at),
        |v| v == 0.0,
        [1, 0],
    ),
    rule(
        Causal,
        "WorkerServiceDown",
        |r, at| r.sum("up", &[("job", "worker")], &["instance"], at),
        |v| v == 0.0,
        [1, 0],
    ),
    rule(
        Causal,
        "HighAPILatency",
        |r, at| r.quantile(0.95, "http_request_duration_seconds", &[], M5, at),
        |v| v > 2.0,
        [5, 7],
    ),
    rule(
        Causal,
        "HighWorkerTaskFailureRate",
        |r, at| status_ratio(r, "worker_tasks_completed_total", "status", "failure", &["type"], at),
        |v| v > 0.1,
        [5, 5],
    ),
    rule(
        Causal,
        "HighQueueDepth",
        |r, at| r.sum("queue_depth", &[("instance", "causal-api-1")], &["queue_name"], at),
        |v| v > 100.0,
        [10, 3],
    ),
    rule(
        Causal,
        "ConnectionPoolExhausted",
        |r, at| {
            let active = r.sum("connection_pool_active_connections", &[], &["pool"], at);
            ratio(&active, &r.sum("connection_pool_max_connections", &[], &["pool"], at))
        },
        |v| v > 0.9,
        [5, 2],
    ),
    rule(
        Causal,
        "ConnectionPoolTimeouts",
        |r, at| r.rate("connection_pool_timeouts_total", &[], &["pool"], M5, at),
        |v| v > 0.1,
        [5, 7],
    ),
    rule(
        Causal,
        "CircuitBreakerOpen",
        |r, at| r.sum("circuit_breaker_state", &[("state", "open")], &["breaker", "instance"], at),
        |v| v == 1.0,
        [2, 4],
    ),
    rule(
        Causal,
        "HighCircuitBreakerFailureRate",
        |r, at| {
            let failures = r.rate("circuit_breaker_failures_total", &[], &["breaker"], M5, at);
            let successes = r.rate("circuit_breaker_successes_total", &[], &["breaker"], M5, at);
            let all = failures.iter().map(|(key, it)| (key.clone(), it + successes[key])).collect();
            ratio(&failures, &all)
        },
        |v| v > 0.2,
        [5, 9],
    ),
    rule(
        Causal,
        "LowCacheHitRate",
        |r, at| {
            let hits = r.rate("cache_hits_total", &[], &[], M5, at);
            let misses = r.rate("cache_misses_total", &[], &[], M5, at);
            ratio(&hits, &add(&hits, &misses))
        },
        |v| v < 0.5,
        [10, 5],
    ),
    rule(
        Causal,
        "SlowExportTasks",
        |r, at| r.quantile(0.95, "export_duration_seconds", &[], 30.0 * 60.0, at),
        |v| v > 300.0,
        [10, 45],
    ),
    rule(
        Cugar,
        "LowSuccessRate",
        |r, at| {
            let good = r.rate("cugar_executions_successful_total", &[], &[], M5, at);
            ratio(&good, &r.rate("cugar_executions_total", &[], &[], M5, at))
        },
        |v| v < 0.9,
        [5, 5],
    ),
    rule(Cugar, "HighErrorRate", cugar_errors, |v| v > 0.1, [5, 5]),
    rule(
        Cugar,
        "HighLatencyP95",
        |r, at| r.quantile(0.95, "cugar_execution_duration_seconds", &[], M5, at),
        |v| v > 5.0,
        [10, 5],
    ),
    rule(
        Cugar,
        "HighLatencyP99",
        |r, at| r.quantile(0.99, "cugar_execution_duration_seconds", &[], M5, at),
        |v| v > 10.0,
        [10, 5],
    ),
    rule(
        Cugar,
        "FrequentBudgetExceeded",
        |r, at| increase(r, "cugar_budget_exceeded_total", &[], 3600.0, at),
        |v| v > 5.0,
        // An overrun budget is refilled up to ten minutes later.
        [0, 71],
    ),
    rule(
        Cugar,
        "HighToolErrorRate",
        |r, at| {
            let errors = r.rate("cugar_tool_errors_total", &[], &[], M5, at);
            ratio(&errors, &r.rate("cugar_tool_calls_total", &[], &[], M5, at))
        },
        |v| v > 0.05,
        [5, 5],
    ),
    rule(Cugar, "CriticalSuccessRate", cugar_errors, |v| v > 0.2, [2, 5]),
    rule(
        Cugar,
        "ApprovalTimeouts",
        |r, at| increase(r, "cugar_approval_timeouts_total", &[], M5, at),
        |v| v > 0.0,
        [1, 6],
    ),
    rule(
        Cugar,
        "NoRecentExecutions",
        |r, at| increase(r, "cugar_executions_total", &[], 1800.0, at),
        |v| v == 0.0,
        [30, 1],
    ),
    rule(
        Cugar,
        "DomainErrors",
        |r, at| increase(r, "cugar_domain_errors_total", &["domain"], M5, at),
        |v| v > 5.0,
        [0, 5],
    ),
    rule(
        Devskyy,
        "HighErrorRate",
        |r, at| {
            let errors = r.rate("devskyy_errors_total", &[], &[], M5, at);
            ratio(&errors, &r.rate("devskyy_requests_total", &[], &[], M5, at))
        },
        |v| v > 0.05,
        [5, 5],
    ),
    rule(
        Devskyy,
        "SlowRequests",
        |r, at| r.quantile(0.95, "devskyy_request_duration_seconds", &["endpoint"], M5, at),
        |v| v > 1.0,
        [5, 5],
    ),
    rule(
        Devskyy,
        "HighCPU",
        |r, at| r.sum("devskyy_system_cpu_usage_percent", &[], &["instance"], at),
        |v| v > 80.0,
        [5, 0],
    ),
    rule(
        Devskyy,
        "HighMemory",
        |r, at| r.sum("devskyy_system_memory_percent", &[], &["instance"], at),
        |v| v > 85.0,
        [5, 0],
    ),
    rule(
        Devskyy,
        "DatabasePoolExhaustion",
        |r, at| {
            let active = r.sum("devskyy_db_connections_active", &[], &["database"], at);
            ratio(&active, &r.sum("devskyy_db_pool_size", &[], &["database"], at))
        },
        |v| v > 0.9,
        [5, 0],
    ),
    rule(
        Devskyy,
        "GDPRProcessingDelay",
        |r, at| r.quantile(0.95, "devskyy_gdpr_processing_duration_seconds", &["request_type"], 3600.0, at),
        |v| v > 60.0,
        [15, 64],
    ),
];

const M5: f64 = 300.0;

fn status_ratio(r: &Recording, metric: &str, label: &str, bad: &str, by: &[&str], at: usize) -> Groups {
    ratio(&r.rate(metric, &[(label, bad)], by, M5, at), &r.rate(metric, &[], by, M5, at))
}

fn cugar_errors(r: &Recording, at: usize) -> Groups {
    let bad = r.rate("cugar_executions_failed_total", &[], &[], M5, at);
    ratio(&bad, &r.rate("cugar_executions_total", &[], &[], M5, at))
}

fn increase(r: &Recording, metric: &str, by: &[&str], range_s: f64, at: usize) -> Groups {
    r.rate(metric, &[], by, range_s, at).into_iter().map(|(key, rate)| (key, rate * range_s)).collect()
}

fn add(a: &Groups, b: &Groups) -> Groups {
    a.iter().map(|(key, it)| (key.clone(), it + b[key])).collect()
}

/// A time during which some group crossed the threshold without a break.
#[derive(Debug)]
struct Crossing {
    group: String,
    from_ms: i64,
    to_ms: i64,
}

fn crossings(rule: &Rule, recording: &Recording, first: usize) -> Vec<Crossing> {
    let mut open: BTreeMap<String, i64> = BTreeMap::new();
    let mut closed = Vec::new();
    for (at, ts_ms) in recording.times_ms.iter().copied().enumerate().skip(first) {
        let crossing: Vec<String> = (rule.value)(recording, at)
            .into_iter()
            .filter(|(_, value)| (rule.crosses)(*value))
            .map(|(group, _)| group)
            .collect();
        for group in &crossing {
            open.entry(group.clone()).or_insert(ts_ms);
        }
        let over: Vec<String> = open.keys().filter(|it| !crossing.contains(it)).cloned().collect();
        for group in over {
            let from_ms = open.remove(&group).expect("it is open");
            closed.push(Crossing { group, from_ms, to_ms: ts_ms });
        }
    }
    let end_ms = recording.times_ms.last().copied().unwrap_or_default();
    closed.extend(open.into_iter().map(|(group, from_ms)| Crossing { group, from_ms, to_ms: end_ms }));
    closed
}

/// Runs `hours` of a platform and holds every rule against every incident.
fn check(
    platform: Platform,
    seed: u64,
    from_ms: i64,
    hours: i64,
    step_ms: i64,
) -> BTreeMap<(&'static str, &'static str), String> {
    // The first hour is not judged: the expressions need their past.
    let (warm_up_ms, to_ms) = (65 * MINUTE_MS, from_ms + hours * HOUR_MS);
    let range = HistoryRange { from_ms: from_ms - warm_up_ms, to_ms, step_ms };
    let recording = Recording::new(platform, seed, range.from_ms, range);
    let mut occurrences = Vec::new();
    let mut ts_ms = range.from_ms - HOUR_MS;
    while ts_ms < to_ms {
        let occurrence = occurrence_at(platform, ts_ms);
        if occurrences.last().is_none_or(|(last, _): &(i64, &Incident)| *last != occurrence.start_ms) {
            occurrences.push((occurrence.start_ms, occurrence.incident));
        }
        ts_ms += MINUTE_MS;
    }
    let mut seen = BTreeMap::new();
    for rule in RULES.iter().filter(|it| it.platform == platform) {
        let first = recording.times_ms.partition_point(|ts_ms| *ts_ms < from_ms);
        let crossings = crossings(rule, &recording, first);
        let own: Vec<_> = occurrences.iter().filter(|(_, it)| it.alerts.contains(&rule.alert)).collect();
        let end_ms = |start_ms: i64, it: &Incident| start_ms + (it.ramp_s + it.hold_s + it.recovery_s) * 1000;
        // What an incident does to an alert is over when it has left the expression's memory.
        let lasts = |(start_ms, it): &(i64, &Incident), crossing: &Crossing| {
            let until_ms = end_ms(*start_ms, it) + rule.memory_s * 1000 + STEP_MS;
            *start_ms <= crossing.from_ms && crossing.to_ms <= until_ms
        };
        for crossing in &crossings {
            let explained = own.iter().any(|it| lasts(it, crossing));
            // While something else goes wrong, a ratio of very few events may flicker, but no alert may fire.
            let length_s = (crossing.to_ms - crossing.from_ms) / 1000;
            let flicker = length_s < rule.for_s && occurrences.iter().any(|it| lasts(it, crossing));
            let last = occurrences.iter().rfind(|(start_ms, _)| *start_ms <= crossing.from_ms);
            assert!(
                explained || flicker,
                "{platform} seed {seed}: {} crossed its threshold for {length_s} s in {:?}, {:?} s after {:?} began",
                rule.alert,
                crossing.group,
                last.map(|(start_ms, _)| (crossing.from_ms - start_ms) / 1000),
                last.map(|(_, it)| it.name),
            );
        }
        for (start_ms, incident) in own {
            let over_ms = end_ms(*start_ms, incident);
            if *start_ms < from_ms || over_ms + 2 * MINUTE_MS > to_ms {
                continue;
            }
            let firing = crossings
                .iter()
                .filter(|it| it.from_ms >= *start_ms && it.from_ms < over_ms)
                .find(|it| it.to_ms - it.from_ms >= rule.for_s * 1000);
            let Some(firing) = firing else {
                panic!(
                    "{platform} seed {seed}: {} did not fire in {}: {crossings:?}, start {start_ms}",
                    rule.alert, incident.name
                )
            };
            let seconds = |ts_ms: i64| (ts_ms - start_ms) / 1000;
            let story = format!(
                "crosses after {} s, fires after {} s, resolves after {} s",
                seconds(firing.from_ms),
                seconds(firing.from_ms) + rule.for_s,
                seconds(firing.to_ms)
            );
            seen.insert((incident.name, rule.alert), story);
        }
    }
    seen
}

#[expect(clippy::print_stdout, reason = "with --nocapture this is the table for the documentation")]
fn check_all(platform: Platform) {
    // Long enough for every incident of the rotation to begin and end, whatever the time at which we start.
    let turns: i64 = if platform == Cugar {
        11 + 4
    } else {
        1 + incidents().iter().filter(|it| it.platform == platform).count() as i64
    };
    let hours = turns / 3 + 2;
    let by_day = check(platform, 1, MORNING_MS, hours, STEP_MS / 2);
    let by_night = check(platform, 2, NIGHT_MS, hours, STEP_MS);
    for incident in incidents().iter().filter(|it| it.platform == platform) {
        for alert in incident.alerts {
            let story = &by_day[&(incident.name, *alert)];
            assert!(
                by_night.contains_key(&(incident.name, *alert)),
                "{} was not seen by night",
                incident.name
            );
            println!("{platform}: {}: {alert} {story}", incident.name);
        }
    }
}

#[test]
fn genesis_incidents_trip_their_alerts() {
    check_all(Genesis);
}

#[test]
fn dag_incidents_trip_their_alerts() {
    check_all(Dag);
}

#[test]
fn causal_incidents_trip_their_alerts() {
    check_all(Causal);
}

#[test]
fn cugar_incidents_trip_their_alerts() {
    check_all(Cugar);
}

#[test]
fn devskyy_incidents_trip_their_alerts() {
    check_all(Devskyy);
}

#[test]
fn every_named_alert_has_a_rule_and_every_rule_an_incident() {
    for incident in incidents() {
        for alert in incident.alerts {
            let known = RULES.iter().any(|it| it.platform == incident.platform && it.alert == *alert);
            assert!(known, "{} names {alert}, which no rule here stands for", incident.name);
        }
    }
    for rule in &RULES {
        let tripped =
            incidents().iter().any(|it| it.platform == rule.platform && it.alerts.contains(&rule.alert));
        assert!(tripped, "no incident trips {} of {}", rule.alert, rule.platform);
    }
}
