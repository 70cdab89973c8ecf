use std::sync::Arc;

use bellwether_scrape::Health;
use parking_lot::Mutex;

use crate::harness::Scraping;
use crate::server::{Reply, Server, header, reply, text};

fn listing(list: &Server, more: &str) -> String {
    format!(
        "job_name: j\nscrape_interval: 50ms\n\
         http_sd_configs: [{{url: 'http://{}/list?api_key=hunter2', refresh_interval: 1s{more}}}]",
        list.address
    )
}

#[tokio::test]
async fn a_web_service_lists_targets() {
    let target = Server::start(|_| text("m 1\n")).await;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&asked);
    let address = target.address;
    let list = Server::start(move |request| {
        let names = ["accept", "x-prometheus-refresh-interval-seconds", "authorization"];
        noted.lock().push((request.uri().to_string(), names.map(|name| header(request, name))));
        reply(
            "application/json; charset=utf-8",
            format!(r#"[{{"targets": ["{address}"], "labels": {{"env": "prod"}}}}]"#),
        )
    })
    .await;
    let scraping = Scraping::start(&[&listing(&list, ", basic_auth: {username: u, password: p}")]).await;
    let target = scraping.target("a good scrape", |target| target.health == Health::Up).await;
    assert_eq!(target.labels.get("env"), Some("prod"));
    let shown = format!("http://{}/list?api_key=<secret>", list.address);
    assert_eq!(target.discovered_labels.get("__meta_url"), Some(shown.as_str()));
    let status = scraping.manager.discovery().remove(0);
    assert_eq!((status.mechanism, status.source.as_str(), status.targets), ("http", shown.as_str(), 1));
    assert_eq!(status.last_error, None);
    assert!(status.last_refresh_ms.is_some());
    let first = asked.lock()[0].clone();
    let headers = ["application/json", "1", "Basic dTpw"].map(str::to_owned);
    assert_eq!(first, ("/list?api_key=hunter2".to_owned(), headers));
    scraping.end().await;
}

#[tokio::test]
async fn a_list_that_breaks_keeps_its_targets() {
    let target = Server::start(|_| text("m 1\n")).await;
    let next: Arc<Mutex<Option<Reply>>> = Arc::default();
    let (asked_for, address) = (Arc::clone(&next), target.address);
    let list = Server::start(move |_| {
        let broken = asked_for.lock().clone();
        broken.unwrap_or_else(|| reply("application/json", format!(r#"[{{"targets": ["{address}"]}}]"#)))
    })
    .await;
    let scraping = Scraping::start(&[&listing(&list, "")]).await;
    scraping.target("a good scrape", |target| target.health == Health::Up).await;
    let mut forbidden = text("");
    *forbidden.status_mut() = http::StatusCode::FORBIDDEN;
    for (broken, want) in [
        (reply("text/html", "[]"), "unsupported content type \"text/html\", want application/json"),
        (forbidden, "server returned HTTP status 403 Forbidden"),
        (reply("application/json", "[{"), "/list?api_key=<secret>:1:3: "),
    ] {
        *next.lock() = Some(broken);
        // The target goes on being scraped, so there is always something that is stored.
        scraping
            .until(want, |scraping| {
                let status = scraping.manager.discovery().remove(0);
                status.last_error.is_some_and(|error| error.contains(want))
            })
            .await;
        assert_eq!(scraping.manager.targets().active.len(), 1);
    }
    *next.lock() = None;
    scraping.until("recovery", |scraping| scraping.manager.discovery()[0].last_error.is_none()).await;
    scraping.end().await;
}
