//! Many alerts at once: none is lost, and all groups are told.
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bellwether_model::{Alert, Labels, SystemClock};
use bellwether_state::StateStore;

use crate::alertmanager::start;
use crate::service::Service;

const HOUR_MS: i64 = 3_600_000;
/// Alerts of one request, as Prometheus sends them.
const BATCH: usize = 64;
/// So many are there at once; further ones are the same again.
const ACTIVE_MAX: usize = 100_000;
const GROUPS: usize = 500;

fn alerts() -> usize {
    std::env::var("BELLWETHER_LOAD_ALERTS").map_or(5_000, |text| text.parse().expect("a number"))
}

fn alert(n: usize, now_ms: i64) -> Alert {
    let instance = n % ACTIVE_MAX;
    let name = format!("Load{}", instance % GROUPS);
    Alert {
        labels: Labels::from_pairs([
            ("alertname", name.as_str()),
            ("cluster", "eu-central-1"),
            ("instance", &format!("10.0.{}.{}:9100", instance / 256, instance % 256)),
            ("job", "node"),
            ("severity", "warning"),
        ]),
        annotations: Labels::from_pairs([
            ("summary", "The load of this instance has been high for ten minutes."),
            ("runbook_url", "https://runbooks.example.org/load"),
        ]),
        starts_at_ms: now_ms,
        ends_at_ms: Some(now_ms + HOUR_MS),
        generator_url: "http://prometheus:9090/graph?g0.expr=load".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_alerts_are_kept_and_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let service = Service::start(&["200 OK"]).await;
    let mut text =
        "route: {receiver: hook, group_by: [alertname], group_wait: 1s, group_interval: 30s}\n".to_owned();
    writeln!(
        text,
        "receivers: [{{name: hook, webhook_configs: [{{url: '{}', max_alerts: 10}}]}}]",
        service.url
    )
    .expect("a string");
    let alertmanager = start(folder.path(), &text, Arc::new(SystemClock::new()));
    let (count, begin) = (alerts(), Instant::now());
    let mut longest = Duration::ZERO;
    for first in (0..count).step_by(BATCH) {
        let now_ms = alertmanager.read(|_, now_ms| now_ms);
        let batch = (first..count.min(first + BATCH)).map(|n| alert(n, now_ms)).collect();
        let before = Instant::now();
        alertmanager.insert(batch);
        longest = longest.max(before.elapsed());
        tokio::task::yield_now().await;
    }
    let taken = begin.elapsed();
    let active = count.min(ACTIVE_MAX);
    let want: BTreeSet<String> = (0..active.min(GROUPS)).map(|n| format!("Load{n}")).collect();
    let mut told = BTreeSet::new();
    while told != want {
        let requests = service.got();
        told = requests.iter().filter_map(|text| group(text)).collect();
        tokio::task::yield_now().await;
    }
    drop(alertmanager);
    let kept =
        StateStore::open(folder.path()).expect("it opens").records("alertmanager.alert").expect("readable");
    println!(
        "{count} alerts taken in {taken:.1?}, {:.0} per second; the longest call took {longest:.1?}; all kept and told after {:.1?}",
        count as f64 / taken.as_secs_f64(),
        begin.elapsed()
    );
    assert_eq!(kept.len(), active);
}

/// The name of the alerts of a message.
fn group(request: &str) -> Option<String> {
    let (_, after) = request.split_once("\"groupLabels\":{\"alertname\":\"")?;
    Some(after.split('"').next()?.to_owned())
}
