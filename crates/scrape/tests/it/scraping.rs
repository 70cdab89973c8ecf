use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bellwether_outbound::{AddressPolicy, ClientOptions};
use bellwether_scrape::{Health, ScrapeOptions};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::StatusCode;
use parking_lot::Mutex;

use crate::harness::{Scraping, job};
use crate::server::{Server, header, reply, text};

/// A job that scrapes a server often.
fn often(server: &Server, more: &str) -> String {
    format!(
        "job_name: j\nscrape_interval: 300ms\nstatic_configs: [{{targets: ['{}']}}]\n{more}",
        server.address
    )
}

#[tokio::test]
async fn a_scrape_asks_as_prometheus_does() {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&requests);
    let server = Server::start(move |request| {
        let names = [
            "accept",
            "accept-encoding",
            "user-agent",
            "x-prometheus-scrape-timeout-seconds",
            "authorization",
        ];
        noted.lock().push((request.uri().to_string(), names.map(|name| header(request, name))));
        text("m 1\n")
    })
    .await;
    let more = "scrape_timeout: 250ms\nmetrics_path: /probe\nparams: {module: [a]}\nbearer_token: abc";
    let scraping = Scraping::start(&[&often(&server, more)]).await;
    let target = scraping.target("a good scrape", |target| target.health == Health::Up).await;
    assert_eq!(target.scrape_url, format!("http://{}/probe?module=a", server.address));
    let (uri, headers) = requests.lock()[0].clone();
    assert_eq!(uri, "/probe?module=a");
    assert_eq!(
        headers,
        [
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,\
             text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
             text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            "gzip",
            concat!("Bellwether/", env!("CARGO_PKG_VERSION")),
            "0.25",
            "Bearer abc",
        ]
    );
    scraping.end().await;
}

#[tokio::test]
async fn samples_and_reports_are_stored() {
    let server = Server::start(|_| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(b"m{x=\"y\"} 1.5\nn 2\n").expect("in memory");
        let mut response = text(encoder.finish().expect("in memory"));
        response.headers_mut().insert("content-encoding", "gzip".parse().expect("a header value"));
        response
    })
    .await;
    let scraping = Scraping::start(&[&often(&server, "extra_scrape_metrics: true\nsample_limit: 7")]).await;
    scraping.target("a good scrape", |target| target.health == Health::Up).await;
    let first = |metric: &str| {
        let labels = if metric == "m" { ", x=\"y\"" } else { "" };
        let series = format!("{metric}{{instance=\"{}\", job=\"j\"{labels}}}", server.address);
        scraping.store.values(&series).first().cloned().unwrap_or_default()
    };
    assert_eq!([first("m"), first("n"), first("up")], ["1.5", "2", "1"]);
    assert_eq!(first("scrape_samples_scraped"), "2");
    assert_eq!(first("scrape_samples_post_metric_relabeling"), "2");
    assert_eq!(first("scrape_series_added"), "2");
    assert_eq!(first("scrape_sample_limit"), "7");
    assert_eq!(first("scrape_timeout_seconds"), "0.3");
    assert_eq!(first("scrape_body_size_bytes"), "17");
    assert!(first("scrape_duration_seconds").parse::<f64>().expect("a number") > 0.0);
    scraping.end().await;
}

#[tokio::test]
async fn failures_are_worded_as_in_prometheus() {
    let server = Server::start(|request| match request.uri().path() {
        "/status" => {
            let mut response = text("");
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            response
        }
        "/broken" => text("a 1\nb{x=} 2\n"),
        "/html" => reply("text/html", "<html>"),
        _ => text("x".repeat(100)),
    })
    .await;
    let check = async |more: &str, want: &str, place, size: &str| {
        let scraping =
            Scraping::start(&[&often(&server, &format!("extra_scrape_metrics: true\n{more}"))]).await;
        let target = scraping.target("a bad scrape", |target| target.health == Health::Down).await;
        assert!(target.last_error.starts_with(want), "{}", target.last_error);
        assert_eq!(target.last_error_place, place, "{more}");
        let series = |metric: &str| format!("{metric}{{instance=\"{}\", job=\"j\"}}", server.address);
        assert_eq!(scraping.store.values(&series("up"))[0], "0");
        assert_eq!(scraping.store.values(&series("scrape_body_size_bytes"))[0], size, "{more}");
        scraping.end().await;
    };
    check("metrics_path: /status", "server returned HTTP status 503 Service Unavailable", None, "0").await;
    check("metrics_path: /broken", "expected label value", Some((2, 5)), "12").await;
    check("metrics_path: /html", "received unsupported Content-Type \"text/html\"", None, "6").await;
    check("body_size_limit: 99B", "body size limit exceeded", None, "-1").await;
}

