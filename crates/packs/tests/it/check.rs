//! What is said about expositions that are not what a pack promises.

use std::fmt::Write as _;

use bellwether_exposition::BodyFormat;
use bellwether_packs::check::{Exposed, FindingKind, Severity, applies, check};
use bellwether_packs::schema::Pack;

const PACK: &str = "\
pack: shop
version: 1.0.0
namespace: shop_
buckets: {quick: [0.1, 1]}
external: {shop_other: gauge}
metrics:
- name: shop_orders_total
  type: counter
  help: x
  labels: {state: [paid, open], country: {max: 5, max_len: 3}}
  aliases: [{name: shop_order_count, labels: {country: region}}]
- {name: shop_wait_seconds, type: histogram, unit: seconds, buckets: quick, help: x, max_series: 2}
- {name: shop_size, type: summary, quantiles: [0.5, 0.9], help: x}
- {name: shop_door, type: state_set, states: [open, shut], help: x}
- {name: shop_build_info, type: info, help: x}
- {name: shop_workers, type: gauge, help: x, multiprocess: per_process}
scrape: [{job: till, targets: [localhost], port: 1}]
";

const RIGHT: &str = "\
# TYPE shop_orders_total counter
shop_orders_total{state=\"paid\",country=\"de\"} 1
shop_orders_total{state=\"open\",country=\"fr\"} 0
# TYPE shop_orders_created gauge
shop_orders_created{state=\"paid\",country=\"de\"} 1
# TYPE shop_wait_seconds histogram
shop_wait_seconds_bucket{le=\"0.1\"} 1
shop_wait_seconds_bucket{le=\"1.0\"} 1
shop_wait_seconds_bucket{le=\"+Inf\"} 1
shop_wait_seconds_sum 1
shop_wait_seconds_count 1
# TYPE shop_size summary
shop_size{quantile=\"0.5\"} 1
shop_size{quantile=\"0.9\"} 1
shop_size_sum 1
shop_size_count 1
# TYPE shop_door gauge
shop_door{shop_door=\"open\"} 1
shop_door{shop_door=\"shut\"} 0
# TYPE shop_build_info gauge
shop_build_info 1
# TYPE shop_workers gauge
shop_workers{pid=\"7\"} 0
# TYPE shop_other gauge
shop_other 1
";

fn pack() -> Pack {
    Pack::parse("shop.yaml", PACK.as_bytes()).unwrap_or_else(|e| panic!("{e}"))
}

fn read(body: &str) -> Exposed {
    Exposed::read(body.as_bytes(), BodyFormat::Text).unwrap_or_else(|e| panic!("{e}\n{body}"))
}

/// What is found if `from` stands as `to` in what is otherwise right.
fn found(from: &str, to: &str) -> Vec<(FindingKind, Severity, String)> {
    assert!(RIGHT.contains(from), "{from}");
    let findings = check(&pack(), &read(&RIGHT.replace(from, to)));
    findings.into_iter().map(|f| (f.kind, f.severity, f.message)).collect()
}

#[track_caller]
fn finds(from: &str, to: &str, kind: FindingKind, severity: Severity, message: &str) {
    assert_eq!(found(from, to), [(kind, severity, message.to_owned())]);
}

#[test]
fn what_is_promised_is_accepted_in_text_and_in_openmetrics() {
    assert_eq!(check(&pack(), &read(RIGHT)), []);
    let open = "\
# TYPE shop_orders counter
shop_orders_total{state=\"paid\",country=\"de\"} 1
shop_orders_created{state=\"paid\",country=\"de\"} 1
# TYPE shop_wait_seconds histogram
# UNIT shop_wait_seconds seconds
shop_wait_seconds_bucket{le=\"0.1\"} 1
shop_wait_seconds_bucket{le=\"1.0\"} 1
shop_wait_seconds_bucket{le=\"+Inf\"} 1
shop_wait_seconds_sum 1
shop_wait_seconds_count 1
# TYPE shop_size summary
shop_size{quantile=\"0.5\"} 1
shop_size{quantile=\"0.9\"} 1
shop_size_sum 1
shop_size_count 1
# TYPE shop_door stateset
shop_door{shop_door=\"open\"} 1
# TYPE shop_build info
shop_build_info 1
# TYPE shop_workers gauge
shop_workers 0
# EOF
";
    let exposed = Exposed::read(open.as_bytes(), BodyFormat::OpenMetrics).expect("an exposition");
    assert_eq!(check(&pack(), &exposed), []);
    let wrong = open.replace("# UNIT shop_wait_seconds seconds\n", "# UNIT shop_wait_seconds \n");
    let exposed = Exposed::read(wrong.as_bytes(), BodyFormat::OpenMetrics).expect("an exposition");
    assert_eq!(check(&pack(), &exposed), [], "no unit is no contradiction");
}

#[test]
fn a_finding_says_what_is_expected_and_what_is_there_instead() {
    let differs = |from: &str, to: &str| {
        let findings = check(&pack(), &read(&RIGHT.replace(from, to)));
        let [finding] = findings.as_slice() else { panic!("{findings:?}") };
        (finding.expected.clone(), finding.found.clone())
    };
    let check = |from: &str, to: &str, expected: &str, found: &str| {
        assert_eq!(differs(from, to), (expected.to_owned(), found.to_owned()));
    };
    check("# TYPE shop_build_info gauge\nshop_build_info 1\n", "", "info", "nothing");
    check("# TYPE shop_workers gauge", "# TYPE shop_workers counter", "gauge", "counter");
    check("shop_build_info 1", "shop_build_info{version=\"2\"} 1", "no labels", "\"version\"");
    check("state=\"open\"", "state=\"lost\"", "state: paid, open", "\"lost\"");
    check("shop_wait_seconds_bucket{le=\"1.0\"} 1\n", "", "buckets 0.1, 1", "without 1");
    check(
        "TYPE shop_other gauge\nshop_other",
        "TYPE shop_new gauge\nshop_new",
        "nothing of this name",
        "shop_new",
    );
}

#[test]
fn every_difference_is_named_with_its_severity() {
    use FindingKind::{Bucket, Cardinality, Label, Missing, Type, Undeclared, Untouched, Value};
    use Severity::{Error, Info, Warning};
    finds(
        "# TYPE shop_build_info gauge\nshop_build_info 1\n",
        "",
        Missing,
        Error,
        "shop_build_info is not exposed",
    );
    let orders = &RIGHT[..RIGHT.find("# TYPE shop_orders_created").expect("there")];
    finds(orders, "", Missing, Warning, "shop_orders_total is not exposed");
    finds(
        "# TYPE shop_other gauge\nshop_other 1",
        "# TYPE shop_new gauge\nshop_new 1",
        Undeclared,
        Warning,
        "shop_new is exposed, and the pack does not have it",
    );
    finds(
        "# TYPE shop_workers gauge",
        "# TYPE shop_workers counter",
        Type,
        Error,
        "shop_workers is exposed as counter, and the pack says gauge",
    );
    finds(
        "# TYPE shop_orders_total counter",
        "# TYPE shop_orders_total gauge",
        Type,
        Error,
        "shop_orders_total is exposed as gauge, and the pack says counter",
    );
    finds(
        "# TYPE shop_workers gauge\n",
        "",
        Type,
        Warning,
        "shop_workers is exposed as of no type, and the pack says gauge",
    );
    finds(
        "# TYPE shop_wait_seconds histogram\n",
        "",
        Type,
        Error,
        "shop_wait_seconds_count is exposed without a # TYPE line for shop_wait_seconds",
    );
    finds(
        "paid\",country=\"de\"} 1\nshop_orders_total",
        "paid\"} 1\nshop_orders_total",
        Label,
        Warning,
        "1 of 2 series of shop_orders_total lack the label country",
    );
    finds(
        "shop_build_info 1",
        "shop_build_info{version=\"2\"} 1",
        Label,
        Error,
        "shop_build_info has labels that the pack does not have: \"version\"",
    );
    finds(
        "state=\"open\"",
        "state=\"lost\"",
        Value,
        Error,
        "state of shop_orders_total is \"lost\", and the pack knows paid, open",
    );
    finds(
        "shop_door=\"shut\"",
        "shop_door=\"ajar\"",
        Value,
        Error,
        "shop_door of shop_door is \"ajar\", and the pack knows open, shut",
    );
    finds(
        "country=\"fr\"",
        "country=\"france\"",
        Value,
        Warning,
        "country of shop_orders_total has values of more than 3 bytes: \"france\"",
    );
    finds(
        "shop_wait_seconds_bucket{le=\"1.0\"} 1\n",
        "",
        Bucket,
        Error,
        "shop_wait_seconds lacks buckets of the pack: 1",
    );
    finds(
        "shop_size{quantile=\"0.5\"} 1\n",
        "shop_size{quantile=\"0.5\"} 1\nshop_size{quantile=\"0.99\"} 1\n",
        Bucket,
        Warning,
        "shop_size has quantiles that the pack does not have: 0.99",
    );
    finds(
        "shop_size_count 1",
        "shop_size_count 0",
        Untouched,
        Info,
        "nothing has been counted in shop_size yet",
    );
    let orders = |countries: &[&str]| {
        let line = |country: &&str| format!("shop_orders_total{{state=\"paid\",country=\"{country}\"}} 1\n");
        countries.iter().map(line).collect::<String>()
    };
    let first = "shop_orders_total{state=\"paid\",country=\"de\"} 1\n";
    let near = "there are 4 of at most 5 values of country in shop_orders_total";
    finds(first, &orders(&["a", "b", "c"]), Cardinality, Warning, near);
    let over = "there are 6 values of country in shop_orders_total, and there may be 5";
    finds(first, &orders(&["a", "b", "c", "d", "e"]), Cardinality, Error, over);
    finds(
        "country=\"fr\"",
        "country=\"_overflow\"",
        Cardinality,
        Warning,
        "shop_orders_total has more values of country than it may have; the others are counted as _overflow",
    );
}

#[test]
fn an_old_name_is_as_good_as_the_new_one() {
    let text = RIGHT
        .replace("shop_orders_total", "shop_order_count")
        .replace("country=", "region=")
        .replace("shop_orders_created", "shop_order_count_created");
    let findings = check(
        &pack(),
        &read(&text.replace("# TYPE shop_order_count counter", "# TYPE shop_order_count gauge")),
    );
    assert!(findings.iter().any(|f| f.kind == FindingKind::Type && f.metric == "shop_orders_total"));
    let findings = check(&pack(), &read(&text));
    let kinds: Vec<_> = findings.iter().map(|f| (f.kind, f.severity, f.metric.as_str())).collect();
    assert_eq!(kinds.len(), 1);
    assert_eq!(kinds[0], (FindingKind::OldName, Severity::Info, "shop_orders_total"), "{findings:?}");
    assert_eq!(
        findings[0].to_string(),
        "shop.yaml:7:9: info: shop_orders_total is exposed only under its old name shop_order_count; expose the new name as well, so that the old one can go away [old-name]"
    );
}

#[test]
fn names_and_values_of_strangers_are_shown_in_bounds() {
    let mut many = String::new();
    for n in 0..50 {
        let _ = writeln!(many, "shop_x{n}_{} 1", "y".repeat(200));
    }
    let findings = check(&pack(), &read(&format!("{RIGHT}{many}")));
    assert_eq!(findings.len(), 21);
    assert!(findings.iter().all(|finding| finding.message.len() < 200), "{findings:?}");
    assert!(findings[20].message.starts_with("30 more metrics of shop_"), "{}", findings[20].message);
}

#[test]
fn a_pack_is_about_its_jobs_and_its_namespace() {
    let pack = pack();
    assert!(applies(&pack, "till", &read("up 1\n")));
    assert!(!applies(&pack, "other", &read("up 1\n")));
    assert!(applies(&pack, "other", &read("shop_anything 1\n")));
    let bare = Pack::parse("p", b"pack: p\nversion: 1.0.0\nmetrics: [{name: up, type: gauge, help: x}]\n")
        .expect("a pack");
    assert!(applies(&bare, "other", &read("up 1\n")) && !applies(&bare, "other", &read("down 1\n")));
}

#[test]
fn what_a_pack_sets_aside_is_not_found() {
    let allowed =
        PACK.replace("type: info, help: x", "type: info, help: x, allow: {missing: only in releases}");
    let pack = Pack::parse("shop.yaml", allowed.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    let body = RIGHT.replace("# TYPE shop_build_info gauge\nshop_build_info 1\n", "");
    assert_eq!(check(&pack, &read(&body)), []);
}

#[test]
fn a_label_that_is_optional_may_be_missing() {
    let found = |optional: bool, exposition: &str| {
        let text = format!(
            "pack: shop\nversion: 1.0.0\nmetrics: [{{name: shop_calls_total, type: counter, help: x, labels: {{error: {{max: 9, max_len: 4, optional: {optional}}}}}}}]"
        );
        let pack = Pack::parse("shop.yaml", text.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
        let exposed = Exposed::read(exposition.as_bytes(), BodyFormat::Text).expect("an exposition");
        check(&pack, &exposed).into_iter().map(|finding| finding.kind).collect::<Vec<_>>()
    };
    let none = "# TYPE shop_calls_total counter\nshop_calls_total 1\n";
    let some = "# TYPE shop_calls_total counter\nshop_calls_total 1\nshop_calls_total{error=\"429\"} 1\n";
    let long = "# TYPE shop_calls_total counter\nshop_calls_total{error=\"timeout\"} 1\n";
    assert_eq!((found(false, none), found(true, none)), (vec![FindingKind::Label], vec![]));
    assert_eq!((found(false, some), found(true, some)), (vec![FindingKind::Label], vec![]));
    assert_eq!(found(true, long), [FindingKind::Value], "its values are still looked at");
}
