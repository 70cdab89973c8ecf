//! What the names of a pack become in PromQL.

use bellwether_packs::schema::Pack;

const METRICS: &str = "
pack: x
version: 1.0.0
metrics:
- {name: runs_total, type: counter, help: x, labels: {workflow: {max: 10}, status: [success, failure]}}
- {name: errors_total, type: counter, help: x}
- {name: took_seconds, type: histogram, unit: seconds, help: x, buckets: [0.1, 0.2, 1], labels: {route: {max: 10}}}
- {name: native_seconds, type: native_histogram, unit: seconds, help: x}
- {name: used, type: gauge, help: x, labels: {pool: [a, b]}}
- {name: size, type: gauge, help: x, labels: {pool: [a, b]}}
external: {process_start_time_seconds: gauge}
";

fn pack(more: &str) -> Pack {
    let text = format!("{METRICS}{more}");
    Pack::parse("x.yaml", text.as_bytes()).unwrap_or_else(|e| panic!("{e}"))
}

/// What the first named expression becomes, or why it has no meaning.
fn named(more: &str) -> String {
    let pack = pack(more);
    match pack.compile_named(&pack.named[0]) {
        Ok(compiled) => compiled.expr.to_string(),
        Err(error) => format!("{}: {error}", error.position),
    }
}

/// What the first alert becomes, or why it has no meaning.
fn alert(more: &str) -> String {
    let pack = pack(more);
    match pack.compile_alert(&pack.alerts[0]) {
        Ok(compiled) => compiled.expr.to_string(),
        Err(error) => format!("{}: {error}", error.position),
    }
}

#[test]
fn named_expressions_become_promql() {
    let check = |more: &str, want: &str| assert_eq!(named(more), want, "{more}");
    check(
        "ratios: [{name: r, num: 'status=\"success\"', of: runs_total, by: [workflow]}]",
        r#"(sum by (workflow) (rate(runs_total{status="success"}[5m])) or 0 * sum by (workflow) (rate(runs_total[5m]))) / sum by (workflow) (rate(runs_total[5m]))"#,
    );
    check(
        "ratios: [{name: r, num: errors_total, of: 'runs_total{workflow!=\"x\"}', window: 1h}]",
        r#"(sum(rate(errors_total[1h])) or 0 * sum(rate(runs_total{workflow!="x"}[1h]))) / sum(rate(runs_total{workflow!="x"}[1h]))"#,
    );
    check(
        "ratios: [{name: r, num: errors_total, of: [errors_total, runs_total]}]",
        "(sum(rate(errors_total[5m])) or 0 * (sum(rate(errors_total[5m])) or sum(rate(runs_total[5m])))) / \
         ((sum(rate(errors_total[5m])) or 0 * sum(rate(runs_total[5m]))) + (sum(rate(runs_total[5m])) or 0 * sum(rate(errors_total[5m]))))",
    );
    check(
        "ratios: [{name: r, num: used, of: size, by: [pool]}]",
        "sum by (pool) (used) / sum by (pool) (size)",
    );
    check(
        "ratios: [{name: r, under: 0.2, of: took_seconds}]",
        r#"sum(rate(took_seconds_bucket{le="0.2"}[5m])) / sum(rate(took_seconds_count[5m]))"#,
    );
    check(
        "ratios: [{name: r, under: 1, of: took_seconds}]",
        r#"sum(rate(took_seconds_bucket{le=~"1(\\.0)?"}[5m])) / sum(rate(took_seconds_count[5m]))"#,
    );
    check(
        "quantiles: [{name: q, q: 0.95, of: took_seconds, by: [route]}]",
        "histogram_quantile(0.95, sum by (le, route) (rate(took_seconds_bucket[5m])))",
    );
    check(
        "quantiles: [{name: q, q: 0.5, of: native_seconds}]",
        "histogram_quantile(0.5, sum(rate(native_seconds[5m])))",
    );
    check(
        "rates: [{name: r, of: took_seconds, per: window, window: 1h}]",
        "sum(increase(took_seconds_count[1h]))",
    );
    check("rates: [{name: r, of: native_seconds}]", "sum(histogram_count(rate(native_seconds[5m])))");
    check("values: [{name: v, of: 'used{pool=\"a\"}', join: max}]", "max(used{pool=\"a\"})");
    check(
        "expressions: [{name: e, expr: 100 * (1 - p)}, {name: p, expr: sum(used) + sum(size)}]",
        "100 * (1 - (sum(used) + sum(size)))",
    );
    check(
        "expressions: [{name: e, expr: time() - process_start_time_seconds}]",
        "time() - process_start_time_seconds",
    );
}

