//! The platforms behave as systems: their figures fit together, days differ from nights, and nobody changes anything by looking.
use std::collections::BTreeMap;

use bellwether_exposition::OutputFormat;
use bellwether_fleet::{History, HistoryRange, Platform};

use crate::recording::{Groups, Recording};
use crate::{HOUR_MS, MINUTE_MS, MORNING_MS, NIGHT_MS};

fn recorded(platform: Platform, begin_ms: i64, minutes: i64) -> Recording {
    let range = HistoryRange { from_ms: begin_ms, to_ms: begin_ms + minutes * MINUTE_MS, step_ms: MINUTE_MS };
    Recording::new(platform, 5, begin_ms, range)
}

fn assert_close(a: &Groups, b: &Groups, what: &str) {
    assert!(!a.is_empty(), "{what}: nothing to compare");
    for (key, a) in a {
        let b = b[key];
        assert!((a - b).abs() <= 1e-6 * a.abs().max(1.0), "{what} of {key}: {a} and {b}");
    }
}

/// `a` never exceeds `b`.
fn assert_within(a: &Groups, b: &Groups, what: &str) {
    assert!(!a.is_empty(), "{what}: nothing to compare");
    for (key, a) in a {
        assert!(*a <= b[key], "{what} of {key}: {a} exceeds {}", b[key]);
    }
}

#[test]
fn histograms_agree_with_themselves() {
    for platform in Platform::ALL {
        let recording = recorded(platform, MORNING_MS, 90);
        let at = recording.times_ms.len() - 1;
        let families: Vec<String> =
            recording.names().filter_map(|name| name.strip_suffix("_bucket")).map(str::to_owned).collect();
        for family in families {
            let bucket = format!("{family}_bucket");
            let infinite: Vec<_> = recording.select(&bucket, &[("le", "+Inf")]).collect();
            let counts: Vec<_> = recording.select(&format!("{family}_count"), &[]).collect();
            assert_eq!(infinite.len(), counts.len(), "{family}");
            for (infinite, count) in infinite.iter().zip(&counts) {
                let same = infinite.values.iter().zip(&count.values).all(|(a, b)| a == b || a.is_nan());
                assert!(same, "{family}: +Inf and _count differ in {:?}", count.labels);
            }
            let mut below: Option<(String, f64)> = None;
            for series in recording.select(&bucket, &[]) {
                let labels = format!(
                    "{:?}",
                    series.labels.iter().filter(|(name, _)| *name != "le").collect::<Vec<_>>()
                );
                let value = series.values[at];
                if let Some((same, last)) = below
                    && same == labels
                {
                    let is_down = value.is_nan() && last.is_nan();
                    assert!(value >= last || is_down, "{family}: buckets of {labels} fall");
                }
                below = Some((labels, value));
            }
        }
    }
}

#[test]
fn causal_adds_up() {
    let r = recorded(Platform::Causal, MORNING_MS, 150);
    for at in 1..r.times_ms.len() {
        let pool = ["instance", "pool"];
        let active = r.sum("connection_pool_active_connections", &[], &pool, at);
        assert_within(
            &active,
            &r.sum("connection_pool_max_connections", &[], &pool, at),
            "connections in use",
        );
        let by = ["instance", "handler"];
        let answered = r.sum("http_requests_total", &[], &by, at);
        assert_close(&answered, &r.sum("http_request_duration_seconds_count", &[], &by, at), "requests");
        let states = r.sum("circuit_breaker", &[], &["instance", "breaker"], at);
        assert!(states.values().all(|it| *it == 1.0), "a breaker is in one state: {states:?}");
        let used_most = r.sum("connection_pool_active_connections_peak", &[], &pool, at);
        assert_within(&active, &used_most, "connections in use now");
        let tasks = ["instance", "task_type"];
        let ended = r.sum("worker_tasks_completed_total", &[], &tasks, at);
        assert_close(&ended, &r.sum("worker_task_duration_seconds_count", &[], &tasks, at), "tasks");
        let exported = r.sum("export_requests_total", &[], &["instance"], at);
        assert_close(&exported, &r.sum("export_duration_seconds_count", &[], &["instance"], at), "exports");
        let proposed = r.sum("intervention_proposals_total", &[], &["instance"], at);
        assert_within(
            &r.sum("intervention_executions_total", &[], &["instance"], at),
            &proposed,
            "executions",
        );
        assert_within(&r.sum("intervention_rollbacks_total", &[], &["instance"], at), &proposed, "rollbacks");
    }
}

