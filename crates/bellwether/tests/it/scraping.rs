//! Scraping real programs.

use std::fs;
use std::process::{Command, Stdio};

use crate::support::{
    Bellwether, Process, free_port, node_exporter, python, request, root, wait_for, wait_http,
};

#[test]
fn the_node_exporter_is_scraped_and_goes_stale() {
    let (mut exporter, port) = node_exporter();
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(
        dir.path().join("prometheus.yml"),
        format!(
            "global:\n  scrape_interval: 1s\n  external_labels: {{region: test}}\nscrape_configs:\n\
             - job_name: node\n  static_configs:\n  - targets: ['127.0.0.1:{port}']\n    labels: {{rack: r1}}\n"
        ),
    )
    .expect("written");
    let server = Bellwether::serve(dir.path(), &["--config.file=prometheus.yml"]);
    wait_for("the target to be up", || (server.value("up{job=\"node\"}") == Some(1.0)).then_some(()));
    let instance = format!("127.0.0.1:{port}");
    for series in [
        "up",
        "scrape_duration_seconds",
        "scrape_samples_scraped",
        "scrape_samples_post_metric_relabeling",
        "scrape_series_added",
        "node_memory_MemTotal_bytes",
        "node_exporter_build_info",
    ] {
        let found = server.query(&format!("{series}{{rack=\"r1\"}}"));
        assert_eq!(found.len(), 1, "{series}");
        assert_eq!(found[0]["metric"]["instance"], instance.as_str());
    }
    let scraped = server.value("scrape_samples_scraped").expect("reported");
    assert!(scraped > 200.0, "{scraped} samples");

    let targets = server.api("targets", &[]);
    let target = &targets["activeTargets"][0];
    assert_eq!(target["health"], "up");
    assert_eq!(target["scrapePool"], "node");
    assert_eq!(target["labels"]["rack"], "r1");
    assert_eq!(target["discoveredLabels"]["__address__"], instance.as_str());
    assert_eq!(target["lastError"], "");

    let metadata = server.api("metadata", &[("metric", "node_cpu_seconds_total")]);
    assert_eq!(metadata["node_cpu_seconds_total"][0]["type"], "counter");
    let per_target = server.api("targets/metadata", &[("metric", "node_load1")]);
    assert_eq!(per_target[0]["type"], "gauge");

    exporter.kill();
    wait_for("the target to be down", || (server.value("up{job=\"node\"}") == Some(0.0)).then_some(()));
    wait_for("its series to be stale", || server.query("node_load1").is_empty().then_some(()));
    let targets = server.api("targets", &[]);
    let error = targets["activeTargets"][0]["lastError"].as_str().unwrap_or("").to_owned();
    assert!(error.contains("refused"), "{error}");
}

#[test]
fn a_fastapi_application_with_the_python_client_is_scraped() {
    let port = free_port();
    let _app = Process::spawn(
        Command::new(python())
            .arg(root().join("tests/apps/fastapi_app.py"))
            .arg(port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    );
    wait_http(&format!("http://127.0.0.1:{port}/orders/1"));
    for id in 2..12 {
        assert_eq!(request("GET", &format!("http://127.0.0.1:{port}/orders/{id}"), &[], &[]).0, 200);
    }
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(
        dir.path().join("prometheus.yml"),
        format!(
            "scrape_configs:\n- job_name: shop\n  scrape_interval: 1s\n  metrics_path: /metrics/\n  static_configs:\n  \
             - targets: ['127.0.0.1:{port}']\n"
        ),
    )
    .expect("written");
    let server = Bellwether::serve(dir.path(), &["--config.file=prometheus.yml"]);
    wait_for("the requests to be counted", || {
        (server.value("shop_requests_total{route=\"/orders/{order_id}\",status=\"200\"}")? >= 11.0)
            .then_some(())
    });
    // The client speaks OpenMetrics to whoever asks for it, so type, unit and exemplars arrive.
    let metadata = server.api("metadata", &[("metric", "shop_request_duration_seconds")]);
    assert_eq!(metadata["shop_request_duration_seconds"][0]["type"], "histogram");
    assert_eq!(server.value("shop_build_info{version=\"1.2.3\"}"), Some(1.0));
    let quantile =
        server.value("histogram_quantile(0.5, sum by (le) (shop_request_duration_seconds_bucket))");
    assert!(quantile.is_some_and(|q| q > 0.0 && q < 5.0), "{quantile:?}");
    let exemplars = server.api(
        "query_exemplars",
        &[("query", "shop_request_duration_seconds_bucket"), ("start", "0"), ("end", "9999999999")],
    );
    assert_eq!(exemplars[0]["exemplars"][0]["labels"]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
}

#[test]
fn target_files_are_followed() {
    let (_exporter, port) = node_exporter();
    let dir = tempfile::tempdir().expect("a folder");
    let targets = dir.path().join("targets.json");
    fs::write(&targets, "[]").expect("written");
    fs::write(
        dir.path().join("prometheus.yml"),
        "scrape_configs:\n- job_name: files\n  scrape_interval: 1s\n  file_sd_configs:\n  - files: ['targets.json']\n    \
         refresh_interval: 1s\n",
    )
    .expect("written");
    let server = Bellwether::serve(dir.path(), &["--config.file=prometheus.yml"]);
    assert_eq!(server.api("targets", &[])["activeTargets"].as_array().map(Vec::len), Some(0));
    fs::write(
        &targets,
        format!("[{{\"targets\": [\"127.0.0.1:{port}\"], \"labels\": {{\"zone\": \"a\"}}}}]"),
    )
    .expect("written");
    wait_for("the new target", || (server.value("up{job=\"files\",zone=\"a\"}") == Some(1.0)).then_some(()));
    // A broken file keeps the targets that were known.
    fs::write(&targets, "[{\"targets\": ").expect("written");
    wait_for("the failure to be counted", || {
        let (_, metrics) = server.get("/metrics");
        metrics
            .lines()
            .any(|l| l.starts_with("bellwether_sd_") && l.contains("file") && l.ends_with(" 1"))
            .then_some(())
    });
    assert_eq!(server.value("up{job=\"files\",zone=\"a\"}"), Some(1.0));
    // A target that is taken away goes stale.
    fs::write(&targets, "[]").expect("written");
    wait_for("the series to be stale", || server.query("up{job=\"files\"}").is_empty().then_some(()));
}
