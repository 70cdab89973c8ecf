//! The fleet over HTTP: formats, compression, health, processes that are down, and the scrape configuration.
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bellwether_exposition::{BodyFormat, OutputFormat};
use bellwether_fleet::{
    Fleet, FleetError, FleetOptions, HistoryRange, Platform, Ports, Target, occurrence_at,
};
use bellwether_model::ManualClock;
use bellwether_packs::check::Exposed;
use bellwether_yaml::{Dialect, Document, Node};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::{MINUTE_MS, MORNING_MS};

/// An answer, taken apart.
struct Answer {
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("text")
    }
}

/// `None` if the connection ends without an answer.
async fn get(addr: SocketAddr, path: &str, headers: &str) -> Option<Answer> {
    send(addr, &format!("GET {path} HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n{headers}\r\n")).await
}

async fn send(addr: SocketAddr, request: &str) -> Option<Answer> {
    let mut stream = TcpStream::connect(addr).await.expect("somebody listens");
    stream.write_all(request.as_bytes()).await.expect("a request can be sent");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.ok()?;
    let end = bytes.windows(4).position(|it| it == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
    Some(Answer { head, body: bytes.split_off(end + 4) })
}

async fn fleet(now_ms: i64) -> (Fleet, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(now_ms));
    let options = FleetOptions { past: Duration::from_mins(10), ..FleetOptions::default() };
    let fleet = Fleet::start(options, Arc::clone(&clock) as _).await.expect("a free port on loopback");
    (fleet, clock)
}

fn target<'a>(fleet: &'a Fleet, instance: &str) -> &'a Target {
    fleet.targets().iter().find(|it| it.instance == instance).expect("a known instance")
}

#[tokio::test]
async fn all_endpoints_serve_metrics() {
    let (fleet, _) = fleet(MORNING_MS).await;
    assert_eq!(fleet.targets().len(), 15);
    for it in fleet.targets() {
        let answer = get(it.addr, "/metrics", "").await.expect("an answer");
        assert!(answer.head.starts_with("http/1.1 200"), "{}: {}", it.instance, answer.head);
        assert!(answer.head.contains("content-type: text/plain; version=0.0.4"), "{}", answer.head);
        assert!(answer.head.contains("x-bellwether-demo: simulated"), "{}", answer.head);
        assert!(answer.text().starts_with("# HELP "), "{}", it.instance);
        let page = get(it.addr, "/", "").await.expect("a page").text();
        assert!(page.contains("simulated demo service") && page.contains(it.instance), "{page}");
        assert_eq!(it.labels()[0], ("demo", "true"));
    }
    fleet.shutdown().await;
}

#[tokio::test]
async fn formats_and_compression_are_negotiated() {
    let (fleet, _) = fleet(MORNING_MS).await;
    let addr = target(&fleet, "causal-api-1").addr;
    let accept = "Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.2\r\nAccept-Encoding: gzip\r\n";
    let answer = get(addr, "/metrics", accept).await.expect("an answer");
    assert!(answer.head.contains("application/openmetrics-text; version=1.0.0"), "{}", answer.head);
    assert!(answer.head.contains("content-encoding: gzip"), "{}", answer.head);
    let mut text = String::new();
    flate2::read::GzDecoder::new(answer.body.as_slice()).read_to_string(&mut text).expect("gzip");
    assert!(
        text.ends_with("# EOF\n") && text.contains("# UNIT http_request_duration_seconds seconds\n"),
        "{text}"
    );
    let plain = get(addr, "/metrics", "Accept: application/openmetrics-text;version=1.0.0\r\n")
        .await
        .expect("an answer");
    assert_eq!(plain.text(), text, "the clock stands still");

    let head = send(addr, "HEAD /metrics HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n")
        .await
        .expect("an answer");
    assert!(head.head.starts_with("http/1.1 200") && head.body.is_empty(), "{}", head.head);
    let post = send(addr, "POST /metrics HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n")
        .await
        .expect("an answer");
    assert!(post.head.starts_with("http/1.1 405") && post.head.contains("allow: get,head"), "{}", post.head);
    let missing = get(addr, "/metrix", "").await.expect("an answer");
    assert!(missing.head.starts_with("http/1.1 404"), "{}", missing.head);
    fleet.shutdown().await;
}

/// What a body holds, in the terms of packs; every format says the same.
fn held(answer: &Answer, format: BodyFormat) -> Exposed {
    Exposed::read(&answer.body, format).unwrap_or_else(|e| panic!("{e}"))
}

/// How many counters have an old name without `_total`, which are one family with the counter to OpenMetrics and therefore not there.
fn old_names_without_suffix(text: &str) -> usize {
    let untyped = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" untyped"));
    untyped.filter(|name| text.contains(&format!("# TYPE {name}_total counter\n"))).count()
}

