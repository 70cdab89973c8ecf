use crate::program::{Program, wait_for_value};
use crate::support::wait_for;

#[test]
fn requests_cache_pool_and_health_of_a_service_are_seen() {
    let mut service = Program::start(env!("CARGO_BIN_EXE_axum-service"));
    let status = |path: &str| service.get(path, "").status;
    wait_for("the service to be ready", || (status("/health/ready") == 200).then_some(()));
    assert_eq!(service.get("/health/live", "").json()["status"], "alive");
    assert_eq!(service.get("/health", "").json()["checks"][0]["name"], "database");

    for path in ["/orders/1", "/orders/2", "/catalogue/items/7", "/catalogue/items/7"] {
        assert_eq!(status(path), 200, "{path}");
    }
    assert_eq!((status("/orders/0"), status("/orders/x"), status("/nowhere/1")), (404, 400, 404));
    service.wait_for_series(&[
        (r#"http_requests_total{method="GET",route="/orders/{number}",status="200"}"#, 2.0),
        (r#"http_requests_total{method="GET",route="/orders/{number}",status="404"}"#, 1.0),
        (r#"http_requests_total{method="GET",route="/orders/{number}",status="400"}"#, 1.0),
        (r#"http_requests_total{method="GET",route="/catalogue/items/{sku}",status="200"}"#, 2.0),
        (r#"http_requests_total{method="GET",route="_unmatched",status="404"}"#, 1.0),
        (r#"http_request_duration_seconds_count{method="GET",route="/orders/{number}"}"#, 4.0),
        (r#"cache_hits_total{cache_layer="memory",cache_type="items"}"#, 1.0),
        (r#"cache_misses_total{cache_layer="memory",cache_type="items"}"#, 1.0),
        (r#"cache_size_bytes{cache_layer="memory",cache_type="items"}"#, 7.0),
        (r#"connection_pool_max_connections{pool="orders"}"#, 4.0),
        (r#"connection_pool_active_connections{pool="orders"}"#, 0.0),
        (r#"connection_pool_wait_seconds_count{pool="orders"}"#, 3.0),
        (r#"health_status{health_status="healthy"}"#, 1.0),
        (r#"component_health{component="database"}"#, 1.0),
    ]);
    let probes = |series: &String| series.contains("/health") || series.contains("/metrics");
    assert!(!service.series().keys().any(probes), "probes and scrapes are no requests");

    let text = service.get("/metrics", "text/plain;version=0.0.4");
    assert_eq!(text.header("content-type"), "text/plain; version=0.0.4; charset=utf-8; escaping=underscores");
    assert_eq!(text.header("vary"), "Accept, Accept-Encoding");
    let one = service.get("/metrics?name[]=cache_hits_total", "");
    assert!(one.body.lines().all(|line| line.contains("cache_hits")), "{}", one.body);

    let dir = tempfile::tempdir().expect("a folder");
    let server = service.scraped(dir.path());
    wait_for_value(&server, r#"sum by (route) (http_requests_total{route="/orders/{number}"})"#, 4.0);
    wait_for_value(&server, r#"connection_pool_max_connections{pool="orders"}"#, 4.0);
    wait_for_value(&server, r#"health_status{health_status="healthy"}"#, 1.0);
    wait_for("the process to be seen", || server.value("process_resident_memory_bytes"));

    assert_eq!(service.process.terminate(), Some(0), "it stops when it is asked to");
}
