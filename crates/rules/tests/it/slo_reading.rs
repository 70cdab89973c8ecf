//! Files with objectives: what is read, and what is refused with which words.

use bellwether_rules::slo::{
    Calendar, Objective, Window, burn_alerts, inhibit_rules, read, rule_alerts, rule_files, rules,
};
use bellwether_rules::{RuleFile, RuleFileOptions};

fn good(text: &str) -> Vec<Objective> {
    read("slo.yml", text.as_bytes()).unwrap_or_else(|errors| panic!("{text}\n{errors}"))
}

/// Every line of `wanted` is a part of the error at its place.
fn refused(text: &str, wanted: &[&str]) {
    let errors = match read("slo.yml", text.as_bytes()) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(errors) => errors.to_string(),
    };
    for want in wanted {
        let (place, words) = want.split_once(' ').expect("a place and words");
        let found = errors
            .lines()
            .any(|line| line.starts_with(&format!("slo.yml:{place}: ")) && line.contains(words));
        assert!(found, "no {want:?} in:\n{errors}\nof\n{text}");
    }
}

const OWN: &str = r#"slo:
  name: availability
  service: shop
  objective: 99.9
  window: 28d
  good: http_requests_total{code!~"5.."}
  total: http_requests_total
  labels: {team: web}
  min_events: 50
"#;

#[test]
fn the_own_form() {
    let [slo] = &good(OWN)[..] else { panic!("one") };
    assert_eq!((slo.id().as_str(), slo.target, slo.budget()), ("shop-availability", 0.999, 0.001));
    assert_eq!((slo.window, slo.min_events), (Window::Rolling(28 * 86_400_000), 50.0));
    assert_eq!((&*slo.source, slo.position.line), ("slo.yml", 2));
    // 2 % of 28 days within an hour.
    let limits: Vec<(f64, f64)> = burn_alerts(slo).map(|alert| (alert.factor, alert.limit)).collect();
    assert_eq!(
        limits,
        [(13.44, 0.01344), (5.6, 0.0056), (2.8, 0.0028), (0.933_333_333_333, 0.000_933_333_333)]
    );
    let several = good(
        "slos:\n- {name: a, objective: 99, bad: e_total, total: t_total}\n- {name: b, objective: 90, error_ratio: e / t, window: month}\n",
    );
    assert_eq!(several[1].window, Window::Calendar(Calendar::Month));
    assert_eq!(several[1].indicator.bad, "(e / t) >= 0");
}

#[test]
fn alerts_can_be_left_out_and_labelled() {
    let text = format!(
        "{OWN}  alerts:\n    name: ShopBroken\n    labels: {{severity: none}}\n    page: {{labels: {{severity: critical}}}}\n    medium: {{disabled: true}}\n    long: {{labels: {{severity: info}}, annotations: {{summary: slow}}}}\n    absent: {{disabled: true}}\n"
    );
    let [slo] = &good(&text)[..] else { panic!("one") };
    let alerts: Vec<_> = burn_alerts(slo).collect();
    let severities: Vec<(&str, &str)> = alerts
        .iter()
        .map(|alert| (alert.labels["burn"].as_str(), alert.labels["severity"].as_str()))
        .collect();
    assert_eq!(severities, [("fast", "critical"), ("slow", "none"), ("long", "info")]);
    assert!(alerts.iter().all(|alert| alert.name == "ShopBroken"));
    assert_eq!(alerts[2].annotations["summary"], "slow");
    assert_eq!(rule_alerts(slo).len(), 3, "no alert on missing data");
    let without = format!("{OWN}  alerts: {{page: {{disabled: true}}, ticket: {{disabled: true}}}}\n");
    let [slo] = &good(&without)[..] else { panic!("one") };
    let [absent] = &rule_alerts(slo)[..] else { panic!("one alert") };
    assert_eq!(absent.name, "AvailabilityNoData");
}