#[tokio::test]
async fn every_process_exposes_the_same_in_all_formats() {
    let (fleet, _) = fleet(MORNING_MS).await;
    let accepts = [
        ("", "text/plain; version=0.0.4", BodyFormat::Text),
        (
            "application/openmetrics-text;version=1.0.0",
            "application/openmetrics-text; version=1.0.0",
            BodyFormat::OpenMetrics,
        ),
        (
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
            "application/vnd.google.protobuf; proto=io.prometheus.client.metricfamily; encoding=delimited",
            BodyFormat::Protobuf,
        ),
    ];
    for it in fleet.targets() {
        let mut families = Vec::new();
        let mut n_without_suffix = 0;
        for (accept, content_type, format) in accepts {
            let headers = if accept.is_empty() { String::new() } else { format!("Accept: {accept}\r\n") };
            let answer = get(it.addr, "/metrics", &headers).await.expect("an answer");
            assert!(answer.head.contains(&format!("content-type: {content_type}")), "{}", answer.head);
            assert!(answer.head.contains("vary: accept, accept-encoding"), "{}", answer.head);
            families.push(held(&answer, format).n_families());
            if format == BodyFormat::Text {
                n_without_suffix = old_names_without_suffix(&answer.text());
            }
            let headers = format!("{headers}Accept-Encoding: gzip\r\n");
            let packed = get(it.addr, "/metrics", &headers).await.expect("an answer");
            assert!(packed.head.contains("content-encoding: gzip"), "{}", packed.head);
            let mut body = Vec::new();
            let mut decoder = flate2::read::GzDecoder::new(packed.body.as_slice());
            decoder.read_to_end(&mut body).expect("a whole body");
            assert!(body == answer.body, "{}: the clock stands still", it.instance);
        }
        assert!(families[0] > 3, "{}: {families:?}", it.instance);
        let of_openmetrics = families[0] - n_without_suffix;
        assert_eq!(families, [families[0], of_openmetrics, families[0]], "{}", it.instance);
    }
    let some = get(fleet.targets()[0].addr, "/metrics?name[]=genesis_active_agents", "").await;
    let some = some.expect("an answer").text();
    assert_eq!(some.lines().filter(|line| line.starts_with("# TYPE")).count(), 1, "{some}");
    fleet.shutdown().await;
}

/// When the named incident begins for the first time after `from_ms`.
fn incident_ms(platform: Platform, name: &str, from_ms: i64) -> i64 {
    let mut ts_ms = from_ms;
    loop {
        let occurrence = occurrence_at(platform, ts_ms);
        if occurrence.incident.name == name && occurrence.start_ms >= from_ms {
            return occurrence.peak_ms();
        }
        ts_ms += MINUTE_MS;
    }
}

#[tokio::test]
async fn a_lost_process_does_not_answer_until_it_is_back() {
    let lost_ms = incident_ms(Platform::Causal, "api-lost", MORNING_MS);
    let (fleet, clock) = fleet(lost_ms - MINUTE_MS).await;
    let addr = target(&fleet, "causal-api-2").addr;
    assert!(get(addr, "/health/live", "").await.is_some());
    clock.advance_ms(2 * MINUTE_MS);
    assert!(get(addr, "/metrics", "").await.is_none(), "the process is down");
    assert!(get(addr, "/health/live", "").await.is_none(), "the process is down");
    assert!(get(target(&fleet, "causal-api-1").addr, "/metrics", "").await.is_some(), "the other one is not");
    let names: Vec<_> = fleet.current_incidents().iter().map(|it| it.incident.name).collect();
    assert!(names.contains(&"api-lost"), "{names:?}");
    clock.advance_ms(3 * MINUTE_MS);
    assert!(get(addr, "/metrics", "").await.is_some(), "a new process took its place");
    fleet.shutdown().await;
}

#[tokio::test]
async fn health_follows_the_simulation() {
    let away_ms = incident_ms(Platform::Dag, "database-failover", MORNING_MS);
    let (fleet, clock) = fleet(away_ms - MINUTE_MS).await;
    let addr = target(&fleet, "dag-1").addr;
    let ready = get(addr, "/health/ready", "").await.expect("an answer");
    assert!(
        ready.head.starts_with("http/1.1 200") && ready.text().contains("\"ready\": true"),
        "{}",
        ready.head
    );
    clock.advance_ms(2 * MINUTE_MS);
    let ready = get(addr, "/health/ready", "").await.expect("an answer");
    assert!(
        ready.head.starts_with("http/1.1 503") && ready.text().contains("\"ready\": false"),
        "{}",
        ready.head
    );
    let health = get(addr, "/health", "").await.expect("an answer").text();
    assert!(
        health.contains("\"status\": \"degraded\"") && health.contains("\"database\": false"),
        "{health}"
    );
    assert!(Document::parse_json("health", health.as_bytes()).is_ok(), "{health}");
    let cugar = get(target(&fleet, "cugar-1").addr, "/health", "").await.expect("an answer").text();
    for field in ["total_executions", "success_rate", "error_rate", "latency_p95_ms"] {
        assert!(cugar.contains(field), "{cugar}");
    }
    fleet.shutdown().await;
}

