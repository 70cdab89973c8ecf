use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::program::wait_for_value;
use crate::receivers::{OtlpReceiver, pushgateway};
use crate::support::{Bellwether, free_port, request, root};

const LAST_SUCCESS: &str = r#"bellwether_job_last_success_timestamp_seconds{job="nightly_billing"}"#;

/// Runs the job with this input, and what it keeps for later in a folder.
fn run(spool: &Path, server: &str, invoices: &[u8]) -> Output {
    run_with(spool, ["remote-write", &format!("{server}/api/v1/write")], invoices)
}

/// The same, pushing in another way.
fn run_with(spool: &Path, way_and_url: [&str; 2], invoices: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_batch-job"));
    command.args(way_and_url).env("TMPDIR", spool).env("NO_COLOR", "1");
    let mut job =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    job.stdin.take().expect("piped").write_all(invoices).expect("it reads");
    job.wait_with_output().expect("it ends")
}

#[test]
fn what_a_job_did_is_there_after_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Bellwether::serve(dir.path(), &[]);
    let readme = fs::read_to_string(root().join("examples/batch-job/README.md")).expect("readable");
    let alert = readme.lines().find_map(|line| line.trim().strip_prefix("expr: ")).expect("an alert");
    assert_eq!(server.query(alert).len(), 1, "a job that was never there is late");

    let job = run(dir.path(), &server.url, b"ada,12.50\nbob,none\neve,2000\n");
    assert!(job.status.success(), "{}", String::from_utf8_lossy(&job.stdout));
    wait_for_value(&server, r#"billing_invoices_total{job="nightly_billing",outcome="billed"}"#, 2.0);
    wait_for_value(&server, r#"billing_invoices_total{job="nightly_billing",outcome="rejected"}"#, 1.0);
    wait_for_value(&server, r#"billing_amount_euros_bucket{job="nightly_billing",le="100.0"}"#, 1.0);
    wait_for_value(&server, r#"billing_amount_euros_sum{job="nightly_billing"}"#, 2012.5);
    let succeeded = server.value(LAST_SUCCESS).expect("it succeeded");
    assert!(succeeded > 1.7e9, "{succeeded}");
    assert!(server.query(alert).is_empty(), "it is in time");

    let job = run(dir.path(), &server.url, b"ada,12.50\n\xff\n");
    assert_eq!(job.status.code(), Some(1), "what is no text is no invoice");
    wait_for_value(&server, r#"billing_invoices_total{job="nightly_billing",outcome="billed"}"#, 1.0);
    assert_eq!(server.value(LAST_SUCCESS), Some(succeeded), "a run that fails leaves the last success alone");
}

#[test]
fn what_cannot_be_pushed_is_pushed_by_the_next_run() {
    let dir = tempfile::tempdir().expect("a folder");
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let job = run(dir.path(), &nobody, b"ada,10\nbob,10\n");
    let said = String::from_utf8_lossy(&job.stdout);
    assert!(job.status.code() == Some(1) && said.contains("they are kept in the spool"), "{said}");
    let address = nobody.trim_start_matches("http://");
    let server = Bellwether::serve(dir.path(), &[&format!("--web.listen-address={address}")]);
    let job = run(dir.path(), &nobody, b"ada,10\n");
    assert!(job.status.success(), "{}", String::from_utf8_lossy(&job.stdout));
    wait_for_value(&server, r#"max_over_time(billing_invoices_total{outcome="billed"}[5m])"#, 2.0);
    wait_for_value(&server, r#"billing_invoices_total{outcome="billed"}"#, 1.0);
}

#[test]
fn a_pushgateway_keeps_what_a_job_did() {
    let dir = tempfile::tempdir().expect("a folder");
    let (_gateway, url) = pushgateway();
    let job = run_with(dir.path(), ["pushgateway", &url], b"ada,12.50\nbob,none\neve,2000\n");
    assert!(job.status.success(), "{}", String::from_utf8_lossy(&job.stdout));
    let kept = request("GET", &format!("{url}/metrics"), &[], &[]).1;
    // The gateway lays the labels of the group around those of the series.
    let has = |name: &str, label: &str, value: &str| {
        kept.lines().any(|line| {
            line.starts_with(&format!("{name}{{"))
                && line.contains("job=\"nightly_billing\"")
                && line.contains(label)
                && line.ends_with(value)
        })
    };
    assert!(has("billing_invoices_total", "outcome=\"billed\"", " 2"), "{kept}");
    assert!(has("billing_invoices_total", "outcome=\"rejected\"", " 1"), "{kept}");
    assert!(has("billing_amount_euros_bucket", "le=\"100\"", " 1"), "{kept}");
    assert!(has("billing_amount_euros_sum", "", " 2012.5"), "{kept}");
    assert!(kept.contains("# TYPE billing_amount_euros histogram"), "{kept}");
    assert!(kept.contains("bellwether_job_last_success_timestamp_seconds{"), "{kept}");
}

#[test]
fn a_collector_of_opentelemetry_understands_what_a_job_did() {
    let dir = tempfile::tempdir().expect("a folder");
    let receiver = OtlpReceiver::start(dir.path());
    let job = run_with(dir.path(), ["otlp", &receiver.url], b"ada,12.50\nbob,none\neve,2000\n");
    assert!(job.status.success(), "{}", String::from_utf8_lossy(&job.stdout));
    let request = receiver.last();
    let of_resource = &request["resourceMetrics"][0]["resource"]["attributes"];
    let service = of_resource.as_array().and_then(|all| all.iter().find(|one| one["key"] == "service.name"));
    assert_eq!(service.map(|one| &one["value"]["stringValue"]), Some(&"nightly_billing".into()));
    let metrics = request["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().expect("a list");
    let metric = |name: &str| {
        metrics.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("no {name} in {metrics:?}"))
    };
    let invoices = &metric("billing_invoices")["sum"];
    assert_eq!(invoices["isMonotonic"], true);
    assert_eq!(invoices["aggregationTemporality"], "AGGREGATION_TEMPORALITY_CUMULATIVE");
    let billed = |point: &&Value| point["attributes"][0]["value"]["stringValue"] == "billed";
    let points = invoices["dataPoints"].as_array().expect("a list");
    assert_eq!(points.iter().find(billed).map(|point| &point["asDouble"]), Some(&2.0.into()));
    let amount = &metric("billing_amount_euros")["histogram"]["dataPoints"][0];
    assert_eq!((&amount["sum"], &amount["count"]), (&2012.5.into(), &"2".into()));
    assert_eq!(amount["explicitBounds"], serde_json::json!([10.0, 100.0, 1000.0, 10000.0]));
    assert_eq!(amount["bucketCounts"], serde_json::json!(["0", "1", "0", "1", "0"]));
    metric("bellwether_job_last_success_timestamp_seconds");
}

#[test]
fn a_wrong_command_line_is_told() {
    let job = Command::new(env!("CARGO_BIN_EXE_batch-job")).arg("carrier-pigeon").output().expect("runs");
    assert_eq!(job.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&job.stdout).contains("usage: batch-job remote-write|otlp|pushgateway URL")
    );
}
