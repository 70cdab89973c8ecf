//! The health registry, with checks that do what checks do.

use std::sync::mpsc;
use std::time::Duration;

use bellwether_sdk::Registry;
use bellwether_sdk::health::{Answer, CheckError, Health, Severity, Status};

const NEVER_AGAIN: Duration = Duration::from_hours(1);
const SOON: Duration = Duration::from_millis(1);

fn wait_for(what: impl Fn() -> bool) {
    while !what() {
        std::thread::yield_now();
    }
}

fn json(answer: &Answer) -> serde_json::Value {
    assert_eq!(answer.content_type, "application/json");
    serde_json::from_str(&answer.body).expect("it is JSON")
}

#[test]
fn readiness_follows_the_critical_checks() {
    let registry = Registry::new();
    let health = Health::register(&registry).expect("is right");
    assert_eq!((health.ready().status, health.status()), (200, Status::Healthy));
    let (results, next) = mpsc::channel::<Result<(), &str>>();
    let critical = move || next.recv().unwrap_or(Ok(()));
    health.check("database", Severity::Critical, SOON, NEVER_AGAIN, critical).expect("there are threads");
    health
        .check("cache", Severity::Minor, SOON, NEVER_AGAIN, || Err("refused \"it\""))
        .expect("there are threads");
    let again = health.check("cache", Severity::Minor, SOON, SOON, || Ok::<(), String>(()));
    assert!(matches!(again, Err(CheckError::Taken { name }) if name == "cache"));

    let ready = health.ready();
    assert_eq!(
        (ready.status, ready.body.as_str()),
        (503, r#"{"status":"not ready","failing":["database"]}"#)
    );
    assert!(!registry.text().contains("component_health{component=\"database\"}"), "nothing is known yet");
    results.send(Ok(())).expect("somebody waits");
    wait_for(|| health.ready().status == 200);
    wait_for(|| registry.text().contains("component_health{component=\"database\"} 1\n"));
    wait_for(|| registry.text().contains("health_check_status{check_type=\"cache\"} 0\n"));
    assert_eq!(health.status(), Status::Degraded);

    for _ in 0..2 {
        results.send(Err("away")).expect("somebody waits");
    }
    wait_for(|| health.status() == Status::Unhealthy);
    let report = health.report();
    assert_eq!((report.status, health.ready().status, health.live().status), (503, 503, 200));
    let report = json(&report);
    assert_eq!(report["status"], "unhealthy");
    assert_eq!(report["checks"][0]["name"], "database");
    assert_eq!(report["checks"][0]["status"], "failing");
    assert_eq!(report["checks"][0]["critical"], true);
    assert_eq!(report["checks"][0]["error"], "away");
    assert_eq!(report["checks"][1]["error"], "refused \"it\"");
    assert!(report["checks"][1]["age_seconds"].is_f64() && report["checks"][1]["duration_seconds"].is_f64());
    wait_for(|| {
        let text = registry.text();
        text.contains("health_status{health_status=\"unhealthy\"} 1\n")
            && text.contains("component_health{component=\"database\"} 0\n")
    });
    drop(results);
    wait_for(|| health.ready().status == 200);
}

#[test]
fn a_check_that_panics_or_hangs_fails_and_holds_up_nobody() {
    let registry = Registry::new();
    let health = Health::register(&registry).expect("is right");
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let hangs = move || may_go_on.recv();
    health.check("hangs", Severity::Critical, SOON, SOON, hangs).expect("there are threads");
    let panics = || -> Result<(), String> { panic!("on purpose") };
    health.check("panics", Severity::Critical, NEVER_AGAIN, NEVER_AGAIN, panics).expect("there are threads");
    health
        .check("works", Severity::Critical, SOON, NEVER_AGAIN, || Ok::<(), String>(()))
        .expect("there are threads");
    wait_for(|| json(&health.report())["checks"][0]["error"] == "no answer within 1ms");
    wait_for(|| json(&health.report())["checks"][1]["error"] == "it panicked");
    wait_for(|| json(&health.ready())["failing"] == serde_json::json!(["hangs", "panics"]));
    wait_for(|| {
        let text = registry.text();
        text.contains("component_health{component=\"hangs\"} 0\n")
            && text.contains("component_health{component=\"panics\"} 0\n")
            && text.contains("component_health{component=\"works\"} 1\n")
            && text.contains("health_check_duration_seconds{check_type=\"hangs\"} ")
            && text.contains("health_check_age_seconds{check_type=\"hangs\"} ")
    });
    drop(go_on);
}

#[test]
fn checks_end_with_the_last_clone() {
    let health = Health::register(&Registry::new()).expect("is right");
    let (attempt, attempts) = mpsc::channel();
    let check = move || attempt.send(());
    health.check("a", Severity::Minor, SOON, NEVER_AGAIN, check).expect("there are threads");
    let clone = health.clone();
    drop(health);
    attempts.recv().expect("it is made");
    attempts.recv().expect("and again");
    drop(clone);
    while attempts.recv().is_ok() {}
}