#[test]
fn dag_adds_up() {
    let r = recorded(Platform::Dag, MORNING_MS, 100);
    for at in 1..r.times_ms.len() {
        let by = ["instance"];
        let runs = r.sum("dag_workflow_executions_total", &[], &by, at);
        assert_close(&runs, &r.sum("dag_workflow_execution_duration_seconds_count", &[], &by, at), "runs");
        let nodes = r.sum("dag_node_executions_total", &[], &by, at);
        assert_close(&nodes, &r.sum("dag_node_execution_duration_seconds_count", &[], &by, at), "nodes");
        let requests = r.sum("dag_api_requests_total", &[], &by, at);
        assert_close(&requests, &r.sum("dag_api_request_duration_seconds_count", &[], &by, at), "requests");
        let connections = r.sum("dag_database_connections", &[], &by, at);
        assert_within(&connections, &r.sum("dag_database_pool_size", &[], &by, at), "connections");
        let artifacts = r.sum("dag_artifacts_generated_total", &[], &["instance", "artifact_type"], at);
        let sizes = r.sum("dag_artifact_size_bytes_count", &[], &["instance", "artifact_type"], at);
        assert_close(&artifacts, &sizes, "artifacts");
    }
}

#[test]
fn cugar_adds_up() {
    let r = recorded(Platform::Cugar, MORNING_MS, 100);
    let mut at_work = 0;
    for at in 1..r.times_ms.len() {
        let by = ["instance"];
        let ended = r.sum("cugar_executions_total", &[], &by, at);
        let mut parts = r.sum("cugar_executions_successful_total", &[], &by, at);
        for (instance, failed) in r.sum("cugar_executions_failed_total", &[], &by, at) {
            *parts.entry(instance).or_default() += failed;
        }
        assert_close(&ended, &parts, "executions");
        assert_close(&ended, &r.sum("cugar_execution_duration_seconds_count", &[], &by, at), "durations");
        let calls = r.sum("cugar_tool_calls_total", &[], &["instance", "tool"], at);
        assert_within(
            &r.sum("cugar_tool_errors_total", &[], &["instance", "tool"], at),
            &calls,
            "tool errors",
        );
        let timeouts = r.sum("cugar_approvals_total", &[("outcome", "timeout")], &by, at);
        assert_close(&timeouts, &r.sum("cugar_approval_timeouts_total", &[], &by, at), "approval timeouts");
        let waited = r.sum("cugar_approval_wait_seconds_count", &[], &by, at);
        assert_close(&r.sum("cugar_approvals_total", &[], &by, at), &waited, "approvals");
        let running = r.sum("cugar_active_executions", &[], &[], at)[""];
        assert!(running < 60.0, "{running} executions are under way");
        at_work += usize::from(running > 0.0);
        let success = r.sum("cugar_success_rate", &[], &by, at);
        let error = r.sum("cugar_error_rate", &[], &by, at);
        assert!(
            success.iter().all(|(key, it)| (it + error[key] - 1.0).abs() < 1e-9),
            "{success:?} {error:?}"
        );
    }
    // The scheduler stands still for more than an hour of it.
    assert!(at_work > r.times_ms.len() / 5, "something was under way at {at_work} times only");
}

#[test]
fn budgets_are_overrun_only_beyond_their_limits() {
    // Long enough for the incident in which one of them runs away.
    let range = HistoryRange { from_ms: MORNING_MS, to_ms: MORNING_MS + 6 * HOUR_MS, step_ms: 15_000 };
    let r = Recording::new(Platform::Cugar, 5, MORNING_MS, range);
    let (mut overruns, mut last) = (0, BTreeMap::<String, (f64, f64)>::new());
    for at in 0..r.times_ms.len() {
        let used = r.sum("cugar_budget_used_total", &[], &["budget"], at);
        let limit = r.sum("cugar_budget_limit", &[], &["budget"], at);
        let exceeded = r.sum("cugar_budget_exceeded_total", &[], &["budget"], at);
        for (budget, exceeded) in &exceeded {
            let was = last.get(budget).copied().unwrap_or_default();
            // Where use has fallen the budget was filled again since.
            if *exceeded > was.0 && used[budget] >= was.1 {
                overruns += 1;
                // Each of the two processes says what the limit is.
                let limit = limit[budget] / 2.0;
                assert!(used[budget] > limit, "{budget}: {} of {limit} was spent", used[budget]);
            }
            last.insert(budget.clone(), (*exceeded, used[budget]));
        }
    }
    assert!(overruns > 5, "{overruns} overruns");
}