#[tokio::test]
async fn a_closed_port_is_down_and_comes_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let yaml = format!("job_name: j\nscrape_interval: 50ms\nstatic_configs: [{{targets: ['{address}']}}]");
    let scraping = Scraping::start(&[&yaml]).await;
    let target = scraping.target("a bad scrape", |target| target.health == Health::Down).await;
    assert_eq!(
        target.last_error,
        format!("Get \"http://{address}/metrics\": dial tcp {address}: connect: connection refused")
    );
    scraping.end().await;
}

#[tokio::test]
async fn a_server_that_is_slow_is_cut_off_and_others_are_not() {
    let slow = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let slow_address = slow.local_addr().expect("bound");
    let asked = Arc::new(AtomicUsize::new(0));
    let noted = Arc::clone(&asked);
    let fast = Server::start(move |_| {
        noted.fetch_add(1, Ordering::SeqCst);
        text("m 1\n")
    })
    .await;
    let yaml = format!(
        "job_name: j\nscrape_interval: 50ms\nstatic_configs: [{{targets: ['{slow_address}', '{}']}}]",
        fast.address
    );
    // The slow one accepts connections and says nothing.
    let scraping = Scraping::start(&[&yaml]).await;
    scraping
        .until("both are done with", |scraping| {
            let targets = scraping.manager.targets().active;
            let slow = targets.iter().find(|t| t.scrape_url.contains(&slow_address.to_string()));
            slow.is_some_and(|t| t.last_error.ends_with("context deadline exceeded"))
                && asked.load(Ordering::SeqCst) >= 3
        })
        .await;
    scraping.end().await;
}

#[tokio::test]
async fn an_applied_configuration_is_what_is_scraped() {
    let (first, second) = (Server::start(|_| text("m 1\n")).await, Server::start(|_| text("m 2\n")).await);
    let scraping = Scraping::start(&[&often(&first, "")]).await;
    scraping.target("a good scrape", |target| target.health == Health::Up).await;
    scraping.manager.apply(vec![job(&often(&second, ""))]).await.expect("valid");
    let target = scraping.target("a good scrape", |target| target.health == Health::Up).await;
    assert!(target.scrape_url.contains(&second.address.to_string()));
    // The series of the first server end by themselves.
    let gone = format!("m{{instance=\"{}\", job=\"j\"}}", first.address);
    scraping.until("a marker", |s| s.store.values(&gone).last().is_some_and(|v| v == "stale")).await;
    scraping.end().await;
}

#[tokio::test]
async fn secrets_are_cut_from_what_is_shown() {
    let server = Server::start(|_| text("m 1\n")).await;
    let scraping = Scraping::start(&[&often(&server, "params: {token: [hunter2]}")]).await;
    let target = scraping.target("a good scrape", |target| target.health == Health::Up).await;
    assert_eq!(target.scrape_url, format!("http://{}/metrics?token=<secret>", server.address));
    assert_eq!(target.global_url, target.scrape_url);
    scraping.end().await;
}

#[tokio::test]
async fn what_stands_in_the_configuration_is_trusted() {
    let server = Server::start(|_| text("m 1\n")).await;
    let policy = AddressPolicy::new(vec!["127.0.0.0/8".parse().expect("a network")], Vec::new());
    let options = ScrapeOptions {
        client: ClientOptions { policy, ..ClientOptions::default() },
        ..ScrapeOptions::default()
    };
    let dir = tempfile::tempdir().expect("temporary folder");
    let file = dir.path().join("t.json");
    std::fs::write(&file, format!("[{{\"targets\": [\"localhost:{}\"]}}]", server.address.port()))
        .expect("writable");
    let found = format!(
        "job_name: found\nscrape_interval: 50ms\nfile_sd_configs: [{{files: ['{}']}}]",
        file.display()
    );
    let scraping = Scraping::start_with(options, &[&often(&server, ""), &found]).await;
    scraping
        .until("both were scraped", |scraping| {
            let targets = scraping.manager.targets().active;
            targets.len() == 2 && targets.iter().all(|t| t.health != Health::Unknown)
        })
        .await;
    let targets = scraping.manager.targets().active;
    let of = |pool: &str| targets.iter().find(|t| t.scrape_pool == pool).expect("scraped").clone();
    assert_eq!(of("j").health, Health::Up);
    assert!(
        of("found").last_error.contains("only if the configuration file itself names them"),
        "{}",
        of("found").last_error
    );
    scraping.end().await;
}