#[test]
fn what_has_no_meaning_is_refused_with_its_place() {
    let check = |more: &str, want: &str| assert_eq!(named(more), want, "{more}");
    check(
        "ratios: [{name: r, num: used, of: runs_total}]",
        "12:25: a ratio is either of events (counters, histograms) or of levels (gauges), not of both",
    );
    check(
        "ratios: [{name: r, num: run_total, of: runs_total}]",
        "12:25: nothing exposes run_total; did you mean runs_total?",
    );
    check(
        "ratios: [{name: r, under: 0.3, of: took_seconds}]",
        "12:36: 0.3 is not a bound of took_seconds, whose buckets end at 0.1, 0.2, 1",
    );
    check(
        "quantiles: [{name: q, q: 0.9, of: runs_total}]",
        "12:35: runs_total is a counter, and this needs a histogram",
    );
    check(
        "values: [{name: v, of: runs_total}]",
        "12:24: runs_total is a counter, and this needs a gauge, a state set or an info",
    );
    check("expressions: [{name: e, expr: 'e + 1'}]", "12:22: e is defined by itself");
    check(
        "expressions: [{name: e, expr: 'p[5m]'}, {name: p, expr: used}]",
        "12:31: p is an expression; it takes no conditions, range, offset or @ of its own",
    );
    check(
        "expressions: [{name: e, expr: 'p{a=\"b\"}'}, {name: p, expr: used}]",
        "12:31: p is an expression; it takes no conditions, range, offset or @ of its own",
    );
    check(
        "expressions: [{name: e, expr: took_seconds}]",
        "12:31: nothing exposes took_seconds; did you mean took_seconds_bucket?",
    );
}

#[test]
fn alerts_get_their_guards() {
    let check = |more: &str, want: &str| assert_eq!(alert(more), want, "{more}");
    let ratio = "ratios: [{name: ok, num: 'status=\"success\"', of: runs_total, by: [workflow]}]\n";
    check(
        &format!("{ratio}alerts: [{{name: A, when: 1 - ok > 0.1, min_traffic: 3/m}}]"),
        r#"1 - (sum by (workflow) (rate(runs_total{status="success"}[5m])) or 0 * sum by (workflow) (rate(runs_total[5m]))) / sum by (workflow) (rate(runs_total[5m])) > 0.1 and sum by (workflow) (rate(runs_total[5m])) >= 0.05"#,
    );
    check(
        &format!("{ratio}alerts: [{{name: A, when: max(1 - ok) > 0.1, min_traffic: 0/s}}]"),
        r#"max(1 - (sum by (workflow) (rate(runs_total{status="success"}[5m])) or 0 * sum by (workflow) (rate(runs_total[5m]))) / sum by (workflow) (rate(runs_total[5m]))) > 0.1 and sum(sum by (workflow) (rate(runs_total[5m]))) > 0"#,
    );
    check(
        "alerts: [{name: A, when: used > 1, min_traffic: 1/s}]",
        "12:49: min_traffic needs a ratio or a quantile of events in the condition",
    );
    check(
        "alerts: [{name: A, when: 'up{job=\"x\"} == 0', absent: true}]",
        r#"up{job="x"} == 0 or absent(up{job="x"})"#,
    );
    check(
        &format!("{ratio}alerts: [{{name: A, when: ok < 0.9, absent: true}}]"),
        r#"(sum by (workflow) (rate(runs_total{status="success"}[5m])) or 0 * sum by (workflow) (rate(runs_total[5m]))) / sum by (workflow) (rate(runs_total[5m])) < 0.9 or absent(runs_total)"#,
    );
    check(
        "alerts: [{name: A, when: used > 9, absent: ['size{pool=\"a\"}']}]",
        r#"used > 9 or absent(size{pool="a"})"#,
    );
}

#[test]
fn names_within_names_are_bounded() {
    let chain = |n: usize, body: &dyn Fn(usize) -> String| {
        let entries: Vec<String> = (0..n).map(|i| format!("- {{name: e{i}, expr: '{}'}}", body(i))).collect();
        named(&format!("expressions:\n{}\n- {{name: e{n}, expr: used}}", entries.join("\n")))
    };
    assert_eq!(chain(20, &|i| format!("e{}", i + 1)), "used");
    let deep = chain(5000, &|i| format!("e{}", i + 1));
    assert!(deep.ends_with("e32 stands for more than 32 names within each other"), "{deep}");
    // Each name doubles the expression, and the parser bounds its length.
    let wide = chain(30, &|i| format!("e{} + e{}", i + 1, i + 1));
    assert!(wide.contains("is wrong"), "{}", &wide[..200]);
}