#[test]
fn a_window_without_executions_says_nothing() {
    let range = HistoryRange { from_ms: MORNING_MS, to_ms: MORNING_MS, step_ms: 1 };
    let history = History::new(1, MORNING_MS, &[Platform::Cugar], range, OutputFormat::FALLBACK);
    for snapshot in history {
        let exposition = snapshot.exposition.expect("it answers");
        assert!(!exposition.contains("\ncugar_success_rate "), "a rate of nothing is not zero");
        assert!(exposition.contains("\ncugar_executions_total 0\n"), "{exposition}");
    }
}

#[test]
fn devskyy_adds_up() {
    let r = recorded(Platform::Devskyy, MORNING_MS, 130);
    for at in 1..r.times_ms.len() {
        let by = ["instance", "endpoint"];
        let requests = r.sum("devskyy_requests_total", &[], &by, at);
        assert_close(&requests, &r.sum("devskyy_request_duration_seconds_count", &[], &by, at), "requests");
        let server_errors = r.sum("devskyy_requests_total", &[("status", "5*")], &by, at);
        assert_close(&server_errors, &r.sum("devskyy_errors_total", &[], &by, at), "errors");
        let pool = ["instance", "database"];
        let active = r.sum("devskyy_db_connections_active", &[], &pool, at);
        assert_within(&active, &r.sum("devskyy_db_pool_size", &[], &pool, at), "connections");
        let queries = r.sum("devskyy_db_queries_total", &[], &pool, at);
        assert_close(&queries, &r.sum("devskyy_db_query_duration_seconds_count", &[], &pool, at), "queries");
        let kind = ["instance", "request_type"];
        let served = r.sum("devskyy_gdpr_requests_total", &[], &kind, at);
        let timed = r.sum("devskyy_gdpr_processing_duration_seconds_count", &[], &kind, at);
        assert_close(&served, &timed, "data-protection requests, those that failed included");
        let placed = r.sum("devskyy_orders_total", &[("status", "placed")], &["instance"], at);
        assert_within(
            &r.sum("devskyy_orders_total", &[("status", "paid")], &["instance"], at),
            &placed,
            "paid orders",
        );
        let memory = r.sum("devskyy_system_memory_usage_bytes", &[], &["instance"], at);
        let available = r.sum("devskyy_system_memory_available_bytes", &[], &["instance"], at);
        for (host, percent) in r.sum("devskyy_system_memory_percent", &[], &["instance"], at) {
            let share = memory[&host] / (memory[&host] + available[&host]);
            assert!((percent - 100.0 * share).abs() < 1e-6, "{host}: {percent} % of memory");
        }
        let quantile = |q| r.sum("devskyy_order_value_usd", &[("quantile", q)], &["instance"], at);
        assert_within(&quantile("0.5"), &quantile("0.99"), "the median of orders");
        let health = r.sum("devskyy_health_status", &[], &["instance"], at);
        assert!(health.values().all(|it| *it == 1.0), "one state of health: {health:?}");
    }
}

#[test]
fn genesis_adds_up() {
    let r = recorded(Platform::Genesis, MORNING_MS, 70);
    let last = r.times_ms.len() - 1;
    assert_eq!(r.sum("genesis_agent_tasks_total", &[], &["agent"], last).len(), 15);
    for at in 1..=last {
        let active = r.sum("genesis_active_agents", &[], &[], at)[""];
        assert!((5.0..=15.0).contains(&active), "{active} active agents");
        for (instance, start_s) in r.sum("process_start_time_seconds", &[], &["instance"], at) {
            assert!(start_s <= r.times_ms[at] as f64 / 1000.0, "{instance} at {at} starts at {start_s}");
        }
        let asked = r.sum("genesis_answers_total", &[], &["endpoint"], at);
        assert_close(
            &asked,
            &r.sum("genesis_answer_duration_seconds_count", &[], &["endpoint"], at),
            "answers",
        );
        let calls = r.sum("genesis_upstream_request_duration_seconds_count", &[], &["upstream"], at);
        let errors = r.sum("genesis_upstream_errors_total", &[], &["upstream"], at);
        assert_within(&errors, &calls, "failed calls");
        // Whoever cannot get present data from a source has asked it in vain.
        let poor: f64 = ["stale", "unavailable"]
            .iter()
            .flat_map(|it| r.sum("genesis_answers_total", &[("source", it)], &[], at).into_values())
            .sum();
        assert!(poor <= errors.values().sum(), "{poor} answers without present data, {errors:?}");
    }
}