#[tokio::test]
async fn the_present_continues_the_history() {
    let (fleet, clock) = fleet(MORNING_MS).await;
    let range = HistoryRange { from_ms: fleet.begin_ms(), to_ms: MORNING_MS, step_ms: MINUTE_MS };
    let past: Vec<_> =
        fleet.history(range, OutputFormat::FALLBACK).filter(|it| it.ts_ms == MORNING_MS).collect();
    assert_eq!(past.len(), 15);
    for (past, target) in past.iter().zip(fleet.targets()) {
        assert_eq!(past.instance, target.instance);
        let now = get(target.addr, "/metrics", "").await.expect("an answer").text();
        assert!(past.exposition.as_ref() == Some(&now), "{} jumps between past and present", past.instance);
    }
    clock.advance_ms(MINUTE_MS);
    let later = get(fleet.targets()[0].addr, "/metrics", "").await.expect("an answer").text();
    assert_ne!(past[0].exposition.as_ref(), Some(&later), "time goes on");
    fleet.shutdown().await;
}

#[tokio::test]
async fn time_can_run_faster() {
    let clock = Arc::new(ManualClock::new(MORNING_MS));
    let options = FleetOptions { past: Duration::ZERO, time_scale: 60.0, ..FleetOptions::default() };
    let fleet = Fleet::start(options, Arc::clone(&clock) as _).await.expect("a free port on loopback");
    let addr = target(&fleet, "genesis-backend").addr;
    let before = get(addr, "/metrics", "").await.expect("an answer").text();
    clock.advance_ms(1_000);
    let after = get(addr, "/metrics", "").await.expect("an answer").text();
    assert_ne!(before, after);
    let minute_ms = fleet.begin_ms() + MINUTE_MS;
    let range = HistoryRange { from_ms: minute_ms, to_ms: minute_ms, step_ms: 1 };
    let mut history = fleet.history(range, OutputFormat::FALLBACK);
    let told = history.find(|it| it.instance == "genesis-backend").expect("it is there").exposition;
    assert!(told.as_ref() == Some(&after), "a second is a minute");
    fleet.shutdown().await;
}

#[tokio::test]
async fn bad_options_are_refused() {
    let refuse = async |options: FleetOptions| {
        let clock = Arc::new(ManualClock::new(MORNING_MS));
        match Fleet::start(FleetOptions { past: Duration::ZERO, ..options }, clock).await {
            Ok(_) => panic!("started"),
            Err(error) => error,
        }
    };
    for time_scale in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = refuse(FleetOptions { time_scale, ..FleetOptions::default() }).await;
        assert!(matches!(error, FleetError::TimeScale(_)), "{error}");
    }
    let error = refuse(FleetOptions { ports: Ports::From(65_530), ..FleetOptions::default() }).await;
    assert_eq!(error.to_string(), "base port 65530 is too high: the demo fleet needs 15 ports in a row");
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = taken.local_addr().expect("an address").port();
    if port < 65_000 {
        let error = refuse(FleetOptions { ports: Ports::From(port), ..FleetOptions::default() }).await;
        assert!(matches!(error, FleetError::Bind { instance: "genesis-backend", .. }), "{error}");
    }
}

#[tokio::test]
async fn nobody_listens_after_shutdown() {
    let (fleet, _) = fleet(MORNING_MS).await;
    let addr = fleet.targets()[0].addr;
    // A connection that is kept alive must not hold up the end.
    let mut idle = TcpStream::connect(addr).await.expect("somebody listens");
    idle.write_all(b"GET / HTTP/1.1\r\nHost: demo\r\n\r\n").await.expect("a request can be sent");
    let mut first = [0; 1];
    idle.read_exact(&mut first).await.expect("an answer");
    fleet.shutdown().await;
    assert!(TcpStream::connect(addr).await.is_err(), "somebody still listens");
}

#[tokio::test]
async fn the_scrape_configuration_names_every_target() {
    let (fleet, _) = fleet(MORNING_MS).await;
    let yaml = fleet.scrape_config_yaml();
    let document = Document::parse("prometheus.yml", yaml.as_bytes(), Dialect::V2).expect("YAML");
    let field = |node: Node<'_>, key: &str| -> String {
        let entry = node.entries().find(|it| it.key.scalar().is_some_and(|it| it.text == key));
        entry.and_then(|it| it.value.scalar().map(|it| it.text.to_owned())).unwrap_or_default()
    };
    let mut jobs: Vec<&str> = fleet.targets().iter().map(|it| it.job).collect();
    jobs.dedup();
    let configs = document.root().entries().next().expect("one key").value;
    let named: Vec<String> = configs.items().map(|it| field(it, "job_name")).collect();
    assert_eq!(named, jobs);
    assert!(configs.items().all(|it| field(it, "scrape_interval") == "5s"), "{yaml}");
    for it in fleet.targets() {
        let entry = format!(
            "      - targets: [\"{}\"]\n        labels: {{instance: {}, platform: {}, demo: \"true\"}}\n",
            it.addr, it.instance, it.platform
        );
        assert!(yaml.contains(&entry), "{yaml}");
    }
    fleet.shutdown().await;
}
