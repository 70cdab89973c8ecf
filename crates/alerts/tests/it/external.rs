//! Other Alertmanagers that hang, fail or are not there, beside one that is well.
use std::time::Duration;

use bellwether_alerts::external::{ExternalAlertmanagers, Found, Section, SenderStatus, Target};
use bellwether_model::{Alert, Labels};
use bellwether_outbound::{ClientOptions, Destination, HttpClient, HttpClientConfig};
use bellwether_relabel::Rules;
use serde_json::Value as Json;
use tokio::net::TcpListener;
use tokio::task::yield_now;
use tokio::time::Instant;
use url::Url;

use crate::service::{Answer, Service};

/// So many wait for one Alertmanager at most.
const CAPACITY: usize = 10_000;

/// All of them, one after the other; a request may take ten seconds.
fn telling(services: &[&Service]) -> ExternalAlertmanagers {
    let all = ExternalAlertmanagers::default();
    let client = HttpClient::new(&HttpClientConfig::default(), &ClientOptions::default()).expect("a client");
    let timeout = Duration::from_secs(10);
    all.apply(vec![Section { before: None, alert_relabel: Rules::default(), client, timeout }]);
    let target = |service: &&Service| Target {
        url: Url::parse(&service.url).expect("a URL"),
        destination: Destination::Configured,
    };
    all.set_targets(0, Found { targets: services.iter().map(target).collect(), dropped: Vec::new() });
    all
}

fn alerts(n: usize) -> Vec<Alert> {
    let alert = |n: usize| Alert {
        labels: Labels::from_pairs([("alertname", "Slow"), ("n", &n.to_string())]),
        annotations: Labels::empty(),
        starts_at_ms: 0,
        ends_at_ms: None,
        generator_url: String::new(),
    };
    (0..n).map(alert).collect()
}

fn status(all: &ExternalAlertmanagers, service: &Service) -> SenderStatus {
    let base = service.url.trim_end_matches("/hook/secret");
    all.status().into_iter().find(|status| status.url.starts_with(base)).expect("it is told")
}

async fn wait_until(is_so: impl Fn() -> bool) {
    while !is_so() {
        yield_now().await;
    }
}

fn n_alerts(request: &str) -> usize {
    let (_, body) = request.split_once("\r\n\r\n").expect("a body");
    serde_json::from_str::<Json>(body).expect("JSON").as_array().expect("a list").len()
}

#[tokio::test]
async fn one_that_is_ill_keeps_nothing_from_the_others() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let hanging = Service::at(&silent);
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let refusing = Service::at(&gone);
    drop(gone);
    let (failing, well) = (Service::start(&["500 Oops"]).await, Service::start(&["200 OK"]).await);
    let all = telling(&[&hanging, &refusing, &failing, &well]);
    all.send(&alerts(1));
    wait_until(|| status(&all, &hanging).queued == 0).await;
    // The first one is on its way to the one that hangs; of these the oldest have to make room there.
    all.send(&alerts(CAPACITY + 500));
    let waiting = status(&all, &hanging);
    assert_eq!((waiting.sent, waiting.dropped, waiting.queued), (0, 500, CAPACITY));
    // To the others, too: they all come at once.
    let told = (1 + CAPACITY) as u64;
    wait_until(|| status(&all, &well).sent == told).await;
    assert_eq!(well.got().iter().map(|request| n_alerts(request)).sum::<usize>(), 1 + CAPACITY);
    for ill in [&failing, &refusing] {
        wait_until(|| status(&all, ill).queued == 0 && status(&all, ill).dropped == told + 500).await;
        let status = status(&all, ill);
        assert_eq!((status.sent, status.last_error.is_some()), (0, true), "{status:?}");
    }
    assert!(status(&all, &failing).last_error.expect("it fails").contains("500"));
    assert_eq!(status(&all, &hanging).queued, CAPACITY, "it still hangs");
    assert!(!all.shutdown(Instant::now()).await, "nobody waits for it");
}

#[tokio::test]
async fn of_a_long_answer_the_beginning_is_told() {
    let talks = Service::start_with(|_, _| {
        Answer::Say("400 Bad Request".to_owned(), format!("no such label {}", "x".repeat(5_000)))
    })
    .await;
    let all = telling(&[&talks]);
    all.send(&alerts(1));
    wait_until(|| status(&all, &talks).errors == 1).await;
    let error = status(&all, &talks).last_error.expect("refused");
    assert!(error.contains("no such label xxx") && error.len() < 600, "{error}");
}

#[tokio::test]
async fn what_waits_is_sent_before_the_end() {
    let well = Service::start(&["200 OK"]).await;
    let all = telling(&[&well]);
    all.send(&alerts(1_000));
    assert!(all.shutdown(Instant::now() + Duration::from_mins(1)).await);
    assert_eq!(well.got().iter().map(|request| n_alerts(request)).sum::<usize>(), 1_000);
}