#[test]
fn days_are_busier_than_nights() {
    let check = |platform, counter: &str, [busy_ms, quiet_ms]: [i64; 2]| {
        let rate = |begin_ms| {
            let r = recorded(platform, begin_ms, 60);
            r.rate(counter, &[], &[], 3600.0, r.times_ms.len() - 1)[""]
        };
        let (busy, quiet) = (rate(busy_ms), rate(quiet_ms));
        assert!(busy > 1.3 * quiet, "{platform}: {busy}/s when busy, {quiet}/s when quiet");
    };
    let noon_ms = MORNING_MS + 2 * HOUR_MS;
    check(Platform::Causal, "http_requests_total", [noon_ms, NIGHT_MS]);
    check(Platform::Genesis, "genesis_agent_tasks_total", [noon_ms, NIGHT_MS]);
    // Shops are busiest in the evening.
    check(Platform::Devskyy, "devskyy_requests_total", [noon_ms + 6 * HOUR_MS, NIGHT_MS + 6 * HOUR_MS]);
}

#[test]
fn processes_restart_and_count_from_zero() {
    // Longer than the longest time between two restarts of a process.
    let range = HistoryRange { from_ms: MORNING_MS, to_ms: MORNING_MS + 6 * HOUR_MS, step_ms: 5 * MINUTE_MS };
    for (platform, instance, metric) in [
        (Platform::Causal, "causal-api-1", "http_requests_total"),
        (Platform::Causal, "causal-worker-1", "worker_tasks_completed_total"),
        (Platform::Genesis, "genesis-agents-1", "genesis_agent_tasks_total"),
        (Platform::Genesis, "genesis-backend", "process_cpu_seconds_total"),
    ] {
        let r = Recording::new(platform, 5, MORNING_MS, range);
        let totals: Vec<f64> =
            (0..r.times_ms.len()).map(|at| r.sum(metric, &[("instance", instance)], &[], at)[""]).collect();
        assert!(totals.windows(2).any(|it| it[1] < it[0]), "{instance} never restarted");
    }
}

fn exposed(seed: u64, range: HistoryRange) -> Vec<(&'static str, Option<String>)> {
    let history = History::new(seed, MORNING_MS, &Platform::ALL, range, OutputFormat::FALLBACK);
    let last = history.filter(|it| it.ts_ms == range.to_ms);
    last.map(|it| (it.instance, it.exposition)).collect()
}

#[test]
fn looking_changes_nothing_and_the_seed_decides() {
    let to_ms = MORNING_MS + 20 * MINUTE_MS;
    let often = exposed(3, HistoryRange { from_ms: MORNING_MS, to_ms, step_ms: 5_000 });
    let once = exposed(3, HistoryRange { from_ms: to_ms, to_ms, step_ms: 1 });
    assert_eq!(often.len(), 15);
    for (often, once) in often.iter().zip(&once) {
        assert!(often == once, "{} depends on how often it is scraped", often.0);
    }
    let other = exposed(4, HistoryRange { from_ms: to_ms, to_ms, step_ms: 1 });
    assert!(once.iter().zip(&other).all(|(a, b)| a.0 == b.0 && a.1 != b.1), "the seed changes nothing");
}

#[test]
fn history_leaves_out_what_was_before_its_beginning() {
    let times = |from_ms: i64, step_ms: i64| -> Vec<i64> {
        let range = HistoryRange { from_ms, to_ms: MORNING_MS + 20, step_ms };
        let history = History::new(1, MORNING_MS, &[Platform::Dag], range, OutputFormat::FALLBACK);
        history.step_by(2).map(|it| it.ts_ms - MORNING_MS).collect()
    };
    assert_eq!(times(MORNING_MS, 10), [0, 10, 20]);
    assert_eq!(times(MORNING_MS - 25, 10), [5, 15]);
    assert_eq!(times(MORNING_MS - 20, 10), [0, 10, 20]);
    assert_eq!(times(MORNING_MS + 18, 0), [18, 19, 20]);
    assert_eq!(times(MORNING_MS + 21, 5), [0_i64; 0]);
}
