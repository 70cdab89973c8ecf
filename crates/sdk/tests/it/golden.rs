//! Golden signals.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use bellwether_sdk::Registry;
use bellwether_sdk::golden::{ApprovalOutcome, BudgetUnit, Golden, Usage};
use bellwether_sdk::track::Status;

fn usage(name: &str, calls: u64, errors: u64) -> Usage {
    Usage { name: name.to_owned(), calls, errors }
}

#[test]
fn without_traffic_there_are_no_rates() {
    // Defect U2: rates of 0 at the start made the alerts for low success fire.
    let registry = Registry::new();
    let golden = Golden::builder("cugar").register(&registry).expect("is right");
    let json: serde_json::Value = serde_json::from_str(&golden.snapshot().json()).expect("it is JSON");
    let empty = serde_json::json!({
        "service": "cugar", "window_seconds": 300, "total_executions": 0, "executions": 0, "success_rate": null, "error_rate": null,
        "executions_per_second": null, "latency_p50_ms": null, "latency_p95_ms": null, "latency_p99_ms": null, "domains": [], "tools": [], "budgets": [],
        "approvals": {"approved": 0, "rejected": 0, "timeout": 0, "wait_p50_ms": null, "wait_p95_ms": null},
    });
    assert_eq!(json, empty);
    golden.expose();
    let text = registry.text();
    assert!(text.contains("cugar_executions_total 0\n"), "{text}");
    assert!(!text.contains("_rate") && !text.contains("_latency_ms"), "{text}");
}

#[test]
fn a_window_and_what_adds_up_tell_the_same() {
    let registry = Registry::new();
    let golden =
        Golden::builder("cugar").window(Duration::from_hours(1)).register(&registry).expect("is right");
    for n in 1..=100 {
        let status = if n % 10 == 0 { Status::Failure } else { Status::Success };
        golden.execution(
            if n > 40 { "intelligence" } else { "sales" },
            status,
            Duration::from_millis(n * 10),
        );
    }
    golden.tool_call("search", true);
    golden.tool_call("search", false);
    golden.tool_call("crm", Status::Success);
    let snapshot = golden.clone().snapshot();
    assert_eq!((snapshot.executions, snapshot.total_executions), (100, 100));
    assert_eq!((snapshot.success_rate, snapshot.error_rate), (Some(0.9), Some(0.1)));
    assert_eq!(snapshot.domains, [usage("intelligence", 60, 6), usage("sales", 40, 4)]);
    assert_eq!(snapshot.tools, [usage("crm", 1, 0), usage("search", 2, 1)]);
    let latencies = [(snapshot.latency_p50, 0.5), (snapshot.latency_p95, 0.95), (snapshot.latency_p99, 0.99)];
    for (latency, exact) in latencies {
        let latency = latency.expect("there is traffic").as_secs_f64();
        assert!((latency / exact - 1.0).abs() < 0.015, "{latency} is not {exact}");
    }

    golden.expose();
    let text = registry.text();
    for line in [
        "cugar_executions_total 100",
        "cugar_executions_successful_total 90",
        "cugar_executions_failed_total 10",
        "cugar_execution_duration_seconds_bucket{le=\"0.5\"} 50",
        "cugar_execution_duration_seconds_count 100",
        "cugar_tool_calls_total{tool=\"search\"} 2",
        "cugar_tool_errors_total{tool=\"search\"} 1",
        "cugar_tool_errors_total{tool=\"crm\"} 0",
        "cugar_domain_usage_total{domain=\"intelligence\"} 60",
        "cugar_domain_errors_total{domain=\"sales\"} 4",
        "cugar_success_rate 0.9",
        "cugar_error_rate 0.1",
    ] {
        assert!(text.lines().any(|l| l == line), "no {line} in\n{text}");
    }
    let json: serde_json::Value = serde_json::from_str(&snapshot.json()).expect("it is JSON");
    let p95 = json["latency_p95_ms"].as_f64().expect("it is a number");
    assert!(text.contains(&format!("cugar_latency_ms{{percentile=\"p95\"}} {p95}\n")), "{text}");
    assert_eq!(json["domains"][0], serde_json::json!({"name": "intelligence", "calls": 60, "errors": 6}));
}

#[test]
fn an_execution_that_is_dropped_failed() {
    let registry = Registry::new();
    let golden = Golden::builder("cugar").register(&registry).expect("is right");
    golden.start("a").succeed();
    drop(golden.start("a"));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _execution = golden.start("a");
        panic!("on purpose");
    }));
    assert!(panicked.is_err());
    assert_eq!(golden.snapshot().domains, [usage("a", 3, 2)]);
    let exposed = golden.expose_every(&registry, Duration::from_hours(1)).expect("there are threads");
    while !registry.text().contains("cugar_success_rate 0.33") {
        std::thread::yield_now();
    }
    drop(exposed);
}

#[test]
fn budgets_and_approvals_are_told_beside_the_rates() {
    let registry = Registry::new();
    let golden = Golden::builder("cugar").register(&registry).expect("is right");
    golden.spend("crawl", BudgetUnit::Calls, 3.0);
    golden.limit_budget("llm", BudgetUnit::Usd, 10.0);
    for amount in [4.0, -5.0, f64::NAN, 6.0, 0.5, 1.5] {
        golden.spend("llm", BudgetUnit::Usd, amount);
    }
    golden.approval(ApprovalOutcome::Approved, Duration::from_mins(1));
    golden.approval(ApprovalOutcome::Timeout, Duration::from_mins(10));
    let json: serde_json::Value = serde_json::from_str(&golden.snapshot().json()).expect("it is JSON");
    let budgets = serde_json::json!([
        {"name": "crawl", "unit": "calls", "exceeded": 0, "used": 3, "limit": null, "used_percent": null},
        {"name": "llm", "unit": "usd", "exceeded": 1, "used": 12, "limit": 10, "used_percent": 120},
    ]);
    assert_eq!(json["budgets"], budgets);
    let approvals = &json["approvals"];
    assert_eq!(
        (&approvals["approved"], &approvals["rejected"], &approvals["timeout"]),
        (&1.into(), &0.into(), &1.into())
    );
    let wait = approvals["wait_p95_ms"].as_f64().expect("there are some");
    assert!((wait / 600_000.0 - 1.0).abs() < 0.015, "{wait}");
    let text = registry.text();
    for line in [
        "cugar_budget_used_total{budget=\"llm\",unit=\"usd\"} 12",
        "cugar_budget_limit{budget=\"llm\",unit=\"usd\"} 10",
        "cugar_budget_exceeded_total{budget=\"llm\"} 1",
        "cugar_budget_exceeded_total{budget=\"crawl\"} 0",
        "cugar_approvals_total{outcome=\"rejected\"} 0",
        "cugar_approval_timeouts_total 1",
        "cugar_approval_wait_seconds_bucket{le=\"60\"} 1",
    ] {
        assert!(text.contains(&format!("{line}\n")), "{text} lacks {line}");
    }

    // A new limit begins a new period; the counters go on.
    golden.limit_budget("llm", BudgetUnit::Usd, 5.0);
    assert_eq!(golden.snapshot().budgets[1].used_percent(), Some(0.0));
    golden.spend("llm", BudgetUnit::Usd, 6.0);
    assert_eq!(golden.snapshot().budgets[1].exceeded, 2);
    assert!(registry.text().contains("cugar_budget_used_total{budget=\"llm\",unit=\"usd\"} 18\n"));
}
