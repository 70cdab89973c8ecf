//! A router that runs: from an alert to a message at a real service.
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bellwether_alerts::config::{Config, ConfigOptions};
use bellwether_alerts::dedup::LogEntry;
use bellwether_alerts::failing::FailingReceiver;
use bellwether_alerts::library::functions;
use bellwether_alerts::message::Templates;
use bellwether_alerts::router::{Changes, Delivery, LogKey, Router, Skipped};
use bellwether_alerts::runner::{Keeper, Runner, Surroundings};
use bellwether_alerts::send::Backoff;
use bellwether_alerts::silence::Silences;
use bellwether_alerts::way_out::Told;
use bellwether_model::{Alert, Labels, SystemClock};
use bellwether_outbound::ClientOptions;
use serde_json::Value as Json;
use tokio::net::TcpListener;

use crate::service::Service;

/// Keeps what was told in memory.
#[derive(Default)]
struct Memory {
    told: Mutex<Vec<(LogKey, LogEntry)>>,
    ended: Mutex<Vec<String>>,
    /// So often nothing can be kept.
    failures: AtomicUsize,
}

impl Keeper for Memory {
    fn keep(&self, changes: &Changes) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let fails = |left: usize| left.checked_sub(1);
        if self.failures.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fails).is_ok() {
            return Err("the disk is full".into());
        }
        let log = changes.log.iter().filter_map(|(key, entry)| Some((key.clone(), entry.clone()?)));
        self.told.lock().expect("no panic").extend(log);
        Ok(())
    }

    fn ended(&self, delivery: &Delivery, told: &Told) {
        let error = told.result.as_ref().err().map(ToString::to_string).unwrap_or_default();
        self.ended.lock().expect("no panic").push(format!("{} {error}", delivery.to.receiver));
    }

    fn skipped(&self, _: &Skipped) {}

    fn failing(&self, _: &FailingReceiver) {}
}

fn config(receivers: &[(&str, &Service)]) -> Arc<Config> {
    let mut yaml = "route:\n  receiver: none\n  group_by: [alertname]\n  group_wait: 0s\n  group_interval: 1s\n  routes:\n".to_owned();
    for (name, _) in receivers {
        yaml.extend(["  - {receiver: ", name, ", continue: true}\n"]);
    }
    yaml.push_str("receivers:\n- name: none\n");
    for (name, service) in receivers {
        yaml.extend(["- {name: ", name, ", webhook_configs: [{url: '", &service.url, "'}]}\n"]);
    }
    let config = Config::parse("alertmanager.yml", yaml.as_bytes(), ConfigOptions::default());
    Arc::new(config.unwrap_or_else(|errors| panic!("{errors}\n{yaml}")))
}

fn templates() -> Templates {
    Templates::new(functions(Arc::new(SystemClock::new()), "http://bw"), []).expect("they are right")
}

fn start(config: Arc<Config>, keeper: &Arc<Memory>, log: Vec<(LogKey, LogEntry)>) -> Runner {
    let surroundings = Surroundings {
        clock: Arc::new(SystemClock::new()),
        external_url: "http://bw".to_owned(),
        client: ClientOptions::default(),
        backoff: Backoff { first: Duration::from_millis(1), max: Duration::from_millis(10) },
    };
    let router = Router::new(config, Silences::default(), log);
    let keeper = Arc::clone(keeper) as Arc<dyn Keeper>;
    Runner::start(router, Vec::new(), templates(), surroundings, keeper).expect("it starts")
}

fn alert(runner: &Runner, job: &str, ends_in_ms: Option<i64>) -> Alert {
    let now_ms = runner.read(|_, now_ms| now_ms);
    Alert {
        labels: Labels::from_pairs([("alertname", "Slow"), ("job", job)]),
        annotations: Labels::empty(),
        starts_at_ms: now_ms,
        ends_at_ms: ends_in_ms.map(|ms| now_ms + ms),
        generator_url: String::new(),
    }
}

