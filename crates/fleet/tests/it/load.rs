//! How much arrives is what was asked for, and what is too much for the platforms is too much for them.
use bellwether_exposition::OutputFormat;
use bellwether_fleet::{ArrivalRate, FleetError, History, HistoryRange, Platform};

use crate::recording::Recording;
use crate::{HOUR_MS, MINUTE_MS, MORNING_MS};

fn rate(per_s: f64) -> ArrivalRate {
    ArrivalRate::new(per_s).expect("a rate in the range")
}

/// What a platform exposed each minute of `minutes`, of which the first is `from_ms`.
fn recorded(platform: Platform, rate: ArrivalRate, from_ms: i64, minutes: i64) -> Recording {
    let range = HistoryRange { from_ms, to_ms: from_ms + minutes * MINUTE_MS, step_ms: MINUTE_MS };
    let history = History::new(5, from_ms, &[platform], range, OutputFormat::FALLBACK);
    Recording::of(history.at_rate(rate), range)
}

/// What is counted of all that arrives, and half an hour near the busiest one in which it can arrive.
const ARRIVALS: [(Platform, &[&str], i64); 5] = [
    // Not while a scheduled report floods the queue.
    (Platform::Genesis, &["genesis_agent_tasks_total"], 1),
    (Platform::Dag, &["dag_api_requests_total"], 5),
    (Platform::Causal, &["http_requests_total"], 3),
    // Not while the scheduler stands still.
    (Platform::Cugar, &["cugar_executions_total"], 6),
    (Platform::Devskyy, &["devskyy_requests_total", "devskyy_agent_tasks_total"], 9),
];

#[test]
fn the_counters_follow_the_rate_and_the_shares_stay() {
    let per_s = |rate: ArrivalRate| {
        ARRIVALS.map(|(platform, counters, hours)| {
            let r = recorded(platform, rate, MORNING_MS + hours * HOUR_MS, 30);
            let last = r.times_ms.len() - 1;
            counters.iter().map(|counter| r.rate(counter, &[], &[], 1800.0, last)[""]).sum::<f64>()
        })
    };
    let usual = per_s(ArrivalRate::USUAL);
    for asked in [11.1, 133.2] {
        let got = per_s(rate(asked));
        for ((platform, ..), (got, usual)) in ARRIVALS.iter().zip(got.iter().zip(usual)) {
            let times = got / usual / (asked / ArrivalRate::USUAL.per_s());
            assert!((0.85..1.15).contains(&times), "{platform} at {asked}/s: {got}/s, usually {usual}/s");
        }
        // Bursts make it more, the drift less.
        let all: f64 = got.iter().sum();
        assert!((0.8..1.3).contains(&(all / asked)), "{all}/s when {asked}/s was asked for");
    }
}

#[test]
fn an_overload_stays_one() {
    let noon_ms = MORNING_MS + 2 * HOUR_MS;
    let dag = recorded(Platform::Dag, ArrivalRate::MAX, noon_ms, 10);
    let last = dag.times_ms.len() - 1;
    let waiting = |at| dag.sum("dag_workflow_queue_depth", &[], &[], at)[""];
    assert!(waiting(last) > 2.0 * waiting(last / 4), "the queue grows: {}", waiting(last));
    let running = dag.sum("dag_active_workflows", &[], &["instance"], last);
    assert!(running.values().all(|it| *it == 70.0), "as many run as may: {running:?}");
    assert!(dag.sum("dag_database_pool_size", &[], &["instance"], last).values().all(|it| *it == 20.0));

    let devskyy = recorded(Platform::Devskyy, ArrivalRate::MAX, noon_ms, 10);
    let by = ["instance", "database"];
    for at in 1..devskyy.times_ms.len() {
        let size = devskyy.sum("devskyy_db_pool_size", &[], &by, at);
        for (pool, active) in devskyy.sum("devskyy_db_connections_active", &[], &by, at) {
            assert!(active <= size[&pool], "{pool}: {active} of {}", size[&pool]);
        }
    }
    let cpu = devskyy.sum("devskyy_system_cpu_usage_percent", &[], &["instance"], last);
    assert!(cpu.values().all(|it| *it > 99.0), "{cpu:?}");
}

#[test]
fn a_full_queue_turns_callers_away() {
    // An hour and a half at the highest rate fill it, if nothing keeps workflows from being started.
    let r = recorded(Platform::Dag, ArrivalRate::MAX, MORNING_MS + 130 * MINUTE_MS, 90);
    let last = r.times_ms.len() - 1;
    let waiting = r.sum("dag_workflow_queue_depth", &[], &["instance"], last);
    // Runs that a restart puts back go to the front in any case.
    assert!(waiting.values().all(|it| (9_000.0..=10_140.0).contains(it)), "{waiting:?}");
    let start = [("endpoint", "/workflow/{workflow_id}/execute"), ("status_code", "503")];
    assert!(r.rate("dag_api_requests_total", &start, &[], 300.0, last)[""] > 1.0);
}

#[test]
fn hardly_anything_arrives_if_that_is_asked_for() {
    let r = recorded(Platform::Dag, rate(1e-300), MORNING_MS, 30);
    let last = r.times_ms.len() - 1;
    let requests = r.sum("dag_api_requests_total", &[], &[], last)[""];
    assert!(requests <= 2.0, "more than the first of each kind: {requests}");
}

#[test]
fn rates_that_cannot_be_are_refused() {
    for per_s in [0.0, -0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1000.1, 1e300] {
        assert!(matches!(ArrivalRate::new(per_s), Err(FleetError::Rate(_))), "{per_s}");
    }
    let error = ArrivalRate::new(-1.5).expect_err("it is negative");
    assert_eq!(
        error.to_string(),
        "-1.5 arrivals per second: the demo fleet takes more than 0 and at most 1000"
    );
    for per_s in [f64::MIN_POSITIVE, 1.0, 1000.0] {
        assert_eq!(rate(per_s).per_s(), per_s);
    }
}
