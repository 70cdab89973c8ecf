//! How a configuration is shown.

use super::*;

#[test]
fn what_is_shown_reads_back_as_the_same_configuration() {
    let text = r#"
global:
  scrape_interval: 30s
  evaluation_interval: 1h30m
  rule_query_offset: 1m
  scrape_protocols: [PrometheusText1.0.0]
  external_labels: {region: eu, "a.b": "yes", empty: ""}
  metric_name_escaping_scheme: dots
  scrape_native_histograms: true
  body_size_limit: 1.5GB
  scrape_failure_log_file: fail.log
runtime: {gogc: 50}
rule_files: ["rules/*.yml", /abs/x.yml]
scrape_configs:
- job_name: 測試
  honor_timestamps: false
  params: {module: [http_2xx], 'match[]': ['{job="x"}', "1"]}
  fallback_scrape_protocol: PrometheusText0.0.4
  native_histogram_bucket_limit: 160
  native_histogram_min_bucket_factor: 1.1
  metric_name_validation_scheme: legacy
  enable_http2: false
  tls_config: {ca: "line one\nline two\n", min_version: TLS12}
  proxy_url: http://proxy:3128
  static_configs:
  - targets: [a:1, "[::1]:2"]
    labels: {"k": "v: w", n: "null"}
  file_sd_configs: [{files: [t/*.yml], refresh_interval: 1m}]
  http_sd_configs: [{url: "https://sd/list", follow_redirects: false}]
  dns_sd_configs: [{names: [x], type: a, port: 80}]
  kubernetes_sd_configs:
  - role: pod
    namespaces: {own_namespace: true, names: [default]}
    selectors: [{role: node, label: "a in (b,c)", field: "x=y"}]
    attach_metadata: {node: true}
  consul_sd_configs: [{services: [web], tags: ["a b"]}]
  relabel_configs:
  - {source_labels: [a, b], regex: , action: drop}
  - {regex: '(.+)', action: labelmap, replacement: 'x_$1'}
  metric_relabel_configs: [{source_labels: [__name__], modulus: 3, target_label: t, action: hashmod}]
alerting:
  alert_relabel_configs: [{action: labeldrop, regex: replica}]
  alertmanagers:
  - path_prefix: /am
    timeout: 3s
    static_configs: [{targets: [am:9093]}]
storage:
  tsdb:
    out_of_order_time_window: 30m
    stale_series_compaction_threshold: 0.25
    retention: {time: 15d, size: 512MB, percentage: 0.5}
    chunk_encoding: {floats: xor2}
  exemplars: {max_exemplars: 10}
limits:
  max_labels_per_series: 30
  max_label_value_bytes: 100KiB
  max_active_series: 0
  max_future: 1h
  tenants: {team-a: {max_active_series: 10, max_future: 0s}, team-b: {}, team-c: }
packs: ["packs/*.yaml"]
tracing: {endpoint: "localhost:4317", client_type: http, sampling_fraction: 0.1, compression: gzip, timeout: 5s}
remote_write:
- url: http://remote/push
  protobuf_message: io.prometheus.write.v2.Request
  queue_config: {max_shards: 3, retry_on_http_429: true, sample_age_limit: 1h}
  metadata_config: {send: false}
  write_relabel_configs: [{source_labels: [a], target_label: b}]
remote_read: [{url: "http://remote/read", required_matchers: {job: x}, filter_external_labels: false}]
otlp: {translation_strategy: NoTranslation, label_name_underscore_sanitization: false}
"#;
    let first = config(text);
    let shown = first.to_yaml();
    let second = load(&shown).unwrap_or_else(|e| panic!("{e}\n{shown}")).config;
    assert_eq!(first, second, "{shown}");
}

/// Planted secrets in every place that can hold one, which no output may show.
#[test]
fn secrets_are_never_shown() {
    let loaded = load(
        r#"
scrape_configs:
- job_name: a
  basic_auth: {username: u, password: hunter2}
  proxy_url: http://u:hunter2@proxy
  proxy_connect_header: {X: [hunter2]}
  http_headers: {Y: {secrets: [hunter2]}}
  tls_config: {cert: c, key: hunter2}
  http_sd_configs: [{url: "http://u:hunter2@x/", authorization: {credentials: hunter2}}]
  consul_sd_configs: [{token: hunter2, password: hunter2, username: u}]
  openstack_sd_configs: [{role: instance, region: r, password: hunter2, application_credential_secret: hunter2}]
  docker_sd_configs: [{host: "tcp://x", oauth2: {client_id: a, token_url: b, client_secret: hunter2}}]
alerting: {alertmanagers: [{sigv4: {access_key: a, secret_key: hunter2}}]}
remote_write:
- {url: "http://u:hunter2@x", azuread: {oauth: {client_id: a, client_secret: hunter2, tenant_id: t}}}
remote_read: [{url: "http://u:hunter2@x", bearer_token: hunter2}]
"#,
    )
    .expect("valid");
    let outputs = format!("{}{:?}{:?}", loaded.config.to_yaml(), loaded.config, loaded.warnings);
    assert!(!outputs.contains("hunter2"), "{outputs}");
    // One per secret; passwords in URLs are cut as Prometheus does.
    assert_eq!(loaded.config.to_yaml().matches("<secret>").count(), 13, "{}", loaded.config.to_yaml());
}