#[test]
fn alerts_that_cannot_fire_are_left_out() {
    let tiers = |objective: &str, window: &str| {
        let text = format!(
            "slo: {{name: a, objective: {objective}, window: {window}, bad: e_total, total: t_total}}"
        );
        let [slo] = &good(&text)[..] else { panic!("one") };
        burn_alerts(slo).map(|alert| alert.tier.burn.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(tiers("99.9", "30d"), ["fast", "medium", "slow", "long"]);
    // 14.4 times ten percent is more than all.
    assert_eq!(tiers("90", "30d"), ["medium", "slow", "long"]);
    // Three days do not fit into one.
    assert_eq!(tiers("99.9", "1d"), ["fast", "medium", "slow"]);
}

#[test]
fn the_short_form_of_sloth() {
    let text = r#"version: "prometheus/v1"
service: myservice
labels: {owner: myteam}
slos:
- name: requests-availability
  objective: 99.9
  description: Answers without error
  labels: {category: availability}
  sli:
    events:
      error_query: sum(rate(http_request_duration_seconds_count{job="myservice",code=~"(5..|429)"}[{{.window}}]))
      total_query: sum(rate(http_request_duration_seconds_count{job="myservice"}[{{.window}}]))
  alerting:
    name: MyServiceHighErrorRate
    labels: {category: availability}
    annotations: {summary: "High error rate"}
    page_alert: {labels: {severity: pageteam}}
    ticket_alert: {disable: true}
- name: raw
  objective: 95
  sli: {raw: {error_ratio_query: "avg_over_time(broken[{{.window}}])"}}
"#;
    let [events, raw] = &good(text)[..] else { panic!("two") };
    assert_eq!(
        events.indicator.total,
        "sum(increase(http_request_duration_seconds_count{job=\"myservice\"}[5m]))"
    );
    assert_eq!(events.labels["owner"], "myteam");
    assert_eq!(events.labels["sloth_id"], "myservice-requests-availability");
    let alerts: Vec<_> = burn_alerts(events).collect();
    assert_eq!(alerts.len(), 2, "tickets are left out");
    assert_eq!(
        (alerts[0].labels["severity"].as_str(), alerts[0].labels["sloth_severity"].as_str()),
        ("pageteam", "page")
    );
    assert_eq!(raw.indicator.bad, "avg_over_time(broken[5m]) >= 0");
    let severities: Vec<_> = burn_alerts(raw).map(|alert| alert.labels["sloth_severity"].clone()).collect();
    assert_eq!(severities, ["page", "page", "ticket", "ticket"], "routes match them");
}

const SLO: &str = r"apiVersion: openslo/v1
kind: SLO
metadata: {name: latency, displayName: Quick, labels: {team: web}}
spec:
  service: shop
  indicatorRef: quick
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: BUDGETING
  objectives: [OBJECTIVE]
---
apiVersion: openslo/v1
kind: SLI
metadata: {name: quick}
spec:
  METRIC
";

const RATIO: &str = r#"ratioMetric: {counter: true, good: {metricSource: {type: Prometheus, spec: {query: 'b{le="1"}'}}}, total: {metricSource: {spec: {query: c}}}}"#;
const LEVEL: &str =
    "thresholdMetric: {metricSource: {metricSourceRef: here, type: Prometheus, spec: {query: max(lag)}}}";

fn open_slo(budgeting: &str, objective: &str, metric: &str) -> String {
    SLO.replace("BUDGETING", budgeting).replace("OBJECTIVE", objective).replace("METRIC", metric)
}

#[test]
fn openslo_in_all_its_ways_to_count() {
    let one = |budgeting, objective, metric| {
        let [slo] = &good(&open_slo(budgeting, objective, metric))[..] else { panic!("one") };
        (slo.indicator.bad.clone(), slo.indicator.total.clone())
    };
    let (bad, total) = one("Occurrences", "{target: 0.99}", RATIO);
    assert_eq!(total, "sum(increase(c[5m]))");
    assert!(bad.starts_with("clamp_min(sum(increase(c[5m])) - "), "{bad}");
    let (bad, _) = one("Timeslices", "{targetPercent: 99, timeSliceTarget: 0.9, timeSliceWindow: 1m}", RATIO);
    assert!(bad.contains("> bool 0.1)[5m:1m]"), "{bad}");
    let (_, total) = one("RatioTimeslices", "{target: 0.99}", RATIO);
    assert!(total.starts_with("sum(count_over_time(") && total.ends_with("[5m:1m]))"), "{total}");
    let (bad, total) = one("Occurrences", "{target: 0.99, op: lte, value: 5}", LEVEL);
    assert_eq!(
        (bad.as_str(), total.as_str()),
        ("sum(sum_over_time((max(lag) > bool 5)[5m:1m]))", "sum(count_over_time(max(lag)[5m:1m]))")
    );
    let (bad, _) = one("Timeslices", "{target: 0.99, timeSliceTarget: 1}", RATIO);
    assert!(bad.contains("> bool 0)"), "one bad event makes a slice bad: {bad}");
    let (bad, _) = one("Timeslices", "{target: 0.99, op: gt, value: 5, timeSliceTarget: 0.75}", LEVEL);
    assert_eq!(bad, "sum(sum_over_time((avg_over_time((max(lag) <= bool 5)[1m:15s]) > bool 0.25)[5m:1m]))");
    let raw = "ratioMetric: {raw: {metricSource: {spec: {query: up}}}, rawType: success}";
    assert_eq!(one("Occurrences", "{target: 0.99}", raw).0, "(1 - up) >= 0");
    let deltas =
        "ratioMetric: {bad: {metricSource: {spec: {query: b}}}, total: {metricSource: {spec: {query: c}}}}";
    assert_eq!(one("Occurrences", "{target: 0.99}", deltas).1, "sum(sum_over_time(c[5m]))");
    // Each target is an objective.
    let several = good(&open_slo(
        "Occurrences",
        "{displayName: Very quick, target: 0.5, op: lte, value: 1}, {target: 0.99, op: lte, value: 5}",
        LEVEL,
    ));
    let ids: Vec<String> = several.iter().map(Objective::id).collect();
    assert_eq!(ids, ["shop-latency-very-quick", "shop-latency-2"]);
}

#[test]
fn openslo_windows_of_the_calendar() {
    let window = |text: &str| {
        let all = open_slo("Occurrences", "{target: 0.99}", RATIO);
        let [slo] = &good(&all.replace("{duration: 28d, isRolling: true}", text))[..] else { panic!("one") };
        slo.window
    };
    let of = "calendar: {startTime: 2026-01-01 00:00:00, timeZone: UTC}";
    assert_eq!(
        window(&format!("{{duration: 1M, isRolling: false, {of}}}")),
        Window::Calendar(Calendar::Month)
    );
    assert_eq!(window(&format!("{{duration: 1Q, {of}}}")), Window::Calendar(Calendar::Quarter));
    let weeks = Calendar::Every { length_ms: 604_800_000, start_ms: 1_767_225_600_000 };
    assert_eq!(window(&format!("{{duration: 1w, {of}}}")), Window::Calendar(weeks));
}

#[test]
fn openslo_alert_policies() {
    let text = open_slo("Occurrences", "{target: 0.99}", RATIO)
        .replace("  service: shop\n", "  service: shop\n  alertPolicies: [{alertPolicyRef: fast}]\n")
        + r#"---
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: fast}
spec:
  alertWhenNoData: true
  conditions: [{conditionRef: burns}]
  notificationTargets: [{targetRef: on-call}]
---
apiVersion: openslo/v1
kind: AlertCondition
metadata: {name: burns}
spec: {severity: page, description: It burns, condition: {kind: burnrate, op: gte, threshold: 2, lookbackWindow: 1h, alertAfter: 5m}}
---
apiVersion: openslo/v1
kind: AlertNotificationTarget
metadata: {name: on-call}
spec: {target: slack}
---
apiVersion: openslo/v1
kind: Service
metadata: {name: shop}
spec: {description: The shop}
---
apiVersion: openslo/v1
kind: DataSource
metadata: {name: here}
spec: {type: Prometheus, connectionDetails: {url: "http://localhost:9090"}}
"#;
    let never = text.replace("threshold: 2", "threshold: .nan");
    let place = never.lines().enumerate().find_map(|(n, line)| Some((n + 1, line.find(".nan")? + 1)));
    let (line, column) = place.expect("it is there");
    refused(&never, &[&format!("{line}:{column} a speed is a number")]);
    let slos = good(&text);
    let [slo] = &slos[..] else { panic!("one") };
    let names: Vec<(String, String)> =
        rule_alerts(slo).into_iter().map(|alert| (alert.name, alert.severity)).collect();
    assert_eq!(
        names,
        [("burns".to_owned(), "page".to_owned()), ("LatencyNoData".to_owned(), "ticket".to_owned())]
    );
    let made = rules(&slos).to_yaml();
    for want in [
        "expr: slo:sli_error:ratio_rate1h{slo_id=\"shop-latency\"} >= 0.02\n",
        "for: 5m\n",
        "slo_notify: on-call\n",
        "description: It burns\n",
        "team: web\n",
    ] {
        assert!(made.contains(want), "{made}\nlacks {want}");
    }
}

#[test]
fn a_slower_alert_is_not_sent_beside_a_faster_one() {
    let grouped =
        "slo: {name: a, objective: 99, bad: sum by (route) (e_total), total: sum by (route) (t_total)}";
    let made = inhibit_rules(&good(grouped)).to_yaml();
    assert_eq!(made.matches("equal: [slo_id, route]").count(), 3, "{made}");
    assert!(made.contains("burn=~\"medium|slow|long\"") && made.contains("burn=~\"slow|long\""), "{made}");
}

#[test]
fn mistakes_are_told_with_place_and_remedy() {
    let own = |from: &str, to: &str| OWN.replace(from, to);
    refused(&own("objective: 99.9", "objective: 100"), &["4:14 such as 99.9"]);
    refused(
        "slo: {name: a, objective: 99, good: a, total: b, alerts: {fast: {labels: {burn: x}}}}",
        &["1:74 the label burn tells the alerts of objectives apart"],
    );
    refused(&own("  objective: 99.9\n", ""), &["2:3 field objective is missing"]);
    refused(&own("  total: http_requests_total\n", ""), &["2:3 field total is missing"]);
    refused(&own("window: 28d", "window: fortnight"), &["5:11 month, quarter or year"]);
    refused(&own("window: 28d", "window: 1m"), &["5:11 an hour at least"]);
    refused(
        &own("total: http_requests_total", "total: rate(http_requests_total[5m])"),
        &["7:10 where its window stands"],
    );
    refused(
        &own("total: http_requests_total", "total: http_requests_total{"),
        &["7:10 could not parse expression"],
    );
    refused(
        &own("total: http_requests_total", "total: sum by (x) (http_requests_total)"),
        &["7:10 group both by the same labels"],
    );
    refused(&own("good: ", "bad: x\n  good: "), &["2:3 leave out the others"]);
    refused(&own("team: web", "te-am: web"), &["2:3 invalid label name: te-am"]);
    refused(&own("min_events", "min_event"), &["9:3 did you mean \"min_events\"?"]);
    refused(&own("name: availability", "name: high availability"), &["2:9 is no name"]);
    refused(
        "slos: [{name: a, objective: 99, good: a, total: b}, {name: a, objective: 9, good: a, total: b}]",
        &["1:53 give this one another name"],
    );
    refused("groups: []", &["1:1 apiVersion: openslo/v1"]);
    refused(
        "apiVersion: sloth.slok.dev/v1\nkind: PrometheusServiceLevel\n",
        &["1:1 as the short form of Sloth"],
    );
    refused(
        "version: prometheus/v1\nservice: a\nslos:\n- {name: a, objective: 99, sli: {plugin: {id: x}}}\n- {name: b, objective: 99, sli: {events: {error_query: 'rate(x[5m])', total_query: 'rate({{.win}})'}}}\n",
        &["4:42 plugins of Sloth are not run", "5:56 where its window stands", "5:84 only {{.window}} does"],
    );
    let open = |budgeting, objective, metric, wanted: &[&str]| {
        refused(&open_slo(budgeting, objective, metric), wanted);
    };
    open("Sometimes", "{target: 0.99}", RATIO, &["8:20 Occurrences, Timeslices and RatioTimeslices"]);
    open("Timeslices", "{target: 0.99}", RATIO, &["9:16 timeSliceTarget"]);
    open("Timeslices", "{target: 0.99, timeSliceTarget: 1.1}", RATIO, &["9:48 above 0 and at most 1"]);
    open(
        "Timeslices",
        "{target: 0.99, timeSliceTarget: 0.9, timeSliceWindow: 2m}",
        RATIO,
        &["9:16 write 1m or 5m"],
    );
    open("Occurrences", "{target: 0.99}", LEVEL, &["9:16 needs `op` and `value`"]);
    open(
        "Occurrences",
        "{target: 0.99, compositeWeight: 2}",
        RATIO,
        &["9:48 composite SLOs are not supported"],
    );
    open(
        "Occurrences",
        "{target: 0.99}",
        &RATIO.replace("Prometheus", "Datadog"),
        &["15:60 only those of type Prometheus"],
    );
    let all = open_slo("Occurrences", "{target: 0.99}", RATIO);
    refused(&all.replace("indicatorRef: quick", "indicatorRef: quik"), &["6:17 did you mean \"quick\"?"]);
    refused(
        &all.replace(
            "{duration: 28d, isRolling: true}",
            "{duration: 1M, calendar: {startTime: 2026-01-01 00:00:00, timeZone: Europe/Paris}}",
        ),
        &["7:84 write UTC"],
    );
    refused(
        &all.replace(
            "{duration: 28d, isRolling: true}",
            "{duration: 1M, calendar: {startTime: 2026-01-02 00:00:00}}",
        ),
        &["7:16 first day at midnight UTC"],
    );
    refused(&all.replace("kind: SLI", "kind: Slice"), &["12:7 is no kind of OpenSLO v1"]);
    refused(
        &all.replace("openslo/v1\nkind: SLI", "openslo/v2alpha\nkind: SLI"),
        &["11:13 only version openslo/v1"],
    );
}

#[test]
fn no_two_rules_of_an_objective_write_the_same_series() {
    let own = |window: &str| OWN.replace("28d", window);
    let day = "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}\nspec:\n  indicator: {metadata: {name: b}, spec: {ratioMetric: {counter: true, bad: {metricSource: {spec: {query: b_total}}}, total: {metricSource: {spec: {query: t_total}}}}}}\n  timeWindow: [{duration: 1d, calendar: {startTime: '2026-01-01 00:00:00'}}]\n  budgetingMethod: Occurrences\n  objectives: [{target: 0.9}]\n";
    for (text, period) in [
        (own("28d"), "slo:sli_error:ratio_rate28d"),
        (own("1d"), "slo:sli_error:ratio_rate1d"),
        (own("6h"), "slo:sli_error:ratio_rate6h"),
        (day.to_owned(), "slo:sli_error:ratio_rateeach1d"),
    ] {
        let [(name, rules)] = &rule_files(&good(&text))[..] else { panic!("one file") };
        let file = RuleFile::parse(name, rules.as_bytes(), &RuleFileOptions::default()).expect("a rule file");
        let groups = file.groups.iter();
        let records = groups.flat_map(|group| &group.rules).filter(|rule| !rule.is_alerting());
        let mut names: Vec<&str> = records.map(|rule| rule.name()).collect();
        names.sort_unstable();
        assert!(names.contains(&period), "{names:?}");
        assert!(names.windows(2).all(|two| two[0] != two[1]), "{names:?}");
    }
}
