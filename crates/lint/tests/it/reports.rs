//! The same findings in every format.

use bellwether_lint::{Finding, Format, Options, Place, Report, Severity, Verdict};
use bellwether_model::MetricType;
use serde_json::{Map, Value, json};

use crate::file_findings;

const TEXT: &str = "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: rate(free_bytes[5m]) > 1\n    for: 1m\n    labels: {severity: page}\n    annotations: {summary: x}\n";

fn report() -> Report {
    let metric_types = [("free_bytes".to_owned(), MetricType::Gauge)].into();
    let findings = file_findings(TEXT, &Options { metric_types, ..Options::default() });
    Report { findings, texts: [("rules.yml".to_owned(), TEXT.to_owned())].into(), ..Report::default() }
}

#[test]
fn text_shows_the_line() {
    let want = "\
rules.yml:5:11: error: A: free_bytes is a gauge, and rate() takes every fall of it for a restart [rate-of-gauge]
  |
5 |     expr: rate(free_bytes[5m]) > 1
  |           ^^^^^^^^^^^^^^^^^^^^
  = use delta() or deriv(), or the gauge itself

1 error, 0 warnings, 0 infos
";
    assert_eq!(report().show(Format::Text), want);
}

#[test]
fn programs_read_the_place() {
    let json: Value = serde_json::from_str(&report().show(Format::Json)).expect("JSON");
    assert_eq!(json["valid"], false);
    let finding = &json["findings"][0];
    let place = ["line", "column", "endLine", "endColumn"].map(|field| finding[field].as_u64());
    assert_eq!(place, [5, 11, 5, 31].map(Some));
    assert_eq!((&finding["rule"], &finding["severity"]), (&"rate-of-gauge".into(), &"error".into()));
    assert_eq!((&finding["group"], &finding["name"]), (&"g".into(), &"A".into()));
}

#[test]
fn programs_read_what_else_is_known() {
    let mut report = report();
    report.findings[0].details = Map::from_iter([("defects".to_owned(), json!(["U6"]))]);
    report.demands = [("rate-of-gauge", "Of counters only.")].into();
    assert_eq!(report.to_json()["findings"][0]["defects"], json!(["U6"]));
    assert_eq!(report.to_json()["findings"][0]["line"], 5, "beside what each finding has");
    let sarif: Value = serde_json::from_str(&report.show(Format::Sarif)).expect("JSON");
    assert_eq!(sarif["runs"][0]["results"][0]["properties"], json!({"defects": ["U6"]}));
    let rule = &sarif["runs"][0]["tool"]["driver"]["rules"][0];
    assert_eq!(rule["shortDescription"]["text"], "Of counters only.");
}

#[test]
fn github_gets_one_line_with_everything_escaped() {
    let finding = Finding::new("for-missing", Severity::Info, Place::file("a,b:c.yml"), "50 %\nof it");
    let mut report = report();
    report.findings.push(finding);
    assert_eq!(
        report.show(Format::Github),
        "::error file=rules.yml,line=5,endLine=5,col=11,endColumn=31,title=rate-of-gauge::free_bytes is a gauge, and rate() takes every fall of it for a restart; use delta() or deriv(), or the gauge itself\n\
         ::notice file=a%2Cb%3Ac.yml,title=for-missing::50 %25%0Aof it\n"
    );
}

/// What the schema of SARIF 2.1.0 requires, object by object: `sarifLog`, `run`, `tool`, `toolComponent`, `reportingDescriptor`, `result`, `message`.
#[test]
fn sarif_has_what_its_schema_requires() {
    let mut report = report();
    report.findings.push(Finding { place: Place::file("a b.yml"), ..report.findings[0].clone() });
    let log: Value = serde_json::from_str(&report.show(Format::Sarif)).expect("JSON");
    assert_eq!(log["version"], "2.1.0");
    assert!(log["$schema"].as_str().is_some_and(|schema| schema.ends_with("/sarif-schema-2.1.0.json")));
    let [run] = log["runs"].as_array().expect("runs").as_slice() else { panic!("one run") };
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "bellwether");
    let rules = driver["rules"].as_array().expect("rules");
    assert!(rules.iter().all(|rule| rule["id"].is_string() && rule["shortDescription"]["text"].is_string()));
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    let results = run["results"].as_array().expect("results");
    assert_eq!(results.len(), 2);
    for result in results {
        assert!(result["message"]["text"].is_string(), "required of a result");
        assert!(["none", "note", "warning", "error"].contains(&result["level"].as_str().expect("a level")));
        let index = result["ruleIndex"].as_u64().expect("an index") as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
    }
    let region = &results[0]["locations"][0]["physicalLocation"]["region"];
    assert!(
        ["startLine", "startColumn", "endLine", "endColumn"].iter().all(|f| region[f].as_u64() >= Some(1)),
        "{region}"
    );
    let uri = &results[1]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(uri, "a%20b.yml", "a reference, not a path");
}

#[test]
fn the_verdict_depends_on_the_worst() {
    let with = |severity, refuses, is_strict| {
        let finding = Finding { severity, refuses, ..report().findings[0].clone() };
        Report { findings: vec![finding], is_strict, ..Report::default() }.verdict()
    };
    assert_eq!(Report::default().verdict(), Verdict::Good);
    assert_eq!(with(Severity::Info, false, false), Verdict::Good);
    assert_eq!(with(Severity::Info, false, true), Verdict::Findings);
    assert_eq!(with(Severity::Warning, false, false), Verdict::Findings);
    assert_eq!(with(Severity::Error, true, false), Verdict::Errors);
    assert_eq!([Verdict::Good, Verdict::Errors, Verdict::Findings].map(Verdict::exit_code), [0, 1, 3]);
}