/// The status of a message and the jobs of its alerts.
fn message(request: &str) -> (String, Vec<String>) {
    let body = request.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let message: Json = serde_json::from_str(body).expect("JSON");
    let jobs = message["alerts"].as_array().into_iter().flatten();
    let jobs = jobs.map(|alert| alert["labels"]["job"].as_str().unwrap_or("").to_owned()).collect();
    (message["status"].as_str().unwrap_or("").to_owned(), jobs)
}

#[tokio::test]
async fn an_alert_and_its_end_are_told_once_each() {
    let service = Service::start(&["200 OK"]).await;
    let keeper = Arc::new(Memory::default());
    let runner = start(config(&[("hook", &service)]), &keeper, Vec::new());
    runner.insert([alert(&runner, "a", Some(3_600_000))]);
    let got = service.wait_for(1).await;
    assert_eq!(message(&got[0]), ("firing".to_owned(), vec!["a".to_owned()]));
    runner.insert([alert(&runner, "a", Some(0))]);
    let got = service.wait_for(2).await;
    assert_eq!(message(&got[1]), ("resolved".to_owned(), vec!["a".to_owned()]));
}

#[tokio::test]
async fn who_hangs_or_fails_delays_nobody() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (hanging, failing) = (Service::at(&listener), Service::start(&["500 Oops"]).await);
    let service = Service::start(&["200 OK"]).await;
    let keeper = Arc::new(Memory::default());
    let runner =
        start(config(&[("hangs", &hanging), ("fails", &failing), ("hook", &service)]), &keeper, Vec::new());
    runner.insert([alert(&runner, "a", Some(3_600_000))]);
    service.wait_for(1).await;
    failing.wait_for(3).await;
    let told: Vec<String> =
        keeper.told.lock().expect("no panic").iter().map(|(key, _)| key.receiver.clone()).collect();
    assert!(told.iter().all(|receiver| receiver == "hook"), "{told:?}");
}

#[tokio::test]
async fn another_run_knows_what_was_told() {
    let service = Service::start(&["200 OK"]).await;
    let keeper = Arc::new(Memory::default());
    let runner = start(config(&[("hook", &service)]), &keeper, Vec::new());
    runner.insert([alert(&runner, "a", Some(3_600_000))]);
    service.wait_for(1).await;
    // Told and kept, in this order: the service may know it first.
    while keeper.ended.lock().expect("no panic").is_empty() {
        tokio::task::yield_now().await;
    }
    drop(runner);
    let told = keeper.told.lock().expect("no panic").clone();
    let runner = start(config(&[("hook", &service)]), &keeper, told);
    runner.insert([alert(&runner, "a", Some(3_600_000)), alert(&runner, "b", Some(3_600_000))]);
    let got = service.wait_for(2).await;
    assert_eq!(message(&got[1]).1, ["a", "b"], "only because of b");
}

#[tokio::test]
async fn another_configuration_tells_others() {
    let (before, after) = (Service::start(&["500 Oops"]).await, Service::start(&["200 OK"]).await);
    let keeper = Arc::new(Memory::default());
    let runner = start(config(&[("before", &before)]), &keeper, Vec::new());
    runner.insert([alert(&runner, "a", Some(3_600_000))]);
    before.wait_for(1).await;
    runner.set_config(config(&[("after", &after)]), templates()).expect("it can be used");
    let got = after.wait_for(1).await;
    assert_eq!(message(&got[0]).1, ["a"]);
}

#[tokio::test]
async fn what_cannot_be_kept_is_kept_later() {
    let service = Service::start(&["200 OK"]).await;
    let keeper = Arc::new(Memory::default());
    keeper.failures.store(2, Ordering::Relaxed);
    let runner = start(config(&[("hook", &service)]), &keeper, Vec::new());
    runner.insert([alert(&runner, "a", Some(3_600_000))]);
    service.wait_for(1).await;
    while keeper.ended.lock().expect("no panic").is_empty() || keeper.failures.load(Ordering::Relaxed) > 0 {
        tokio::task::yield_now().await;
    }
    // The end keeps what is still open.
    drop(runner);
    let told = keeper.told.lock().expect("no panic").clone();
    assert_eq!(told.last().map(|(key, _)| key.receiver.as_str()), Some("hook"));
}
