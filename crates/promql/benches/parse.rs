//! How fast queries are read, checked and printed. The queries are those of dashboards and rules as people write them.

use bellwether_promql::syntax::{ParserOptions, parse_expr, prettify};
use divan::Bencher;
use divan::counter::BytesCount;

fn main() {
    divan::main();
}

const QUERIES: [(&str, &str); 5] = [
    ("selector", r#"up{job="node",instance=~"10\\.0\\..*"}"#),
    ("rate", r#"sum by (instance, mode) (rate(node_cpu_seconds_total{job="node",mode!="idle"}[5m]))"#),
    (
        "quantile",
        r#"histogram_quantile(0.99, sum by (le, route) (rate(http_request_duration_seconds_bucket{job="api",code=~"2..|3.."}[5m])))"#,
    ),
    (
        "ratio",
        r#"100 * (1 - sum by (cluster) (rate(apiserver_request_total{job="apiserver",code=~"5.."}[30m]))
  / on (cluster) group_left (region)
  sum by (cluster, region) (rate(apiserver_request_total{job="apiserver"}[30m] offset 1w))) > bool 99.5"#,
    ),
    (
        "subquery",
        r#"max_over_time(predict_linear(node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs",mountpoint="/"}[6h], 4 * 3600)[1d:10m]) < 0 and node_filesystem_readonly == 0 unless on (instance) ALERTS{alertname="Silenced",alertstate="firing"}"#,
    ),
];

/// The text of a query by its name.
fn query(name: &str) -> &'static str {
    QUERIES.iter().find(|(n, _)| *n == name).map_or("", |(_, query)| query)
}

#[divan::bench(args = QUERIES.map(|(name, _)| name))]
fn parse(bencher: Bencher<'_, '_>, name: &str) {
    let (query, options) = (query(name), ParserOptions::default());
    bencher.counter(BytesCount::of_str(query)).bench(|| parse_expr(divan::black_box(query), &options));
}

#[divan::bench(args = QUERIES.map(|(name, _)| name))]
fn print(bencher: Bencher<'_, '_>, name: &str) {
    let expr = parse_expr(query(name), &ParserOptions::default()).expect("BUG: the query is correct");
    bencher.bench(|| divan::black_box(&expr).to_string());
}

#[divan::bench(args = QUERIES.map(|(name, _)| name))]
fn pretty(bencher: Bencher<'_, '_>, name: &str) {
    let expr = parse_expr(query(name), &ParserOptions::default()).expect("BUG: the query is correct");
    bencher.bench(|| prettify(divan::black_box(&expr)));
}
